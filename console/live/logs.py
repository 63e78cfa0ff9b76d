"""One upstream a container and process, shared by all who watch its log.

Lines are encoded once, in batches: the first at once, then every 30 ms (a little more for many viewers) or 64 KiB.
Every viewer has a bounded queue of references to the same batches; what does not fit is counted and told as skipped.
The upstream is opened by the first viewer and closed ``LINGER`` seconds after the last. When it breaks it goes on from
the engine's nanoseconds; when the container stops it waits for the next start.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from json.encoder import encode_basestring
from typing import ClassVar, Final

from console.engine.address import Address
from console.engine.demux import Line
from console.engine.errors import EngineError, NotFound, Unreachable
from console.engine.logs import LogQuery, lines
from console.live.cursor import Cursor

log = logging.getLogger(__name__)

BATCH_DELAY: Final = 0.03  # seconds
A_VIEWER: Final = 0.0002  # seconds more for each viewer: what a batch costs grows with them
LONGEST_DELAY: Final = 0.07  # seconds, however many there are
BATCH_BYTES: Final = 64 * 1024
QUEUE_BYTES: Final = 1024 * 1024  # a viewer's queue; beyond it lines are skipped and counted
LINGER: Final = 10.0  # seconds
RETRY: Final = (0.05, 0.5, 1.0, 2.0, 5.0)  # seconds between attempts
POLL: Final = 0.5  # seconds between looks at a container that does not run
SAME_RUN: Final = 3.0  # seconds after which a log that ended is opened again though the same run goes on


@dataclass(frozen=True, slots=True)
class Source:
    """A container whose log is read.

    ``run`` tells from the mirror in which run it is: its start time, empty while it does not run, None when it is gone.
    """

    engine: int
    container_id: str
    address: Address
    version: str
    tty: bool
    run: Callable[[], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines as they go to every viewer: encoded once. ``lines`` serves viewers that must leave some out."""

    lines: tuple[Line, ...]
    data: bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened to the stream.

    ``past``: what came so far was the past. ``stopped``, ``started``: the container. ``lost``, ``resumed``: the
    connection to the engine. ``gone``, ``refused`` (in the engine's words): nothing follows.
    """

    LAST: ClassVar[frozenset[str]] = frozenset({"gone", "refused"})

    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """So many lines did not fit into the viewer's queue."""

    lines: int


Item = Batch | Mark | Skipped


def encode(some: Iterable[Line]) -> Batch:
    """A batch: ``[[stream, "nanoseconds", text, bytes cut], …]`` with stream 1 or 2, times as text for JavaScript."""
    kept = tuple(some)
    texts = _texts(kept)
    rows = [
        f'[{2 if stream == "stderr" else 1},"{time_ns}","{text}"{f",{cut}" if cut else ""}]'
        for (stream, _, time_ns, cut, _), text in zip(kept, texts, strict=True)
    ]
    return Batch(kept, f"[{','.join(rows)}]".encode())


_BETWEEN: Final = "\x7f"  # not escaped in JSON


def _texts(some: tuple[Line, ...]) -> list[str]:
    """The lines as JSON without quotes: all in one go, unless one has the mark between them, or is no UTF-8."""
    try:
        found = encode_basestring(_BETWEEN.encode().join([line.data for line in some]).decode())[1:-1].split(_BETWEEN)
    except UnicodeDecodeError:
        found = []
    if len(found) != len(some):
        found = [encode_basestring(line.data.decode("utf-8", "replace"))[1:-1] for line in some]
    return found


@dataclass(slots=True, eq=False)
class Viewer:
    """One reader's bounded queue. What does not fit is forgotten at its old end: the end of a burst is what counts.

    ``deliver`` takes a batch past the queue, or says that it cannot now. It is asked only once ``joined`` is set (the
    past was read, every batch is new as a whole) and while the reader waits for its next item, so the order stays.
    """

    deliver: Callable[[Batch], bool] | None = None
    joined: bool = False
    _waits: bool = False
    _items: deque[Item] = field(default_factory=deque)
    _first: deque[Item] = field(default_factory=deque)  # marks, and counts of what was forgotten between them
    _batches: int = 0
    _size: int = 0
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, item: Item) -> None:
        """Never waits: a reader that is slow loses lines, not the others."""
        if (
            self._waits
            and self.joined
            and self.deliver is not None
            and not (self._first or self._items)
            and isinstance(item, Batch)
            and self.deliver(item)
        ):
            return
        self._items.append(item)
        if isinstance(item, Batch):
            self._size += item.size
            self._batches += 1
            while self._size > QUEUE_BYTES and self._batches > 1:
                self._forget()
        self._woken.set()

    def _forget(self) -> None:
        item = self._items.popleft()
        if not isinstance(item, Batch):
            self._first.append(item)
            return
        self._size -= item.size
        self._batches -= 1
        last = self._first.pop() if self._first and isinstance(self._first[-1], Skipped) else Skipped(0)
        assert isinstance(last, Skipped)
        self._first.append(Skipped(last.lines + len(item.lines)))

    async def get(self) -> Item:
        """The next item, in order."""
        while not (self._first or self._items):
            self._woken.clear()
            self._waits = True
            try:
                await self._woken.wait()
            finally:
                self._waits = False
        if self._first:
            return self._first.popleft()
        item = self._items.popleft()
        if isinstance(item, Batch):
            self._size -= item.size
            self._batches -= 1
        return item


class _Hub:
    """The upstream of one container."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.viewers: set[Viewer] = set()
        self.ready = asyncio.Event()  # the upstream stands, or has told why not
        self.task: asyncio.Task[None] | None = None
        self.closing: asyncio.TimerHandle | None = None
        self._cursor = Cursor()
        self._opened = False
        self._attempt = 0
        self._run: str | None = ""
        self.stopped = False  # the container does not run: who comes now is told so
        self.down = ""  # why the engine cannot be asked now: who comes now need not find out again
        self._pending: list[Line] = []
        self._pending_bytes = 0
        self._flush: asyncio.TimerHandle | None = None
        self._last_flush = 0.0

    def tell(self, item: Item) -> None:
        for viewer in self.viewers:
            viewer.put(item)

    async def run(self) -> None:
        """Follows for ever: breaks, stops and restarts included."""
        self._run = await self.source.run()
        while True:
            try:
                await self._follow()
                await self._rest()
            except Unreachable as error:
                if self._attempt == 0:
                    self._now()
                    self.tell(Mark("lost", error.message))
                self.down = error.message
                self.ready.set()
                await asyncio.sleep(RETRY[min(self._attempt, len(RETRY) - 1)])
                self._attempt += 1
                continue
            except NotFound as error:
                self._now()
                self.tell(Mark("gone", error.message))
                self.ready.set()
                return
            except EngineError as error:  # its log driver cannot be read
                self._now()
                self.tell(Mark("refused", error.message))
                self.ready.set()
                return
            self._now()
            self.tell(Mark("stopped"))
            self.stopped = True
            if not await self._next_run():
                self.tell(Mark("gone", "The container was removed."))
                return
            self.stopped = False
            self.tell(Mark("started"))

    async def _next_run(self) -> bool:
        """Waits for another start; False when the container is gone.

        The mirror may still show the run that ended; an engine may end a log although the run goes on.
        """
        ended = self._run
        for patience in count():
            self._run = await self.source.run()
            if self._run is None:
                return False
            if self._run and (self._run != ended or patience * POLL >= SAME_RUN):
                return True
            await asyncio.sleep(POLL)
        raise AssertionError("count() has no end")

    async def _follow(self) -> None:
        since = self._cursor.since_ns
        # The first time the last line tells where the log stands; an empty log has only lines that are new.
        tail = 1 if not self._opened else None
        await self._read(LogQuery(self.source.container_id, self.source.tty, since_ns=since, tail=tail, follow=True))

    async def _rest(self) -> None:
        """What was written last without a newline is kept only as the container ends: engines end the stream first."""
        query = LogQuery(self.source.container_id, self.source.tty, since_ns=self._cursor.since_ns)
        try:
            await self._read(query)
        except Unreachable:
            raise
        except EngineError as error:  # it is being removed: who looks for its next run finds that out
            log.info("the rest of the log of %s: %s", self.source.container_id[:12], error.message)

    async def _read(self, query: LogQuery) -> None:
        new = self._cursor.replay()
        opened = self._answered if query.follow else None
        async for some in lines(self.source.address, query, version=self.source.version, opened=opened):
            for line in some:
                if new(line):
                    self._cursor.advance(line)
                    self._add(line)
            self._flush_soon()

    def _answered(self) -> None:
        self._attempt, self.down = 0, ""
        if self._opened:
            self.tell(Mark("resumed"))
        self._opened = True
        self.ready.set()

    def _add(self, line: Line) -> None:
        self._pending.append(line)
        self._pending_bytes += len(line.data) + 40
        if self._pending_bytes >= BATCH_BYTES:
            self._now()

    def _flush_soon(self) -> None:
        """Send what was read: at once, or as soon as the last batch lies back far enough."""
        if not self._pending or self._flush is not None:
            return
        loop = asyncio.get_running_loop()
        delay = min(LONGEST_DELAY, BATCH_DELAY + A_VIEWER * (len(self.viewers) - 1))
        wait = self._last_flush + delay - loop.time()
        if wait <= 0:
            self._now()
        else:
            self._flush = loop.call_later(wait, self._now)

    def _now(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._pending:
            some, self._pending, self._pending_bytes = self._pending, [], 0
            self._last_flush = asyncio.get_running_loop().time()
            self.tell(encode(some))

    async def stop(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task


class LogHubs:
    """The hubs of this process. One instance serves all consumers: ``console.live.logs.hubs``."""

    def __init__(self, linger: float = LINGER) -> None:
        self._hubs: dict[tuple[int, str], _Hub] = {}
        self._linger = linger
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> int:
        """How many upstreams stand."""
        return len(self._hubs)

    @asynccontextmanager
    async def watch(self, source: Source) -> AsyncIterator[Viewer]:
        """A viewer that gets every line from now on; leaving gives it up.

        Raises ``Unreachable`` for who comes while the engine does not answer.
        """
        key = (source.engine, source.container_id)
        hub = self._hubs.get(key)
        if hub is None or hub.task is None or hub.task.done():
            hub = self._hubs[key] = _Hub(source)
            hub.task = asyncio.create_task(hub.run(), name=f"log of {source.container_id[:12]}")
        if hub.closing is not None:
            hub.closing.cancel()
            hub.closing = None
        viewer = Viewer()
        if hub.stopped:
            viewer.put(Mark("stopped"))
        hub.viewers.add(viewer)
        try:
            await hub.ready.wait()
            if hub.down:
                raise Unreachable(hub.down)
            yield viewer
        finally:
            hub.viewers.discard(viewer)
            if not hub.viewers:
                loop = asyncio.get_running_loop()
                hub.closing = loop.call_later(self._linger, self._close, key, hub)

    def _close(self, key: tuple[int, str], hub: _Hub) -> None:
        if not hub.viewers:
            if self._hubs.get(key) is hub:
                del self._hubs[key]
            task = asyncio.get_running_loop().create_task(hub.stop())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Ends every upstream: the process stops."""
        hubs, self._hubs = list(self._hubs.values()), {}
        for hub in hubs:
            if hub.closing is not None:
                hub.closing.cancel()
            await hub.stop()


hubs = LogHubs()


async def batches(reads: AsyncIterator[list[Line]]) -> AsyncGenerator[Batch, None]:
    """What was read, in batches as the hub makes them: a log that comes fast is read in thousands of small pieces."""
    loop = asyncio.get_running_loop()
    held: list[Line] = []
    size, last = 0, 0.0
    try:
        async for some in reads:
            held += some
            size += sum(len(line.data) + 40 for line in some)
            if size >= BATCH_BYTES or loop.time() - last >= BATCH_DELAY:
                last = loop.time()
                yield encode(held)
                held, size = [], 0
    except EngineError:
        if held:
            yield encode(held)
        raise
    if held:
        yield encode(held)


async def past(source: Source, query: LogQuery, cursor: Cursor | None = None) -> AsyncGenerator[Item, None]:
    """The past that ``query`` asks for; ``cursor`` moves along."""
    async with aclosing(batches(lines(source.address, query, version=source.version))) as found:
        async for batch in found:
            if cursor is not None:
                for line in batch.lines:
                    cursor.advance(line)
            yield batch
    yield Mark("past")


async def tail(source: Source, query: LogQuery, viewer: Viewer) -> AsyncGenerator[Item, None]:
    """The past that ``query`` asks for, then what ``viewer`` gets, without a gap or a repeat between the two."""
    cursor = Cursor()
    async for item in past(source, query, cursor):
        yield item
    async for item in after(cursor, viewer):
        yield item


async def resume(source: Source, cursor: Cursor, viewer: Viewer) -> AsyncGenerator[Item, None]:
    """What a viewer that was cut off has missed, then what ``viewer`` gets."""
    cursor = cursor.copy()
    new = cursor.replay()
    query = LogQuery(source.container_id, source.tty, since_ns=cursor.since_ns)
    async with aclosing(batches(lines(source.address, query, version=source.version))) as found:
        async for batch in found:
            fresh = [line for line in batch.lines if new(line)]
            for line in fresh:
                cursor.advance(line)
            if fresh:
                yield batch if len(fresh) == len(batch.lines) else encode(fresh)
    yield Mark("past")
    async for item in after(cursor, viewer):
        yield item


async def after(cursor: Cursor, viewer: Viewer) -> AsyncGenerator[Item, None]:
    """The viewer's items without the lines before ``cursor``: those were read from the past."""
    new = cursor.replay()
    while True:
        item = await viewer.get()
        if isinstance(item, Batch) and not viewer.joined:
            fresh = [line for line in item.lines if new(line)]
            viewer.joined = len(fresh) == len(item.lines)
            if fresh:
                yield item if viewer.joined else encode(fresh)
        else:
            yield item
