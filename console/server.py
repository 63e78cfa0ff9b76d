"""Daphne with what it lacks: back-pressure, bounds on what comes in, and an end in order.

Daphne writes whatever an application sends into a buffer without a bound (a stalled reader cost 200 MB in a second).
Here ``send`` waits while the reader's transport is full, for websockets and for streamed answers alike; what a socket
sends in is bounded too. Twisted's reactor runs on an asyncio loop, so the worker's tasks run beside the server on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import struct
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, cast

import daphne.server  # installs the asyncio reactor: before anything else of Twisted
from autobahn.exception import Disconnected
from autobahn.twisted.websocket import WebSocketServerProtocol
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.ws_protocol import WebSocketFactory
from twisted.internet import defer
from twisted.internet import reactor as _reactor
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IPushProducer
from twisted.internet.tcp import Connection
from twisted.logger import ILogObserver, globalLogBeginner
from zope.interface.declarations import implementer

from console.consumers.at_once import AT_ONCE

log = logging.getLogger(__name__)
reactor: Any = _reactor  # Twisted describes it by interfaces that mypy cannot follow

STALLED_FOR: Final = 30.0  # seconds without room in a socket's 64 KiB buffer (2 KiB/s) before the reader is given up
DOWNLOAD_STALLED_FOR: Final = 120.0
# Unread messages of one socket and their bytes; more closes it with 1008. Each key typed is a message, and so is each
# move of the mouse where a program asks for them: dozens come while the process is busy for a moment.
MESSAGES_WAITING: Final = 500
BYTES_WAITING: Final = 1024 * 1024
MESSAGE_SIZE: Final = 64 * 1024  # bytes of one message from a browser
BODY_SIZE: Final = 4 * 1024 * 1024  # bytes of a request's body that are accepted at all
SOCKETS_END_WITHIN: Final = 0.5  # seconds for consumers to close by themselves when the server ends
# Seconds for what lives beside the server, shells with all they started among it. Docker waits 10 s before it kills.
BESIDE_ENDS_WITHIN: Final = 8.0

# Of answers that no application made: too early for one, too late, or it failed.
HEADERS: Final = (
    (b"Content-Type", b"text/plain; charset=utf-8"),
    (b"Content-Security-Policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"X-Frame-Options", b"DENY"),
    (b"Referrer-Policy", b"same-origin"),
    (b"Cross-Origin-Opener-Policy", b"same-origin"),
    (b"Cross-Origin-Resource-Policy", b"same-origin"),
    (b"Permissions-Policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"Cache-Control", b"no-store"),
)

Beside = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


class PortTaken(Exception):
    """Nothing can listen at the address; the text says why."""


@implementer(IPushProducer)
class Gate:
    """Open while the transport has room. Twisted calls the three methods; ``handle_reply`` waits in ``passed``."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    def pauseProducing(self) -> None:
        """The buffer is full."""
        self._open.clear()

    def resumeProducing(self) -> None:
        """The buffer is empty."""
        self._open.set()

    def stopProducing(self) -> None:
        """The connection is gone: nobody needs to wait any more."""
        self._open.set()

    @property
    def open(self) -> bool:
        """Whether there is room."""
        return self._open.is_set()

    async def passed(self, seconds: float) -> bool:
        """Wait for room; False when there was none for so long."""
        if self._open.is_set():
            return True
        try:
            async with asyncio.timeout(seconds):
                await self._open.wait()
        except TimeoutError:
            return False
        return True


class Incoming(asyncio.Queue[dict[str, Any]]):
    """What a socket sent and its consumer did not read yet. Daphne puts without waiting, so the bound closes it."""

    def __init__(self, overflow: Callable[[], None]) -> None:
        super().__init__()
        self._overflow = overflow
        self._size = 0  # bytes, or characters, of all that waits

    def put_nowait(self, item: dict[str, Any]) -> None:
        """Take a message, or drop it and close the socket."""
        size = _size(item)
        if size and (self.qsize() >= MESSAGES_WAITING or self._size + size > BYTES_WAITING):
            self._overflow()
        else:
            self._size += size
            super().put_nowait(item)

    def get_nowait(self) -> dict[str, Any]:
        """The oldest message; ``get`` takes it from here as well."""
        item = super().get_nowait()
        self._size -= _size(item)
        return item


def _size(item: dict[str, Any]) -> int:
    """Of a message from a browser, at least 1; 0 for what the server itself tells of the connection."""
    return 1 + len(item.get("bytes") or item.get("text") or "") if item.get("type") == "websocket.receive" else 0


class Request(WebRequest):
    """A request that refuses a body nobody would read: Daphne keeps it whole before the application is asked."""

    def gotLength(self, length: int | None) -> None:
        """The length that the headers declare; None for a chunked body."""
        self.received = 0
        super().gotLength(length)
        if length is not None and length > BODY_SIZE:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """A part of the body."""
        self.received += len(data)
        if self.received > BODY_SIZE:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """Answer without the application, in plain text: Daphne's own page has a style in it and no headers."""
        self.handle_reply({"type": "http.response.start", "status": status, "headers": HEADERS})
        self.handle_reply({"type": "http.response.body", "body": b"%d %s\n" % (status, status_text)})

    def _refuse(self) -> None:
        channel: Any = self.channel
        if channel is not None and not channel.transport.disconnecting:
            head = [b"HTTP/1.1 413 Content Too Large", b"Connection: close", b"Content-Length: 0"]
            channel.transport.write(b"\r\n".join([*head, *map(b": ".join, HEADERS), b"", b""]))
            channel.loseConnection()


class Factory(HTTPFactory):
    """Makes a channel a connection, with our kind of request."""

    def buildProtocol(self, addr: Any) -> Any:
        """Return the protocol for a new connection."""
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = Request
        return protocol


class Server(daphne.server.Server):
    """An HTTP and websocket server for ``application`` at one address, and one coroutine that lives beside it."""

    def __init__(self, application: Any, host: str, port: int, *, behind_proxy: bool = False) -> None:
        """``behind_proxy``: the last address in X-Forwarded-For is the client's, for our own proxy put it there."""
        super().__init__(
            application,
            endpoints=["run() listens by itself"],
            websocket_max_message_size=MESSAGE_SIZE,
            websocket_max_frame_size=MESSAGE_SIZE,
            server_name="",
        )
        self.host, self.port, self.behind_proxy = host, port, behind_proxy
        self.connections: dict[Any, dict[str, Any]] = {}
        self._gates: dict[Any, Gate] = {}
        self._stop = asyncio.Event()
        self._beside: asyncio.Task[None] | None = None

    def serve(self, beside: Beside, ready: Callable[[str], None]) -> None:
        """Listen, call ``ready`` with the URL, run ``beside`` and answer until SIGINT or SIGTERM.

        Raises PortTaken. When this returns, every task has ended and the loop is closed.
        """
        loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop
        asyncio.set_event_loop(loop)
        self.http_factory = Factory(self)
        self.ws_factory = WebSocketFactory(self, server=self.server_name)
        self.ws_factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=True,  # the origin is checked by console.origins, exactly
            openHandshakeTimeout=self.websocket_handshake_timeout,
            maxMessagePayloadSize=self.websocket_max_message_size,
            maxFramePayloadSize=self.websocket_max_frame_size,
        )
        globalLogBeginner.beginLoggingTo(
            [cast(ILogObserver, lambda _: None)], redirectStandardIO=False, discardBuffer=True
        )
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        listening = self._listen()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        reactor.addSystemEventTrigger("before", "shutdown", self._wind_down)
        self._beside = loop.create_task(beside(self._stop), name="beside")
        self._beside.add_done_callback(lambda _: self.stop())
        ready(_url(self.host, listening.getHost().port))
        reactor.run(installSignalHandlers=False)
        self._finish(loop)

    def _listen(self) -> Any:
        try:
            interface = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][4][0]
            return reactor.listenTCP(self.port, self.http_factory, backlog=128, interface=interface)
        except socket.gaierror as error:
            raise PortTaken(f"HOST={self.host} is no address of this machine: {error.strerror}.") from None
        except CannotListenError as error:
            reason = getattr(error.socketError, "strerror", None) or error.socketError
            place = f"{self.host}:{self.port}"
            raise PortTaken(
                f"Cannot listen at {place}: {str(reason).lower()}. Choose another port, as in PORT={self.port + 1}."
            ) from None

    def stop(self) -> None:
        """Begin to end; a second call changes nothing."""
        if not self._stop.is_set():
            self._stop.set()
            reactor.stop()

    # What Daphne calls for each connection

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Start the application for one connection and return the queue of what comes in."""
        scope.setdefault("asgi", {"version": "3.0"})
        if self.behind_proxy:
            scope["client"] = _client(scope)
        if scope["type"] == "websocket":
            queue: asyncio.Queue[dict[str, Any]] = Incoming(lambda: _close(protocol, 1008))
            scope["extensions"] = {**scope.get("extensions", {}), AT_ONCE: partial(self._write_at_once, protocol)}
        else:
            queue = asyncio.Queue()

        async def send(message: dict[str, Any]) -> None:
            await self.handle_reply(protocol, message)

        if protocol not in self.connections:
            return None
        running = asyncio.ensure_future(self._run(protocol, scope, queue.get, send))
        self.connections[protocol]["application_instance"] = running
        return queue

    async def _run(self, protocol: Any, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Run the application for one connection.

        An answer that fails on its way is cut, so that nobody takes what came for the whole; Daphne would try to begin
        another answer, and stumble over that.
        """
        try:
            await self.application(scope, receive, send)
        except Exception as error:
            if isinstance(protocol, WebSocketServerProtocol) or not protocol._response_started:
                raise
            log.warning("an answer was cut: %s: %s", scope["path"], error)
            if protocol in self.connections and not protocol.finished and protocol.channel is not None:
                self._ungate(protocol)
                if protocol.clientproto == b"HTTP/1.1":
                    protocol.transport.loseConnection()  # without the last chunk
                else:
                    protocol.transport.abortConnection()  # there, an end in order is the end of the answer

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Write one message of the application, then wait until its reader has room again."""
        kind = message.get("type")
        if kind == "http.response.body" and not message.get("more_body", False):
            self._ungate(protocol)  # a request must not end with a producer
        if kind == "websocket.send":  # autobahn bounds what goes out by what may come in
            bound, protocol.maxMessagePayloadSize = protocol.maxMessagePayloadSize, 0
            try:
                await super().handle_reply(protocol, message)
            except Disconnected:  # a socket that is closing, and its consumer does not know yet: nobody would read it
                return
            finally:
                protocol.maxMessagePayloadSize = bound
        else:
            await super().handle_reply(protocol, message)
        if protocol not in self.connections or "disconnected" in self.connections[protocol]:
            return
        if kind == "websocket.accept":
            protocol.transport.unregisterProducer()  # the HTTP channel is still registered
            self._gate(protocol, protocol.transport)
        elif kind == "http.response.body" and message.get("more_body", False) and protocol not in self._gates:
            self._gate(protocol, protocol)
        gate = self._gates.get(protocol)
        if gate is not None:
            download = not isinstance(protocol, WebSocketServerProtocol)
            if not await gate.passed(DOWNLOAD_STALLED_FOR if download else STALLED_FOR):
                log.info("a reader at %s took nothing in time: closed", protocol.client_addr)
                protocol.transport.abortConnection()

    def _write_at_once(self, protocol: Any, parts: Sequence[bytes], *, binary: bool = False) -> bool:
        """Send a message made of ``parts`` now, past Channels, Daphne and autobahn (``AT_ONCE`` in a socket's scope).

        False, and nothing sent, where it has to wait or the socket is not open: then ``send`` is the way. A batch for
        hundreds of viewers is one object in all their frames.
        """
        gate = self._gates.get(protocol)
        if gate is None or not gate.open or protocol.state != protocol.STATE_OPEN or protocol.send_queue:
            return False
        transport = protocol.transport
        if not isinstance(transport, Connection) or transport.disconnecting or not transport.connected:
            return False
        frame = b"".join((frame_head(sum(map(len, parts)), binary=binary), *parts))
        if not transport.dataBuffer and not transport._tempDataBuffer:
            sent = transport.writeSomeData(frame)
            frame = frame[sent:] if isinstance(sent, int) else frame  # a lost connection is found by Twisted
        if frame:
            transport.write(frame)
        return True

    def _gate(self, protocol: Any, consumer: Any) -> None:
        gate = self._gates[protocol] = Gate()
        consumer.registerProducer(gate, True)

    def _ungate(self, protocol: Any) -> None:
        gate = self._gates.pop(protocol, None)
        if gate is not None:
            gate.stopProducing()
            if not isinstance(protocol, WebSocketServerProtocol) and protocol.channel is not None:
                protocol.unregisterProducer()

    def protocol_disconnected(self, protocol: Any) -> None:
        """The connection is gone, or became another kind of connection."""
        gate = self._gates.pop(protocol, None)
        if gate is not None:
            gate.stopProducing()
        super().protocol_disconnected(protocol)

    # The end

    def _wind_down(self) -> Any:
        """Twisted waits for this before it stops: sockets are told, then everything that runs is ended and awaited."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._end_tasks()))

    async def _end_tasks(self) -> None:
        for protocol in list(self.connections):
            if isinstance(protocol, WebSocketServerProtocol):
                _close(protocol, 1012)  # "service restart": pages reconnect
        running = [self.connections[one].get("application_instance") for one in self.connections]
        applications = [one for one in running if one is not None and not one.done()]
        own = [self._beside] if self._beside is not None else []
        await asyncio.gather(end(applications, SOCKETS_END_WITHIN), end(own, BESIDE_ENDS_WITHIN))

    def _finish(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what is left on the loop, so that nothing is destroyed while pending."""
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def frame_head(size: int, *, binary: bool) -> bytes:
    """What stands before an unmasked websocket message of ``size`` bytes in one frame (RFC 6455 §5.2)."""
    first = 0x82 if binary else 0x81
    if size < 126:
        return bytes((first, size))
    if size < 1 << 16:
        return _MIDDLE(first, 126, size)
    return _LONG(first, 127, size)


_MIDDLE: Final = struct.Struct(">BBH").pack
_LONG: Final = struct.Struct(">BBQ").pack


async def end(tasks: list[Any], seconds: float) -> None:
    """Give tasks time to end by themselves, then cancel them and wait a moment more."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=0.5)


def _close(protocol: Any, code: int) -> None:
    """Close a websocket with a code of the server's own (autobahn's sendClose allows applications' codes only)."""
    if protocol.state == protocol.STATE_OPEN:
        protocol.sendCloseFrame(code=code, isReply=False)


def _client(scope: dict[str, Any]) -> list[Any] | None:
    """The client behind our proxy: the last address of X-Forwarded-For; those before it were written by the client."""
    given = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    last = given[-1].decode("latin1").rpartition(",")[2].strip() if given else ""
    client: list[Any] | None = scope["client"]
    return [last, 0] if last else client


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"
