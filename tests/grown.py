"""The grown mode as docs/operating.md has it: two web processes, a worker, and PostgreSQL and Redis of their own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests import rawsocket
from tests.bench.stand import Reader
from tests.console_process import ROOT, Console, Worker
from tests.engines import PrivateEngine
from tools.services import Postgres, Redis, running

PASSWORD = "correct horse battery staple"
CONNECTIONS = 6  # with PostgreSQL, of each process
SECONDS = 30.0  # that anything may take on a busy machine; what has a promise is measured by itself


class House:
    """``webs``: two processes of ``manage.py serve``; ``worker``: one of ``manage.py worker``."""

    def __init__(self, engine: PrivateEngine, postgres: Postgres, redis: Redis, data: Path) -> None:
        self.engine, self.postgres, self.redis, self.data = engine, postgres, redis, data
        self.environment = {
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "DOCKER_HOST": engine.url,
            "QUARTERDECK_ADMIN_PASSWORD": PASSWORD,
            "QUARTERDECK_DATABASE_CONNECTIONS": str(CONNECTIONS),
            "QUARTERDECK_SECRET_KEY": "the same for all of them",
        }
        self.webs = [Console(data, self.environment) for _ in range(2)]  # together: they take turns
        for web in self.webs:
            web.wait_ready()
        self.worker = Worker(data, self.environment)
        self.worker.wait_ready()
        _, self.cookie = rawsocket.sign_in(self.port(0), "admin", PASSWORD, [("Host", self._host(0).encode())])
        assert self.cookie

    def port(self, web: int) -> int:
        """Where a web process listens."""
        return int(self.webs[web].url.rpartition(":")[2])

    def _host(self, web: int) -> str:
        return f"127.0.0.1:{self.port(web)}"

    def headers(self, web: int) -> dict[str, str]:
        """Of the admin's requests."""
        return {"Cookie": self.cookie.decode(), "Origin": f"http://{self._host(web)}"}

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A management command beside the console."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=os.environ | self.environment | {"QUARTERDECK_DATA": str(self.data)} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def shell(self, code: str) -> str:
        """What Python prints that runs with the console's settings."""
        done = self.manage("shell", "--no-imports", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start_worker(self) -> None:
        """Another worker, in place of the one that ended."""
        self.worker.end()
        self.worker = Worker(self.data, self.environment)
        self.worker.wait_ready()

    def until(self, query: str, wanted: Sequence[Sequence[str]], seconds: float = SECONDS) -> None:
        """Wait until the database says so."""
        deadline = time.monotonic() + seconds
        while (found := self.postgres.query(query)) != [list(row) for row in wanted]:
            assert time.monotonic() < deadline, (query, found, wanted, self.output())
            time.sleep(0.2)

    def ready(self, web: int = 0) -> None:
        """Wait until ``/readyz`` says that all is well."""
        deadline = time.monotonic() + SECONDS
        while (answer := self.webs[web].get("/readyz"))[0] != 200:
            assert time.monotonic() < deadline, (answer, self.output())
            time.sleep(0.2)

    def output(self) -> str:
        """The last that the processes said."""
        return "\n".join(f"--- {one.command}\n{one.output[-3000:]}" for one in (*self.webs, self.worker))

    def end(self) -> None:
        """End all of it."""
        for one in (self.worker, *self.webs):
            one.end()

    def sign_in(self, web: int) -> tuple[int, str]:
        """Status and body of what the admin's name and password are answered with."""
        answer, _ = rawsocket.sign_in(self.port(web), "admin", PASSWORD, [("Host", self._host(web).encode())])
        return answer.status, answer.body.decode()

    async def get(self, web: int, path: str) -> str:
        """A page, which has status 200."""
        status, text = await self.answer(web, path)
        assert status == 200, (path, status, text[:500])
        return text

    async def answer(self, web: int, path: str) -> tuple[int, str]:
        """Status and body of what the admin gets."""
        async with (
            aiohttp.ClientSession(headers=self.headers(web)) as session,
            session.get(f"http://{self._host(web)}{path}") as answer,
        ):
            return answer.status, await answer.text()

    async def form(self, web: int, shown: str) -> tuple[str, str]:
        """Cookies and token of a form of the page ``shown``."""
        async with (
            aiohttp.ClientSession(headers=self.headers(web), cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(f"http://{self._host(web)}{shown}") as answer,
        ):
            text = await answer.text()
            csrf = answer.cookies["quarterdeck-csrf"].value
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
        assert token, text[:500]
        return f"{self.cookie.decode()}; quarterdeck-csrf={csrf}", token[1]

    async def send(self, web: int, path: str, form: tuple[str, str]) -> tuple[int, str]:
        """Send a form as htmx does; status and body of the answer."""
        more = {"Cookie": form[0], "HX-Request": "true"}
        async with (
            aiohttp.ClientSession(headers=self.headers(web) | more, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(f"http://{self._host(web)}{path}", data={"csrfmiddlewaretoken": form[1]}) as sent,
        ):
            return sent.status, await sent.text()

    async def post(self, web: int, path: str, shown: str) -> int:
        """Send a form of the page ``shown``; the status."""
        status, _ = await self.send(web, path, await self.form(web, shown))
        return status

    @asynccontextmanager
    async def socket(self, web: int, path: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A websocket of the engine; ``path`` is what follows it in the address."""
        async with (
            aiohttp.ClientSession(headers=self.headers(web)) as session,
            session.ws_connect(f"ws://{self._host(web)}/ws/e/local{path}", max_msg_size=0) as opened,
        ):
            yield opened


class Page:
    """A page as a browser keeps it: what is pushed, and itself again when it is told to read itself again.

    When its socket closes it connects anew, as docs/frontend.md says.
    """

    def __init__(self, house: House, web: int, path: str, view: str) -> None:
        self._house, self._web, self._path, self._view = house, web, path, view
        self.text = self.problem = ""
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Page:
        self._task = asyncio.create_task(self._live())
        await self.shows("<main")
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def shows(self, words: str, seconds: float = SECONDS) -> None:
        """Wait until it has shown these words."""
        assert self._task is not None
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: words in self.text)
        except TimeoutError:
            where = f"{self._view} of web process {self._web}"
            raise AssertionError(
                f"{where} does not show {words!r}\n{self.text[-2000:]}\n{self.problem}\n{self._house.output()}"
            ) from None

    async def _live(self) -> None:
        while True:
            try:
                page = await self._house.get(self._web, self._path)
                await self._note(page)
                version = re.search(r"&amp;v=(\d+)&", page)
                assert version, page
                async with self._house.socket(self._web, f"?view={self._view}&v={version[1]}") as opened:
                    async for message in opened:
                        if message.type is not aiohttp.WSMsgType.TEXT:
                            break
                        again = message.data == '{"resync":true}'
                        await self._note(await self._house.get(self._web, self._path) if again else message.data)
            except (aiohttp.ClientError, AssertionError) as error:
                self.problem = str(error)[:1000]
            await asyncio.sleep(0.5)

    async def _note(self, text: str) -> None:
        async with self._changed:
            self.text = text if "<main" in text else self.text + text
            self._changed.notify_all()


async def typed(socket: aiohttp.ClientWebSocketResponse, line: str, answer: bytes) -> None:
    """Open a shell, type a line and wait for what it prints."""
    await socket.send_json({"type": "open", "command": ["sh"], "rows": 24, "columns": 80})
    output = b""
    async for message in Reader(socket).messages():
        if isinstance(message, str) and message.startswith('{"t":"session"'):
            await socket.send_bytes(f"{line}\n".encode())
        elif isinstance(message, bytes):
            output += message
            if answer in output:
                return
    raise AssertionError(output)


async def lines_of(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[str]:
    """The lines of a log as they come."""
    reader = Reader(socket)
    async for message in reader.messages():
        assert isinstance(message, str)
        await reader.acknowledge()
        if message.startswith('{"t":"lines"'):
            rows: list[list[Any]] = json.loads(message)["d"]
            for row in rows:
                yield str(row[2])


@contextmanager
def house(engine: PrivateEngine, data: Path) -> Iterator[House]:
    """All of it running, and gone afterwards."""
    with running(Postgres) as postgres, running(Redis) as redis:
        made = House(engine, postgres, redis, data)
        try:
            made.ready()
            yield made
        finally:
            made.end()
