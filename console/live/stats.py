"""Statistics of containers that somebody looks at: one upstream a container and process, and its last hour.

Nothing is sampled while nobody looks. The history of a container is kept as long as it is watched now and then
(at most ``MOST_KEPT`` of them); a hole in it is a hole, never a guess.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from console.engine.address import Address
from console.engine.errors import EngineError, NotFound
from console.engine.stats import Sample, samples

log = logging.getLogger(__name__)

HISTORY: Final = 3600  # samples
LINGER: Final = 10.0  # seconds
MOST_KEPT: Final = 300  # containers with a history
RETRY: Final = 2.0  # seconds between looks at a container that does not run
RECENT_EVERY: Final = 10  # samples
MOST_RECENT: Final = 60  # of those


@dataclass(frozen=True, slots=True)
class Watched:
    """A container to sample."""

    engine: int
    container_id: str
    address: Address
    version: str


@dataclass(slots=True, eq=False)
class Listener:
    """The newest sample for one viewer: who is slow gets fewer, never older ones. None: the container does not run."""

    newest: Sample | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def get(self) -> Sample | None:
        """Waits for a sample that was not given yet."""
        await self.woken.wait()
        self.woken.clear()
        return self.newest


class _Feed:
    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.listeners: set[Listener] = set()
        self.history: deque[Sample] = deque(maxlen=HISTORY)
        self.task: asyncio.Task[None] | None = None
        self.closing: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        while True:
            try:
                async for sample in samples(
                    self.watched.address, self.watched.container_id, version=self.watched.version
                ):
                    self.history.append(sample)
                    self.tell(sample)
            except NotFound:
                self.tell(None)
                return
            except EngineError as error:
                log.info("statistics of %s: %s", self.watched.container_id[:12], error.message)
            self.tell(None)
            await asyncio.sleep(RETRY)

    def tell(self, sample: Sample | None) -> None:
        for listener in self.listeners:
            listener.newest = sample
            listener.woken.set()


class StatsFeeds:
    """The feeds of this process. One instance serves all consumers: ``console.live.stats.feeds``."""

    def __init__(self, linger: float = LINGER) -> None:
        self._feeds: OrderedDict[tuple[int, str], _Feed] = OrderedDict()
        self._linger = linger

    @property
    def open(self) -> int:
        """How many upstreams stand."""
        return sum(feed.task is not None and not feed.task.done() for feed in self._feeds.values())

    def history(self, watched: Watched) -> list[Sample]:
        """What is known of the last hour, oldest first."""
        feed = self._feeds.get((watched.engine, watched.container_id))
        return list(feed.history) if feed else []

    def recent(self, watched: Watched) -> list[Sample]:
        """Every tenth of the last samples, oldest first: ten minutes where somebody looked all the time."""
        return self.history(watched)[::-RECENT_EVERY][:MOST_RECENT][::-1]

    @asynccontextmanager
    async def watch(self, watched: Watched) -> AsyncIterator[Listener]:
        """A listener; leaving gives it up."""
        key = (watched.engine, watched.container_id)
        feed = self._feeds.setdefault(key, _Feed(watched))
        self._feeds.move_to_end(key)
        self._forget()
        if feed.closing is not None:
            feed.closing.cancel()
            feed.closing = None
        if feed.task is None or feed.task.done():
            feed.task = asyncio.create_task(feed.run(), name=f"statistics of {watched.container_id[:12]}")
        listener = Listener()
        feed.listeners.add(listener)
        try:
            yield listener
        finally:
            feed.listeners.discard(listener)
            if not feed.listeners:
                feed.closing = asyncio.get_running_loop().call_later(self._linger, self._stop, feed)

    @staticmethod
    def _stop(feed: _Feed) -> None:
        if not feed.listeners and feed.task is not None:
            feed.task.cancel()

    def _forget(self) -> None:
        for key, feed in list(self._feeds.items()):
            if len(self._feeds) <= MOST_KEPT:
                return
            if not feed.listeners:
                self._stop(feed)
                del self._feeds[key]

    async def close(self) -> None:
        """Ends every upstream."""
        feeds, self._feeds = list(self._feeds.values()), OrderedDict()
        for feed in feeds:
            if feed.closing is not None:
                feed.closing.cancel()
            if feed.task is not None:
                feed.task.cancel()
                await asyncio.gather(feed.task, return_exceptions=True)


feeds = StatsFeeds()
