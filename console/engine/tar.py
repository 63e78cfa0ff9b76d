"""Tar streams as an engine gives and takes them: read piece by piece, nothing unpacked, nothing kept.

``tarfile`` keeps what a header announces before it can be refused; here headers have a bound, contents pass through.
Source: POSIX pax (ustar with extended headers), and the GNU long names that engines before 20.10 wrote.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from console.engine import paths
from console.engine.errors import Failed, Malformed

BLOCK: Final = 512
END: Final = b"\0" * 1024  # of every whole tar
LONGEST_HEADER: Final = 256 * 1024  # bytes of one extended header
FILE, FOLDER, LINK = "file", "folder", "link"
_KINDS: Final = {
    b"0": FILE,
    b"\0": FILE,
    b"7": FILE,
    b"1": "hard link",
    b"2": LINK,
    b"3": "character device",
    b"4": "block device",
    b"5": FOLDER,
    b"6": "pipe",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One member. ``name``, ``target`` (of links): see ``paths``; ``mode``: permissions with setuid, setgid, sticky."""

    name: str
    kind: str  # file, folder, link, hard link, pipe, character device, block device, other
    size: int  # bytes
    mode: int
    uid: int
    gid: int
    mtime: float  # seconds since 1970
    target: str = ""


class Reader:
    """Takes a tar in pieces of any length; gives entries, and after each the pieces of its content."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._left = 0  # bytes of content
        self._padding = 0
        self._extra: bytearray | None = None  # the extended header that is being read
        self._extra_kind = b""
        self._more: dict[str, bytes] = {}
        self.done = False  # its end was read: nothing is missing

    def feed(self, data: bytes) -> Iterator[Entry | memoryview]:
        """What ``data`` holds. Raises ``Malformed``."""
        view, at, end = memoryview(data), 0, len(data)
        while at < end and not self.done:
            if self._left:
                piece = view[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                if self._extra is None:
                    yield piece
                else:
                    self._extra += piece
                    if not self._left:
                        self._extended()
            elif self._padding:
                step = min(self._padding, end - at)
                at += step
                self._padding -= step
            else:
                piece = view[at : at + BLOCK - len(self._header)]
                at += len(piece)
                self._header += piece
                if len(self._header) == BLOCK:
                    block = bytes(self._header)
                    self._header.clear()
                    if (entry := self._entry(block)) is not None:
                        yield entry

    def _entry(self, block: bytes) -> Entry | None:
        if not any(block):
            self.done = True
            return None
        if _number(block[148:156]) != sum(block) - sum(block[148:156]) + 8 * 32:
            raise Malformed("The engine's archive cannot be read.")
        flag, size = block[156:157], _number(block[124:136])
        if size < 0:
            raise Malformed("The engine's archive cannot be read.")
        if flag in b"xgLK":
            if size > LONGEST_HEADER:
                raise Malformed("A header of the engine's archive is too large.")
            self._extra, self._extra_kind = bytearray(), flag
            self._expect(size)
            return None
        entry = self._with_more(_plain(block, flag, size))
        self._more = {}
        self._expect(entry.size if entry.kind in (FILE, "other") else 0)
        return entry

    def _expect(self, size: int) -> None:
        self._left, self._padding = size, -size % BLOCK
        if not size and self._extra is not None:
            self._extra = None

    def _extended(self) -> None:
        data = bytes(self._extra or b"")
        self._extra = None
        if self._extra_kind == b"L":
            self._more["path"] = data.rstrip(b"\0")
        elif self._extra_kind == b"K":
            self._more["linkpath"] = data.rstrip(b"\0")
        elif self._extra_kind == b"x":
            self._more |= _records(data)

    def _with_more(self, entry: Entry) -> Entry:
        more = self._more
        try:
            return replace(
                entry,
                name=paths.decoded(more["path"]) if "path" in more else entry.name,
                target=paths.decoded(more["linkpath"]) if "linkpath" in more else entry.target,
                size=_whole(more["size"]) if "size" in more else entry.size,
                uid=_whole(more["uid"]) if "uid" in more else entry.uid,
                gid=_whole(more["gid"]) if "gid" in more else entry.gid,
                mtime=float(more["mtime"]) if "mtime" in more else entry.mtime,
            )
        except ValueError as error:
            raise Malformed("The engine's archive cannot be read.") from error


def _plain(block: bytes, flag: bytes, size: int) -> Entry:
    name = block[:100].split(b"\0")[0]
    if block[257:263] == b"ustar\0" and (prefix := block[345:500].split(b"\0")[0]):
        name = prefix + b"/" + name
    return Entry(
        paths.decoded(name),
        _KINDS.get(flag, "other"),
        size,
        _number(block[100:108]) & 0o7777,
        _number(block[108:116]),
        _number(block[116:124]),
        float(_number(block[136:148])),
        paths.decoded(block[157:257].split(b"\0")[0]),
    )


def _number(field: bytes) -> int:
    """A number of a header: octal digits, or binary where the first bit is set. Raises ``Malformed``."""
    if field[0] & 0x80:
        value = int.from_bytes(field[1:], "big") if field[0] != 0xFF else int.from_bytes(field, "big", signed=True)
    else:
        try:
            value = int(field.strip(b" \0") or b"0", 8)
        except ValueError as error:
            raise Malformed("The engine's archive cannot be read.") from error
    if not -(2**62) < value < 2**62:
        raise Malformed("The engine's archive cannot be read.")
    return value


def _whole(value: bytes) -> int:
    if len(value) > 20 or not value.isdigit():
        raise ValueError(value)
    return int(value)


def _records(data: bytes) -> dict[str, bytes]:
    """The records of a pax header: "LENGTH KEY=VALUE\\n". Raises ``Malformed``."""
    found: dict[str, bytes] = {}
    while data:
        digits, space, _ = data.partition(b" ")
        length = int(digits) if space and digits.isdigit() and len(digits) < 8 else 0
        record, data = data[len(digits) + 1 : length - 1], data[length:]
        key, equals, value = record.partition(b"=")
        if not equals or length < len(digits) + 3:
            raise Malformed("A header of the engine's archive cannot be read.")
        found[key.decode("ascii", "replace")] = value
    return found


class Tail:
    """The last bytes of a tar. The engine ends its answer in order also when it could not read a file."""

    def __init__(self) -> None:
        self._last = b""

    def feed(self, data: bytes) -> None:
        """Some more bytes."""
        self._last = data[-1024:] if len(data) >= 1024 else (self._last + data)[-1024:]

    def check(self) -> None:
        """Raise ``Failed`` unless they are the end of a tar."""
        if self._last != END:
            raise Failed("The engine stopped in the middle of the files: its log says why.")


def header(entry: Entry) -> bytes:
    """The header of a file, folder or link, for an archive that the engine is given.

    It begins with an extended header, never with the name: by its first bytes the engine takes an archive for a packed
    one (a name can be those of xz), and before 29.5.1 it then runs the unpacker of the container (GHSA-x86f-5xw2-fm2r).
    """
    info = tarfile.TarInfo(entry.name)
    info.pax_headers = {"path": entry.name}
    info.type = {FILE: tarfile.REGTYPE, FOLDER: tarfile.DIRTYPE, LINK: tarfile.SYMTYPE}[entry.kind]
    info.size = entry.size if entry.kind == FILE else 0
    info.mode, info.uid, info.gid, info.mtime, info.linkname = (
        entry.mode,
        entry.uid,
        entry.gid,
        entry.mtime,
        entry.target,
    )
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def archive(entry: Entry, content: Iterable[bytes] = ()) -> Iterator[bytes]:
    """A tar of one entry. Raises ``ValueError`` when ``content`` is not as long as the entry says."""
    yield header(entry)
    left = entry.size if entry.kind == FILE else 0
    for piece in content:
        left -= len(piece)
        if left < 0:
            raise ValueError("the content is longer than its header says")
        if piece:
            yield piece
    if left:
        raise ValueError("the content is shorter than its header says")
    yield bytes(-entry.size % BLOCK if entry.kind == FILE else 0) + bytes(2 * BLOCK)
