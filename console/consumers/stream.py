"""Credit flow control between a stream and a browser.

Daphne buffers without a bound for a reader that stalls. So every message carries the running total of what was sent
("s"), the browser tells which total it has rendered, and above ``WINDOW`` the stream is not read on. A browser that
tells nothing for ``SILENCE`` seconds while something is under way is dropped.

Messages to the browser, JSON: ``{"t": "…", "s": total, …}``, and ``{"t": "beat"}`` every ``BEAT`` seconds.
Messages from it: ``{"type": "ack", "s": total}`` and ``{"type": "beat"}``.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from console.consumers.at_once import AT_ONCE
from console.consumers.guard import ABUSE, GuardedConsumer

log = logging.getLogger(__name__)

WINDOW: Final = 512 * 1024  # characters under way
SILENCE: Final = 30.0  # seconds without an acknowledgement
BEAT: Final = 15.0  # seconds
MUTE: Final = 45.0  # seconds without any message from the browser
STALLED, FAILED = 4408, 4500
AROUND: Final = 100  # characters that a message is counted with beside what it carries


class StreamConsumer(GuardedConsumer):
    """A guarded socket with one task that pushes. Subclasses give ``serve``."""

    messages: ClassVar[dict[str, str]] = {"ack": "on_ack", "beat": "on_beat"}

    _task: asyncio.Task[None] | None = None
    _beat: asyncio.Task[None] | None = None
    _sent = 0
    _acknowledged = 0
    _credit: asyncio.Event
    _moved = 0.0  # when the browser last acknowledged, or when something went out after everything was acknowledged
    _heard = 0.0

    async def serve(self) -> None:
        """Pushes until the stream ends. Cancelled when the socket closes."""
        raise NotImplementedError

    async def opened(self) -> None:
        """Starts the pushing task and the heartbeat."""
        loop = asyncio.get_running_loop()
        self._credit = asyncio.Event()
        self._credit.set()
        self._moved = self._heard = loop.time()
        self._task = asyncio.create_task(self._serve())
        self._beat = asyncio.create_task(self._beats())

    async def closed(self) -> None:
        """Ends both; what ``serve`` holds it gives back in its own ``finally``."""
        current = asyncio.current_task()
        for task in (self._beat, self._task):
            if task is not None and task is not current:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _serve(self) -> None:
        try:
            await self.serve()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("A stream failed: %s", self.scope.get("path"))
            await self.stop(FAILED)

    # To the browser

    async def push(self, kind: str, raw: str | bytes = "", **fields: Any) -> None:
        """Sends one message when there is credit. ``raw``: JSON that is encoded already, sent as field "d"."""
        await self._credit.wait()
        self._count(len(raw) + AROUND)
        head = json.dumps({"t": kind, "s": self._sent, **fields}, ensure_ascii=False, separators=(",", ":"))
        told = raw.decode() if isinstance(raw, bytes) else raw
        await self.send(text_data=f'{head[:-1]},"d":{told}}}' if raw else head)

    def push_at_once(self, head: bytes, raw: bytes) -> bool:
        """Sends what ``push`` would send, without waiting. False, and nothing sent, where it would have to wait.

        ``head``: the message as JSON up to the total; ``raw`` as for ``push``.
        """
        if not (self._admitted and self._credit.is_set()):
            return False
        total = self._sent + len(raw) + AROUND
        if not self._write((b"%b%d" % (head, total), b',"d":', raw, b"}")):
            return False
        self._count(len(raw) + AROUND)
        return True

    async def push_bytes(self, data: bytes) -> None:
        """Sends a binary message when there is credit; the browser counts its bytes."""
        await self._credit.wait()
        self._count(len(data))
        if not self._write((data,), binary=True):
            await self.send(bytes_data=data)

    def _write(self, parts: Sequence[bytes], *, binary: bool = False) -> bool:
        extensions: Mapping[str, Any] = self.scope.get("extensions") or {}
        at_once: Callable[..., bool] | None = extensions.get(AT_ONCE)
        return at_once is not None and at_once(parts, binary=binary)

    def _count(self, size: int) -> None:
        if self._sent == self._acknowledged:
            self._moved = asyncio.get_running_loop().time()
        self._sent += size
        if self._sent - self._acknowledged >= WINDOW:
            self._credit.clear()

    # From the browser

    async def on_ack(self, said: dict[str, Any]) -> None:
        """It has rendered everything up to a total."""
        total = said.get("s")
        if not isinstance(total, int) or isinstance(total, bool) or not self._acknowledged <= total <= self._sent:
            await self.close(ABUSE)
            return
        self._heard = self._moved = asyncio.get_running_loop().time()
        self._acknowledged = total
        if self._sent - total < WINDOW:
            self._credit.set()

    async def on_beat(self, said: dict[str, Any]) -> None:
        """It is alive."""
        self._heard = asyncio.get_running_loop().time()

    async def _beats(self) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(1)
            now = loop.time()
            if (self._sent > self._acknowledged and now - self._moved > SILENCE) or now - self._heard > MUTE:
                await self.stop(STALLED)
                return
            if now - last >= BEAT:
                last = now
                await self.send(text_data='{"t":"beat"}')
