"""The console as it runs, from outside: handshakes of sockets, frames of every kind, proxies, and raw requests."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests import factories
from tests.console_process import ROOT, Console
from tests.factories import PASSWORD
from tests.rawsocket import Answer, closing_code, exchange, frame, handshake, pong, refused, request, sign_in
from tests.unit.test_headers import EVERYWHERE

BOX = factories.hexid("local/box")
ROUTES = (
    "/ws/page",
    "/ws/e/local",
    "/ws/e/local?view=containers&q=state:running",
    "/ws/e/local/stats",
    f"/ws/e/local/logs?c={BOX}",
    "/ws/e/local/logs/search?q=word",
    f"/ws/e/local/containers/{BOX}/shell",
    f"/ws/e/local/containers/{BOX}/attach",
)
TROUBLE = ("Traceback", "Error", "Exception", "never awaited", "never retrieved", "CRITICAL")


class Running:
    """A console with an admin, one engine that does not answer and one container of it; and the admin's cookie."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.port = int(console.url.rsplit(":", 1)[1])
        self.host = f"127.0.0.1:{self.port}".encode()
        self.origin = b"http://" + self.host
        answer, self.cookie = sign_in(self.port, "admin", PASSWORD, [("Host", self.host)])
        assert answer.status == 302

    def headers(self, **other: bytes | None) -> list[tuple[str, bytes]]:
        """What a page of the console sends; ``origin=None`` leaves one out."""
        given = {"host": self.host, "origin": self.origin, "cookie": self.cookie} | other
        return [(name.title(), value) for name, value in given.items() if value is not None]

    def trouble(self) -> list[str]:
        """Lines of the log that tell of a fault. That the engine does not answer is none."""
        return [line for line in self.console.output.splitlines() if any(word in line for word in TROUBLE)]


def box(data: Path) -> None:
    """Put a container into a console's mirror."""
    code = "from console.models import Engine; from tests import factories; "
    code += "factories.container(Engine.objects.get(slug='local'), 'box')"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    subprocess.run(command, cwd=ROOT, env={"QUARTERDECK_DATA": str(data), "PATH": ""}, check=True, capture_output=True)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("origin") / "data"
    with Console(data, {"QUARTERDECK_ADMIN_PASSWORD": PASSWORD}) as console:
        box(data)
        yield Running(console)


@pytest.fixture(autouse=True)
def quiet(running: Running) -> Iterator[None]:
    """No test may leave a fault in the log, or end the console."""
    before = len(running.trouble())
    yield
    time.sleep(0.05)
    assert running.trouble()[before:] == [], running.console.output[-6000:]
    assert running.console.process.poll() is None
    assert request(running.port, "GET", "/healthz", [("Host", running.host)]).status == 200


def foreign_origins(port: int) -> list[bytes | None]:
    """Origins of other pages, also of one that a container publishes on another port of the same host."""
    host = f"127.0.0.1:{port}"
    texts = [
        "", "null", "http://127.0.0.1", "http://127.0.0.1:80", "http://127.0.0.1:8080", f"http://127.0.0.1:{port + 1}",
        f"http://127.0.0.1:{port}0", f"https://{host}", "https://127.0.0.1", f"ws://{host}", f"http://{host}/",
        f"http://{host}/e/local", f"http://{host}.evil.test", f"http://evil.test:{port}", "http://evil.test",
        f"http://evil.test/{host}", f"http://evil.test?{host}", f"http://evil.test#{host}", f"http://{host}@evil.test",
        f"http://user@{host}", f"http://user:word@{host}", f"http://sub.{host}", f"http://127.0.0.1.:{port}",
        f"http://127.0.0.2:{port}", f"http://127.1:{port}", f"http://2130706433:{port}", f"http://0x7f000001:{port}",
        f"http://0177.0.0.1:{port}", f"http://localhost:{port}", f"http://LOCALHOST:{port}", f"http://[::1]:{port}",
        f"http://[::ffff:127.0.0.1]:{port}", f"http://0.0.0.0:{port}", f"HTTP://{host}", f"http:{host}",
        f"http:/{host}", f"//{host}", host, f"http://127.0.0.1:0{port}", f"http://{host},http://evil.test",
        f"http://{host} http://evil.test", f"http://evil.test http://{host}", "file://", f"file://{host}",
        f"chrome-extension://{host}", f"moz-extension://{host}", f"http://xn--{host}", f"http://{host}\\",
        f"http://{host}%00", f"http://{host}%2f", f"http://{host};", f"javascript://{host}", "about:blank", "*",
    ]  # fmt: skip
    return [None, *(text.encode() for text in texts), f"http://{host}\u3002".encode(), "http://１２７.0.0.1".encode()]


@pytest.mark.parametrize("path", ROUTES)
def test_only_a_page_of_the_console_opens_a_socket(running: Running, path: str) -> None:
    wrong = foreign_origins(running.port)
    assert len(wrong) >= 40
    for origin in wrong:
        assert refused(running.port, path, running.headers(origin=origin)) in (400, 403), origin
    assert refused(running.port, path, running.headers()) == 101


@pytest.mark.parametrize("path", ROUTES)
def test_only_a_session_opens_a_socket(running: Running, path: str) -> None:
    name = running.cookie.partition(b"=")[0]
    for cookie in (
        None,
        b"",
        name + b"=",
        name + b"=" + b"x" * 32,
        name + b"=\xff\x00"[:-1],
        b"other" + running.cookie,
    ):
        assert refused(running.port, path, running.headers(cookie=cookie)) == 403, cookie


@pytest.mark.parametrize(
    "path",
    ["/", "/ws", "/ws/", "/ws/unknown", "/ws/e/", "/ws/e/missing", "/ws/e/local/", "/ws/e/local/x", "/ws/e/%00",
     "/ws/e/local%0a", "/ws/e/../page", "//ws/page", "/ws/page/", "/ws/page?", "/containers", "/static/qd.js",
     "/ws/e/local/logs?c=" + "0" * 64, "/ws/e/local/containers/" + "0" * 64 + "/shell", "/ws/e/local?view=none"],
)  # fmt: skip
def test_an_unknown_address_is_refused_in_silence(running: Running, path: str) -> None:
    assert refused(running.port, path, running.headers()) == (101 if path == "/ws/page?" else 403)


def test_headers_twice_are_refused(running: Running) -> None:
    right = running.headers()
    for name, value in (("Origin", running.origin), ("Host", running.host), ("Origin", b"http://evil.test")):
        for doubled in ([*right, (name, value)], [(name, value), *right]):
            assert refused(running.port, "/ws/page", doubled) in (400, 403), (name, value)


def test_a_foreign_name_that_leads_here_is_refused(running: Running) -> None:
    """DNS rebinding: host and origin are the same, and neither is the console's."""
    for host in (b"evil.test", b"evil.test:%d" % running.port, b"127.0.0.1.evil.test:%d" % running.port):
        assert refused(running.port, "/ws/page", running.headers(host=host, origin=b"http://" + host)) in (400, 403)


def test_a_frame_that_is_too_large_closes_its_socket_only(running: Running) -> None:
    status, bystander = handshake(running.port, "/ws/page", running.headers())
    assert status == 101
    with closing(bystander):
        for payload in (frame(0x1, b"x" * (64 * 1024 + 1)), frame(0x2, b"x" * 2_000_000)):
            status, client = handshake(running.port, "/ws/page", running.headers())
            assert status == 101
            with closing(client):
                try:
                    client.sendall(payload)
                except ConnectionError:
                    pass
                assert closing_code(client) in (1009, 4400, None)
        assert pong(bystander, b"still here")


def test_fragments_without_end_are_cut_off(running: Running) -> None:
    status, client = handshake(running.port, "/ws/page", running.headers())
    assert status == 101
    sent = 0
    with closing(client):
        try:
            client.sendall(frame(0x1, b"x" * 1000, final=False))
            while sent < 4_000_000:
                client.sendall(frame(0x0, b"x" * 1000, final=False))
                sent += 1000
        except ConnectionError:
            pass
        assert closing_code(client) in (1009, 4400, None)
    assert sent < 4_000_000


def test_ten_thousand_broken_frames_harm_nobody_else(running: Running) -> None:
    """In bursts on every kind of socket; one socket that says nothing stays open all the while."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    words = (
        b'{"type":',
        b'"ack"',
        b'"s":',
        b"1e999",
        b"{}",
        b"[",
        b"]",
        b"null",
        b'{"type":"ack","s":-1}',
        b"\xff\xfe",
        b"",
    )

    def one() -> bytes:
        payload = chance.choice(
            (
                chance.randbytes(chance.randrange(100)),
                b"".join(chance.choices(words, k=chance.randrange(1, 5))),
                b"[" * chance.randrange(2000),
                chance.randbytes(2),
            )
        )
        opcode = chance.choice((0x0, 0x1, 0x1, 0x1, 0x2, 0x2, 0x3, 0x8, 0x9, 0xA, 0xB, 0xF))
        likely = chance.random()
        return frame(
            opcode,
            payload,
            final=likely < 0.9,
            masked=chance.random() < 0.95,
            reserved=chance.randrange(8) if likely < 0.1 else 0,
        )

    status, bystander = handshake(running.port, "/ws/e/local", running.headers())
    assert status == 101, seed
    with ExitStack() as stack:
        stack.enter_context(closing(bystander))
        sent = 0
        while sent < 10_000:
            status, client = handshake(running.port, chance.choice(ROUTES), running.headers())
            assert status in (101, 403), (seed, status)  # 403: too many at once
            with closing(client):
                if status == 403:
                    time.sleep(0.05)
                    continue
                burst = [one() for _ in range(40)]
                sent += len(burst)
                try:
                    client.sendall(b"".join(burst))
                    client.shutdown(socket.SHUT_WR)
                    closing_code(client)
                except OSError:
                    pass
        assert pong(bystander, b"still here"), seed
        assert refused(running.port, "/ws/page", running.headers()) == 101, seed


def policy(value: str) -> set[str]:
    return {part.strip() for part in value.split(";")}


@pytest.mark.parametrize(
    "path", ["/healthz", "/login", "/keys", "/no/such", "/static/none.js", "/%ff%fe", "/login?q=%ff"]
)
def test_headers_leave_the_server(running: Running, path: str) -> None:
    answer = request(running.port, "GET", path, running.headers(cookie=None))
    assert answer.status in (200, 302, 404)
    assert {name: answer.headers.get(name.lower()) for name in EVERYWHERE} == EVERYWHERE
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= policy(
        answer.headers["content-security-policy"]
    )
    assert "server" not in answer.headers


def raw(running: Running, line: bytes, *headers: bytes) -> Answer:
    """The answer to a request whose first line and headers are given as bytes."""
    host = [] if any(header.startswith(b"Host") for header in headers) else [b"Host: " + running.host]
    answer, client = exchange(running.port, b"\r\n".join([line, b"Connection: close", *host, *headers, b"", b""]))
    client.close()
    return answer


@pytest.mark.parametrize(
    ("header", "status"),
    [(b"Host: evil.test", 400), (b"Host: ", 400), (b"Content-Length: 99999999", 413)],
)
def test_headers_are_on_early_refusals(running: Running, header: bytes, status: int) -> None:
    answer = raw(running, b"GET /login HTTP/1.1", header)
    assert answer.status == status
    assert {name: answer.headers.get(name.lower()) for name in EVERYWHERE} == EVERYWHERE
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= policy(answer.headers["content-security-policy"])


@pytest.mark.parametrize(
    ("line", "header"),
    [
        (b"GET /\xe9 HTTP/1.1", b"X: 1"),
        (b"GET /login?\xe9 HTTP/1.1", b"X: 1"),
        (b"GET /login HTTP/1.1", b"X y: 1"),
        (b"GET /login HTTP/1.1", b"X\xe9: 1"),
        (b"GET /login HTTP/1.1", b"X: a\x00b"),
        (b"GET  /login", b"X: 1"),
    ],
)
def test_what_is_no_http_gets_a_status_and_nothing_else(running: Running, line: bytes, header: bytes) -> None:
    answer = raw(running, line, header)
    assert (answer.status, answer.headers, answer.body) == (400, {}, b"")


class Proxied:
    """A console behind a proxy that speaks https to the world."""

    HOST = b"console.test"
    ORIGIN = b"https://console.test"

    def __init__(self, port: int) -> None:
        self.port = port

    def headers(self, client: str, **other: bytes) -> list[tuple[str, bytes]]:
        """What the proxy hands on. It appends the address that it saw to whatever the client claimed."""
        given = {
            "Host": self.HOST,
            "X-Forwarded-Proto": b"https",
            "X-Forwarded-For": f"198.51.100.7, {client}".encode(),
            "Referer": self.ORIGIN + b"/login",
        }
        return [*given.items(), *((name.title(), value) for name, value in other.items())]


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    data = tmp_path_factory.mktemp("proxied") / "data"
    own = {"QUARTERDECK_ADMIN_PASSWORD": PASSWORD, "QUARTERDECK_URL": "https://console.test", "PORT": str(port)}
    with Console(data, own):
        yield Proxied(port)


def test_behind_a_proxy_the_origin_is_the_public_one(proxied: Proxied) -> None:
    answer, cookie = sign_in(proxied.port, "admin", PASSWORD, proxied.headers("192.0.2.1"))
    assert answer.status == 302
    assert cookie.startswith(b"__Host-quarterdeck=")
    assert {"secure", "httponly", "path=/", "samesite=lax"} <= {
        part.strip().lower() for part in next(one for one in answer.cookies if cookie.decode() in one).split(";")
    }
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    right = proxied.headers("192.0.2.1", cookie=cookie, origin=proxied.ORIGIN)
    assert refused(proxied.port, "/ws/page", right) == 101
    inner = f"http://127.0.0.1:{proxied.port}".encode()
    for origin in (b"http://console.test", b"https://console.test:443", b"https://console.test:8443", inner):
        wrong = proxied.headers("192.0.2.1", cookie=cookie, origin=origin)
        assert refused(proxied.port, "/ws/page", wrong) == 403, origin
    direct = [("Host", f"127.0.0.1:{proxied.port}".encode())]
    assert request(proxied.port, "GET", "/login", direct).status == 400


def test_behind_a_proxy_attempts_are_counted_by_the_address_that_it_saw(proxied: Proxied) -> None:
    """What a client wrote into X-Forwarded-For itself stands before it, and counts for nothing."""
    found = []
    for number in range(12):
        claimed = f"203.0.113.{number}, 198.51.100.{number}, 192.0.2.50"
        answer, _ = sign_in(proxied.port, f"name{number}", "wrong horse battery", proxied.headers(claimed))
        found.append(answer.status)
    assert found == [422] * 10 + [429] * 2
    assert sign_in(proxied.port, "admin", PASSWORD, proxied.headers("192.0.2.51"))[0].status == 302
