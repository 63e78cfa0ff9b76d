"""The server against readers that stall, senders that flood, and proxies. The application is tests/served.py."""

from __future__ import annotations

import base64
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from console.server import Incoming, frame_head
from tests.unit.test_headers import EVERYWHERE

ROOT = Path(__file__).resolve().parents[2]
ENOUGH = 24 * 1024 * 1024  # bytes: far above what kernel and server may hold for a reader (about 8 MB on loopback)


class Served:
    """tests/served.py as a process."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.served", *arguments],
            cwd=ROOT,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "console.settings"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def memory(self) -> int:
        """Resident memory in bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def get(self, path: str, headers: dict[str, str] | None = None) -> str:
        """The body of a small answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", path, headers=headers or {})
            return connection.getresponse().read().decode()

    def connect(self, path: str, *, websocket: bool) -> socket.socket:
        """A raw connection that has asked for ``path`` and read nothing of the answer but its head."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        upgrade = ""
        if websocket:
            key = base64.b64encode(os.urandom(16)).decode()
            upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            upgrade += f"Sec-WebSocket-Key: {key}\r\n"
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{upgrade}\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1)
        assert (b" 101 " if websocket else b" 200 ") in head
        return client

    def end(self) -> tuple[int, str]:
        """Ask it to end; status and what it wrote to stderr."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


@contextmanager
def served(*arguments: str) -> Iterator[Served]:
    one = Served(*arguments)
    try:
        yield one
    finally:
        one.end()


def settled(one: Served) -> tuple[int, int]:
    """Bytes sent and memory once the sum stands still, or when it is more than anybody may hold."""
    last, deadline = -1, time.monotonic() + 15
    while time.monotonic() < deadline:
        now = int(one.get("/sent"))
        if now == last or now > 4 * ENOUGH:
            break
        last = now
        time.sleep(0.3)
    return int(one.get("/sent")), one.memory()


@pytest.mark.parametrize("websocket", [True, False], ids=["websocket", "download"])
def test_a_reader_that_stalls_costs_no_memory(websocket: bool) -> None:
    with served() as one:
        before = one.memory()
        with closing(one.connect("/flood", websocket=websocket)) as client:
            sent, memory = settled(one)
            assert 0 < sent < ENOUGH
            assert memory - before < 5 * 1024 * 1024
            taken = 0
            while taken < sent:  # read again, and it goes on
                taken += len(client.recv(1 << 20))
            assert int(one.get("/sent")) > sent
        assert one.end() == (0, "")


@pytest.mark.parametrize("websocket", [True, False], ids=["websocket", "download"])
def test_without_the_gate_the_same_reader_would_cost_a_lot(websocket: bool) -> None:
    with served("--daphne") as one:
        before = one.memory()
        with closing(one.connect("/flood", websocket=websocket)):
            deadline = time.monotonic() + 60
            while int(one.get("/sent")) < 4 * ENOUGH:  # it goes on and on: a pause of a busy machine is not its end
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert one.memory() - before > 16 * 1024 * 1024


def test_what_is_written_at_once_keeps_its_order_and_the_bound() -> None:
    with served() as one, closing(one.connect("/numbers", websocket=True)) as client:
        before = one.memory()
        sent, memory = settled(one)
        assert 0 < sent < ENOUGH
        assert memory - before < 5 * 1024 * 1024
        words: list[str] = []
        with client.makefile("rb") as stream:
            while not words or words[-1] != "waited":
                first, size = stream.read(2)
                assert first == 0x81
                length = int.from_bytes(stream.read(2), "big") if size == 126 else size
                text = stream.read(length).decode()
                words.append(text.partition(" ")[0])
        assert words[:-1] == [str(number) for number in range(2000)]
        assert 0 < int(text.partition(" ")[2]) < 2000  # both ways were gone
        assert one.end() == (0, "")


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\0\0\0\0\0\x01\0\0"),
    ],
)
def test_the_head_of_a_frame_tells_its_size(size: int, head: bytes) -> None:
    assert frame_head(size, binary=False) == head
    assert frame_head(size, binary=True) == b"\x82" + head[1:]


def test_an_answer_that_fails_in_the_middle_does_not_look_whole() -> None:
    with served() as one:
        for _ in range(2):  # and the server goes on
            with closing(http.client.HTTPConnection("127.0.0.1", one.port, timeout=10)) as connection:
                connection.request("GET", "/fails")
                answer = connection.getresponse()
                with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
                    answer.read()
        time.sleep(1.2)  # Daphne looks at applications that ended every second
        assert one.get("/sent") == "0"
        assert one.end()[0] == 0


def test_a_large_message_reaches_the_browser_though_none_may_come_from_it() -> None:
    with served() as one, closing(one.connect("/large", websocket=True)) as client:
        taken = b""
        while len(taken) < 3_000_010 and (part := client.recv(1 << 20)):
            taken += part
        assert taken[:10] == bytes([0x81, 127]) + (3_000_000).to_bytes(8, "big")
        assert taken[10:] == b"x" * 3_000_000
        client.sendall(bytes([0x82, 0xFF]) + (64 * 1024 + 1).to_bytes(8, "big") + b"\0\0\0\0")
        try:
            assert client.recv(1) in (b"", b"\x88")
        except ConnectionResetError:
            pass


def test_what_was_read_makes_room_again() -> None:
    closed: list[bool] = []
    queue = Incoming(lambda: closed.append(True))
    for _ in range(100):
        queue.put_nowait({"type": "websocket.receive", "bytes": b"x" * 60_000})
        queue.get_nowait()
    assert closed == []
    for _ in range(18):
        queue.put_nowait({"type": "websocket.receive", "text": "x" * 60_000})
    assert closed == [True]
    queue.put_nowait({"type": "websocket.disconnect", "code": 1001})  # never lost
    assert queue.qsize() == 18


@pytest.mark.parametrize(("size", "fit"), [(5, 499), (60_000, 17)], ids=["messages", "bytes"])
def test_a_sender_that_floods_a_deaf_consumer_is_closed(size: int, fit: int) -> None:
    with served() as one, closing(one.connect("/deaf", websocket=True)) as client:
        length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
        frame = bytes([0x82]) + length + b"\0\0\0\0" + b"x" * size
        client.sendall(frame * fit)
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.sendall(frame * 10)
        assert client.recv(4) == bytes([0x88, 2, 1008 >> 8, 1008 & 255])


def test_a_message_above_the_bound_closes_the_socket() -> None:
    with served() as one, closing(one.connect("/deaf", websocket=True)) as client:
        client.sendall(bytes([0x82, 0xFF]) + (64 * 1024 + 1).to_bytes(8, "big") + b"\0\0\0\0")
        try:
            left = client.recv(1)
        except ConnectionResetError:  # autobahn drops who breaks the protocol, without a word
            left = b""
        assert left == b""


def test_a_body_above_the_bound_is_refused_before_it_is_read() -> None:
    with served() as one:
        for head in ("Content-Length: 99999999999", "Transfer-Encoding: chunked"):
            with closing(socket.create_connection(("127.0.0.1", one.port), timeout=10)) as client:
                client.sendall(f"POST /body HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
                if "chunked" in head:
                    block = b"10000\r\n" + b"x" * 65536 + b"\r\n"
                    try:
                        for _ in range(100):
                            client.sendall(block)
                    except OSError:
                        pass  # it closed while we were sending
                    continue
                assert client.recv(100).startswith(b"HTTP/1.1 413 ")
        before = one.memory()
        assert one.get("/client") == "127.0.0.1"
        assert one.memory() - before < 8 * 1024 * 1024
        assert one.end() == (0, "")


def test_a_body_within_the_bound_arrives_whole() -> None:
    with served() as one, closing(http.client.HTTPConnection("127.0.0.1", one.port, timeout=10)) as connection:
        connection.request("POST", "/body", body=b"x" * 3_000_000)
        assert connection.getresponse().read() == b"3000000"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["--proxy"], "203.0.113.9"), ([], "127.0.0.1")],
    ids=["behind a proxy", "without one"],
)
def test_the_client_is_whom_our_own_proxy_named(arguments: list[str], expected: str) -> None:
    with served(*arguments) as one:
        assert one.get("/client", {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}) == expected


def test_the_servers_own_answer_has_headers_and_tells_nothing() -> None:
    with served() as one, closing(http.client.HTTPConnection("127.0.0.1", one.port, timeout=10)) as connection:
        connection.request("GET", "/refuses")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (500, b"500 Internal Server Error\n")
        assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
        assert answer.headers["Cache-Control"] == "no-store"


def test_open_connections_do_not_hold_up_the_end() -> None:
    with served() as one:
        socket_client = one.connect("/flood", websocket=True)
        deaf = one.connect("/deaf", websocket=True)
        download = one.connect("/flood", websocket=False)
        idle = socket.create_connection(("127.0.0.1", one.port))
        began = time.monotonic()
        assert one.end() == (0, "")
        assert time.monotonic() - began < 9, "it waited for one of them"
        assert deaf.recv(4) == bytes([0x88, 2, 1012 >> 8, 1012 & 255])
        for client in (socket_client, deaf, download, idle):
            client.close()
