"""A tar of somebody, rewritten while it is read, so that all of it lands below one folder. Nothing is unpacked here.

Names are cut to what lies below the archive's own top; a member that climbs is refused, devices are left out. Owners,
modes, times, links and extended attributes stay. Only one member's head is held at a time, with a bound.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

HEAD: Final = 1024 * 1024  # bytes of one member's head, with its extended names and attributes
READ: Final = 256 * 1024
MOST_MEMBERS: Final = 20_000_000
BROKEN: Final = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, ArithmeticError)
_KEPT: Final = "SCHILY.xattr."


class BadArchive(ValueError):
    """An archive that is not used; the message is a sentence for the person."""


@dataclass(slots=True)
class Told:
    """How far it is, and what was left out."""

    members: int = 0
    size: int = 0
    left_out: int = 0


class _Guard:
    """What an archive unpacks to. While a head is read there is a limit: ``tarfile`` reads heads whole."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.left: int | None = None

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes. Raises ``BadArchive`` at the limit."""
        data: bytes = self._inner.read(min(size, READ))
        if self.left is not None:
            self.left -= len(data)
            if self.left < 0:
                raise BadArchive("A name or an attribute in it is larger than any file system allows.")
        return data


def rewritten(archive: IO[bytes], top: str, told: Told) -> Iterator[bytes]:
    """The members of a tar or tar.gz as a tar of ``top/…``, in parts. Raises ``BadArchive``."""
    try:
        yield from _rewritten(archive, top, told)
    except BadArchive:
        raise
    except BROKEN as error:
        where = f" after {told.members:,} of its files" if told.members else ""
        raise BadArchive(f"It is no tar or tar.gz that can be read to its end: it breaks{where}.") from error


def _rewritten(archive: IO[bytes], top: str, told: Told) -> Iterator[bytes]:
    packed = archive.read(2) == b"\x1f\x8b"
    archive.seek(0)
    guard = _Guard(gzip.GzipFile(fileobj=archive) if packed else archive)
    stream: Any = guard
    guard.left = HEAD
    found: Any
    with tarfile.open(fileobj=stream, mode="r|", bufsize=READ) as found:
        while (member := found.next()) is not None:
            guard.left = None
            found.members = []  # else it remembers all of them
            told.members += 1
            if told.members > MOST_MEMBERS:
                raise BadArchive(f"It has more than {MOST_MEMBERS:,} members.")
            if fitted := _fitted(member, top):
                yield fitted.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
                if member.isfile():
                    yield from _content(found, member, told)
            else:
                told.left_out += 1
            guard.left = HEAD + READ
    yield b"\0" * tarfile.RECORDSIZE


def _content(found: tarfile.TarFile, member: tarfile.TarInfo, told: Told) -> Iterator[bytes]:
    content = found.extractfile(member)
    left = member.size
    while content is not None and left:
        data = content.read(min(READ, left))
        if not data:
            raise BadArchive(f"It ends in the middle of “{_shown(member.name)}”.")
        left -= len(data)
        told.size += len(data)
        yield data
    yield b"\0" * (-member.size % tarfile.BLOCKSIZE)


def _fitted(member: tarfile.TarInfo, top: str) -> tarfile.TarInfo | None:
    """The same member below ``top``; None for what is left out. Raises ``BadArchive``."""
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk() or member.isfifo()):
        return None
    fitted = tarfile.TarInfo(_below(member.name, top))
    fitted.mode, fitted.mtime = member.mode & 0o7777, member.mtime
    fitted.uid, fitted.gid = member.uid, member.gid  # without names: those of another machine mean nothing
    fitted.type = tarfile.REGTYPE if member.isfile() else member.type
    fitted.size = member.size if member.isfile() else 0
    if member.islnk():
        fitted.linkname = _below(member.linkname, top)
    elif member.issym():
        fitted.linkname = _whole(member.linkname)
    fitted.pax_headers = {name: value for name, value in member.pax_headers.items() if name.startswith(_KEPT)}
    return fitted


def _whole(name: str) -> str:
    """``name``; a header would end at a NUL in it, and be another name than the one that was looked at."""
    if "\0" in name:
        raise BadArchive(f"“{_shown(name)}” is no name: it has a NUL in it.")
    return name


def _below(name: str, top: str) -> str:
    parts = [part for part in _whole(name).split("/") if part not in {"", "."}]
    if ".." in parts:
        raise BadArchive(f"“{_shown(name)}” climbs out of the archive.")
    return "/".join([top, *parts])


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() else "␣" for letter in name)[:80]
