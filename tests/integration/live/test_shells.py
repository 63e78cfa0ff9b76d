"""Shells on a real engine: the session outlives the page, and nothing outlives the session."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from console import people
from console.live import session
from console.live import shells as live
from console.live.kill import VARIABLE
from console.live.orphans import clean_up
from console.live.session import PAUSED, Session
from console.live.shells import shells
from console.models import Shell, User
from tests.engines import PrivateEngine
from tests.integration.live.test_log_socket import mirrored
from tests.sockets import connected, socket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def no_session_left() -> AsyncIterator[None]:
    yield
    await shells.close()
    assert len(shells) == 0


def box(engine: PrivateEngine, *more: str) -> str:
    return engine.docker("run", "--detach", *more, "alpine", "sleep", "600")


def left_running(engine: PrivateEngine, container: str) -> list[str]:
    """The processes in the container that a shell started, by the mark in their environment."""
    script = f"for p in /proc/[0-9]*; do grep -qs {VARIABLE} $p/environ && cat $p/comm; done; true"
    return engine.docker("exec", container, "sh", "-c", script).split()


class Page:
    """The browser's part of a terminal."""

    def __init__(self, made: Any) -> None:
        self.made = made
        self.output = b""
        self.session = ""
        self.replay = -1
        self.end: dict[str, Any] = {}
        self.refused: dict[str, Any] = {}

    async def say(self, kind: str, **fields: Any) -> None:
        await self.made.send_to(text_data=json.dumps({"type": kind, **fields}))

    async def keys(self, text: str) -> None:
        await self.made.send_to(bytes_data=text.encode())

    async def next(self) -> None:
        message = await self.made.receive_output(timeout=15)
        assert message["type"] == "websocket.send", message
        if message.get("bytes"):
            self.output += message["bytes"]
            return
        said = json.loads(message["text"])
        if said["t"] == "session":
            self.session, self.replay = said["id"], said["replay"]
        elif said["t"] == "end":
            self.end = said
        elif said["t"] == "refused":
            self.refused = said

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(15):
            while text not in self.output:
                await self.next()

    async def until_end(self) -> None:
        async with asyncio.timeout(20):
            while not self.end:
                await self.next()


async def opened(made: Any, *command: str, **fields: Any) -> Page:
    page = Page(made)
    await page.say("open", command=list(command or ("sh",)), rows=24, columns=80, **fields)
    while not page.session and not page.refused:
        await page.next()
    return page


def address(container: str, kind: str = "shell") -> str:
    return f"/ws/e/here/containers/{container}/{kind}"


async def test_a_shell_and_why_it_ended(clean_engine: PrivateEngine) -> None:
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made, user="7", workdir="/tmp", env=["A=日本 🐳"])
        await page.keys("stty size; id -u; pwd; echo $A; exit 3\n")
        await page.until_end()
    for expected in ("24 80\r\n", "7\r\n", "/tmp\r\n", "日本 🐳\r\n"):
        assert expected.encode() in page.output
    assert page.end["code"] == 3
    assert "exit code 3" in page.end["text"]
    row = await Shell.objects.aget()
    assert (row.user_name, row.exit_code, row.command, row.run_as) == ("admin", 3, ["sh"], "7")
    assert row.ended_at is not None


async def test_the_output_before_the_page_looks_is_not_lost(
    clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = Session.resize

    async def late(session: Session, rows: int, columns: int) -> None:
        await asyncio.sleep(1)  # between the start of the process and the page's first look
        await size(session, rows, columns)

    monkeypatch.setattr(Session, "resize", late)
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made, "seq", "1", "65000")
        await page.until_end()
    assert page.output == b"".join(b"%d\r\n" % number for number in range(1, 65001))


async def test_a_page_that_comes_back_finds_its_session(clean_engine: PrivateEngine) -> None:
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made)
        await page.keys("X=42; i=0; while [ $i -lt 3000 ]; do echo step-$i; i=$((i+1)); done; echo do''ne-$X\n")
        await page.until(b"step-10")
    async with connected(address(container), admin) as made:
        again = await opened(made, session=page.session)
        assert again.session == page.session
        assert page.replay == 0
        assert again.replay > 0
        await again.until(b"done-42")
        assert b"step-2999" in again.output
        await again.keys("echo still-$X; exit\n")
        await again.until(b"still-42\r\n")
        await again.until_end()
    async with connected(address(container), admin) as made:
        late = await opened(made, session=page.session)
        await late.until_end()
        assert "exit code 0" in late.end["text"]


async def test_a_session_belongs_to_its_person_and_container(clean_engine: PrivateEngine) -> None:
    one, two = box(clean_engine), box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, one, two)
    other = await sync_to_async(lambda: User.objects.create(username="other", role=User.Role.ADMIN))()
    async with connected(address(one), admin) as made:
        page = await opened(made)
        for where, who in ((one, other), (two, admin)):
            async with connected(address(where), who) as foreign:
                assert (await opened(foreign, session=page.session)).refused


async def test_two_pages_of_one_session(clean_engine: PrivateEngine) -> None:
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as first, connected(address(container), admin) as second:
        page = await opened(first)
        twin = await opened(second, session=page.session)
        await twin.keys("echo from-$((40+2))\n")
        await page.until(b"from-42")
        await twin.until(b"from-42")


async def test_closing_leaves_nothing_even_of_what_ignores_signals(clean_engine: PrivateEngine) -> None:
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made)
        await page.keys("trap '' HUP TERM INT; (trap '' HUP TERM; sleep 500) & nohup sleep 501 & echo rea''dy\n")
        await page.until(b"ready")
        assert len(await asyncio.to_thread(left_running, clean_engine, container)) >= 2
        await page.say("close")
        await page.until_end()
    assert await asyncio.to_thread(left_running, clean_engine, container) == []
    assert page.end["text"] == "Closed."


async def test_what_another_user_than_root_started_is_ended_too(clean_engine: PrivateEngine) -> None:
    """Root in a container does not see the environment of others."""
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made, user="7")
        await page.keys("trap '' HUP; nohup sleep 501 & echo rea''dy\n")
        await page.until(b"ready")
        await page.say("close")
        await page.until_end()
    names = clean_engine.docker("exec", container, "sh", "-c", "cat /proc/[0-9]*/comm").split()
    assert names.count("sleep") == 1  # the container's own
    assert page.end["text"] == "Closed."


async def test_a_shell_that_is_closed_before_it_stands_does_not_start_after_all(clean_engine: PrivateEngine) -> None:
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made, "sh", "-c", "trap '' HUP; sleep 300")
        await page.say("close")
        await page.until_end()
    assert await asyncio.to_thread(left_running, clean_engine, container) == []


async def test_without_a_tty_streams_are_joined_and_input_can_end(clean_engine: PrivateEngine) -> None:
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made, "sh", "-c", "echo err >&2; cat; exit 5", tty=False)
        await page.keys("typed\n")
        await page.until(b"typed\n")
        await page.say("eof")
        await page.until_end()
    assert b"err\n" in page.output
    assert page.end["code"] == 5


async def test_a_shell_that_exits_says_what_it_left(clean_engine: PrivateEngine) -> None:
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made)
        await page.keys("sleep 400 &\nexit\n")
        await page.until_end()
    assert "1 process(es) that it started still run" in page.end["text"]


async def test_the_container_stops_under_the_shell(clean_engine: PrivateEngine) -> None:
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made)
        await asyncio.to_thread(clean_engine.docker, "rm", "-f", container)
        await page.until_end()
    assert page.end["text"]


@pytest.mark.parametrize("command", [["nothing-of-that-name"], ["/etc"]])
async def test_a_command_that_is_not_there(clean_engine: PrivateEngine, command: list[str]) -> None:
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made, *command)
        if not page.refused:
            await page.until_end()
        assert page.refused.get("text") or page.end["code"] in (126, 127)


async def test_an_engine_that_lets_the_size_wait_delays_no_shell(
    clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does for ten seconds when the process could not be started: a user that is not there."""

    async def waits(*size: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Session, "resize", waits)
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made, "sh", user="nobody-at-all")
        await page.until_end()
    assert b"nobody-at-all" in page.output or "nobody-at-all" in page.end["text"]


async def test_a_paused_container_refuses_in_the_engines_words(clean_engine: PrivateEngine) -> None:
    container = box(clean_engine)
    clean_engine.docker("pause", container)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        assert "is paused" in (await opened(made)).refused["text"]


async def test_what_a_shell_left_in_a_paused_container_is_ended_once_it_runs(clean_engine: PrivateEngine) -> None:
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made)
        await page.keys("trap '' HUP; sleep 501 & echo rea''dy\n")
        await page.until(b"ready")
        await asyncio.to_thread(clean_engine.docker, "pause", container)
        await page.say("close")
        await page.until_end()
    assert page.end["text"] == f"Closed. {PAUSED}"
    async with asyncio.timeout(5):
        while (row := await Shell.objects.aget()).owner:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert row.ended_at is None
    assert await clean_up(lambda _: clean_engine.api_version) == 0
    await asyncio.to_thread(clean_engine.docker, "unpause", container)
    assert len(await asyncio.to_thread(left_running, clean_engine, container)) >= 2
    assert await clean_up(lambda _: clean_engine.api_version) == 1
    assert await asyncio.to_thread(left_running, clean_engine, container) == []
    row = await Shell.objects.aget()
    assert row.ended_at is not None


async def test_attach_and_let_go(clean_engine: PrivateEngine) -> None:
    container = clean_engine.docker("run", "-di", "alpine", "cat")
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container, "attach"), admin) as made:
        page = await opened(made)
        await page.keys("hello\n")
        await page.until(b"hello\n")
        await page.say("close")
        await page.until_end()
    assert clean_engine.docker("inspect", "-f", "{{.State.Running}}", container) == "true"


BAD = [
    {"command": []}, {"command": "sh"}, {"command": ["a\0b"]}, {"command": [1]}, {"command": ["x" * 5000]},
    {"command": ["sh"], "env": ["A"]}, {"command": ["sh"], "tty": 1}, {"command": ["sh"], "user": 3}, {},
]  # fmt: skip


@pytest.mark.parametrize("said", BAD)
async def test_bad_openings_close_the_socket(clean_engine: PrivateEngine, said: dict[str, Any]) -> None:
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    made = await socket(address(container), admin)
    assert (await made.connect(timeout=5))[0]
    await made.send_to(text_data=json.dumps({"type": "open", **said}))
    message = await made.receive_output(timeout=5)
    assert message["type"] == "websocket.close"


async def test_a_shell_in_a_privileged_container_needs_more(
    clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from console import access

    container = box(clean_engine)  # no container is privileged inside a private engine
    admin = await sync_to_async(mirrored)(clean_engine, container)

    def mark() -> None:
        from console.models import Container

        Container.objects.update(details={"privileged": True})

    await sync_to_async(mark)()
    monkeypatch.setitem(access.ROLES, "admin", frozenset({"observe", "logs", "operate", "shell"}))
    made = await socket(address(container), admin)
    assert not (await made.connect(timeout=5))[0]


@pytest.mark.parametrize(
    ("count", "grace"),
    [(40, 1.0), pytest.param(200, session.GRACE, marks=[pytest.mark.soak, pytest.mark.timeout(600)])],
)
@pytest.mark.parametrize("seed", [random.randrange(10_000)])
async def test_many_shells_cut_in_random_ways_leave_nothing(
    clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch, seed: int, count: int, grace: float
) -> None:
    """Pages that close, that vanish, shells that end by themselves."""
    monkeypatch.setattr(session, "GRACE", grace)
    monkeypatch.setattr("console.consumers.guard.SOCKETS_A_PERSON", 300)
    monkeypatch.setattr(live, "A_PERSON", 300)
    chance = random.Random(seed)
    boxes = [box(clean_engine) for _ in range(4)]
    admin = await sync_to_async(mirrored)(clean_engine, *boxes)
    before, descriptors = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))

    async def one() -> None:
        await asyncio.sleep(chance.uniform(0, count / 13))
        made = await socket(address(chance.choice(boxes)), admin)
        assert (await made.connect(timeout=15))[0]
        page = await opened(made)
        way = chance.randrange(4)
        background = ["sleep 300 & sleep 301 &\n", "trap '' HUP; sleep 300 &\n"] if way < 3 else []  # not for who exits
        await page.keys(chance.choice(["sleep 300\n", "ls\n", *background]))
        await asyncio.sleep(chance.uniform(0, 1))
        match way:
            case 0:
                await page.say("close")
                await page.until_end()
                await made.disconnect()
            case 1:
                await made.disconnect()
            case 2:
                made.future.cancel()  # the server's task dies in the middle
                await asyncio.gather(made.future, return_exceptions=True)
            case 3:
                await page.keys("\x03\nexit\n")
                await asyncio.sleep(0.5)
                await made.disconnect()

    await asyncio.gather(*(one() for _ in range(count)))
    async with asyncio.timeout(15):
        while len(shells):  # noqa: ASYNC110  there is nothing to wait on
            await asyncio.sleep(0.1)
    left = {name: await asyncio.to_thread(left_running, clean_engine, name) for name in boxes}
    running = [process for processes in left.values() for process in processes]
    assert running == [], f"seed {seed}: {left}"
    await asyncio.sleep(1.2)
    assert len(asyncio.all_tasks()) <= before + 2, f"seed {seed}"
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 25, f"seed {seed}"  # 20 threads, each with the database


async def test_a_crashed_consoles_shells_are_ended(clean_engine: PrivateEngine) -> None:
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    clean_engine.docker("exec", "-d", "-e", f"{VARIABLE}=lost", container, "sleep", "400")
    assert left_running(clean_engine, container)

    def orphan() -> None:
        from datetime import timedelta

        from console.models import Engine

        row = Shell.objects.create(
            engine=Engine.objects.get(), user=admin, user_name="admin", container_id=container,
            container_name="box", marker="lost", owner="gone:1",
        )  # fmt: skip
        Shell.objects.filter(pk=row.pk).update(alive_at=row.started_at - timedelta(hours=1))

    await sync_to_async(orphan)()
    assert await clean_up(lambda _: clean_engine.api_version) == 1
    assert left_running(clean_engine, container) == []
    assert (await Shell.objects.aget()).reason == "The console was interrupted."


@pytest.mark.parametrize("shown", [True, False])
async def test_a_withdrawn_right_ends_the_shell_whatever_was_to_be_kept(
    clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch, shown: bool
) -> None:
    monkeypatch.setattr(live, "RECHECK", 1.0)
    container = box(clean_engine)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(address(container), admin) as made:
        page = await opened(made)
        await page.say("keep", on=True)
        await page.keys("echo read$((1))y\n")
        await page.until(b"read1y")
        found = shells.get(page.session, admin.pk)
        assert found is not None
        if shown:
            await sync_to_async(people.set_role)(admin, User.Role.VIEWER)
            async with asyncio.timeout(2):
                await found.ended.wait()
    if not shown:
        await sync_to_async(people.set_active)(admin, False)
        async with asyncio.timeout(6):
            await found.ended.wait()
    assert left_running(clean_engine, container) == []
    row = await Shell.objects.aget()
    assert row.reason.startswith(live.WITHDRAWN)
