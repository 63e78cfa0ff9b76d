"""Files that are sent in pieces: whose they are, where a piece belongs, limits, and what is forgotten."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from console.models import User
from console.operations import uploads
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def mika(settings: Any, tmp_path: Path) -> User:
    settings.DATA_DIR = tmp_path
    return factories.user("mika")


def test_pieces_make_the_file_and_only_its_owner_has_it(mika: User) -> None:
    token = uploads.begin(mika, 5)
    assert uploads.append(mika, token, 0, b"abc") == 3
    assert uploads.append(mika, token, 3, b"de") == 5
    with pytest.raises(uploads.NotKept) as wrong:
        uploads.append(mika, token, 3, b"de")  # the answer to it was lost
    assert wrong.value.at == 5
    with pytest.raises(uploads.NotKept, match="no longer kept"):
        uploads.append(factories.user("other"), token, 5, b"f")
    file = uploads.opened(mika.pk, token)
    assert file is not None
    with file:
        assert file.read() == b"abcde"
    assert uploads.size_of(mika.pk, token) == 5
    uploads.forget(mika.pk, token)
    assert uploads.opened(mika.pk, token) is None


def test_an_empty_file_is_one(mika: User) -> None:
    token = uploads.begin(mika, 0)
    file = uploads.opened(mika.pk, token)
    assert file is not None
    with file:
        assert file.read() == b""
    uploads.forget(mika.pk, token)


@pytest.mark.parametrize("token", ["", "../../x", "a" * 31, "A" * 32])
def test_a_token_is_no_path(token: str, mika: User) -> None:
    assert uploads.opened(mika.pk, token) is None
    assert uploads.size_of(mika.pk, token) == 0
    uploads.forget(mika.pk, token)
    with pytest.raises(uploads.NotKept):
        uploads.append(mika, token, 0, b"x")


def test_limits(mika: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (-1, uploads.LARGEST + 1):
        with pytest.raises(uploads.NotKept, match="GiB"):
            uploads.begin(mika, size)
    token = uploads.begin(mika, 5)
    with pytest.raises(uploads.NotKept, match="too large"):
        uploads.append(mika, token, 0, b"x" * (uploads.PIECE + 1))
    for _ in range(uploads.MOST_OPEN - 1):
        uploads.begin(mika, 5)
    with pytest.raises(uploads.NotKept, match="wait already"):
        uploads.begin(mika, 5)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 10))
    with pytest.raises(uploads.NotKept, match="room"):
        uploads.begin(factories.user("other"), 5)
    with pytest.raises(uploads.NotKept, match="full"):
        uploads.append(mika, token, 0, b"x")


def test_what_nobody_needs_is_forgotten(mika: User, tmp_path: Path) -> None:
    kept, wanted, old = (uploads.begin(mika, 5) for _ in range(3))
    factories.operation(factories.engine(), mika, "volume.restore", "data", state="queued", params={"upload": wanted})
    for token in (wanted, old):
        os.utime(tmp_path / "spool" / "uploads" / f"{mika.pk}-{token}.up", (time.time() - 2 * uploads.OLD,) * 2)
    assert uploads.sweep() == 1
    left = {path.stem.partition("-")[2] for path in (tmp_path / "spool" / "uploads").glob("*")}
    assert left == {kept, wanted}


def test_all_files_of_a_person_together_have_a_limit(mika: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_KEPT", 10)
    first, second = uploads.begin(mika, 6), uploads.begin(mika, 6)
    uploads.append(mika, first, 0, b"abcdef")
    with pytest.raises(uploads.NotKept, match="together"):
        uploads.append(mika, second, 0, b"abcdef")
    with pytest.raises(uploads.NotKept, match="together"):
        uploads.begin(mika, 5)
    uploads.append(factories.user("other"), uploads.begin(User.objects.get(username="other"), 6), 0, b"abcdef")
    uploads.forget(mika.pk, first)
    assert uploads.append(mika, second, 0, b"abcdef") == 6
