"""Reading and writing tars: the same as ``tarfile`` in any chunking, and bounded whatever comes."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine import tar
from console.engine.errors import Malformed

NAMES = [
    "plain",
    "with\nnewline",
    "<b>html</b>",
    "\x1b[31m",
    "caf\u00e9",
    "bad\udcff",
    "long" * 60,
    "deep/" * 40 + "x",
    "\u202eabc",
]


def made(form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, errors="surrogateescape") as target:
        for number, name in enumerate(NAMES):
            info = tarfile.TarInfo(name)
            info.size, info.uid, info.gid = number * 300, 1000, 70_000_000
            info.mode, info.mtime = 0o4755, 1_700_000_000
            target.addfile(info, io.BytesIO(bytes([number]) * info.size))
        for kind, name in (
            (tarfile.SYMTYPE, "l"),
            (tarfile.LNKTYPE, "h"),
            (tarfile.DIRTYPE, "d"),
            (tarfile.FIFOTYPE, "p"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "plain" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            target.addfile(info)
    return out.getvalue()


def read(parts: Iterable[bytes]) -> tuple[list[tuple[tar.Entry, bytes]], bool]:
    reader, found = tar.Reader(), []
    for part in parts:
        for piece in reader.feed(part):
            if isinstance(piece, tar.Entry):
                found.append((piece, b""))
            else:
                found[-1] = (found[-1][0], found[-1][1] + bytes(piece))
    return found, reader.done


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("step", [1, 7, 511, 512, 513, 65_536])
def test_equals_tarfile_in_any_chunking(form: int, step: int) -> None:
    data = made(form)
    found, done = read(data[at : at + step] for at in range(0, len(data), step))
    assert done
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as other:
        members = other.getmembers()
        assert [entry.name.rstrip("/") for entry, _ in found] == [member.name for member in members]
        for (entry, content), member in zip(found, members, strict=True):
            assert (entry.mode, entry.uid, entry.gid, entry.mtime) == (
                member.mode,
                member.uid,
                member.gid,
                member.mtime,
            )
            if member.isreg():
                assert content == bytes([NAMES.index(entry.name)]) * member.size
    assert [entry.kind for entry, _ in found[-4:]] == ["link", "hard link", "folder", "pipe"]


@given(st.binary(max_size=4000), st.integers(1, 700))
def test_rubbish_is_refused_or_ignored(data: bytes, step: int) -> None:
    try:
        read(data[at : at + step] for at in range(0, len(data), step))
    except Malformed:
        return


@given(st.randoms(use_true_random=False))
def test_a_damaged_archive_is_refused_or_read(rand: random.Random) -> None:
    data = bytearray(made())
    for _ in range(3):
        data[rand.randrange(len(data))] = rand.randrange(256)
    try:
        read([bytes(data)])
    except Malformed:
        return


def test_a_header_that_announces_gigabytes_is_refused_at_once() -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 8 * 1024**3 - 1
    with pytest.raises(Malformed):
        read([info.tobuf(tarfile.USTAR_FORMAT)])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_reads_the_same(name: str) -> None:
    entry = tar.Entry(name, tar.FILE, 1000, 0o640, 5, 6, 7.0)
    found, done = read(tar.archive(entry, [b"a" * 400, b"b" * 600]))
    assert found == [(entry, b"a" * 400 + b"b" * 600)]
    assert done


@pytest.mark.parametrize("content", [[b"a" * 9], [b"a" * 11], []])
def test_content_of_another_length_is_not_written(content: list[bytes]) -> None:
    with pytest.raises(ValueError, match="than its header says"):
        list(tar.archive(tar.Entry("x", tar.FILE, 10, 0o640, 0, 0, 0.0), content))


@pytest.mark.parametrize("name", ["BZh91AY&SY", "\x1f\udc8b\x08", "\udcfd7zXZ", "(\udcb5/\udcfd", "x", "n" * 300])
@pytest.mark.parametrize("kind", [tar.FILE, tar.FOLDER])
def test_no_name_makes_an_archive_look_packed(name: str, kind: str) -> None:
    """An engine before 29.5.1 would run an unpacker of the container, as root of its host."""
    entry = tar.Entry(name, kind, 0, 0o640, 5, 6, 7)
    made = b"".join(tar.archive(entry))
    assert made.startswith(b"././@PaxHeader\0")
    assert read([made])[0] == [(entry, b"")]
