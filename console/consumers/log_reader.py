"""What the sockets that read logs share: whose logs, and the audit's line about who read them and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from channels.db import database_sync_to_async

from console import people
from console.consumers.stream import StreamConsumer
from console.live.logs import Source
from console.live.streams import api_version
from console.models import Container, Engine


class LogReader(StreamConsumer):
    """Reads logs of ``_containers`` and writes that down as ``action``. Subclasses give ``read``."""

    action: ClassVar[str]

    _engine: Engine
    _containers: list[Container]

    async def read(self) -> Mapping[str, Any] | None:
        """Pushes until there is nothing more; returns what the message "end" says, None for no such message.

        Cancelled when the socket closes.
        """
        raise NotImplementedError

    async def serve(self) -> None:
        """Reads, and records it however it ends."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            said = await self.read()
        finally:
            record = database_sync_to_async(self._record, thread_sensitive=False)
            await asyncio.shield(record(loop.time() - started))
        if said is not None:
            await self.push("end", **said)

    def _record(self, seconds: float) -> None:
        for container in self._containers:
            people.record(
                self.user,
                self.action,
                address=self.address,
                engine=self._engine,
                kind="container",
                object_id=container.container_id,
                object_name=container.name,
                seconds=round(seconds, 1),
            )


def source_of(engine: Engine, container: Container) -> Source:
    """The container's log as ``live.logs`` wants it; its run is looked up in the mirror."""
    pk = container.pk

    def look() -> str | None:
        found = Container.objects.filter(pk=pk).values_list("state", "started_at").first()
        if found is None:
            return None
        state, started = found
        return str(started) if state in {"running", "paused"} else ""

    return Source(
        engine.pk,
        container.container_id,
        engine.address,
        api_version(engine),
        container.tty,
        database_sync_to_async(look, thread_sensitive=False),
    )
