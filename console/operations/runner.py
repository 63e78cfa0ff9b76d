"""The worker's operation loop: claim, do, say how it ended; after a crash look first.

Each running operation is one task here and, while the engine works, one thread that touches no database. A slow stop
holds one of ``OPERATIONS_AT_ONCE`` places and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, ParamSpec, TypeVar

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError

from console.changes import LAYER_ERRORS, WORKERS_GROUP, leave
from console.models import Operation
from console.operations import contexts, store, uploads
from console.operations.job import Job
from console.operations.perform import Clients

POLL: Final = 2.0  # seconds between looks when nothing wakes the loop
RENEW: Final = 2.5  # seconds between signs of life
PRUNE: Final = 3600.0  # seconds between removals of old rows
JOIN: Final = 600.0  # seconds between joining the group again: layers forget members after a day
FAREWELL: Final = 2.0  # seconds that running calls get when the console stops

logger = logging.getLogger(__name__)
T = TypeVar("T")
P = ParamSpec("P")


async def in_thread(call: Callable[[], T]) -> T:
    """Run a blocking engine call in a thread of its own, which does not keep the process from ending.

    A pool's threads are waited for at exit; a container that takes an hour to stop must not hold the console for it.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(set_: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            set_(value)

    def run() -> None:
        try:
            value: Any = call()
            set_: Callable[[Any], None] = future.set_result
        except BaseException as error:
            value, set_ = error, future.set_exception
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, set_, value)

    threading.Thread(target=run, name="operation", daemon=True).start()
    return await future


def in_database(function: Callable[P, T]) -> Callable[P, Any]:
    """An async form of a function that asks the database."""
    return database_sync_to_async(function, thread_sensitive=False)


class Runner:
    """One worker's running operations. ``owner`` names it in the claims."""

    def __init__(self, owner: str, at_once: int) -> None:
        self.owner = owner
        self.at_once = at_once
        self.running: dict[asyncio.Task[None], Operation] = {}
        self.clients = Clients()
        self._wake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set. A database that fails for a while is waited for."""
        helpers = [
            asyncio.create_task(self._until(stop)),
            asyncio.create_task(self._listen()),
            asyncio.create_task(self._keep_alive()),
            asyncio.create_task(self._prune()),
        ]
        try:
            while not stop.is_set():
                self._wake.clear()
                try:
                    await self._fill()
                except DatabaseError:
                    logger.exception("The operations cannot be read; trying again")
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await self._part()

    async def _fill(self) -> None:
        """Start what there is to do, as far as there is room."""
        free = self.at_once - len(self.running)
        if free <= 0 or not await in_database(store.anything_open)():
            return
        mine = [operation.pk for operation in self.running.values()]
        for operation in await in_database(store.take_over)(self.owner, free, mine):
            self._start(operation)
        for operation in await in_database(store.claim)(self.owner, self.at_once - len(self.running), self.at_once):
            self._start(operation)

    def _start(self, operation: Operation) -> None:
        job = Job(operation, self.clients, in_thread, in_database)
        task = asyncio.create_task(job.run(), name=f"operation {operation.pk}")
        self.running[task] = operation
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        operation = self.running.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The claim expires, and somebody looks after it again.
            logger.error("Operation %s cannot be written down", operation.pk, exc_info=error)
        self._wake.set()

    async def _until(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _listen(self) -> None:
        """Be woken by the channel layer. A lost hint costs at most ``POLL`` seconds."""
        layer = get_channel_layer()
        if layer is None:
            return
        while True:
            try:
                channel = await layer.new_channel()
                await layer.group_add(WORKERS_GROUP, channel)
                end = time.monotonic() + JOIN
                while (left := end - time.monotonic()) > 0:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(layer.receive(channel), left)
                        self._wake.set()
                await leave(layer, WORKERS_GROUP, channel)
            except LAYER_ERRORS:
                logger.warning("The channel layer does not answer; operations start with a delay")
                await asyncio.sleep(POLL)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(RENEW)
            ids = [operation.pk for operation in self.running.values()]
            if ids:
                try:
                    await in_database(store.renew)(self.owner, ids)
                except DatabaseError:
                    logger.exception("The claims of running operations cannot be renewed")

    async def _prune(self) -> None:
        while True:
            try:
                await in_database(store.prune)()
                await in_database(contexts.sweep)()
                await in_database(uploads.sweep)()
            except (DatabaseError, OSError):
                logger.exception("Old operations cannot be removed")
            await asyncio.sleep(PRUNE)

    async def _part(self) -> None:
        """Running calls get a moment; what is not over then is looked after by the next worker."""
        if self.running:
            await asyncio.wait(list(self.running), timeout=FAREWELL)
        left = [operation.pk for operation in self.running.values()]
        for task in list(self.running):
            task.cancel()
        if left:
            await asyncio.gather(*self.running, return_exceptions=True)
            with suppress(DatabaseError):
                await in_database(store.let_go)(self.owner, left)
        self.clients.close()


async def run_operations(stop: asyncio.Event, owner: str) -> None:
    """Do what people asked for, until ``stop`` is set. ``owner`` names this worker; no two alive share a name."""
    await Runner(owner, max(1, settings.OPERATIONS_AT_ONCE)).run(stop)
