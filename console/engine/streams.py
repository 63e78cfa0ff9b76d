"""An engine's event stream (``GET /events``), read so that nothing is missed in silence.

Subscribing: 20.10 and later send the headers at once, a moment before the subscription stands, and other engines may
send them with the first event only, so headers prove nothing. What makes the order "subscribe, then list" safe is
``since``: the engine replays its last 256 events from there on. Without a known last event it is the engine's own clock
a second before, taken from the ``Date`` of a ping on the same connection; our clock never matters.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp

from console.engine import parse
from console.engine.address import Address
from console.engine.connection import Connection, Pong, versioned
from console.engine.errors import Malformed, Unreachable
from console.engine.text import decode
from console.engine.types import Event

LINE_CAP = 1024 * 1024  # bytes of one event
HEADERS_GRACE = 2.0  # seconds until headers that do not come stop being waited for

# What changes a mirrored object, or belongs into a history of it. Health checks' exec_* are most of a busy engine's
# events and change nothing; resize, top, copy and the like neither. "died", "init" and "cleanup" are Podman's words.
_LIFE = ("create", "start", "restart", "stop", "die", "kill", "oom", "pause", "unpause", "rename", "update", "destroy")
_MORE = ("remove", "health_status", "attach", "detach", "commit", "prune", "died", "init", "cleanup")
_IMAGE = ("pull", "push", "tag", "untag", "delete", "import", "load", "build", "create", "remove", "prune")
ACTIONS: dict[str, frozenset[str]] = {
    "container": frozenset(_LIFE + _MORE),
    "image": frozenset(_IMAGE),
    "network": frozenset(("create", "connect", "disconnect", "destroy", "remove", "update", "prune")),
    "volume": frozenset(("create", "mount", "unmount", "destroy", "remove", "prune")),
    "daemon": frozenset(("reload",)),
}


class Lines:
    """Cuts a byte stream into lines of at most ``cap`` bytes; a longer one is skipped whole and counted."""

    def __init__(self, cap: int = LINE_CAP) -> None:
        self.skipped = 0
        self._cap = cap
        self._buffer = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes and return the lines that they complete, without line ends and empty lines."""
        *complete, rest = data.split(b"\n")
        lines = []
        for part in complete:
            self._take(part)
            if not self._skipping and self._buffer.strip():
                lines.append(bytes(self._buffer))
            self._buffer.clear()
            self._skipping = False
        self._take(rest)
        return lines

    def _take(self, part: bytes) -> None:
        if self._skipping:
            return
        if len(self._buffer) + len(part) > self._cap:
            self._skipping = True
            self.skipped += 1
            self._buffer.clear()
        else:
            self._buffer += part


class EventStream:
    """A subscription. Iterating never ends by itself: it raises ``Unreachable`` when the stream ends or breaks.

    Silence is not noticed here (a quiet engine sends nothing): the caller pings on the side.
    """

    def __init__(self, connection: Connection, answer: asyncio.Task[aiohttp.ClientResponse], pong: Pong) -> None:
        self.pong = pong
        self._connection, self._answer = connection, answer
        self._lines = Lines()
        self._malformed = 0

    @property
    def skipped(self) -> int:
        """Lines that were too long or no events. Each may have been a change: a resync finds out."""
        return self._lines.skipped + self._malformed

    async def __aiter__(self) -> AsyncIterator[Event]:
        answer = await asyncio.shield(self._answer)
        async for chunk in self._connection.chunks(answer):
            for line in self._lines.feed(chunk):
                try:
                    event = parse.event(decode(line))
                except Malformed:
                    self._malformed += 1
                    continue
                if event.action in ACTIONS.get(event.type, ()):
                    yield event
        raise Unreachable("The engine ended the event stream.", "lost")


@asynccontextmanager
async def events(address: Address, since_ns: int | None = None) -> AsyncIterator[EventStream]:
    """Subscribe to an engine's events: ``async with events(address) as stream`` … ``async for event in stream``.

    Inside the block every change from its beginning on will be in the stream, so a list taken there plus the stream is
    complete. ``since_ns``: the ``time_ns`` of the last event seen (it comes again, and some before it may: events are
    hints); None for a second before now. Raises ``Unreachable`` where no engine answers.
    """
    async with Connection(address) as connection:
        pong = await connection.ping(timeout=5.0)
        params = {} if pong.podman else {"filters": _filters()}  # Podman's own words do not pass Docker's filter
        if since_ns is None and pong.time is not None:
            since_ns = (int(pong.time.timestamp()) - 1) * 1_000_000_000
        if since_ns is not None and since_ns > 0:
            params["since"] = f"{since_ns // 1_000_000_000}.{since_ns % 1_000_000_000:09d}"
        answer = asyncio.ensure_future(connection.request("GET", versioned(pong, "/events"), params))
        try:
            await asyncio.wait({answer}, timeout=HEADERS_GRACE)
            if answer.done():
                answer.result()  # raises what went wrong
            yield EventStream(connection, answer, pong)
        finally:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                answer.result().close()
            else:
                answer.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    (await answer).close()


async def ping(address: Address, timeout: float = 2.0) -> Pong:
    """Ask for a sign of life on a connection of its own; raise ``Unreachable`` without one in ``timeout`` seconds."""
    async with Connection(address) as connection:
        return await connection.ping(timeout)


def _filters() -> str:
    actions = sorted(frozenset[str]().union(*ACTIONS.values()))
    return json.dumps({"type": sorted(ACTIONS), "event": actions}, separators=(",", ":"))
