"""A TCP proxy between a browser and a console that does what proxies and sleeping laptops do to open connections."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class FlakyLine:
    """Serves at ``port`` of the loopback. ``idle``: seconds without a byte after which a connection is cut.

    ``cuts`` counts those. ``forget`` lets every open connection hang for ever: nothing passes, nobody is told.
    """

    def __init__(self, upstream: int, idle: float | None) -> None:
        self.upstream, self.idle = upstream, idle
        self.port = 0
        self.cuts = 0
        self._generation = 0
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def forget(self) -> None:
        """What is open now is dead from now on."""
        self._generation += 1

    async def _serve(self) -> None:
        tasks: set[asyncio.Task[None]] = set()

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await self._connection(reader, writer)
            finally:
                writer.transport.abort()
                tasks.discard(task)

        server = await asyncio.start_server(client, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        await asyncio.gather(*tasks)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        born, loop = self._generation, asyncio.get_running_loop()
        last = loop.time()

        async def pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            nonlocal last
            while data := await source.read(65536):
                if born != self._generation:
                    await self._stop.wait()
                last = loop.time()
                target.write(data)
                await target.drain()

        async def watch() -> None:
            while self.idle is None or loop.time() - last < self.idle:  # noqa: ASYNC110  there is nothing to wait on
                await asyncio.sleep(0.05)
            self.cuts += 1

        ends = (pipe(reader, up_writer), pipe(up_reader, writer), watch(), self._stop.wait())
        ways = [asyncio.create_task(one) for one in ends]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if born != self._generation:
                await self._stop.wait()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            up_writer.transport.abort()


@contextmanager
def flaky_line(upstream: int, *, idle: float | None = None) -> Iterator[FlakyLine]:
    """A line to the console at port ``upstream``."""
    line = FlakyLine(upstream, idle)
    line._thread.start()
    assert line._ready.wait(10)
    try:
        yield line
    finally:
        line._loop.call_soon_threadsafe(line._stop.set)
        line._thread.join(20)
        line._loop.close()
