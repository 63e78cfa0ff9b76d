"""A container's log as lines, live or back in time (``GET /containers/{id}/logs``)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Final

from console.engine.address import Address
from console.engine.demux import Chunk, FrameParser, Line, LineReader
from console.engine.errors import Unreachable
from console.engine.wire import Answer, exchange

MULTIPLEXED: Final = "application/vnd.docker.multiplexed-stream"


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What of a log is asked for. Times: nanoseconds of the engine's clock since 1970, both inclusive; 0 is open.

    ``tail``: the last n lines, None for all. ``tty``: ``Config.Tty`` of this very container; engines that name the
    framing in their answer are believed instead.
    """

    container_id: str
    tty: bool
    stdout: bool = True
    stderr: bool = True
    since_ns: int = 0
    until_ns: int = 0
    tail: int | None = None
    follow: bool = False
    timestamps: bool = True

    def parameters(self) -> dict[str, str | int]:
        """The query string's parts."""
        asked: dict[str, str | int] = {
            "stdout": int(self.stdout),
            "stderr": int(self.stderr),
            "follow": int(self.follow),
            "timestamps": int(self.timestamps),
            "tail": "all" if self.tail is None else self.tail,
        }
        if self.since_ns:
            asked["since"] = seconds(self.since_ns)
        if self.until_ns:
            asked["until"] = seconds(self.until_ns)
        return asked


def seconds(nanoseconds: int) -> str:
    """A time as the engine reads it: seconds with nine digits after the point."""
    return f"{nanoseconds // 1_000_000_000}.{nanoseconds % 1_000_000_000:09d}"


def framed(answer: Answer, tty: bool) -> bool:
    """Whether the answer is multiplexed: as it says itself (API 1.42 and later), else by the container's TTY."""
    return answer.content_type == MULTIPLEXED or not tty


async def chunks(address: Address, query: LogQuery, *, version: str) -> AsyncGenerator[list[Chunk], None]:
    """The log's bytes with the stream they belong to, framing taken off, one list for each read.

    Ends when the engine ended the log. Raises ``Unreachable`` when the connection was lost, ``NotFound``, and the
    engine's words as ``EngineError`` where its log driver cannot be read.
    """
    async with exchange(
        address, "GET", f"/containers/{query.container_id}/logs", version=version, query=query.parameters()
    ) as answer:
        parser = FrameParser() if framed(answer, query.tty) else None
        async for data in answer.body():
            yield list(parser.feed(data)) if parser else [Chunk("stdout", data)]
        if parser and not parser.between_frames:
            raise Unreachable("The log ended in the middle of a frame.")


async def lines(
    address: Address, query: LogQuery, *, version: str, opened: Callable[[], None] | None = None
) -> AsyncGenerator[list[Line], None]:
    """The log's lines, those of one read together. ``opened``: called once the engine answers. Raises as ``chunks``."""
    async with exchange(
        address, "GET", f"/containers/{query.container_id}/logs", version=version, query=query.parameters()
    ) as answer:
        if opened is not None:
            opened()
        reader = LineReader(framed=framed(answer, query.tty), timestamps=query.timestamps)
        async for data, chunked in answer.coded():
            if found := reader.feed(data) if chunked is None else reader.feed_coded(data, chunked):
                yield found
        if last := reader.close():
            yield last
