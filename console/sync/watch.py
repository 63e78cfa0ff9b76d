"""Follows every engine there is: one task an engine, under its lease, through losses and returns."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from console import changes
from console.engine.address import Address
from console.engine.errors import EngineError, Unreachable
from console.models import Engine
from console.sync import lease as leases
from console.sync import presence
from console.sync.lease import Lease, LeaseLost
from console.sync.session import Session, Swapped
from console.sync.tasks import db, until_first, wait_any

logger = logging.getLogger(__name__)

LOOK_EVERY: Final = 2.0  # seconds between two looks at the engines' rows
RENEW_EVERY: Final = 3.0
FIRST_PAUSE: Final = 0.2  # seconds until an engine that was lost is tried again; doubles
LONGEST_PAUSE: Final = 5.0
SWAPPED_PAUSE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What the supervisor needs of an engine's row: another address means another watcher."""

    url: str
    tls: tuple[str, str, str]
    asked: datetime | None


async def watch_engines(stop: asyncio.Event, owner: str) -> None:
    """Keep the mirror of every engine whose lease this process gets, until ``stop`` is set.

    ``owner`` names this process. Engines that are added or removed are noticed within two seconds.
    """
    holder = leases.holder(owner)
    wake = asyncio.Event()
    watchers: dict[int, Watcher] = {}
    listener = asyncio.ensure_future(_listen(wake))
    try:
        while not stop.is_set():
            wake.clear()
            try:
                rows = await db(_rows)()
            except DatabaseError:
                logger.exception("The engines could not be looked up")
            else:
                await _adjust(watchers, rows, holder)
            await wait_any(LOOK_EVERY, stop, wake)
    finally:
        listener.cancel()
        await asyncio.gather(listener, *(watcher.end() for watcher in watchers.values()), return_exceptions=True)


async def _adjust(watchers: dict[int, Watcher], rows: dict[int, Watched], holder: str) -> None:
    """Start and end watchers so that there is one for each row, and pass on what was asked for."""
    for pk, watcher in list(watchers.items()):
        row = rows.get(pk)
        if row is None or (row.url, row.tls) != watcher.place or watcher.ended():
            del watchers[pk]
            await watcher.end()
    for pk, row in rows.items():
        if pk not in watchers:
            watchers[pk] = Watcher(pk, holder, (row.url, row.tls))
        if row.asked is not None:
            watchers[pk].request(row.asked)


def _rows() -> dict[int, Watched]:
    columns = ("pk", "url", "tls_ca", "tls_cert", "tls_key", "resync_requested_at")
    rows = Engine.objects.values_list(*columns)
    return {pk: Watched(url, (ca, cert, key), asked) for pk, url, ca, cert, key, asked in rows}


async def _listen(wake: asyncio.Event) -> None:
    """Set ``wake`` whenever somebody wakes the workers. Without it the next look comes two seconds later at most."""
    while True:
        try:
            layer = get_channel_layer()
            if layer is None:
                return
            channel = await layer.new_channel()
            await layer.group_add(changes.WORKERS_GROUP, channel)
            try:
                while True:
                    await layer.receive(channel)
                    wake.set()
            finally:
                await changes.leave(layer, changes.WORKERS_GROUP, channel)
        except Exception:
            logger.exception("The channel layer does not answer")
            await asyncio.sleep(LOOK_EVERY)


class Watcher:
    """Follows one engine: gets the lease, keeps it, connects, and connects again."""

    def __init__(self, engine_pk: int, holder: str, place: tuple[str, tuple[str, str, str]]) -> None:
        self.place = place
        self._pk, self._holder = engine_pk, holder
        self._session: Session | None = None
        self._asked: datetime | None = None
        self._nudge = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())

    def request(self, asked: datetime) -> None:
        """Compare the whole mirror soon; do not wait for the next try if the engine is lost."""
        if self._session is not None:
            self._session.request(asked)
        if asked != self._asked:
            self._asked = asked
            self._nudge.set()

    def ended(self) -> bool:
        """Whether the watcher has failed for good, which only a mistake in it can cause."""
        return self._task.done()

    async def end(self) -> None:
        """Stop following and give the lease back."""
        self._task.cancel()
        for failure in await asyncio.gather(self._task, return_exceptions=True):
            if isinstance(failure, Exception):
                logger.error("The watcher of engine %d failed", self._pk, exc_info=failure)

    async def _run(self) -> None:
        while True:
            try:
                lease = await db(leases.acquire)(self._pk, self._holder)
            except DatabaseError:
                logger.exception("Engine %d: the lease could not be asked for", self._pk)
                lease = None
            if lease is None:
                await asyncio.sleep(LOOK_EVERY)
                continue
            try:
                await until_first(self._renew(lease), self._follow(lease))
            except LeaseLost:
                logger.warning("Engine %d: another worker follows it now", self._pk)
            finally:
                await db(leases.release)(lease)

    async def _renew(self, lease: Lease) -> None:
        """Keep the lease. Without the database it ends by itself, and writing with it."""
        until = timezone.now() + timedelta(seconds=settings.LEASE_FOR)
        while True:
            await asyncio.sleep(RENEW_EVERY)
            try:
                await db(leases.renew)(lease)
                until = timezone.now() + timedelta(seconds=settings.LEASE_FOR)
            except DatabaseError:
                logger.exception("Engine %d: the lease could not be renewed", self._pk)
                if timezone.now() > until:
                    raise LeaseLost(lease.owner) from None

    async def _follow(self, lease: Lease) -> None:
        """Connect, follow until the engine is lost, and again, ever less often while it does not answer."""
        failures = 0
        while True:
            self._nudge.clear()
            session: Session | None = None
            pause = SWAPPED_PAUSE
            try:
                address, engine_id = await db(_place)(self._pk)
                session = self._session = Session(lease, address, engine_id)
                if self._asked is not None:
                    session.request(self._asked)
                await session.run()
            except LeaseLost:
                raise
            except Swapped as swapped:
                failures = 0
                await self._note(presence.swapped, lease, swapped.info, pause)
            except Exception as error:
                if session is not None and session.live:
                    failures = 0
                pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 8)) * random.uniform(0.6, 0.9)  # noqa: S311
                await self._note(presence.lost, lease, self._explained(error, failures), pause)
                failures += 1
            finally:
                self._session = None
                if session is not None:
                    await session.close()
            await wait_any(pause, self._nudge)

    def _explained(self, error: Exception, failures: int) -> EngineError:
        """Return what to say about a loss; the first of a row of failures goes to the log."""
        if isinstance(error, EngineError):
            if failures == 0:
                logger.info("Engine %d is lost: %s", self._pk, error.message)
            return error
        logger.error("Engine %d: following it failed", self._pk, exc_info=error)
        return Unreachable("The console failed while it followed this engine; its log says more.", "lost")

    async def _note(self, write: Callable[..., int], lease: Lease, what: object, pause: float) -> None:
        """Write to the engine's row how it stands, and tell those who look at it."""
        try:
            version = await db(write)(self._pk, lease.fence, what, timezone.now() + timedelta(seconds=pause))
        except DatabaseError:
            logger.exception("Engine %d: its row could not be written", self._pk)
            return
        await changes.beat(self._pk, version)


def _place(engine_pk: int) -> tuple[Address, str]:
    engine = Engine.objects.only("url", "tls_ca", "tls_cert", "tls_key", "source", "engine_id").get(pk=engine_pk)
    try:
        return engine.address, engine.engine_id
    except ValueError as error:
        raise Unreachable(str(error), "wrong-address") from error
