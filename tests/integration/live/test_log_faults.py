"""A log that is watched while its engine crashes or hangs, or its container is made anew."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async

from console.live.cursor import Cursor
from console.models import Container, Engine, User
from tests import factories
from tests.engines import EngineFactory, PrivateEngine
from tests.integration.live.test_log_socket import Reader, mirrored
from tests.sockets import connected, socket

pytestmark = pytest.mark.django_db(transaction=True)

COUNTING = "i=0; while [ ! -e /end ]; do echo $i; i=$((i+1)); usleep 4000; done; echo end"


@pytest.fixture
def surviving(new_engine: EngineFactory) -> PrivateEngine:
    """An engine whose containers live on while it is down."""
    return new_engine(load=("alpine",), flags=["--live-restore"])


class Page:
    """A page that stays open: whenever its socket closes it comes again from its place."""

    def __init__(self, address: str, user: User) -> None:
        self.address, self.user = address, user
        self.lines: list[str] = []
        self.marks: list[str] = []
        self.opened = 0
        self._place = ""

    async def watch(self) -> None:
        """Until the line "end"."""
        while "end" not in self.lines[-3:]:
            self.opened += 1
            async with connected(f"{self.address}&after={self._place}", self.user) as made:
                reader = Reader(made, patience=40)
                reader.lines, reader.marks, reader.cursor = self.lines, self.marks, Cursor.parse(self._place)
                try:
                    while "end" not in self.lines[-3:]:
                        await reader.next()
                except (AssertionError, KeyError):  # a close instead of a message
                    pass
                self._place = str(reader.cursor)
            await asyncio.sleep(0.1)


async def counted(user: User, container: str) -> tuple[Page, asyncio.Task[None]]:
    page = Page(f"/ws/e/here/logs?c={container}&tail=20000", user)
    watching = asyncio.create_task(page.watch())
    async with asyncio.timeout(15):
        while len(page.lines) < 50:  # noqa: ASYNC110  nothing to wait on
            await asyncio.sleep(0.05)
    return page, watching


async def ended(engine: PrivateEngine, container: str, page: Page, watching: asyncio.Task[None]) -> None:
    """Let the container write its last line; all that docker knows has come once and in order."""
    await asyncio.to_thread(engine.docker, "exec", container, "touch", "/end")
    await asyncio.wait_for(watching, 60)
    printed = (await asyncio.to_thread(engine.docker, "logs", container)).splitlines()
    assert page.lines == printed
    assert len(printed) > 200


async def test_an_engine_that_crashes_while_its_log_is_watched(surviving: PrivateEngine) -> None:
    container = surviving.docker("run", "-d", "--network", "none", "alpine", "sh", "-c", COUNTING)
    admin = await sync_to_async(mirrored)(surviving, container)
    page, watching = await counted(admin, container)
    for _ in range(2):
        before = len(page.lines)
        await asyncio.to_thread(surviving.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(surviving.restart)
        async with asyncio.timeout(30):
            while len(page.lines) < before + 100:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    await ended(surviving, container, page, watching)
    assert page.marks.count("lost") >= 2
    assert page.marks.count("resumed") >= 2


async def test_an_engine_that_hangs_while_its_log_is_watched(surviving: PrivateEngine) -> None:
    container = surviving.docker("run", "-d", "--network", "none", "alpine", "sh", "-c", COUNTING)
    admin = await sync_to_async(mirrored)(surviving, container)
    page, watching = await counted(admin, container)
    await asyncio.to_thread(surviving.hang)
    late = Page(page.address, admin)  # who comes while it hangs
    coming = asyncio.create_task(late.watch())
    await asyncio.sleep(1)
    silent = len(page.lines)
    await asyncio.sleep(3)
    assert len(page.lines) == silent
    assert late.lines == []
    await asyncio.to_thread(surviving.resume)
    await ended(surviving, container, page, watching)
    await asyncio.wait_for(coming, 30)
    assert late.lines == page.lines
    assert "lost" not in page.marks  # the line stood: nothing was asked twice


async def test_a_hang_that_is_longer_than_anybody_waits(surviving: PrivateEngine) -> None:
    """Who comes meanwhile is told, comes again, and misses nothing at the end."""
    container = surviving.docker("run", "-d", "--network", "none", "alpine", "sh", "-c", COUNTING)
    admin = await sync_to_async(mirrored)(surviving, container)
    await asyncio.to_thread(surviving.hang)
    page = Page(f"/ws/e/here/logs?c={container}&tail=20000", admin)
    watching = asyncio.create_task(page.watch())
    async with asyncio.timeout(30):
        while "lost" not in page.marks:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    await asyncio.to_thread(surviving.resume)
    await ended(surviving, container, page, watching)


async def test_a_terminals_container_made_anew_without_one(clean_engine: PrivateEngine) -> None:
    """Under the same name: each log is read by the framing of its own container, never shown with the other's."""
    script = "printf 'first\\nsecond \\001\\000x\\n'; sleep 600"
    old = clean_engine.docker("run", "-dt", "--name", "same", "alpine", "sh", "-c", script)
    admin = await sync_to_async(mirrored)(clean_engine, old)
    engine = await Engine.objects.aget()
    async with connected(f"/ws/e/here/logs?c={old}&tail=100", admin) as made:
        reader = Reader(made)
        while len(reader.lines) < 2:
            await reader.next()
        place = str(reader.cursor)
        assert reader.lines == ["first\r", "second \x01\x00x\r"]
        await asyncio.to_thread(clean_engine.docker, "rm", "-f", "same")
        new = await asyncio.to_thread(clean_engine.docker, "run", "-d", "--name", "same", "alpine", "sh", "-c", script)
        await Container.objects.filter(container_id=old).adelete()
        await sync_to_async(factories.container)(engine, "same", container_id=new, tty=False)
        await reader.until("gone")
        assert len(reader.lines) == 2
    refused = await socket(f"/ws/e/here/logs?c={old}&tail=100&after={place}", admin)
    assert not (await refused.connect(timeout=5))[0]
    async with connected(f"/ws/e/here/logs?c={new}&tail=100", admin) as made:
        reader = Reader(made)
        while len(reader.lines) < 2:
            await reader.next()
    assert reader.lines == ["first", "second \x01\x00x"]
