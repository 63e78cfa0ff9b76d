"""An engine for the faults that a real one cannot be made to show: it says, byte for byte, what a test tells it to say.

It listens on a unix socket and serves every connection in a thread. Without orders it answers ``/_ping``, ``/version``
and ``/info`` as a Docker 20.10 does, and 404 to everything else.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Speak = Callable[["Call"], None]


class Call:
    """One request, and the connection to answer it on."""

    def __init__(self, connection: socket.socket, over: threading.Event, method: str, target: str) -> None:
        self._connection, self._over = connection, over
        self.method, self.target = method, target

    def say(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._connection.sendall(data)

    def close(self) -> None:
        """End the connection."""
        self._connection.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds: float = 3600.0) -> bool:
        """Say nothing for so long; True when the test is over."""
        return self._over.wait(seconds)


def answer(body: bytes, status: int = 200, headers: str = "Content-Type: application/json\r\n") -> Speak:
    """Return an order to give this whole answer."""
    head = f"HTTP/1.1 {status} X\r\nApi-Version: 1.41\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return lambda call: call.say(head.encode() + body)


def json_answer(value: Any, status: int = 200) -> Speak:
    """Return an order to answer with this JSON."""
    return answer(json.dumps(value).encode(), status)


def hang(call: Call) -> None:
    """Accept the request and never answer."""
    call.wait()


def endless(call: Call) -> None:
    """Answer with a list that never ends, as fast as it is read."""
    call.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    while not call.wait(0):
        call.say(b'{"Id":"0"},' * 6000)


def drip(call: Call) -> None:
    """Answer with a byte now and then, headers included, for ever."""
    call.say(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not call.wait(0.05):
        call.say(b"a")


def drip_body(call: Call) -> None:
    """Answer at once, and then with a byte of the body now and then."""
    call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not call.wait(0.05):
        call.say(b" ")


def die(call: Call) -> None:
    """Promise more than comes."""
    call.say(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"Id":')


class FakeEngine:
    """See the module. ``seen`` holds the method and target of every request, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"unix://{path}"
        self.seen: list[tuple[str, str]] = []
        self._orders: list[tuple[re.Pattern[str], Speak]] = []
        self._over = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(path))
        self._server.listen(64)
        self.order(r"/_ping", answer(b"OK", headers="Date: Wed, 25 Nov 2026 02:00:00 GMT\r\n"))
        self.order(r"/version", json_answer({"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12"}))
        self.order(r"/v1\.41/info", json_answer({"ID": "FAKE", "Name": "fake"}))
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def order(self, target: str, speak: Speak) -> None:
        """Answer requests whose path and query match the pattern ``target`` by ``speak``; the last order counts."""
        self._orders.insert(0, (re.compile(target), speak))

    def stop(self) -> None:
        """End every connection and thread."""
        self._over.set()
        for connection in [self._server, *self._open]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in [self._acceptor, *self._threads]:
            thread.join(5)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as requests:
            while line := requests.readline():
                method, target, _ = line.decode().split(" ", 2)
                length = 0
                while (header := requests.readline().strip().lower()) != b"":
                    if header.startswith(b"content-length:"):
                        length = int(header.partition(b":")[2])
                requests.read(length)
                self.seen.append((method, target))
                speak = next((speak for pattern, speak in self._orders if pattern.fullmatch(target)), None)
                (speak or json_answer({"message": "page not found"}, 404))(
                    call := Call(connection, self._over, method, target)
                )
                if speak in (die, endless, drip, drip_body, hang) or call.wait(0):
                    break
        self._open.discard(connection)


@contextmanager
def fake_engine(folder: Path) -> Iterator[FakeEngine]:
    """Run a fake engine whose socket is in ``folder``."""
    fake = FakeEngine(folder / "fake.sock")
    try:
        yield fake
    finally:
        fake.stop()
