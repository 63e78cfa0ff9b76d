"""A search through many logs: ``/ws/e/<engine>/logs/search?q=…&in=…&since=…`` (``pages.log_search``).

Reads up to ``AT_ONCE`` logs at a time. Messages, beside those of ``consumers.stream``: ``log`` (c: position of the
container, state reading, read, full or refused, bytes, lines, n matches, text), ``found`` (c, d: rows of
``live.log_search.Found``), ``end`` (n matches, why: "", "matches", "time", "slow", "pattern"; text). Closing the socket
cancels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, Final

from django.http import Http404, QueryDict

from console import access
from console.consumers.log_reader import LogReader, source_of
from console.engine.errors import EngineError
from console.live.log_search import Found, search
from console.live.matcher import BadPattern, Expression, TooSlow, Words, matcher_of
from console.models import Container
from console.pages.log_options import LogOptions
from console.pages.log_search import MOST_CONTAINERS, LogSearch

AT_ONCE: Final = 4  # logs
MOST_MATCHES: Final = 10_000
LONGEST: Final = 600.0  # seconds
TOLD_EVERY: Final = 0.4  # seconds between words about a log's progress


class _Enough(Exception):
    """``MOST_MATCHES`` were found."""


class LogSearchConsumer(LogReader):
    """One search of one person. The audit tells in which logs; not what for, as that may be a secret."""

    action = "container.logs.search"

    _options: LogOptions
    _found = 0

    def admit(self) -> None:
        """The engine, the right to read logs, and on opening the containers that fit."""
        self._engine = access.engine_for(self.user, self.scope["url_route"]["kwargs"]["slug"], "logs")
        if self._admitted:
            return
        asked = LogSearch(self.user, self._engine, QueryDict(self.scope["query_string"]))
        self._containers = asked.containers[:MOST_CONTAINERS]
        self._options = asked.options
        if not asked.asked or asked.errors:
            raise Http404("search")

    async def read(self) -> Mapping[str, Any]:
        """Searches; ends with a sum."""
        options = self._options
        matcher = matcher_of(options.q, options.case, options.regex)
        try:
            why, text = await self._search(matcher)
        finally:
            await matcher.end()
        return {"n": self._found, "why": why, "text": text}

    async def _search(self, matcher: Words | Expression) -> tuple[str, str]:
        """Reads all logs; why it ended early, or ""."""
        try:
            await matcher.start()
            async with asyncio.timeout(LONGEST):
                await self._all(matcher)
        except BadPattern as error:
            return "pattern", str(error)
        except _Enough:
            return "matches", ""
        except TooSlow:
            return "slow", ""
        except TimeoutError:
            return "time", ""
        return "", ""

    async def _all(self, matcher: Words | Expression) -> None:
        gate = asyncio.Semaphore(AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                for number, container in enumerate(self._containers):
                    group.create_task(self._one(number, container, matcher, gate))
        except ExceptionGroup as errors:
            for kind in (_Enough, TooSlow):
                if errors.subgroup(kind):
                    raise kind from None
            raise

    async def _one(
        self, number: int, container: Container, matcher: Words | Expression, gate: asyncio.Semaphore
    ) -> None:
        loop = asyncio.get_running_loop()
        options = self._options
        async with gate:
            told, last = 0.0, Found("", 0, 0, 0)
            await self._tell(number, "reading", last)
            parts = search(
                source_of(self._engine, container), matcher, since_ns=options.since_ns, until_ns=options.until_ns
            )
            try:
                async with aclosing(parts):
                    async for part in parts:
                        self._found += part.matches - last.matches
                        last = part
                        if part.rows:
                            await self.push("found", part.rows, c=number)
                        if self._found >= MOST_MATCHES:
                            await self._tell(number, "full", last)
                            raise _Enough
                        if loop.time() - told > TOLD_EVERY:
                            told = loop.time()
                            await self._tell(number, "reading", last)
            except EngineError as error:
                await self._tell(number, "refused", last, text=error.message)
                return
            await self._tell(number, "full" if last.full else "read", last)

    async def _tell(self, number: int, state: str, found: Found, **more: Any) -> None:
        await self.push("log", c=number, state=state, bytes=found.bytes, lines=found.lines, n=found.matches, **more)
