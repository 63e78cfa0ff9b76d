"""What a page makes of files: text or not, pictures by their bytes, hostile names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine import paths, tar
from console.engine.archive import Listed, Stat
from console.engine.tar import Entry
from console.engine.types import FilesystemChange
from console.models import Engine
from console.pages import files
from console.reads.files import Found, Place

PLACE = Place(Engine(slug="here"), "volume", "vm1", "vm1")
FOLDER = Stat(tar.FOLDER, 4096, 0o755, "")


def entry(name: str, kind: str = tar.FILE, size: int = 1, mtime: float = 0.0) -> Entry:
    return Entry(name, kind, size, 0o644, 12, 34, mtime, "a" if kind == tar.LINK else "")


def browser(*entries: Entry, path: str = "/", sort: str = "", page: str = "") -> files.Browser:
    return files.Browser(PLACE, Found(path, FOLDER, path, Listed(entries, True)), sort, page)


def test_text_only_when_it_is() -> None:
    assert files.text_of("caf\u00e9\n".encode(), True) == "caf\u00e9\n"
    assert files.text_of(b"a\0b", True) is None
    assert files.text_of(b"\xff\xfe", True) is None
    assert files.text_of("\u20ac".encode()[:2], False) == ""
    assert files.text_of("\u20ac".encode()[:2], True) is None
    assert files.text_of(b"\x1b[31mred", True) == "\u241b[31mred"


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"<html>", b"", b"RIFFxxxxWAVE", b"%PDF-1.4"])
def test_only_bitmaps_are_pictures(content: bytes) -> None:
    assert files.picture_type(content) == ""


def test_folders_first_then_what_was_asked() -> None:
    some = (entry("b", size=3), entry("a", size=9), entry("z", tar.FOLDER))
    assert [row.name for row in browser(*some).rows] == ["z", "a", "b"]
    assert [row.name for row in browser(*some, sort="-size").rows] == ["a", "b", "z"]
    assert [row.name for row in browser(*some, sort="nonsense").rows] == ["z", "a", "b"]


def test_paged_at_200_and_the_opened_one_is_on_its_page() -> None:
    some = tuple(entry(f"f{number:04}") for number in range(450))
    assert len(browser(*some).rows) == 200
    opened = files.Browser(PLACE, Found("/f0401", Stat(tar.FILE, 1, 0o644, ""), "/", Listed(some, True)))
    assert opened.page.number == 3
    assert [row.name for row in opened.rows if row.current] == ["f0401"]


@given(st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_a_name_of_any_bytes_is_shown_and_reached(name: bytes) -> None:
    given_name = paths.decoded(name)
    if given_name in (".", ".."):
        return
    (row,) = browser(entry(given_name)).rows
    f"{row.name}{row.target}".encode()
    assert paths.from_query(row.href.partition("?")[2]) == f"/{given_name}"


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 0o7777))
def test_any_time_and_mode(mtime: float, mode: int) -> None:
    files.moment_of(mtime)
    assert len(files.mode_of("file", mode)) == 10


def test_a_list_that_is_not_whole_says_so() -> None:
    found = Found("/", FOLDER, "/", Listed((entry("a"),), False, "Because."))
    shown = files.Browser(PLACE, found)
    assert "Because." in shown.partly
    assert "or more" in shown.count


@pytest.mark.parametrize("leads", ["", "/x"])
def test_only_a_link_that_stays_inside_is_an_address(leads: str) -> None:
    found = Found("/l", Stat(tar.LINK, 1, 0o777, "", leads), "/", Listed((entry("l", tar.LINK),), True))
    opened = files.Browser(PLACE, found).opened
    assert opened is not None
    assert (opened["target"], bool(opened["leads"])) == ("a", bool(leads))


def test_only_what_a_container_alone_holds_is_said_to_be_lost() -> None:
    place = Place(Engine(slug="here"), "container", "0" * 64, "web")
    for folder, lost in (("/etc", True), ("/data", False), ("/data/a", False), ("/database", True)):
        shown = files.Browser(place, Found(folder, FOLDER, folder, Listed((), True)))
        shown.may_change, shown.mounts = True, {"/data": ""}
        assert bool(shown.lost) == lost, folder
    assert not browser(entry("a")).lost


def test_what_a_stopped_container_can_do_is_offered_and_the_rest_is_told() -> None:
    place = Place(Engine(slug="here"), "container", "0" * 64, "web")

    def shown(path: str, runs: bool) -> files.Browser:
        made = files.Browser(place, Found(path, FOLDER, path, Listed((), True)))
        made.may_change, made.runs = True, runs
        made.mounts = {"/v": "vm1", "/v/ro": "", "/b": ""}
        return made

    for path, offered in (("/v/a", True), ("/v", False), ("/v/ro/x", False), ("/b/x", False), ("/etc", False)):
        stopped = shown(path, False)
        assert (bool(stopped.folder_actions), stopped.stopped) == (offered, not offered), path
        assert shown(path, True).folder_actions
        assert not shown(path, True).stopped
    command = shown("/v/a", False).folder_actions[1]["command"]
    assert (
        command
        == "docker container run --rm --network none --mount type=volume,src=vm1,target=/v busybox rm -rf -- /v/a"
    )
    assert shown("/v/a", True).folder_actions[1]["command"] == "docker container exec --user 0 web rm -rf -- /v/a"
    assert not shown("/", False).stopped


def test_names_with_a_dot_are_hidden_when_asked_and_the_opened_one_stays() -> None:
    some = (entry(".a"), entry("b"), entry(".c"))
    shown = browser(*some)
    assert shown.hidden == {"label": "Hide hidden files", "href": "/e/here/volumes/vm1/files?path=/&hide=1"}
    opened = files.Browser(PLACE, Found("/.c", Stat(tar.FILE, 1, 0o644, ""), "/", Listed(some, True)))
    opened.hide = True
    assert [row.name for row in opened.rows] == [".c", "b"]
    assert opened.hidden == {"label": "Show hidden files (2)", "href": "/e/here/volumes/vm1/files?path=/.c"}
    assert all("hide=1" in row.href for row in opened.rows)
    assert browser(entry("b")).hidden is None


def test_since_start_is_what_the_container_changed() -> None:
    changes = [
        FilesystemChange(path, kind)
        for path, kind in (
            ("/etc", "modified"), ("/etc/new", "added"), ("/etc/old", "modified"), ("/etc/d", "modified"),
            ("/etc/d/x", "added"), ("/etc/d/y", "added"), ("/etc/d/z", "deleted"), ("/etcetera", "added"),
        )
    ]  # fmt: skip
    names = ["new", "old", "d", "still", "m", "in\x1b"]
    told = files.since(changes, "/etc", names, {"/etc/m": "vm1"})
    assert told == {
        "new": "added", "old": "changed", "d": "2 added, 1 deleted", "still": "from image", "m": "mount",
        "in\x1b": "from image",
    }  # fmt: skip
    assert files.since(changes, "/", ["etc"], {}) == {"etc": "3 added, 1 changed, 1 deleted"}
    assert files.since(changes, "/m", ["x"], {"/m": ""}) == {"x": "mount"}
    assert browser(entry("b")).since is None
