"""More than 200 hostile archives: as what somebody restores, and as what an engine answers."""

from __future__ import annotations

import io
import tarfile
import tracemalloc

import pytest

from console.engine import archive, tar
from console.engine.errors import Malformed
from console.engine.members import BadArchive, Told, rewritten
from tests import hostile
from tests.hostile import MEMBERS, Member

TOP = "quarterdeck-volume"
ALLOWED = {tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE}


def below(name: str) -> bool:
    """Whether a name stays in the volume whatever unpacks it: a link's own target is the engine's to confine."""
    parts = name.split("/")
    return parts[0] == TOP and ".." not in parts


def restored(member: Member) -> tuple[bytes, str]:
    """What the engine would be given, or why not."""
    try:
        return b"".join(rewritten(io.BytesIO(hostile.archive(member)), TOP, Told())), ""
    except BadArchive as refused:
        return b"", str(refused)


def test_there_are_enough_of_them() -> None:
    assert len(MEMBERS) >= 200
    assert len({member.blocks for member in MEMBERS}) >= 200
    assert len(hostile.NAMES) >= 60


@pytest.mark.parametrize("member", MEMBERS, ids=range(len(MEMBERS)))
def test_restored_all_lands_below_the_volume_or_nothing_does(member: Member) -> None:
    tracemalloc.start()
    made, said = restored(member)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 1024 * 1024, member.title
    assert said.isprintable(), member.title
    if said:
        return
    with tarfile.open(fileobj=io.BytesIO(made)) as found:
        for entry in found:
            assert entry.type in ALLOWED, member.title
            assert below(entry.name), member.title
            assert not entry.islnk() or below(entry.linkname), member.title
            assert entry.mode <= 0o7777, member.title


@pytest.mark.parametrize("member", MEMBERS, ids=range(len(MEMBERS)))
@pytest.mark.parametrize("step", [7, 1 << 20])
def test_told_by_an_engine_a_list_has_names_of_that_folder_only(member: Member, step: int) -> None:
    data = tar.header(tar.Entry("shown", tar.FOLDER, 0, 0o755, 0, 0, 0.0)) + hostile.archive(member)
    folder = archive._Folder(100)
    try:
        for at in range(0, len(data), step):
            folder.feed(data[at : at + step])
    except Malformed:
        return
    for entry in folder.listed().entries:
        assert "/" not in entry.name, member.title
        assert entry.size >= 0, member.title
