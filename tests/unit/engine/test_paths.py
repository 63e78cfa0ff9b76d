"""Paths: whatever somebody called a file, it comes back as it was, and nothing climbs."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine import paths

BYTES = st.binary(min_size=1, max_size=60).filter(lambda name: b"/" not in name and b"\0" not in name)
NAMES = BYTES.map(paths.decoded).filter(lambda name: name not in (".", ".."))


@given(st.lists(NAMES, max_size=6))
def test_a_path_of_any_bytes_comes_back_from_an_address(names: list[str]) -> None:
    path = "/" + "/".join(names)
    assert paths.normal(path) == path
    query = f"a=b&path={paths.quoted(path)}&page=2"
    query.encode("ascii")
    assert paths.from_query(query) == path
    assert [paths.name_of(step) for step in paths.steps(path)] == names


@given(st.text(max_size=80))
def test_what_is_normal_climbs_nowhere_and_stays_normal(raw: str) -> None:
    try:
        found = paths.normal(raw)
    except paths.BadPath:
        return
    assert found.startswith("/")
    assert not {"", ".", ".."} & set(found.split("/")[1:] if found != "/" else ())
    assert paths.normal(found) == found


@given(NAMES)
def test_what_is_shown_can_be_sent_and_does_nothing(name: str) -> None:
    shown = paths.shown(name)
    shown.encode("utf-8")
    assert not set(shown) & {"\n", "\r", "\x1b", "\u202e", "\0"}


@pytest.mark.parametrize("raw", ["../x", "/a/../b", "a\0b", "/" + "x" * 256, "/x" * 65, "/" + "é" * 128, "/.."])
def test_refused(raw: str) -> None:
    with pytest.raises(paths.BadPath):
        paths.normal(raw)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "\0"])
def test_no_name(name: str) -> None:
    with pytest.raises(paths.BadPath):
        paths.child("/a", name)


def test_too_many_parts_of_an_address_are_refused() -> None:
    with pytest.raises(paths.BadPath):
        paths.from_query(urlencode([("a", "b")] * 60))
