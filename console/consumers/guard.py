"""What every websocket does before and while it serves: admission, limits, and rights that can be withdrawn.

A socket outlives the page view that admitted it, so its right is looked at again: at once when ``changes`` tells so,
and every ``RECHECK`` seconds in case that hint is lost (docs/security.md, "Sockets"). Closing codes: 4401 signed out,
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
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.crypto import constant_time_compare

from console import changes
from console.models import User

log = logging.getLogger(__name__)

RECHECK: Final = 5.0  # seconds
LARGEST_MESSAGE: Final = 64 * 1024  # bytes of one message from the browser
MESSAGES_A_SECOND: Final = 200
BURST: Final = 400  # messages
BYTES_A_SECOND: Final = 1024 * 1024
SOCKETS_A_PERSON: Final = 20
SOCKETS_A_PROCESS: Final = 2000

SIGNED_OUT, WITHDRAWN, MISSING, ABUSE = 4401, 4403, 4404, 4400

_open: Counter[int] = Counter()  # sockets of this process by person


class GuardedConsumer(AsyncWebsocketConsumer):
    """A consumer with one object and one right.

    Subclasses give ``admit`` (raises ``Http404``, ``PermissionDenied``), ``opened``, ``closed``, and declare in
    ``messages`` what the browser may say: message type to method name. Anything else closes the socket.
    """

    messages: ClassVar[dict[str, str]] = {}

    user: User
    _admitted = False
    _watch: asyncio.Task[None] | None = None
    _allowance = float(BURST)
    _bytes = float(BYTES_A_SECOND)
    _refilled = 0.0

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
        await self.channel_layer.group_add(changes.person_group(self.user.pk), self.channel_name)
        await self.accept()
        self._watch = asyncio.create_task(self._look_again())
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
        finally:
            await asyncio.shield(self._release())

    async def _release(self) -> None:
        if not self._admitted:
            return
        self._admitted = False
        _open[self.user.pk] -= 1
        if _open[self.user.pk] <= 0:
            del _open[self.user.pk]
        if self._watch is not None and self._watch is not asyncio.current_task():
            self._watch.cancel()
        await self.channel_layer.group_discard(changes.person_group(self.user.pk), self.channel_name)
        await self.closed()

    # Rights

    async def rights_changed(self, message: Any) -> None:
        """Somebody changed this person's rights: look at once."""
        await self._recheck()

    async def _look_again(self) -> None:
        while self._admitted:
            await asyncio.sleep(RECHECK)
            await self._recheck()

    async def _recheck(self) -> None:
        code = await self._refusal()
        if code is not None and self._admitted:
            self.withdrawn()
            await self.stop(code)

    async def stop(self, code: int) -> None:
        """Ends delivery first, then the socket."""
        await self._release()
        await self.close(code)

    async def _refusal(self) -> int | None:
        return await database_sync_to_async(self._find_refusal, thread_sensitive=False)()

    def _find_refusal(self) -> int | None:
        """Why this socket may not be open, as a closing code; None when it may."""
        session = self.scope.get("session")
        if session is None:
            return SIGNED_OUT
        stored = session.__class__(session.session_key).load() if session.session_key else {}
        user = User.objects.filter(pk=stored[SESSION_KEY], is_active=True).first() if SESSION_KEY in stored else None
        if user is None:
            return SIGNED_OUT
        if not constant_time_compare(stored.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
            return SIGNED_OUT
        self.user = user
        try:
            self.admit()
        except Http404:
            return MISSING
        except PermissionDenied:
            return WITHDRAWN
        return None

    # Limits

    def _within_limits(self, size: int) -> bool:
        if size > LARGEST_MESSAGE:
            return False
        now = asyncio.get_running_loop().time()
        passed, self._refilled = now - self._refilled, now
        self._allowance = min(float(BURST), self._allowance + passed * MESSAGES_A_SECOND) - 1
        self._bytes = min(float(BYTES_A_SECOND), self._bytes + passed * BYTES_A_SECOND) - size
        return self._allowance >= 0 and self._bytes >= 0
