"""A console in front of a private engine, for benchmarks: pages, sockets, the docker client, what it costs."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.console_process import ROOT, Console
from tests.engines import PrivateEngine
from tools.engines import capsule
from tools.engines.install import which

TICKS = os.sysconf("SC_CLK_TCK")
COOKIE = "quarterdeck"


@dataclass
class Stand:
    """``sessions``: cookies of admins. ``data``: the console's folder, kept over a restart."""

    engine: PrivateEngine
    data: Path
    sessions: Sequence[str]
    console: Console

    @property
    def port(self) -> int:
        """Where the console listens."""
        return int(self.console.url.rpartition(":")[2])

    @property
    def slug(self) -> str:
        """The engine's name in addresses."""
        return str(self.row("SELECT slug FROM console_engine"))

    def row(self, query: str, *values: Any) -> Any:
        """The first column of the first row that the console's database has for a query; None without one."""
        with closing(sqlite3.connect(f"file:{self.data}/quarterdeck.sqlite3?mode=ro", uri=True, timeout=10)) as found:
            row = found.execute(query, values).fetchone()
        return row[0] if row else None

    def until(self, query: str, wanted: object, *values: Any, seconds: float = 120.0) -> None:
        """Wait until the database says so."""
        deadline = time.monotonic() + seconds
        while self.row(query, *values) != wanted:
            assert time.monotonic() < deadline, (query, self.row(query, *values), wanted)
            time.sleep(0.02)

    def headers(self, person: int = 0) -> dict[str, str]:
        """Of a request of one of the admins."""
        return {"Cookie": f"{COOKIE}={self.sessions[person]}", "Origin": self.console.url}

    @contextmanager
    def browser(self) -> Iterator[Browser]:
        """A connection that is kept open, as a browser's."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            yield Browser(connection, self.headers())

    @asynccontextmanager
    async def socket(self, path: str, person: int = 0) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A websocket below the engine's address: ``logs?c=…``."""
        url = f"ws://127.0.0.1:{self.port}/ws/e/{self.slug}/{path}"
        async with (
            aiohttp.ClientSession(headers=self.headers(person)) as session,
            session.ws_connect(url, max_msg_size=0, autoclose=False) as opened,
        ):
            yield opened

    def processes(self) -> list[int]:
        """The console's process and its children."""
        found = [self.console.process.pid]
        for pid in found:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            found += [int(child) for child in children.read_text().split()]
        return found

    def threads(self) -> int:
        """How many threads the console's own process has."""
        return len(os.listdir(f"/proc/{self.console.process.pid}/task"))

    def rss(self) -> int:
        """Resident bytes of all the console's processes."""
        pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.processes())
        return sum(pages) * resource.getpagesize()

    def cpu(self) -> float:
        """Seconds of processor time that the console's processes have used."""
        total = 0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def calls(self, part: str, since: int = 0) -> int:
        """How many requests the engine has logged (it runs with ``--debug``) with ``part`` in their address.

        ``since``: a size of the log (``log_size``) from where on to count.
        """
        with self.engine._engine.log.open("rb") as log:
            log.seek(since)
            lines = log.read().decode("utf-8", "replace").splitlines()
        return sum("Calling " in line and part in line for line in lines)

    def log_size(self) -> int:
        """How long the engine's log is now."""
        return self.engine._engine.log.stat().st_size


@dataclass
class Browser:
    """One connection and its session."""

    connection: http.client.HTTPConnection
    headers: Mapping[str, str]

    def get(self, path: str, **headers: str) -> bytes:
        """The body of a page that has status 200."""
        self.connection.request("GET", path, headers={**self.headers, **headers})
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:500])
        return body


@contextmanager
def stand(engine: PrivateEngine, people: int = 1, address: str = "") -> Iterator[Stand]:
    """A console with a data folder of its own, in front of ``engine``; ``address`` when it has another way there."""
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        command = [sys.executable, "-m", "tests.bench.people", str(data), str(people)]
        made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        console = Console(data, {"DOCKER_HOST": address or engine.url})
        console.wait_ready()
        found = Stand(engine, data, made.stdout.split(), console)
        try:
            found.until("SELECT synced_at IS NOT NULL FROM console_engine", 1)
            yield found
        finally:
            found.console.end()
        assert "Traceback" not in found.console.output, found.console.output


def docker_command(engine: PrivateEngine, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """The docker client's command line and environment, for runs whose output is not to be kept."""
    client = which("docker")
    assert client
    return [client, *arguments], capsule.ENVIRONMENT | {"DOCKER_HOST": engine.url, "TERM": "xterm"}


def docker_away(engine: PrivateEngine, *arguments: str) -> None:
    """Run a docker command with its output to /dev/null."""
    command, environment = docker_command(engine, *arguments)
    subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


class Reader:
    """Reads a log or a shell and acknowledges, as a page does."""

    EVERY = 128 * 1024  # characters between two acknowledgements

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._total = self._told = 0

    async def messages(self) -> AsyncIterator[str | bytes]:
        """What comes, until the socket closes."""
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self._total += len(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                at = message.data.find('"s":', 0, 40)
                if at > 0:
                    end = at + 4
                    while message.data[end].isdigit():
                        end += 1
                    self._total = int(message.data[at + 4 : end])
            else:
                return
            yield message.data
            if self._total - self._told >= self.EVERY:
                await self.acknowledge()

    async def acknowledge(self) -> None:
        """All that came has been shown."""
        self._told = self._total
        await self.socket.send_str(json.dumps({"type": "ack", "s": self._total}))


def rows_of(message: str) -> list[list[Any]]:
    """The rows of a message ``lines``."""
    found: list[list[Any]] = json.loads(message)["d"]
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of them lie: 0.5 is the median."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run(coroutine: Any) -> Any:
    """Run it on a loop of its own."""
    return asyncio.run(coroutine)
