"""A container's log, read once: the last lines for a page without script, and the bytes for a download."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from console.engine.demux import Line
from console.engine.errors import Unreachable
from console.engine.logs import LogQuery, chunks, lines
from console.models import Container, Engine

DEADLINE: Final = 5.0  # seconds for a page
PAGE_BYTES: Final = 2 * 1024 * 1024  # bytes of text that a page may hold


async def last_lines(
    engine: Engine,
    container: Container,
    *,
    count: int,
    since_ns: int = 0,
    until_ns: int = 0,
    stream: str = "",
) -> list[Line]:
    """The last ``count`` lines of a range (nanoseconds of the engine's clock, 0 is open), fewer when they are long.

    ``stream``: only "stdout" or "stderr". API: ``GET /containers/{id}/logs``. Raises ``EngineError``; ``Unreachable``
    also after ``DEADLINE`` seconds.
    """
    query = LogQuery(
        container.container_id,
        container.tty,
        stdout=stream != "stderr",
        stderr=stream != "stdout",
        since_ns=since_ns,
        until_ns=until_ns,
        tail=count,
    )
    kept: deque[Line] = deque(maxlen=count)
    size = 0
    try:
        async with asyncio.timeout(DEADLINE):
            async for some in lines(engine.address, query, version=_version(engine)):
                for line in some:
                    if len(kept) == count:
                        size -= len(kept[0].data)
                    kept.append(line)
                    size += len(line.data)
                    while size > PAGE_BYTES and len(kept) > 1:
                        size -= len(kept.popleft().data)
    except TimeoutError:
        raise Unreachable(f"The engine did not answer within {DEADLINE:g} s.", "timeout") from None
    return list(kept)


async def log_bytes(
    engine: Engine,
    container: Container,
    *,
    since_ns: int = 0,
    until_ns: int = 0,
    stream: str = "",
    timestamps: bool = False,
    tail: int | None = None,
) -> AsyncGenerator[bytes, None]:
    """The bytes that ``docker container logs NAME 2>&1`` prints, as they come.

    Raises ``EngineError``: ``Unreachable`` in the middle when the connection is lost, so a reader must not take what it
    has for the whole.
    """
    query = LogQuery(
        container.container_id,
        container.tty,
        stdout=stream != "stderr",
        stderr=stream != "stdout",
        since_ns=since_ns,
        until_ns=until_ns,
        tail=tail,
        timestamps=timestamps,
    )
    async with aclosing(chunks(engine.address, query, version=_version(engine))) as parts:
        async for some in parts:
            if data := b"".join(chunk.data for chunk in some):
                yield data


def _version(engine: Engine) -> str:
    return str(engine.info.get("negotiated_api_version") or engine.api_version)
