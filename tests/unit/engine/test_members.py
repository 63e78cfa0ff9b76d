"""A tar of somebody rewritten below one folder: what stays, what is refused, and that memory stays flat."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine import members
from console.engine.members import BadArchive, Told, rewritten


def packed(*entries: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> io.BytesIO:
    out = io.BytesIO()
    made: Any
    with tarfile.open(fileobj=out, mode=mode, format=tarfile.PAX_FORMAT) as made:  # type: ignore[call-overload]
        for entry, content in entries:
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return io.BytesIO(out.getvalue())


def entry(name: str, type_: bytes = tarfile.REGTYPE, **more: Any) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type = type_
    for key, value in more.items():
        setattr(found, key, value)
    return found


def unpacked(archive: io.BytesIO, told: Told | None = None) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(b"".join(rewritten(archive, "volume", told or Told()))))


def test_all_that_a_file_is_stays() -> None:
    archive = packed(
        (entry("./", tarfile.DIRTYPE, mode=0o1711, mtime=5), b""),
        (entry("./a\nb", mode=0o4755, uid=1000, gid=33, mtime=1.5, pax_headers={"SCHILY.xattr.user.x": "y"}), b"hello"),
        (entry("./hard", tarfile.LNKTYPE, linkname="./a\nb", mode=0o4755), b""),
        (entry("away", tarfile.SYMTYPE, linkname="../../etc/shadow"), b""),
        (entry("pipe", tarfile.FIFOTYPE), b""),
        mode="w:gz",
    )
    told = Told()
    with unpacked(archive, told) as found:
        top, file, hard, link, pipe = found.getmembers()
        assert (top.name, top.mode, top.mtime) == ("volume", 0o1711, 5)
        assert (file.name, file.mode, file.uid, file.gid, file.mtime) == ("volume/a\nb", 0o4755, 1000, 33, 1.5)
        assert file.pax_headers["SCHILY.xattr.user.x"] == "y"
        assert found.extractfile(file).read() == b"hello"  # type: ignore[union-attr]
        assert (hard.islnk(), hard.linkname) == (True, "volume/a\nb")
        assert (link.name, link.linkname) == ("volume/away", "../../etc/shadow")
        assert pipe.isfifo()
    assert told == Told(5, 5, 0)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "..", "/../x"])
def test_what_climbs_is_refused(name: str) -> None:
    with pytest.raises(BadArchive, match="climbs"):
        unpacked(packed((entry(name), b"x")))
    with pytest.raises(BadArchive, match="climbs"):
        unpacked(packed((entry("h", tarfile.LNKTYPE, linkname=name), b"")))


def test_devices_are_left_out_and_a_root_is_cut() -> None:
    told = Told()
    with unpacked(packed((entry("/abs//./x"), b"1"), (entry("sda", tarfile.BLKTYPE), b"")), told) as found:
        assert found.getnames() == ["volume/abs/x"]
    assert told.left_out == 1


@given(st.binary(max_size=3000))
def test_no_bytes_are_a_fault(content: bytes) -> None:
    for archive in (content, gzip.compress(content), b"\x1f\x8b" + content):
        try:
            b"".join(rewritten(io.BytesIO(archive), "volume", Told()))
        except BadArchive:
            continue


@given(st.integers(1, 6000))
def test_one_that_is_cut_is_refused_or_whole(length: int) -> None:
    whole = packed((entry("a"), b"x" * 2000), (entry("b"), b"y" * 2000)).getvalue()
    told = Told()
    try:
        b"".join(rewritten(io.BytesIO(whole[:length]), "volume", told))
    except BadArchive:
        return
    assert told.size in {0, 2000, 4000}  # never a part of a file


def test_heads_are_no_bomb() -> None:
    bomb = packed((entry("x" * (members.HEAD + 1000)), b""))
    with pytest.raises(BadArchive, match="larger than any file system"):
        unpacked(io.BytesIO(gzip.compress(bomb.getvalue())))


def test_many_members_are_not_remembered() -> None:
    import tracemalloc

    archive = packed(*((entry(f"f{n}"), b"") for n in range(5000)))
    tracemalloc.start()
    for _ in rewritten(archive, "volume", Told()):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("name", ["BZh91AY&SY", "\x1f\udc8b\x08", "\udcfd7zXZ"])
def test_no_name_makes_what_the_engine_gets_look_packed(name: str) -> None:
    made = b"".join(rewritten(packed((entry(name), b"")), "volume", Told()))
    assert made.startswith((b"volume/", b"././@PaxHeader\0"))
    packed_again = b"".join(rewritten(packed((entry(name), b""), mode="w:gz"), "volume", Told()))
    assert packed_again == made, "it is never passed on as it was packed"
