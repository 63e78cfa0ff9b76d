"""The log of one or several containers, past and live: ``/ws/e/<engine>/logs?c=<id>&c=<id>&tail=1000``.

Parameters: ``c`` an id, up to fifty; ``tail`` lines of the past of each (0 to 20,000), or ``since`` and ``until`` in
nanoseconds of the engine's clock; ``after`` once for each ``c``: the place (``live.cursor``) where a former socket was
cut.

Messages, beside those of ``consumers.stream``: ``lines`` (c: position of the container, d: rows of
``live.logs.encode``), ``skip`` (c, n lines that did not fit), ``mark`` (c, what: a kind of ``live.logs.Mark``, text),
``end``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from channels.db import database_sync_to_async
from django.http import Http404, QueryDict

from console import access
from console.consumers.log_reader import LogReader, source_of
from console.engine.errors import EngineError, Unreachable
from console.engine.logs import LogQuery
from console.live.cursor import Cursor
from console.live.logs import Batch, Item, Mark, Skipped, Source, hubs, past, resume, tail
from console.models import Container

MOST_CONTAINERS: Final = 50
MOST_TAIL: Final = 20_000
ENDED_LOOKS: Final = 5  # looks at the mirror after a log ended
ENDED_WAIT: Final = 0.2  # seconds between them
LONGEST: Final = 12 * 3600.0  # seconds that one socket may last; the page opens another


@dataclass(frozen=True, slots=True)
class _Asked:
    """The address, understood. Raises ``Http404`` for what no page sends."""

    tail: int | None
    since_ns: int
    until_ns: int
    cursors: tuple[Cursor | None, ...]

    @classmethod
    def from_query(cls, query: QueryDict) -> _Asked:
        try:
            cursors = tuple(Cursor.parse(place) if place else None for place in query.getlist("after"))
            since, until = int(query.get("since", "0") or 0), int(query.get("until", "0") or 0)
            lines = int(query.get("tail", "1000") or 1000)
        except ValueError:
            raise Http404("log") from None
        if not (0 <= lines <= MOST_TAIL and 0 <= since < 2**63 and 0 <= until < 2**63):
            raise Http404("log")
        return cls(None if since else lines, since, until, cursors)


class LogConsumer(LogReader):
    """One viewer of up to fifty logs."""

    action = "container.logs"

    _asked: _Asked

    def admit(self) -> None:
        """The engine, the containers, and the right to read logs."""
        query = QueryDict(self.scope["query_string"])
        self._engine = access.engine_for(self.user, self.scope["url_route"]["kwargs"]["slug"])
        ids = list(dict.fromkeys(query.getlist("c")))
        if not 1 <= len(ids) <= MOST_CONTAINERS:
            raise Http404("container")
        containers = [access.container_for(self.user, self._engine, reference) for reference in ids]
        access.require(self.user, "logs")
        self._asked = _Asked.from_query(query)
        if not self._admitted:
            self._containers = containers

    async def read(self) -> Mapping[str, Any] | None:
        """Follows every container; ends when all are gone or the range has been read."""
        said: Mapping[str, Any] | None = {}
        try:
            async with asyncio.timeout(LONGEST), asyncio.TaskGroup() as group:
                for number, container in enumerate(self._containers):
                    group.create_task(self._follow(number, container))
        except* Unreachable:
            # Not from within a follower: ``stop`` waits for this task, and this task for its followers.
            said = None
            await self.stop(4000)
        return said

    async def _follow(self, number: int, container: Container) -> None:
        source = source_of(self._engine, container)
        asked = self._asked
        cursor = asked.cursors[number] if number < len(asked.cursors) else None
        query = LogQuery(
            source.container_id, source.tty, since_ns=asked.since_ns, until_ns=asked.until_ns, tail=asked.tail
        )
        head = b'{"t":"lines","c":%d,"s":' % number

        def deliver(batch: Batch) -> bool:
            return self.push_at_once(head, batch.data)

        items = _live(source, query, cursor, deliver) if not asked.until_ns else past(source, query)
        async with contextlib.aclosing(items):
            await self._send_all(number, items, container, deliver)

    async def _send_all(
        self, number: int, items: AsyncIterator[Item], container: Container, deliver: Callable[[Batch], bool]
    ) -> None:
        try:
            async for item in items:
                if isinstance(item, Batch):
                    if not deliver(item):
                        await self.push("lines", item.data, c=number)
                elif isinstance(item, Skipped):
                    await self.push("skip", c=number, n=item.lines)
                else:
                    words = await how_it_ended(container) if item.kind == "stopped" else item.text
                    await self.push("mark", c=number, what=item.kind, text=words)
                    if item.kind in Mark.LAST:
                        return
        except Unreachable as error:  # the page comes again with its place
            await self.push("mark", c=number, what="lost", text=error.message)
            raise
        except EngineError as error:
            await self.push("mark", c=number, what="refused", text=error.message)


async def _live(
    source: Source, query: LogQuery, cursor: Cursor | None, deliver: Callable[[Batch], bool]
) -> AsyncGenerator[Item, None]:
    """The past, or what was missed since ``cursor``, then what comes, which ``deliver`` takes where it can."""
    async with contextlib.AsyncExitStack() as stack:
        viewer = await stack.enter_async_context(hubs.watch(source))
        viewer.deliver = deliver
        items = resume(source, cursor, viewer) if cursor else tail(source, query, viewer)
        await stack.enter_async_context(contextlib.aclosing(items))
        async for item in items:
            yield item


async def how_it_ended(container: Container) -> str:
    """Why a container stopped, from the mirror, which may hear of it a moment later than the log: "" if it does not."""
    columns = ("state", "exit_code", "oom_killed")

    def look() -> tuple[str, int, bool] | None:
        return Container.objects.filter(pk=container.pk).values_list(*columns).first()

    for _ in range(ENDED_LOOKS):
        found = await database_sync_to_async(look, thread_sensitive=False)()
        if found is None:
            return ""
        state, code, oom = found
        if state in {"exited", "dead", "restarting"}:
            return f"exit code {code}{', out of memory' if oom else ''}"
        await asyncio.sleep(ENDED_WAIT)
    return ""
