"""One connection to one engine: subscribe, list, follow, resync, until it is lost.

Every event, list entry and resync only marks objects; one pump inspects what is marked and hands the outcomes to
``reconcile``. So nothing but an inspect ever reaches a row, in the order in which the inspects of an object began.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from console import changes
from console.changes import Kind
from console.engine import streams
from console.engine.address import Address
from console.engine.client import EngineClient
from console.engine.errors import EngineError, NotFound, Unreachable
from console.engine.marks import is_quiet
from console.engine.types import EngineInfo, Event, Unparsed
from console.sync import eventlog, looks, presence, reconcile
from console.sync.columns import Object
from console.sync.hints import KINDS, Key, Marks, hint
from console.sync.lease import Lease
from console.sync.schedule import Schedule
from console.sync.tasks import db, until_first, wait_any

logger = logging.getLogger(__name__)
T = TypeVar("T")

INSPECTS: Final = 8  # at once, for events
ROWS: Final = 2  # of inspects at once, for what comparing lists has shown: more threads only wait for each other
ROW: Final = 16  # objects in one of them
BATCH: Final = 250  # outcomes of such rows that are written together; those of events are written at once
ROW_FOR: Final = 0.25  # seconds after which the rest of a row waits for its turn
PING_LIMIT: Final = 2.0  # seconds
MOST_MARKS: Final = 50_000  # above it events are no longer told apart: everything is looked at
GLANCE: Final = 2.0  # seconds between two looks at the list of containers, at least
RESTING: Final = 16  # containers that do not run, inspected at such a look though their list entry did not change
GLANCE_SHARE: Final = 100  # and so many times what the list takes: one percent of the time at the most
DEEP: Final = 200  # containers inspected at a resync though their list entry did not change
WRITE_EVENTS: Final = 0.25  # seconds between two batches of the event log
TRIM_EVERY: Final = 60.0  # seconds between two looks for events that are too old to keep
LIST_FAILURES: Final = 3  # in a row, until the engine counts as lost
RETRIES: Final = (0.5, 2.0, 10.0)  # seconds until an object that could not be read is tried again


class Swapped(Exception):
    """Another engine answers at the address than the one that is mirrored."""

    def __init__(self, info: EngineInfo) -> None:
        super().__init__(info.id)
        self.info = info


class Session:
    """Follows an engine from its first answer until it is lost. Make a new one for each connection."""

    def __init__(self, lease: Lease, address: Address, engine_id: str) -> None:
        self.live = False
        self._lease, self._pk, self._fence = lease, lease.engine_pk, lease.fence
        self._address, self._engine_id = address, engine_id
        self._client = EngineClient(address)
        self._pool = ThreadPoolExecutor(INSPECTS + ROWS + 2, thread_name_prefix=f"engine-{self._pk}")
        self._marks = Marks(time.monotonic, at_once=INSPECTS)
        self._schedule = Schedule()
        self._log = eventlog.Backlog()
        self._known: dict[Kind, dict[str, str]] = {kind: {} for kind in KINDS}  # digests of list entries
        self._mirrored: dict[Kind, set[str]] = {kind: set() for kind in KINDS}  # ids of the rows
        self._intermediate: frozenset[str] = frozenset()  # images
        self._inspected: dict[str, float] = {}  # containers: when last
        self._outcomes: dict[Key, Object | None] = {}  # None: gone
        self._failures: dict[Key, int] = {}
        self._looks: set[asyncio.Task[None]] = set()
        self._rows = 0
        self._work, self._listing, self._doubt = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._deep: set[Kind] = set(KINDS)  # kinds of which every object is to be inspected
        self._round: datetime | None = None  # a full comparison under way: when it began
        self._round_lists: set[Kind] = set()  # its lists that are still to be taken
        self._request: datetime | None = None  # what the comparison under way answers
        self._asked: datetime | None = None  # what the next one has to answer
        self._next_round = self._next_glance = 0.0
        self._answered: datetime | None = None
        self._writing = self._closed = self._hurry = False
        self._list_failures = 0
        self._last_event: datetime | None = None
        self._info_due = False

    # -- from outside -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow the engine. Ends only by raising ``EngineError`` (it is lost), ``Swapped`` or ``LeaseLost``."""
        pong = await streams.ping(self._address, PING_LIMIT)
        logger.debug("Engine %s answers (API %s)", self._address.url, pong.api_version)
        await self._identify()
        for kind in KINDS:
            self._mirrored[kind] = set(await db(reconcile.digests)(self._pk, kind))
        self._log.know(await db(eventlog.recent)(self._pk))
        since = await db(presence.last_event)(self._pk)
        async with streams.events(self._address, since) as stream:
            self._begin_round()
            await until_first(
                self._read(stream), self._take_lists(), self._pump(), self._beat(), self._write_log(stream)
            )

    def request(self, asked: datetime) -> None:
        """Compare everything soon, because somebody asked for it at ``asked``."""
        if asked not in (self._asked, self._request, self._answered):
            self._asked = asked
            self._compare_all()

    async def close(self) -> None:
        """End what still runs. Calls that hang in the engine end by their own deadline, in their threads."""
        self._closed = True
        looks = list(self._looks)
        for task in looks:
            task.cancel()
        await asyncio.gather(*looks, return_exceptions=True)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    # -- who answers --------------------------------------------------------------------------------------------------

    async def _identify(self) -> None:
        info = await self._call(self._client.info)
        if self._engine_id and presence.identity(info) != self._engine_id:
            raise Swapped(info)
        self._engine_id = presence.identity(info)
        await db(presence.connected)(self._pk, self._fence, info)

    # -- events: marks and the log ------------------------------------------------------------------------------------

    async def _read(self, stream: streams.EventStream) -> None:
        async for event in stream:
            try:
                self._hear(event)
            except Exception:
                logger.exception("Engine %s: an event was not understood: %r", self._address.url, event)

    def _hear(self, event: Event) -> None:
        self._last_event = timezone.now()
        if is_quiet(event.type, event.action, event.attributes):
            return
        self._log.add(event)
        meant = hint(event)
        if len(self._marks) > MOST_MARKS:
            self._marks.clear()
            self._compare_all()
        for key in meant.objects:
            self._marks.add(key)
        if meant.objects:
            self._fill()
            self._work.set()  # what is held back for a moment needs the pump's clock
        if meant.info:
            self._info_due = True
        if meant.lists or meant.info:
            self._schedule.want(meant.lists, time.monotonic())
            self._listing.set()

    async def _write_log(self, stream: streams.EventStream) -> None:
        missed = skipped = 0
        trimmed = time.monotonic()
        while True:
            await asyncio.sleep(WRITE_EVENTS)
            if stream.skipped > skipped:  # each of them may have been a change
                logger.warning("Engine %s: %d events could not be read", self._address.url, stream.skipped - skipped)
                skipped = stream.skipped
                self._compare_all()
            if self._log.missed > missed:
                logger.warning("Engine %s: %d events were not kept", self._address.url, self._log.missed - missed)
                missed = self._log.missed
            events: list[Event] = []
            try:
                while events := self._log.take():
                    await db(eventlog.record)(self._pk, events, self._fence)
                if time.monotonic() > trimmed + TRIM_EVERY:
                    trimmed = time.monotonic()
                    await db(eventlog.trim)(self._pk)
            except DatabaseError:
                logger.exception("Engine %s: %d events were not kept", self._address.url, len(events))

    # -- lists: what to look at ---------------------------------------------------------------------------------------

    def _compare_all(self) -> None:
        """Have everything listed and inspected as soon as a comparison under way is over."""
        self._deep.update(KINDS)
        self._next_round = 0.0
        self._listing.set()

    def _begin_round(self) -> None:
        now = time.monotonic()
        self._round, self._round_lists = timezone.now(), set(KINDS)
        self._request, self._asked = self._asked, None
        self._next_round = now + settings.RESYNC_EVERY
        self._schedule.want(KINDS, now)
        self._listing.set()

    async def _take_lists(self) -> None:
        while True:
            now = time.monotonic()
            if now >= self._next_round and self._round is None:
                self._begin_round()
                self._info_due = True
                self._mark_oldest()
            if self._info_due:
                self._info_due = False
                await self._identify()
            kinds = self._schedule.take(now)
            if now >= self._next_glance:
                kinds.add("container")
            for kind in sorted(kinds):
                await self._compare(kind)
            await self._finish()
            due = [at for at in (self._schedule.next(), None if self._round else self._next_round) if at is not None]
            due.append(self._next_glance)
            await wait_any(max(0.0, min(due, default=now + 60) - time.monotonic()), self._listing)
            self._listing.clear()

    def _mark_oldest(self, most: int = DEEP, among: Iterable[str] | None = None) -> None:
        """Mark the containers that were inspected longest ago: not every change shows in the list."""
        known = self._inspected if among is None else [key for key in among if key in self._inspected]
        for container_id in heapq.nsmallest(most, known, key=lambda key: self._inspected[key]):
            self._marks.add(("container", container_id), urgent=False)
        self._work.set()

    async def _compare(self, kind: Kind) -> None:
        """Take the list of a kind and mark what it shows to be new, changed or gone.

        Containers are listed again and again, for the engine tells nothing of some changes: a network that a container
        which does not run is connected to or disconnected from. Of a start that fails, as when its network is gone, not
        even the list tells, only an inspect.
        """
        began = time.monotonic()
        try:
            listed = await self._call(lambda: looks.take_list(self._client, kind))
        except EngineError as error:
            self._list_failures += 1
            if isinstance(error, Unreachable) or self._list_failures > LIST_FAILURES:
                raise
            logger.warning("Engine %s: no list of %ss: %s", self._address.url, kind, error.message)
            self._schedule.want([kind], time.monotonic() + 0.5)
            return
        self._list_failures = 0
        if kind == "container":
            took = time.monotonic() - began
            self._next_glance = began + min(max(GLANCE, took * GLANCE_SHARE), settings.RESYNC_EVERY)
            self._mark_oldest(RESTING, listed.resting)
        if kind == "image":
            self._intermediate = listed.intermediate
        known, deep = self._known[kind], kind in self._deep
        self._deep.discard(kind)
        marked = [key for key, seen in listed.digests.items() if deep or known.get(key) != seen]
        marked += [key for key in {*known, *self._mirrored[kind]} if key not in listed.digests]
        self._known[kind] = listed.digests
        for key in marked:
            if key not in listed.unusable:
                self._marks.add((kind, key), urgent=False)
        self._outcomes |= {(kind, key): found for key, found in listed.unusable.items()}
        self._round_lists.discard(kind)
        self._fill()
        self._work.set()

    async def _finish(self) -> None:
        """End a full comparison once all it marked has been seen."""
        if self._round is None or self._round_lists or self._marks.backlog or self._outcomes or self._writing:
            return
        began, request, self._round, self._request = self._round, self._request, None, None
        self._answered = request
        if self._asked:
            self._next_round = 0.0
        first, self.live = not self.live, True
        version = await db(presence.synced)(self._pk, self._fence, began, request)
        if first:
            await self._seen(time.monotonic())
        else:
            await changes.beat(self._pk, version)

    # -- inspects -----------------------------------------------------------------------------------------------------

    async def _pump(self) -> None:
        while True:
            self._work.clear()
            self._fill()
            if self._outcomes and (self._hurry or not self._rows or len(self._outcomes) >= BATCH):
                await self._write()
                continue
            if self._round is not None and not self._marks.backlog and not self._round_lists:
                self._listing.set()
            await wait_any(self._marks.wait(), self._work)

    def _fill(self) -> None:
        """Begin as many inspects as may run: urgent ones each for itself, late ones in a few rows."""
        for key in self._marks.take():
            self._begin(self._look([key], urgent=True))
        while self._rows < ROWS and (keys := self._marks.take_late(ROW)):
            self._rows += 1
            self._begin(self._look_late(keys))

    def _begin(self, look: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(look)
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)

    async def _look_late(self, keys: list[Key]) -> None:
        try:
            await self._look(keys, urgent=False)
        finally:
            self._rows -= 1
            self._work.set()
        self._fill()

    async def _look(self, keys: list[Key], urgent: bool) -> None:
        """Inspect objects one after the other, note what is said of them, and mark those again that took too long."""
        answers: list[Object | EngineError] = []
        try:
            ask = partial(looks.inspect_some, self._client, keys, self._intermediate, ROW_FOR)
            answers = await self._call(ask)
            self._hurry |= urgent
            for key, answer in zip(keys, answers, strict=False):
                self._note(key, answer)
        finally:
            for key in keys:
                self._marks.done(key)
            for key in keys[len(answers) :]:
                self._marks.add(key, urgent=False)
            self._work.set()
        self._fill()

    def _note(self, key: Key, answer: Object | EngineError) -> None:
        """Note the outcome of an inspect. Trouble with one object is its own, never the others'."""
        kind, object_id = key
        if isinstance(answer, EngineError) and not isinstance(answer, NotFound):
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            asyncio.get_running_loop().call_later(RETRIES[min(failures, len(RETRIES)) - 1], self._again, key)
            if isinstance(answer, Unreachable):
                self._doubt.set()  # the engine, or only this object?
                if answer.problem != "timeout":
                    return
            if failures == 1 and object_id in self._mirrored[kind]:
                return  # it may be about to go
            if failures <= 2:
                logger.warning("Engine %s: %s %s: %s", self._address.url, kind, object_id, answer.message)
            answer = Unparsed(object_id, "", answer.message)
        else:
            self._failures.pop(key, None)
        self._outcomes[key] = None if isinstance(answer, NotFound) else answer
        if kind == "container":
            self._inspected[object_id] = time.monotonic()

    def _again(self, key: Key) -> None:
        if not self._closed:
            self._marks.add(key)
            self._fill()
            self._work.set()

    async def _write(self) -> None:
        """Hand the outcomes so far to the mirror: one transaction a kind."""
        outcomes, self._outcomes, self._hurry = self._outcomes, {}, False
        self._writing = True
        try:
            for kind in KINDS:
                of_kind = {key[1]: found for key, found in outcomes.items() if key[0] == kind}
                if of_kind:
                    await self._write_kind(kind, of_kind)
        finally:
            self._writing = False

    async def _write_kind(self, kind: Kind, outcomes: dict[str, Object | None]) -> None:
        objects = [found for found in outcomes.values() if found is not None]
        gone = [key for key, found in outcomes.items() if found is None]
        try:
            await db(reconcile.apply)(self._pk, kind, objects, gone, fence=self._fence)
        except DatabaseError as error:
            if len(outcomes) > 1:
                logger.warning("Engine %s: %d %ss one by one: %s", self._address.url, len(outcomes), kind, error)
                for key, found in outcomes.items():
                    await self._write_kind(kind, {key: found})
            else:
                ((key, _),) = outcomes.items()
                logger.exception("Engine %s: %s %s could not be stored", self._address.url, kind, key)
                asyncio.get_running_loop().call_later(RETRIES[-1], self._again, (kind, key))
            return
        for key, found in outcomes.items():
            if found is not None:
                self._mirrored[kind].add(key)
            else:
                self._mirrored[kind].discard(key)
                self._known[kind].pop(key, None)
                self._failures.pop((kind, key), None)
                if kind == "container":
                    self._inspected.pop(key, None)

    # -- alive? -------------------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        """Ask for a sign of life every ``PING_EVERY`` seconds, or at once in doubt; two failures are a loss."""
        failed = False
        while True:
            began = time.monotonic()
            try:
                await streams.ping(self._address, PING_LIMIT)
            except EngineError:
                if failed:
                    raise
                failed = True
                continue
            failed = False
            if self.live:
                await self._seen(began)
            self._doubt.clear()
            await wait_any(settings.PING_EVERY, self._doubt)

    async def _seen(self, answered: float) -> None:
        """Note until when the mirror is known to be exact: the last answer, or the oldest change not yet looked at."""
        oldest = self._marks.oldest()
        exact = min(answered, oldest) if oldest is not None else answered
        seen_at = timezone.now() - timedelta(seconds=time.monotonic() - exact)
        try:
            version = await db(presence.seen)(self._pk, self._fence, seen_at, self._last_event)
        except DatabaseError:
            logger.exception("Engine %s: its row could not be written", self._address.url)
            return
        await changes.beat(self._pk, version)

    def _call(self, ask: Callable[[], T]) -> Coroutine[Any, Any, T]:
        """Ask the engine in a thread of this session."""
        return _awaited(asyncio.get_running_loop().run_in_executor(self._pool, ask))


async def _awaited(future: asyncio.Future[T]) -> T:
    return await future
