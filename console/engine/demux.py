"""From the bytes of a log or attach stream to lines, whatever the chunking.

Two framings (Docker Engine API, ``POST /containers/{id}/attach``, "Stream format"): a container without a TTY gets
frames of an eight byte header (stream type, three zero bytes, big-endian length) and a payload; one with a TTY gets
raw bytes. The log drivers cut lines at 16 KiB: every part is a frame of its own, only the last ends with a newline, and
with ``timestamps=1`` engines put a time in front of every part, not only of the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from console.engine.errors import Malformed
from console.engine.wire import Chunked

Stream = Literal["stdin", "stdout", "stderr"]
STREAMS: Final[tuple[Stream, ...]] = ("stdin", "stdout", "stderr")
HEADER: Final = 8  # bytes
LARGEST_FRAME: Final = 64 * 1024 * 1024  # bytes: a larger length is garbage, not a frame
LINE_CAP: Final = 1024 * 1024  # bytes of one line that are kept; the rest is counted
PART: Final = 16 * 1024  # bytes after which log drivers cut a line
# RFC 3339 with nanoseconds as engines print it, then one space: 2024-05-01T10:00:00.123456789Z
STAMP: Final = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ")
LONGEST_STAMP: Final = 36  # bytes, with the space
MOST_HEADS: Final = 4096  # that are kept as understood
STAMPED: Final = 31  # bytes of a time in UTC with all its digits, with the space


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of one stream; ``first`` says that a frame begins with them (never so for raw streams)."""

    stream: Stream
    data: bytes
    first: bool = False


class Line(NamedTuple):
    """One line without its newline. A tuple, for logs are made of hundreds of thousands a second.

    ``time_ns``: the engine's time of the line (of its last part), nanoseconds since 1970, 0 without timestamps.
    ``cut``: bytes beyond ``LINE_CAP`` that were dropped. ``ended``: False for what stands at the end of a stream
    without a newline.
    """

    stream: Stream
    data: bytes
    time_ns: int = 0
    cut: int = 0
    ended: bool = True


class FrameParser:
    """Takes a multiplexed stream in any chunking and gives its payload in order.

    Payloads are handed on as they come: a frame of any length costs no memory. Raises ``Malformed`` on a header that no
    engine sends, rather than showing garbage.
    """

    def __init__(self) -> None:
        self._header = bytearray()
        self._stream: Stream = "stdout"
        self._left = 0
        self._first = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """The payloads that ``data`` begins, continues or completes."""
        at = 0
        while at < len(data):
            if self._left == 0:
                part = data[at : at + HEADER - len(self._header)]
                self._header += part
                at += len(part)
                if len(self._header) == HEADER:
                    self._open()
                continue
            part = data[at : at + self._left]
            at += len(part)
            self._left -= len(part)
            yield Chunk(self._stream, part, self._first)
            self._first = False

    def _open(self) -> None:
        kind, length = self._header[0], int.from_bytes(self._header[4:8], "big")
        if kind >= len(STREAMS) or any(self._header[1:4]) or length > LARGEST_FRAME:
            raise Malformed(f"not the header of a frame: {self._header.hex()}")
        self._header.clear()
        self._stream, self._left, self._first = STREAMS[kind], length, True

    @property
    def between_frames(self) -> bool:
        """Whether nothing is lost if the stream ends here."""
        return self._left == 0 and not self._header

    @property
    def missing(self) -> int:
        """How many bytes of the open frame, or of its header, are still to come."""
        return self._left or HEADER - len(self._header)


class LineAssembler:
    """Joins the chunks of one container's log to lines, a buffer per stream.

    ``timestamps``: the stream was asked with ``timestamps=1``. ``framed``: chunks come from a ``FrameParser`` (a time
    stands at the beginning of every frame); otherwise raw (a time stands at the beginning of every line and where the
    driver cut one).
    """

    def __init__(self, *, timestamps: bool, framed: bool) -> None:
        self._timestamps = timestamps
        self._framed = framed
        self._open: dict[Stream, _OpenLine] = {}

    def feed(self, chunk: Chunk) -> Iterator[Line]:
        """The lines that ``chunk`` completes."""
        line = self._open.get(chunk.stream)
        if line is None:
            line = self._open[chunk.stream] = _OpenLine(expect=self._timestamps, framed=self._framed)
        elif chunk.first and self._timestamps and self._framed:
            line.expect_stamp()
        data = chunk.data
        while data:
            data = line.take_stamp(data)
            if line.waiting:
                return
            if not self._framed and self._timestamps:
                room = PART - line.since_stamp
                piece, newline, rest = self._split(data, room)
            else:
                piece, newline, rest = self._split(data, len(data))
            line.add(piece)
            data = rest
            if newline:
                yield line.finish(chunk.stream, ended=True)
                line = self._open[chunk.stream] = _OpenLine(expect=self._timestamps, framed=self._framed)
            elif not self._framed and self._timestamps and line.since_stamp == PART:
                line.expect_stamp()

    @staticmethod
    def _split(data: bytes, room: int) -> tuple[bytes, bool, bytes]:
        end = data.find(b"\n", 0, room + 1)
        if end >= 0:
            return data[:end], True, data[end + 1 :]
        return data[:room], False, data[room:]

    def is_open(self, stream: Stream) -> bool:
        """Whether a line of the stream has begun and not ended."""
        line = self._open.get(stream)
        return line is not None and not line.empty

    def pending(self) -> Iterator[Line]:
        """What stands in the buffers without a newline, taken out: at the end of a stream."""
        for stream, line in self._open.items():
            if not line.empty:
                yield line.finish(stream, ended=False)
        self._open.clear()


class LineReader:
    """From the bytes of a log to lines; ``timestamps``, ``framed`` as for ``LineAssembler``.

    Does what a ``FrameParser`` and a ``LineAssembler`` do together. Nearly every frame is one whole line with its time,
    and engines send each in a chunk of its own: runs of those are read by one expression, in a fifth of the time.
    """

    def __init__(self, *, framed: bool, timestamps: bool = True) -> None:
        self._parser = FrameParser() if framed else None
        self._assembler = LineAssembler(timestamps=timestamps, framed=framed)
        self._timestamps = timestamps
        self._frames, self._chunks = _Frames(), _Chunks()

    def feed(self, data: bytes) -> list[Line]:
        """The lines that ``data`` completes. Raises ``Malformed``."""
        found: list[Line] = []
        parser = self._parser
        if parser is None:
            found += self._assembler.feed(Chunk("stdout", data))
            return found
        at = 0
        while at < len(data):
            take = parser.missing
            if parser.between_frames:
                at = self._whole_lines(_FRAMES, self._frames, data, at, found) if self._timestamps else at
                if len(data) - at >= HEADER:
                    take = HEADER + int.from_bytes(data[at + 4 : at + HEADER], "big")
            for chunk in parser.feed(data[at : at + take]):
                found += self._assembler.feed(chunk)
            at += take
        return found

    def feed_coded(self, data: bytes, chunked: Chunked) -> list[Line]:
        """As ``feed``, of bytes whose coding ``chunked`` takes off."""
        parser = self._parser
        if parser is None or not self._timestamps:
            return self.feed(chunked.feed(data))
        found: list[Line] = []
        data = chunked.held() + data
        at = 0
        while at < len(data):
            if chunked.between and parser.between_frames:
                at = self._whole_lines(_CHUNKS, self._chunks, data, at, found)
            end = chunked.end(data, at)
            found += self.feed(chunked.feed(data[at:end]))
            at = end
        return found

    def _whole_lines(self, pattern: re.Pattern[bytes], known: _Heads, data: bytes, at: int, found: list[Line]) -> int:
        """Read what ``pattern`` finds from ``at`` on as long as each is a whole line.

        Returns where the first thing begins that is none. The lengths that are written before a line are compared with
        the line's own: the text of a line can look like anything.
        """
        if len(known) > MOST_HEADS:
            known.clear()
        names = [None if self._assembler.is_open(stream) else stream for stream in STREAMS]
        stamp, second, make, add = b"", 0, tuple.__new__, found.append
        for head, when, digits, text, other in pattern.findall(data, at):
            if other:
                break
            kind, length, size = known[head]
            stream = names[kind]
            if stream is None or length != len(text):
                break
            if when != stamp:
                at_second = _second(when)
                if at_second is None:
                    break
                stamp, second = when, at_second
            add(make(Line, (stream, text, second + int(digits), 0, True)))
            at += size
        return at

    def close(self) -> list[Line]:
        """What stands in the buffers without a newline: at the end of a log."""
        return list(self._assembler.pending())


# A frame that is a whole line; with its chunk around it; or whatever else comes, in one piece.
_FRAME: Final = rb"[\x00-\x02]\0\0\0.{4})([\d:T-]{19})\.(\d{9})Z ([^\n]*)\n"
_FRAMES: Final = re.compile(rb"(" + _FRAME + rb"|(.).*", re.DOTALL)
_CHUNKS: Final = re.compile(rb"([0-9a-fA-F]{1,8}\r\n" + _FRAME + rb"\r\n|(.).*", re.DOTALL)


class _Heads(dict[bytes, tuple[int, int, int]]):
    """What stands before the time of a line, understood: the stream, the line's length (-1 for no whole line), all."""

    def _frame(self, header: bytes) -> tuple[int, int]:
        length = int.from_bytes(header[4:], "big") - STAMPED - 1
        return header[0], length if 0 <= length < PART else -1


class _Frames(_Heads):
    """Of frames."""

    def __missing__(self, head: bytes) -> tuple[int, int, int]:
        kind, length = self._frame(head)
        self[head] = found = kind, length, HEADER + STAMPED + length + 1
        return found


class _Chunks(_Heads):
    """Of frames that are the only one of their chunk."""

    def __missing__(self, head: bytes) -> tuple[int, int, int]:
        size, _, header = head.partition(b"\r\n")
        kind, length = self._frame(header)
        whole = HEADER + STAMPED + length + 1
        self[head] = found = kind, length if int(size, 16) == whole else -1, len(size) + 2 + whole + 2
        return found


@lru_cache(maxsize=64)
def _second(stamp: bytes) -> int | None:
    """Nanoseconds since 1970 of the beginning of a second in UTC, None for what is no time."""
    try:
        return int(datetime.strptime(stamp.decode() + "+0000", "%Y-%m-%dT%H:%M:%S%z").timestamp()) * 1_000_000_000
    except ValueError:
        return None


class _OpenLine:
    """A line that is not complete: its bytes so far, and the time that may stand next."""

    def __init__(self, *, expect: bool, framed: bool) -> None:
        self._framed = framed
        self._first = b""  # the time that the line began with, as it was written
        self._data = bytearray()
        self._stamp = bytearray()
        self._expect = expect
        self._time_ns = 0
        self._cut = 0
        self.since_stamp = 0  # bytes since the last place where a time could stand

    @property
    def waiting(self) -> bool:
        """Whether more bytes are needed to tell a time from text."""
        return self._expect

    @property
    def empty(self) -> bool:
        return not (self._data or self._stamp or self._time_ns)

    def expect_stamp(self) -> None:
        self._expect = True
        self.since_stamp = 0

    def take_stamp(self, data: bytes) -> bytes:
        """``data`` without the time that it begins with; held back while it could still be one."""
        if not self._expect:
            return data
        held = bytes(self._stamp) + data
        head = held[:LONGEST_STAMP]
        found = STAMP.match(head)
        if found is None and len(head) < LONGEST_STAMP and b" " not in head and b"\n" not in head:
            self._stamp[:] = held
            return b""
        self._expect = False
        self._stamp.clear()
        if found is None:
            return held
        # Parts bear the time of the first. Where one bears another it is a line of its own whose beginning docker joins
        # to one that ended without a newline: the newest tells how far the log was read.
        self._time_ns = nanoseconds(found) or self._time_ns
        self._first = self._first or found[0]
        return held[found.end() :]

    def add(self, data: bytes) -> None:
        self.since_stamp += len(data)
        room = LINE_CAP - len(self._data)
        self._data += data[:room]
        self._cut += max(0, len(data) - room)

    def finish(self, stream: Stream, *, ended: bool) -> Line:
        data = bytes(self._data + self._stamp)
        if not self._framed and self._first and len(data) > PART:
            # Later parts of a line bear the time of the first. Where the driver wrote more bytes than it cut (three for
            # each that is no UTF-8), that time does not stand where it is looked for.
            data = data[:PART] + data[PART:].replace(self._first, b"")
        return Line(stream, data, self._time_ns, self._cut, ended)


def nanoseconds(stamp: re.Match[bytes]) -> int:
    """Nanoseconds since 1970 of a match of ``STAMP``; 0 for a date that does not exist."""
    zone = "+00:00" if stamp[3] == b"Z" else stamp[3].decode()
    try:
        seconds = int(datetime.fromisoformat(stamp[1].decode() + zone).timestamp())
    except ValueError:
        return 0
    return seconds * 1_000_000_000 + int((stamp[2] or b"").ljust(9, b"0"))
