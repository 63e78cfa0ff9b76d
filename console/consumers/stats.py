"""Statistics of the containers on screen: ``/ws/e/<engine>/stats``.

The browser says ``{"type": "watch", "ids": […], "every": 2}`` whenever the rows on screen change, and
``"history": true`` for what is known already: of one id the last hour, of several every tenth of their last samples.
Messages to it: ``history`` (id, d: rows), ``stats`` (d: ``{id: row or null}``). A row is ``[time, cpu, cpus, memory,
memory limit, received, sent, read, written, processes, limit]``.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import astuple
from typing import Any, ClassVar, Final

from channels.db import database_sync_to_async

from console import access
from console.consumers.guard import ABUSE
from console.consumers.stream import StreamConsumer
from console.engine.stats import Sample
from console.live.stats import Listener, Watched, feeds
from console.live.streams import api_version
from console.models import Engine

MOST: Final = 120  # containers of one socket
SLOWEST: Final = 60.0  # seconds between two messages


class StatsConsumer(StreamConsumer):
    """Samples for one page, gathered into one message a period."""

    messages: ClassVar[dict[str, str]] = {**StreamConsumer.messages, "watch": "on_watch"}

    _engine: Engine

    def admit(self) -> None:
        """The engine; the containers are looked up when they are named."""
        self._engine = access.engine_for(self.user, self.scope["url_route"]["kwargs"]["slug"])

    async def opened(self) -> None:
        """Nothing is sampled until the page says what it shows."""
        self._wanted: tuple[list[str], float, bool] = ([], 2.0, False)
        self._changed = asyncio.Event()
        await super().opened()

    async def on_watch(self, said: dict[str, Any]) -> None:
        """What the page shows now."""
        ids, every = said.get("ids"), said.get("every", 2)
        if (
            not isinstance(ids, list)
            or len(ids) > MOST
            or not all(isinstance(item, str) and len(item) == 64 for item in ids)
            or not isinstance(every, int | float)
            or not 0.5 <= every <= SLOWEST
        ):
            await self.stop(ABUSE)
            return
        self._wanted = (ids, float(every), said.get("history") is True)
        self._changed.set()

    async def serve(self) -> None:
        """Serves one set of containers until the page names another."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            ids, every, history = self._wanted
            known = await database_sync_to_async(self._known, thread_sensitive=False)(ids)
            async with AsyncExitStack() as stack:
                listeners = {
                    name: await stack.enter_async_context(feeds.watch(watched)) for name, watched in known.items()
                }
                if history:
                    for name, watched in known.items():
                        samples = feeds.history(watched) if len(ids) == 1 else feeds.recent(watched)
                        if samples or len(ids) == 1:
                            rows = json.dumps([_row(sample) for sample in samples], separators=(",", ":"))
                            await self.push("history", rows, id=name)
                await self._push_until_changed(listeners, every)

    async def _push_until_changed(self, listeners: dict[str, Listener], every: float) -> None:
        while not self._changed.is_set():
            found = {}
            for name, listener in listeners.items():
                if listener.woken.is_set():
                    sample = await listener.get()
                    found[name] = _row(sample) if sample else None
            if found:
                await self.push("stats", json.dumps(found, separators=(",", ":")))
            try:
                async with asyncio.timeout(every if found else 0.2):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _known(self, ids: list[str]) -> dict[str, Watched]:
        address, version = self._engine.address, api_version(self._engine)
        rows = access.containers_for(self.user, self._engine).filter(container_id__in=ids)
        return {
            name: Watched(self._engine.pk, name, address, version)
            for name in rows.values_list("container_id", flat=True)
        }


def _row(sample: Sample) -> list[Any]:
    return list(astuple(sample))
