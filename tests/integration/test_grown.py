"""PostgreSQL, Redis, two web processes and a worker of its own: what one does the other shows, through every outage."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from urllib.parse import quote

import aiohttp
import pytest

from tests.engines import PrivateEngine
from tests.grown import CONNECTIONS, SECONDS, House, Page, house, lines_of, typed

SAYS = "while :; do echo said; usleep 50000; done"
POLITE = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
SLOW = "trap 'sleep 4; exit 0' TERM; while :; do sleep 0.1; done"


@pytest.fixture(scope="module")
def grown(engine: PrivateEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    engine.clean()
    with house(engine, tmp_path_factory.mktemp("grown") / "data") as made:
        yield made
    engine.clean()


def box(grown: House, name: str, script: str = POLITE) -> str:
    """A running container that both web processes know."""
    made = grown.engine.docker("run", "-d", "--name", name, "--network", "none", "busybox", "sh", "-c", script)
    until_state(grown, "container", made, "running")
    return made


def until_state(grown: House, what: str, container: str, state: str) -> None:
    """Wait until the row of a container, or of the operation on it, has this state."""
    column = "container_id" if what == "container" else "object_id"
    grown.until(f"SELECT state FROM console_{what} WHERE {column} = '{container}'", [[state]])  # noqa: S608


def happened(engine: PrivateEngine, container: str) -> Counter[str]:
    """The engine's events of a container, by action."""
    filters = quote(json.dumps({"container": [container]}))
    lines = engine.call("GET", f"/events?since=0&until={time.time():.3f}&filters={filters}").splitlines()
    return Counter(json.loads(line)["Action"] for line in lines if line.strip())


async def test_what_one_process_does_the_other_shows(grown: House) -> None:
    async with AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(Page(grown, web, "/e/local/containers", "containers")) for web in range(2)
        ]
        made = await asyncio.to_thread(box, grown, "seen-by-both")
        for page in pages:
            await page.shows("seen-by-both")
        action = f"/e/local/containers/{made}/stop"
        assert await grown.post(0, action, action) == 202
        await pages[1].shows("seen-by-both stopped")
        await asyncio.to_thread(until_state, grown, "operation", made, "succeeded")
    assert happened(grown.engine, made)["die"] == 1
    mine = f"SELECT count(*) FROM console_operation WHERE object_id = '{made}'"  # noqa: S608
    assert grown.postgres.query(mine) == [["1"]]


async def test_a_log_and_a_shell_end_when_another_process_withdraws_the_right(grown: House) -> None:
    made = await asyncio.to_thread(box, grown, "talks", SAYS)
    role = "from console import people, models as m; import time; u = m.User.objects.get(); people.set_role(u, '{}'); "
    async with grown.socket(1, f"/logs?c={made}&tail=5") as log, grown.socket(1, f"/containers/{made}/shell") as shell:
        await typed(shell, "echo rea''dy", b"ready")
        assert await anext(lines_of(log)) == "said"
        withdrawing = asyncio.create_task(asyncio.to_thread(grown.shell, role.format("viewer") + "print(time.time())"))
        ends = await asyncio.gather(ended(log), ended(shell))
        began = float(await withdrawing)
    await asyncio.to_thread(grown.shell, role.format("admin"))
    assert [code for _, code in ends] == [4403, 4403]
    assert max(at for at, _ in ends) - began < 1.0 + 1.0 * (os.getloadavg()[0] > 4)


async def ended(socket: aiohttp.ClientWebSocketResponse) -> tuple[float, int | None]:
    """When it closed, and with which code; what comes before is passed over."""
    async for _ in socket:
        pass
    return time.time(), socket.close_code


def until_asked(grown: House, container: str) -> None:
    """Wait until the engine has begun, and waits for the container to end."""
    deadline = time.monotonic() + SECONDS
    while not happened(grown.engine, container)["kill"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)


async def test_a_killed_worker_is_replaced_and_nothing_is_done_twice(grown: House) -> None:
    made = await asyncio.to_thread(box, grown, "half-done", SLOW)
    fence = int(grown.postgres.query("SELECT lease_fence FROM console_engine")[0][0])
    async with Page(grown, 1, "/e/local/containers", "containers") as page:
        action = f"/e/local/containers/{made}/restart"
        assert await grown.post(0, action, action) == 202
        await asyncio.to_thread(until_state, grown, "operation", made, "running")
        await asyncio.to_thread(until_asked, grown, made)
        grown.worker.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(grown.start_worker)
        await asyncio.to_thread(until_state, grown, "operation", made, "succeeded")
        await page.shows("half-done restarted")
    assert happened(grown.engine, made)["restart"] == 1
    assert int(grown.postgres.query("SELECT lease_fence FROM console_engine")[0][0]) == fence + 1
    exact(grown)


def exact(grown: House) -> None:
    """The mirror has no difference to the engine."""
    done = grown.manage("mirror", "--verify", "--within", "15")
    assert done.returncode == 0, done.stdout
    assert "0 differences" in done.stdout


async def test_all_who_ask_share_few_connections(grown: House) -> None:
    """What a process does not give back is missing afterwards: fewer connections than threads, requests or sockets."""

    async def person(number: int) -> None:
        for turn in range(8):
            assert "<main" in await grown.get((number + turn) % 2, "/e/local/containers")
            async with grown.socket(number % 2, "?view=containers&v=0") as opened:
                assert (await opened.receive()).type is aiohttp.WSMsgType.TEXT

    await asyncio.gather(*(person(number) for number in range(20)))
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'quarterdeck' AND pid <> pg_backend_pid()"
    assert 3 <= int(grown.postgres.query(count)[0][0]) <= 3 * CONNECTIONS
    leaked = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    assert grown.postgres.query(leaked) == [["0"]]


def test_a_backup_is_the_whole_console(grown: House) -> None:
    """The commands of docs/operating.md, while the console runs."""
    postgres, dump = grown.postgres, str(grown.postgres.folder / "quarterdeck.dump")
    elsewhere = postgres.url.rpartition("/")[0] + "/restored"
    where = {
        url: f"postgresql:///{url.rpartition('/')[2]}?host={postgres.folder}&user=quarterdeck"
        for url in (postgres.url, elsewhere)
    }
    postgres.program("pg_dump", "--format=custom", "--no-owner", f"--file={dump}", where[postgres.url])
    postgres.query("CREATE DATABASE restored")
    postgres.program("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={where[elsewhere]}", dump)
    assert grown.manage("migrate", "--check", DATABASE_URL=elsewhere).returncode == 0
    count = "SELECT (SELECT count(*) FROM console_user), (SELECT count(*) FROM console_engine)"
    assert postgres.query(count, "restored") == [["1", "1"]]


async def test_pages_outlive_redis(grown: House) -> None:
    async with AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(Page(grown, web, "/e/local/containers", "containers")) for web in range(2)
        ]
        grown.redis.stop()
        await asyncio.to_thread(box, grown, "without-redis")
        grown.redis.start()
        for page in pages:
            await page.shows("without-redis")  # by the version that the engine's row has: its hint is lost
        await asyncio.to_thread(box, grown, "with-redis")
        began = time.monotonic()
        for page in pages:
            await page.shows("with-redis")
        assert time.monotonic() - began < 9.0, "by a hint, not by the look that a page takes after ten silent seconds"


async def test_no_socket_is_refused_for_a_connection_from_before(grown: House) -> None:
    """Redis was away and is back: the layer's old connection breaks when it is used, which is nobody's concern."""
    async with grown.socket(1, "?view=containers&v=0") as before:
        assert (await before.receive()).type is aiohttp.WSMsgType.TEXT
        for _ in range(3):
            grown.redis.stop()
            grown.redis.start()
            for _ in range(5):
                async with grown.socket(1, "?view=containers&v=0") as opened:
                    assert (await opened.receive()).type is aiohttp.WSMsgType.TEXT


async def test_without_redis_all_goes_on_but_signing_in(grown: House) -> None:
    async with Page(grown, 1, "/e/local/containers", "containers") as page:
        made = await asyncio.to_thread(box, grown, "asked-without-redis")
        await page.shows("asked-without-redis")  # so its socket is open: none is opened now
        grown.redis.stop()
        try:
            status, text = await asyncio.to_thread(grown.sign_in, 0)
            assert (status, "Redis does not answer" in text) == (503, True), text
            await grown.get(0, "/e/local/containers")
            action = f"/e/local/containers/{made}/stop"
            assert await grown.post(0, action, action) == 202
            await asyncio.to_thread(until_state, grown, "operation", made, "succeeded")
            await asyncio.to_thread(box, grown, "seen-without-redis")
            await page.shows("seen-without-redis")  # it looks for itself
            assert (await asyncio.to_thread(grown.webs[0].get, "/readyz"))[0] == 200
        finally:
            grown.redis.start()
    assert (await asyncio.to_thread(grown.sign_in, 0))[0] == 302
    assert "Traceback" not in grown.webs[0].output


async def test_a_redis_that_hangs_is_not_waited_for_long(grown: House) -> None:
    assert grown.redis.process is not None
    grown.redis.process.send_signal(signal.SIGSTOP)
    try:
        status, text = await asyncio.to_thread(grown.sign_in, 0)
        assert (status, "Redis does not answer" in text) == (503, True), text
        await grown.get(0, "/e/local/containers")
    finally:
        grown.redis.process.send_signal(signal.SIGCONT)
    deadline = time.monotonic() + SECONDS
    while (answer := await asyncio.to_thread(grown.sign_in, 0))[0] == 429:  # it locked a count for who has gone: 10 s
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(2)
    assert answer[0] == 302


async def test_all_outlives_postgresql(grown: House) -> None:
    shown = await asyncio.to_thread(box, grown, "shown-before")
    async with AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(Page(grown, web, "/e/local/containers", "containers")) for web in range(2)
        ]
        before = f"/e/local/containers/{shown}/stop"
        form = await grown.form(0, before)
        grown.postgres.stop()
        made = grown.engine.docker("run", "-d", "--name", "without-postgres", "busybox", "sleep", "1000")
        assert grown.webs[0].get("/readyz")[0] == 503
        assert grown.webs[0].get("/healthz")[0] == 200
        refused = await asyncio.gather(
            grown.answer(0, "/e/local/containers"),
            grown.send(0, before, form),
            asyncio.to_thread(grown.sign_in, 1),
        )
        for status, text in refused:
            assert (status, "The database does not answer" in text) == (503, True), text
        grown.postgres.start()
        for page in pages:
            await page.shows("without-postgres")
        action = f"/e/local/containers/{made}/kill"
        assert await grown.post(1, action, action) == 202
        await asyncio.to_thread(until_state, grown, "operation", made, "succeeded")
        await asyncio.to_thread(box, grown, "with-postgres")
        for page in pages:
            await page.shows("with-postgres")
        assert (await grown.send(0, before, form))[0] == 202, "the same form, sent again"
        await asyncio.to_thread(until_state, grown, "operation", shown, "succeeded")
    assert happened(grown.engine, shown)["die"] == 1
    await asyncio.to_thread(grown.ready)
    exact(grown)
    assert "Traceback" not in grown.webs[0].output, "an outage is a line in the log"
