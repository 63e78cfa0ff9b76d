"""The page socket: keeps what a page shows equal to the mirror.

``/ws/e/<engine>?view=<name>&v=<version>&…`` with the page's own query string behind it; ``v`` is the engine's version
that the page was rendered at. Hints come in, rows are read again through ``access``, and the page's own partials go
out. Hints are a set of ids, so a storm costs no memory; while a batch is under way the next one gathers.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import ClassVar, Final

from channels.db import database_sync_to_async
from django.core.exceptions import PermissionDenied
from django.http import Http404, QueryDict

from console import access, changes
from console.consumers.guard import GuardedConsumer
from console.consumers.versions import GRACE, Versions
from console.models import Engine
from console.pages import shell, toasts
from console.pages.live import RESYNC, LiveView
from console.pages.registry import LIVE_VIEWS

log = logging.getLogger(__name__)

STORM: Final = 0.05  # seconds between two batches, at least, as long as hints come faster than that
COME_AGAIN: Final = 4000  # close code: the page connects anew and reads its regions again (docs/frontend.md)
QUIET: Final = 10.0  # seconds without any hint after which the engine's row is looked up all the same
MANY: Final = 300  # ids of one kind that wait; above it the page reads its regions again
MOST_ENDED: Final = 1000  # operations that wait to be told of


@dataclass(slots=True)
class Batch:
    """What has gathered since the last one. Filled and taken on the event loop, rendered in a thread."""

    dirty: dict[str, set[str] | None] = field(default_factory=dict)  # kind: ids, None for many
    operations: set[str] = field(default_factory=set)
    beat: bool = False  # the freshness is to be shown
    count: bool = False  # the numbers of the shell may differ
    resync: bool = False  # something was missed


class PageConsumer(GuardedConsumer):
    """One page of one person. Pushes HTML for htmx, or ``{"resync": true}``. The browser has nothing to say."""

    messages: ClassVar[dict[str, str]] = {}

    _engine: Engine | None = None
    _state: str = ""  # as the page shows it
    _view: type[LiveView] | None = None
    _pump: asyncio.Task[None] | None = None
    _groups: tuple[str, ...] = ()

    def admit(self) -> None:
        """The engine in the address, and a page that the person may see."""
        slug = self.scope["url_route"]["kwargs"].get("slug")
        access.require(self.user, "observe")
        engine = access.engine_for(self.user, slug) if slug else None
        name = self._params.get("view", "")
        if name and name not in LIVE_VIEWS:
            raise Http404("view")
        if not self._admitted:
            self._engine = engine
            self._state = engine.shown_state if engine else ""
            if name:
                self._view = LIVE_VIEWS[name]
                self._view(self.user, engine, self._params)

    @property
    def _params(self) -> QueryDict:
        return QueryDict(self.scope["query_string"])

    async def opened(self) -> None:
        """Joins the groups first, then asks what was missed since the page was rendered."""
        self._wake = asyncio.Event()
        self._batch = Batch(beat=True, count=True)
        self._shown: dict[str, int] = {}
        await self._join()
        newest = await self._newest()
        self._versions = Versions(newest)
        rendered = self._params.get("v", "")
        if self._view is not None:
            self._batch.resync = not rendered.isdecimal() or int(rendered[:20]) < newest
        self._wake.set()
        self._pump = asyncio.create_task(self._push())

    async def closed(self) -> None:
        """Leaves the groups."""
        if self._pump is not None and self._pump is not asyncio.current_task():
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        for group in self._groups:
            await changes.leave(self.channel_layer, group, self.channel_name)

    # Hints

    async def objects_changed(self, message: changes.ObjectsChanged) -> None:
        """Rows changed: remember which."""
        if self._engine is not None:
            self._versions.told(message["version"], asyncio.get_running_loop().time())
        self._batch.count = self._batch.count or message["kind"] in shell.COUNTED
        self._note(message["kind"], message["ids"])

    async def operation_changed(self, message: changes.OperationChanged) -> None:
        """An operation moved on: the count in the top bar, word of its end, and pages that show operations."""
        self._batch.count = True
        if len(self._batch.operations) < MOST_ENDED:
            self._batch.operations.add(message["id"])
        self._note("operation", [message["id"]])

    async def engine_beat(self, message: changes.EngineBeat) -> None:
        """The engine was looked after. A version ahead of all hints tells of a hint that was lost."""
        if self._engine is not None:
            self._versions.ahead(message["version"], asyncio.get_running_loop().time())
            self._batch.beat = True
        self._note("beat", [str(message["engine"])])

    def _note(self, kind: str, ids: list[str] | None) -> None:
        if self._view is not None and kind in self._view.kinds:
            waiting = self._batch.dirty.setdefault(kind, set())
            if ids is None or waiting is None or len(waiting) + len(ids) > MANY:
                self._batch.dirty[kind] = None
            else:
                waiting.update(ids)
        self._wake.set()

    # To the page

    async def _push(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = rested = loop.time()
            quiet = False
            try:
                await self._gather()
                quiet = loop.time() - rested >= STORM  # and so the next change is pushed at once as well
                self._wake.clear()
                batch, self._batch = self._batch, Batch()
                if self._engine is not None and self._versions.lost(loop.time()):
                    batch.resync = batch.count = True
                began = loop.time()
                html, resync = await database_sync_to_async(self._render, thread_sensitive=False)(batch)
                if resync:
                    await self.send(text_data='{"resync":true}')
                if html:
                    await self.send(text_data=html)
            except asyncio.CancelledError:
                raise
            except (Http404, PermissionDenied):
                await self._recheck()  # the engine has gone or a right was withdrawn, and the hint is under way
            except Exception:
                log.exception("A page could not be kept live: %s", self.scope.get("path"))
                await self.stop(COME_AGAIN)
                return
            took = loop.time() - began  # at most half of the time goes into one page
            await asyncio.sleep(took if quiet else max(STORM, took))

    async def _gather(self) -> None:
        """Wait for a hint. After a long silence look all the same: the worker or the channel layer may have stopped."""
        missing = self._engine is not None and self._versions.waits()
        try:
            async with asyncio.timeout(GRACE if missing else QUIET):
                await self._wake.wait()
        except TimeoutError:
            if not missing:
                await self._join()
                self._batch.beat = True
                if self._engine is not None:
                    self._versions.ahead(await self._newest(), asyncio.get_running_loop().time())
                else:  # no version counts the hints of this page
                    self._batch.count = self._batch.resync = True

    def _render(self, batch: Batch) -> tuple[str, bool]:
        """A batch as HTML, and whether the page must read its regions again."""
        html: list[str] = []
        if self._engine is not None and batch.beat:
            self._engine = access.engine_for(self.user, self._engine.slug)
            state = self._engine.shown_state
            batch.resync = batch.resync or state != self._state  # its banner, and what can be done now
            self._state = state
            html.append(shell.fresh(self._engine))
        if batch.count:
            part, self._shown = shell.numbers(self.user, self._engine, self._shown)
            html.append(part)
        if batch.operations:
            html.append(shell.drawer(self.user))
            html.append(toasts.ended(self.user, batch.operations))
        if batch.resync or self._view is None or not batch.dirty:
            return "".join(html), batch.resync and self._view is not None
        try:
            view = self._view(self.user, self._engine, self._params)
            parts = [view.changed(kind, None if ids is None else sorted(ids)) for kind, ids in batch.dirty.items()]
        except Http404:
            return "".join(html), True  # the object that the page is about has gone: the page says so itself
        return "".join([*html, *(part for part in parts if part != RESYNC)]), RESYNC in parts

    async def _join(self) -> None:
        """Join the groups; again after a silence, for a layer forgets members in time or when it was restarted."""
        self._groups = (changes.OPERATIONS_GROUP, *await self._engine_groups())
        for group in self._groups:
            await changes.join(self.channel_layer, group, self.channel_name)

    async def _engine_groups(self) -> list[str]:
        if self._engine is not None:
            return [changes.engine_group(self._engine.pk)]
        find = database_sync_to_async(
            lambda: [changes.engine_group(pk) for pk in access.engines_for(self.user).values_list("pk", flat=True)],
            thread_sensitive=False,
        )
        return await find()

    async def _newest(self) -> int:
        """The engine's version as its row says; 0 for a page without an engine."""
        if self._engine is None:
            return 0
        pk = self._engine.pk
        find = database_sync_to_async(
            lambda: access.engines_for(self.user).filter(pk=pk).values_list("version", flat=True).first(),
            thread_sensitive=False,
        )
        return await find() or 0
