"""A whole console under readers that read nothing, and under none: what it holds, and what it asks of the engine."""

from __future__ import annotations

import asyncio
import hashlib
import select
import signal
import socket
import subprocess
import threading
import time
from contextlib import AsyncExitStack, ExitStack, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from console.management.startup import THREADS
from tests import rawsocket
from tests.bench.stand import Reader, Stand, docker_command, rows_of, stand
from tests.engines import PrivateEngine
from tests.integration.live.test_shells import left_running
from tests.proxy import proxy
from tools import frontend

DEAF = 10
MB = 1_000_000
COUNTING = "i=0; while :; do echo $i; i=$((i+1)); usleep 10000; done"


def long_log(engine: PrivateEngine, megabytes: int) -> str:
    """The id of an ended container that wrote so much, on both streams, no two lines alike."""
    script = (
        "head -c 750000 /dev/urandom | base64 -w 1000 > /part; n=0; "
        f"while [ $n -lt {megabytes} ]; do n=$((n+1)); echo $n >&2; cat /part; done"
    )
    container = engine.docker("run", "-d", "--network", "none", "alpine", "sh", "-c", script)
    engine.docker("wait", container, timeout=600)
    return container


def mirrored(console: Stand, container: str, state: str = "running") -> None:
    console.until("SELECT state FROM console_container WHERE container_id = ?", state, container)


def deaf(console: Stand, path: str) -> socket.socket:
    """A socket that was opened and is not read from."""
    headers = [("Host", f"127.0.0.1:{console.port}".encode())]
    headers += [(name, value.encode()) for name, value in console.headers().items()]
    status, opened = rawsocket.handshake(console.port, f"/ws/e/{console.slug}/{path}", headers)
    assert status == 101
    return opened


def printed(engine: PrivateEngine, container: str) -> tuple[int, str]:
    """How many bytes ``docker logs`` prints on both streams together, and their hash."""
    size, found = 0, hashlib.sha256()
    command, environment = docker_command(engine, "logs", container)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        while data := process.stdout.read(MB):
            size += len(data)
            found.update(data)
    assert process.returncode == 0
    return size, found.hexdigest()


@pytest.mark.parametrize(
    "megabytes", [50, pytest.param(1000, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])], ids=["50 MB", "1 GB"]
)
def test_a_long_log_is_downloaded_byte_for_byte_at_no_cost(clean_engine: PrivateEngine, megabytes: int) -> None:
    container = long_log(clean_engine, megabytes)
    expected = printed(clean_engine, container)
    assert expected[0] > megabytes * MB
    with stand(clean_engine) as console, console.browser() as browser:
        mirrored(console, container, "exited")
        path = f"/e/{console.slug}/containers/{container}/logs"
        browser.get(path)
        before = most = console.rss()
        size, found = 0, hashlib.sha256()
        browser.connection.request("GET", f"{path}/download", headers=browser.headers)
        answer = browser.connection.getresponse()
        while data := answer.read(MB):
            size += len(data)
            found.update(data)
            most = max(most, console.rss())
        assert (size, found.hexdigest()) == expected
        lines = asyncio.run(last_lines(console, container))
        assert max(most, console.rss()) - before < 25 * MB
    assert lines == clean_engine.docker("logs", "--tail", "5000", container).splitlines()


async def last_lines(console: Stand, container: str) -> list[str]:
    """The lines of standard output among the last 5,000, as the log page gets them."""
    found: list[str] = []
    async with console.socket(f"logs?c={container}&tail=5000") as opened:
        async for message in Reader(opened).messages():
            assert isinstance(message, str)
            if message.startswith('{"t":"lines"'):
                found += [row[2] for row in rows_of(message) if row[0] == 1]
            elif '"past"' in message:
                return found
    raise AssertionError("the socket closed before the end of the past")


class Follower(threading.Thread):
    """Somebody who reads a counting log all the time."""

    def __init__(self, console: Stand, container: str) -> None:
        super().__init__()
        self.console, self.container = console, container
        self.numbers: list[int] = []
        self.latest = 0.0  # the longest time between two messages, seconds
        self._over = threading.Event()

    def run(self) -> None:
        asyncio.run(self._follow())

    async def _follow(self) -> None:
        async with self.console.socket(f"logs?c={self.container}&tail=0", person=1) as opened:
            last = time.monotonic()
            reader = Reader(opened)
            async for message in reader.messages():
                await reader.acknowledge()
                assert isinstance(message, str)
                if message.startswith('{"t":"lines"'):
                    now = time.monotonic()
                    self.latest, last = max(self.latest, now - last) if self.numbers else 0.0, now
                    self.numbers += [int(row[2]) for row in rows_of(message)]
                if self._over.is_set():
                    return

    def end(self) -> list[int]:
        """The numbers it has seen."""
        self._over.set()
        self.join(10)
        assert not self.is_alive()
        return self.numbers


def closed_within(sockets: list[socket.socket], seconds: float) -> float:
    """Wait until the other side has closed all of them, which is seen without reading; how long it took."""
    began, poll = time.monotonic(), select.poll()
    waiting = {one.fileno() for one in sockets}
    for one in waiting:
        poll.register(one, select.POLLRDHUP)
    while waiting:
        left = began + seconds - time.monotonic()
        assert left > 0, f"{len(waiting)} of {len(sockets)} are open after {seconds:g} s"
        for one, _ in poll.poll(left * 1000):
            poll.unregister(one)
            waiting.discard(one)
    return time.monotonic() - began


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    assert frontend.main() == 0


def test_ten_that_read_nothing_are_closed_and_harm_nobody(clean_engine: PrivateEngine) -> None:
    container = long_log(clean_engine, 30)
    counter = clean_engine.docker("run", "-d", "--network", "none", "alpine", "sh", "-c", COUNTING)
    with stand(clean_engine, people=2) as console, ExitStack() as stack:
        mirrored(console, container, "exited")
        mirrored(console, counter)
        follower = Follower(console, counter)
        follower.start()
        with closing(deaf(console, f"logs?c={container}&since=1")):  # what is loaded at the first one stays
            time.sleep(2)
        before = console.rss()
        opened = [stack.enter_context(closing(deaf(console, f"logs?c={container}&since=1"))) for _ in range(DEAF)]
        time.sleep(10)
        grown = console.rss() - before
        closed_within(opened, 35)
        numbers = follower.end()
        assert grown < DEAF * 5 * MB, f"{grown / MB:.1f} MB"
        assert console.rss() - before < DEAF * 2 * MB, "most of what they may cost is given back"
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert len(numbers) > 500
        assert follower.latest < 2.0


async def until(true: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "not within the time"
        await asyncio.sleep(0.1)


async def page(console: Stand, person: int) -> None:
    """The list of containers, whole."""
    async with (
        aiohttp.ClientSession(headers=console.headers(person)) as session,
        session.get(f"{console.console.url}/e/{console.slug}/containers") as answer,
    ):
        assert answer.status == 200
        assert COUNTING[:10] in await answer.text()


async def test_nothing_is_asked_of_the_engine_while_nobody_looks(clean_engine: PrivateEngine, tmp_path: Path) -> None:
    names = [
        await asyncio.to_thread(clean_engine.docker, "run", "-d", "--network", "none", "alpine", "sh", "-c", COUNTING)
        for _ in range(3)
    ]
    async with proxy(clean_engine.socket, tmp_path) as between, AsyncExitStack() as stack:
        made = stand(clean_engine, people=4, address=between.address.url)
        console = await asyncio.to_thread(made.__enter__)
        stack.push_async_callback(asyncio.to_thread, made.__exit__, None, None, None)
        for name in names:
            await asyncio.to_thread(mirrored, console, name)
        await asyncio.sleep(1)
        asked = {part: between.open_to(part) for part in ("/logs", "/stats", "/exec", "/attach")}
        assert set(asked.values()) == {0}, asked
        idle = console.threads()
        async with AsyncExitStack() as looking:
            for person in range(4):
                for name in names:
                    opened = await looking.enter_async_context(console.socket(f"logs?c={name}&tail=5", person))
                    await opened.receive_json()
                    stats = await looking.enter_async_context(console.socket("stats", person))
                    await stats.send_json({"type": "watch", "ids": names, "every": 0.5})
                    await stats.receive_json()
            shell = await looking.enter_async_context(console.socket(f"containers/{names[0]}/shell"))
            await shell.send_json({"type": "open", "command": ["sh"], "rows": 24, "columns": 80})
            await until(lambda: between.open_to("/exec"), 10)
            await until(lambda: between.open_to("/logs") == 3, 10)  # of twelve viewers
            assert between.open_to("/stats") == 3
            await asyncio.gather(*(page(console, person % 4) for person in range(80)))
            assert console.threads() <= idle + THREADS, "blocking calls have so many threads between them, no more"
        await until(lambda: not any(between.open_to(part) for part in asked), 20)
        await asyncio.sleep(2)
        assert not any(between.open_to(part) for part in asked)


STUBBORN = "trap '' HUP TERM INT; (trap '' HUP; sleep 500) & sleep 501 & echo rea''dy\n"


async def opened_shell(console: Stand, stack: AsyncExitStack, container: str) -> None:
    """A shell that has started what does not end when it is asked to."""
    opened = await stack.enter_async_context(console.socket(f"containers/{container}/shell"))
    await opened.send_json({"type": "open", "command": ["sh"], "rows": 24, "columns": 80})
    output = b""
    async for message in Reader(opened).messages():
        if isinstance(message, str) and message.startswith('{"t":"session"'):
            await opened.send_bytes(STUBBORN.encode())
        elif isinstance(message, bytes):
            output += message
            if b"ready" in output:
                return
    raise AssertionError(output)


async def test_a_console_that_stops_leaves_nothing_of_its_shells(clean_engine: PrivateEngine) -> None:
    boxes = [await asyncio.to_thread(clean_engine.docker, "run", "-d", "alpine", "sleep", "600") for _ in range(2)]
    with stand(clean_engine) as console:
        for name in boxes:
            await asyncio.to_thread(mirrored, console, name)
        async with AsyncExitStack() as stack:
            await asyncio.gather(*(opened_shell(console, stack, boxes[number % 2]) for number in range(6)))
            assert all(len(left_running(clean_engine, name)) >= 9 for name in boxes)
            status = await asyncio.to_thread(console.console.end, signal.SIGTERM, 12.0)
        assert status == 0
        assert [left_running(clean_engine, name) for name in boxes] == [[], []]
        assert console.row("SELECT count(*) FROM console_shell WHERE ended_at IS NULL") == 0
        assert console.row("SELECT count(*) FROM console_shell WHERE reason = 'The console stopped.'") == 6
