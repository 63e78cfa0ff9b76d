"""The page socket: keeps what a page shows equal to the mirror.

``/ws/e/<engine>?view=<name>&v=<version>&…`` with the page's own query string behind it. Hints come in, rows are read
again through ``access``, and the page's own partials go out. Hints are a set of ids, so a storm costs no memory; while
a batch is under way the next one gathers.
"""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar, Final

from channels.db import database_sync_to_async
from django.http import Http404, QueryDict

from console import access, changes
from console.consumers.guard import GuardedConsumer
from console.models import Engine, Operation
from console.pages import shell, toasts
from console.pages.live import RESYNC, LiveView
from console.pages.registry import LIVE_VIEWS

log = logging.getLogger(__name__)

STORM: Final = 0.05  # seconds between two batches
COME_AGAIN: Final = 4000  # close code: the page connects anew and reads its regions again (docs/frontend.md)
FRESH: Final = 10.0  # seconds after which the freshness is looked up even if nobody told of it
MANY: Final = 300  # ids of one kind that wait; above it the page reads its regions again


class PageConsumer(GuardedConsumer):
    """One page of one person. Pushes HTML for htmx, or ``{"resync": true}``."""

    messages: ClassVar[dict[str, str]] = {}

    _engine: Engine | None = None
    _view: type[LiveView] | None = None
    _pump: asyncio.Task[None] | None = None

    def admit(self) -> None:
        """The engine in the address, and a page that the person may see."""
        slug = self.scope["url_route"]["kwargs"].get("slug")
        access.require(self.user, "observe")
        self._engine = access.engine_for(self.user, slug) if slug else None
        name = self._params.get("view", "")
        if name:
            if name not in LIVE_VIEWS:
                raise Http404("view")
            self._view = LIVE_VIEWS[name]
            if not self._admitted:
                self._view(self.user, self._engine, self._params)

    @property
    def _params(self) -> QueryDict:
        return QueryDict(self.scope["query_string"])

    async def opened(self) -> None:
        """Joins the groups first, then asks what was missed since the page was rendered."""
        self._wake = asyncio.Event()
        self._dirty: dict[str, set[str] | None] = {}
        self._beat = self._operations = self._resync = False
        self._finished: set[str] = set()
        self._seen = 0
        self._groups = [changes.OPERATIONS_GROUP, *await self._engine_groups()]
        for group in self._groups:
            await self.channel_layer.group_add(group, self.channel_name)
        if self._engine is not None:
            self._seen = await self._version()
            rendered = self._params.get("v", "")
            self._resync = rendered.isdecimal() and int(rendered) < self._seen
        self._beat = True
        self._wake.set()
        self._pump = asyncio.create_task(self._push())

    async def closed(self) -> None:
        """Leaves the groups."""
        if self._pump is not None and self._pump is not asyncio.current_task():
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        for group in getattr(self, "_groups", []):
            await self.channel_layer.group_discard(group, self.channel_name)

    # Hints

    async def objects_changed(self, message: changes.ObjectsChanged) -> None:
        """Rows changed: remember which."""
        self._seen = max(self._seen, message["version"])
        self._note(message["kind"], message["ids"])

    async def operation_changed(self, message: changes.OperationChanged) -> None:
        """An operation moved on: the count in the top bar, and pages that show operations."""
        self._operations = True
        self._finished.add(message["id"])
        self._note("operation", [message["id"]])
        self._wake.set()

    async def engine_beat(self, message: changes.EngineBeat) -> None:
        """The engine was looked after. A version ahead of all hints tells of a hint that was lost."""
        if self._engine is not None:
            if message["version"] > self._seen:
                self._seen = message["version"]
                self._resync = True
            self._beat = True
        self._note("engine", [str(message["engine"])])
        self._wake.set()

    def _note(self, kind: str, ids: list[str] | None) -> None:
        if self._view is None or kind not in self._view.kinds:
            return
        waiting = self._dirty.setdefault(kind, set())
        if ids is None or waiting is None or len(waiting) + len(ids) > MANY:
            self._dirty[kind] = None
        else:
            waiting.update(ids)
        self._wake.set()

    # To the page

    async def _push(self) -> None:
        while True:
            try:
                async with asyncio.timeout(FRESH):
                    await self._wake.wait()
            except TimeoutError:
                self._beat = True
            self._wake.clear()
            try:
                html, resync = await database_sync_to_async(self._render, thread_sensitive=False)()
                if resync:
                    await self.send(text_data='{"resync":true}')
                if html:
                    await self.send(text_data=html)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("A page could not be kept live: %s", self.scope.get("path"))
                await self.stop(COME_AGAIN)
                return
            await asyncio.sleep(STORM)

    def _render(self) -> tuple[str, bool]:
        """What has gathered, as HTML, and whether the page must read its regions again."""
        dirty, self._dirty = self._dirty, {}
        finished, self._finished = self._finished, set()
        beat, self._beat = self._beat, False
        operations, self._operations = self._operations, False
        resync, self._resync = self._resync, False
        html = []
        if self._engine is not None and beat:
            self._engine = access.engine_for(self.user, self._engine.slug)
            html.append(shell.fresh(self._engine))
        if operations:
            html.append(shell.running(self.user))
            html.append(self._toasts(finished))
        if self._view is not None and dirty and not resync:
            try:
                view = self._view(self.user, self._engine, self._params)
                for kind, ids in dirty.items():
                    part = view.changed(kind, None if ids is None else sorted(ids))
                    if part == RESYNC:
                        resync = True
                    else:
                        html.append(part)
            except Http404:
                resync = True  # the object that the page is about has gone: the page says so itself
        return "".join(html), resync

    def _toasts(self, ids: set[str]) -> str:
        ended = access.operations_for(self.user).filter(pk__in=ids, user=self.user).exclude(state__in=Operation.OPEN)
        return "".join(toasts.render(operation) for operation in ended[:5])

    async def _engine_groups(self) -> list[str]:
        if self._engine is not None:
            return [changes.engine_group(self._engine.pk)]
        find = database_sync_to_async(
            lambda: [changes.engine_group(pk) for pk in access.engines_for(self.user).values_list("pk", flat=True)],
            thread_sensitive=False,
        )
        return await find()

    async def _version(self) -> int:
        slug = self.scope["url_route"]["kwargs"]["slug"]
        find = database_sync_to_async(
            lambda: access.engines_for(self.user).values_list("version", flat=True).get(slug=slug),
            thread_sensitive=False,
        )
        return int(await find())
