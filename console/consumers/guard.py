"""What every websocket does before and while it serves: admission, limits, and rights that can be withdrawn.

A socket outlives the page view that admitted it, so its right is looked at again: at once when ``changes`` tells so,
and every ``RECHECK`` seconds, with all others of the process (``consumers.rights``), in case that hint is lost
(docs/security.md, "Sockets"). Closing codes: 4401 signed out,
4403 a right was withdrawn, 4404 no such object (also for one that may not be seen), 4400 the client broke a limit.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from console import changes
from console.consumers.rights import MISSING, SIGNED_OUT, WITHDRAWN, Watch, refusals
from console.models import User

log = logging.getLogger(__name__)

RECHECK: Final = 5.0  # seconds
LARGEST_MESSAGE: Final = 64 * 1024  # bytes of one message from the browser
MESSAGES_A_SECOND: Final = 200
BURST: Final = 400  # messages
BYTES_A_SECOND: Final = 1024 * 1024
SOCKETS_A_PERSON: Final = 20
SOCKETS_A_PROCESS: Final = 2000

TRY_AGAIN: Final = 1013
ABUSE: Final = 4400

__all__ = ["ABUSE", "MISSING", "SIGNED_OUT", "WITHDRAWN", "GuardedConsumer"]

_open: Counter[int] = Counter()  # sockets of this process by person
_watch = Watch(lambda: RECHECK)


class GuardedConsumer(AsyncWebsocketConsumer):
    """A consumer with one object and one right.

    Subclasses give ``admit`` (raises ``Http404``, ``PermissionDenied``), ``opened``, ``closed``, and declare in
    ``messages`` what the browser may say: message type to method name. Anything else closes the socket.
    """

    messages: ClassVar[dict[str, str]] = {}

    user: User
    _admitted = False
    _allowance = float(BURST)
    _bytes = float(BYTES_A_SECOND)
    _refilled = 0.0

    @property
    def address(self) -> str:
        """Of the person's browser, as the server sees it."""
        return str((self.scope.get("client") or [""])[0])

    # To be given by subclasses

    def admit(self) -> None:
        """Finds the object through ``access``; runs in a thread, at the start and again while the socket is open."""
        raise NotImplementedError

    async def opened(self) -> None:
        """The socket is accepted: start to serve."""

    async def closed(self) -> None:
        """The socket is gone, for whatever reason: give everything back."""

    def withdrawn(self) -> None:
        """The right is gone: end what would outlive the socket. ``closed`` follows."""

    # The life of a socket

    async def dispatch(self, message: Any) -> None:
        """As channels does, without its hop to a thread before every message: nothing here keeps a connection open."""
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"no handler for {message['type']}")
        await handler(message)

    async def websocket_connect(self, message: Any) -> None:
        """Accepts whoever may see the object, refuses the handshake of all others alike."""
        if await self._refusal() is not None:
            await self.close()
            return
        if _open[self.user.pk] >= SOCKETS_A_PERSON or _open.total() >= SOCKETS_A_PROCESS:
            await self.close()
            return
        _open[self.user.pk] += 1
        self._admitted = True
        self._refilled = asyncio.get_running_loop().time()
        await self.listen()
        await self.accept()
        if self._admitted:
            _watch.add(self)
        await self.opened()

    async def websocket_receive(self, message: Any) -> None:
        """Counts against the limits, then calls the method that is declared for the message."""
        text: str | None = message.get("text")
        data: bytes | None = message.get("bytes")
        if not self._within_limits(len(text) if text is not None else len(data or b"")):
            await self.close(ABUSE)
            return
        if text is None:
            await self.received_bytes(data or b"")
            return
        try:
            said = json.loads(text)
            method = self.messages[said["type"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            await self.close(ABUSE)
            return
        handler: Callable[[dict[str, Any]], Awaitable[None]] = getattr(self, method)
        await handler(said)

    async def received_bytes(self, data: bytes) -> None:
        """Binary messages: none, unless a subclass takes them."""
        await self.close(ABUSE)

    async def websocket_disconnect(self, message: Any) -> None:
        """The browser or the network closed the socket."""
        await self._release()
        raise StopConsumer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serves, and gives everything back however it ends: a cancelled socket gets no disconnect message."""
        try:
            await super().__call__(scope, receive, send)
        except changes.REDIS_ERRORS as error:  # pages try again, and this is no mistake of anybody's
            log.warning("A socket was refused, the channel layer does not answer: %s", error)
            await send({"type": "websocket.close", "code": TRY_AGAIN})
        finally:
            await asyncio.shield(self._release())

    async def _release(self) -> None:
        if not self._admitted:
            return
        self._admitted = False
        _open[self.user.pk] -= 1
        if _open[self.user.pk] <= 0:
            del _open[self.user.pk]
        _watch.discard(self)
        await changes.leave(self.channel_layer, changes.person_group(self.user.pk), self.channel_name)
        await self.closed()

    # Rights

    async def rights_changed(self, message: Any) -> None:
        """Somebody changed this person's rights: look at once."""
        await self._recheck()

    async def listen(self) -> None:
        """Joins the group by which this socket hears of its person's rights; again costs nothing."""
        await changes.join(self.channel_layer, changes.person_group(self.user.pk), self.channel_name)

    async def _recheck(self) -> None:
        code = await self._refusal()
        if code is not None:
            await self.refuse(code)

    async def refuse(self, code: int) -> None:
        """The right is gone: ends what would outlive the socket, then the socket."""
        if self._admitted:
            self.withdrawn()
            await self.stop(code)

    async def stop(self, code: int) -> None:
        """Ends delivery first, then the socket."""
        await self._release()
        await self.close(code)

    async def _refusal(self) -> int | None:
        """Why this socket may not be open, as a closing code; None when it may."""
        (code,) = await database_sync_to_async(refusals, thread_sensitive=False)([self])
        return code

    # Limits

    def _within_limits(self, size: int) -> bool:
        if size > LARGEST_MESSAGE:
            return False
        now = asyncio.get_running_loop().time()
        passed, self._refilled = now - self._refilled, now
        self._allowance = min(float(BURST), self._allowance + passed * MESSAGES_A_SECOND) - 1
        self._bytes = min(float(BYTES_A_SECOND), self._bytes + passed * BYTES_A_SECOND) - size
        return self._allowance >= 0 and self._bytes >= 0
