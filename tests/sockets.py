"""Websockets for tests, through the whole application: origin check, session, routing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from console.models import User

HOST = b"localhost:8000"
ORIGIN = b"http://localhost:8000"


class Socket(WebsocketCommunicator):
    """Channels' own, with threads that close their connections as they do in production.

    Channels keeps them open while a test sends or receives, for tests inside one transaction; and for good, once two
    sockets do so side by side. A connection whose thread has gone is missing in PostgreSQL's pool.
    """

    send_input = ApplicationCommunicator.send_input
    receive_output = ApplicationCommunicator.receive_output


def cookie_of(user: User | None) -> bytes:
    """A signed-in session's cookie header."""
    if user is None:
        return b""
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}".encode()


async def socket(
    path: str, user: User | None, origin: bytes | None = ORIGIN, host: bytes = HOST, cookie: bytes | None = None
) -> Any:
    """A communicator that is not connected yet. ``cookie``: of a session that is there already."""
    from console.asgi import application

    headers = [(b"host", host), (b"cookie", cookie if cookie is not None else await sync_to_async(cookie_of)(user))]
    if origin is not None:
        headers.append((b"origin", origin))
    return Socket(application, path, headers)


async def closing_code(made: Any, seconds: float) -> int:
    """The code that an accepted socket is closed with; what it sends before is passed over."""
    async with asyncio.timeout(seconds):
        while True:
            message = await made.receive_output(timeout=seconds)
            if message["type"] == "websocket.close":
                return int(message["code"])


@asynccontextmanager
async def connected(path: str, user: User) -> AsyncIterator[Any]:
    """A socket that was accepted."""
    made = await socket(path, user)
    accepted, _ = await made.connect(timeout=5)
    assert accepted
    try:
        yield made
    finally:
        await made.disconnect()
