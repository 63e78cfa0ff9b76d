"""A small application on console.server, run as a process of its own: ``python -m tests.served [--daphne]``.

``--daphne`` takes the back-pressure out, so that a test can show what it would catch. Prints the port, then runs.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import daphne.server

from console.consumers.at_once import AT_ONCE
from console.server import Server

BLOCK = 65536  # bytes sent at a time
sent = 0
clients: list[Any] = []


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """``/flood`` sends without end, as a socket or as an answer; ``/deaf`` reads nothing; ``/sent`` tells the sum.

    ``/numbers`` sends numbered messages at once where that can be, and how many could not.
    ``/fails`` fails in the middle of its answer, ``/refuses`` before it begins; ``/large`` sends one large message.
    """
    global sent
    path = scope["path"]
    clients.append(scope["client"])
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        if path == "/large":
            await send({"type": "websocket.send", "text": "x" * 3_000_000})
        if path == "/numbers":
            await numbers(scope["extensions"][AT_ONCE], send)
        if path in ("/deaf", "/large", "/numbers"):
            await asyncio.sleep(3600)
        while True:
            await send({"type": "websocket.send", "bytes": bytes(BLOCK)})  # new ones each time: what is held is seen
            sent += BLOCK
            await asyncio.sleep(0)
    if path == "/refuses":
        raise RuntimeError("canary of a stack frame")
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if path == "/fails":
        await send({"type": "http.response.body", "body": b"the beginning", "more_body": True})
        raise RuntimeError("lost on the way")
    while path == "/flood":
        await send({"type": "http.response.body", "body": bytes(BLOCK), "more_body": True})
        sent += BLOCK
        await asyncio.sleep(0)
    if path == "/body":
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        answer = str(size)
    else:
        answer = {"/sent": str(sent), "/client": str(scope["client"][0])}.get(path, "")
    await send({"type": "http.response.body", "body": answer.encode()})


async def numbers(at_once: Any, send: Any) -> None:
    """40 MB in 2,000 messages."""
    global sent
    waited = 0
    for number in range(2000):
        if not at_once((b"%d" % number, b" ", b"x" * 20_000)):
            waited += 1
            await send({"type": "websocket.send", "text": f"{number} {'x' * 20_000}"})
        sent += 20_000
        if number % 7 == 0:
            await asyncio.sleep(0)
    await send({"type": "websocket.send", "text": f"waited {waited}"})


async def nothing(stop: asyncio.Event) -> None:
    """What lives beside the server: nothing."""
    await stop.wait()


class Unbounded(Server):
    """The same server as Daphne would have it."""

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Write, and do not wait."""
        await daphne.server.Server.handle_reply(self, protocol, message)


if __name__ == "__main__":
    kind = Unbounded if "--daphne" in sys.argv else Server
    server = kind(application, "127.0.0.1", 0, behind_proxy="--proxy" in sys.argv)
    server.serve(nothing, lambda url: print(url, flush=True))
