"""A Unix socket before an engine's, whose connections a test can cut as a network does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from console.engine.address import Address


@dataclass
class Proxy:
    """``address`` leads to the engine; ``cut`` breaks every open connection at once."""

    address: Address
    opened: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _asked: dict[asyncio.StreamWriter, str] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._open) // 2

    def open_to(self, part: str) -> int:
        """How many are open whose first request has ``part`` in its target."""
        return sum(part in line for writer, line in list(self._asked.items()) if writer in self._open)

    async def cut_one(self, after: float) -> None:
        """Waits for a connection and breaks it ``after`` seconds of its life."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._open)
        await asyncio.sleep(after)
        self.cut()

    def cut(self) -> None:
        """Breaks what is open."""
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()


@asynccontextmanager
async def proxy(engine: Path, folder: Path) -> AsyncIterator[Proxy]:
    """Serves a socket in ``folder`` that leads to ``engine``."""
    path = folder / "proxy.sock"
    found = Proxy(Address(f"unix://{path}"))
    tasks: set[asyncio.Task[None]] = set()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asks: bool = False) -> None:
        try:
            while data := await reader.read(65536):
                if asks:
                    found._asked.setdefault(writer, data.partition(b"\r\n")[0].decode("ascii", "replace"))
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            pass

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        found.opened += 1
        up_reader, up_writer = await asyncio.open_unix_connection(engine)
        ends = {writer, up_writer}
        found._open |= ends
        async with found._changed:
            found._changed.notify_all()
        try:
            down = asyncio.create_task(pipe(up_reader, writer))
            up = asyncio.create_task(pipe(reader, up_writer, asks=True))
            await down
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
        finally:
            found._open -= ends
            found._asked.pop(up_writer, None)
            for end in ends:
                end.transport.abort()
            tasks.discard(task)

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield found
    finally:
        server.close()
        found.cut()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
