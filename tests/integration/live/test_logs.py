"""The shared log upstream on a real engine: no line lost or doubled, whatever is cut."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.engine.address import Address
from console.engine.logs import LogQuery
from console.live.cursor import Cursor
from console.live.logs import Batch, Item, LogHubs, Mark, Skipped, Source, Viewer, resume, tail
from tests.engines import PrivateEngine
from tests.proxy import proxy
from tools.engines.api import Refused

# Writes numbered lines on both streams, about a thousand a second, until a count is reached or a file tells it to end.
COUNTING = (
    "i=0; while [ $i -lt {count} ] && [ ! -e /end ]; do j=0; while [ $j -lt 10 ]; do echo $i; i=$((i+1)); "
    "[ $((i%7)) = 0 ] && {{ echo $i >&2; i=$((i+1)); }}; j=$((j+1)); done; usleep 9000; done"
)


@pytest.fixture
async def hubs() -> AsyncIterator[LogHubs]:
    made = LogHubs(linger=0.2)
    yield made
    await made.close()
    assert made.open == 0


def counting(engine: PrivateEngine, count: int) -> str:
    return engine.docker("run", "--detach", "alpine", "sh", "-c", COUNTING.format(count=count))


def source(engine: PrivateEngine, container: str, address: Address | None = None) -> Source:
    async def run() -> str | None:
        try:
            state = (await asyncio.to_thread(engine.get, f"/containers/{container}/json"))["State"]
        except Refused:
            return None
        return str(state["StartedAt"]) if state["Running"] else ""

    return Source(1, container, address or Address(engine.url), engine.api_version, False, run)


def numbers(items: list[Item]) -> list[int]:
    return [int(line.data) for item in items if isinstance(item, Batch) for line in item.lines]


async def until_stopped(items: AsyncIterator[Item], seconds: float = 60) -> list[Item]:
    found: list[Item] = []
    async with asyncio.timeout(seconds):
        async for item in items:
            found.append(item)
            if isinstance(item, Mark) and item.kind in {"stopped", "gone", "refused"}:
                return found
    raise AssertionError("the log did not end")


async def test_past_and_present_join_without_a_gap(clean_engine: PrivateEngine, hubs: LogHubs) -> None:
    container = counting(clean_engine, 3000)
    here = source(clean_engine, container)

    async def view(delay: float) -> list[int]:
        await asyncio.sleep(delay)
        async with hubs.watch(here) as viewer:
            return sorted(numbers(await until_stopped(tail(here, LogQuery(container, False), viewer))))

    for got in await asyncio.gather(*(view(delay / 5) for delay in range(8))):
        assert got == list(range(len(got)))
        assert len(got) >= 3000


@pytest.mark.parametrize("seed", [random.randrange(10_000)])
async def test_two_hundred_cuts_lose_and_double_nothing(
    clean_engine: PrivateEngine, hubs: LogHubs, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    container = counting(clean_engine, 10**9)
    async with proxy(clean_engine.socket, tmp_path) as between:
        here = source(clean_engine, container, between.address)

        async def cut() -> None:
            for _ in range(200):
                await between.cut_one(after=chance.uniform(0.005, 0.08))

        async with hubs.watch(here) as viewer:
            past = source(clean_engine, container)  # the cuts are for the upstream, not for the look back
            reading = asyncio.create_task(until_stopped(tail(past, LogQuery(container, False), viewer)))
            await cut()
            await asyncio.to_thread(clean_engine.docker, "exec", container, "touch", "/end")
            found = await reading
    got = sorted(numbers(found))
    assert got == list(range(len(got)))
    assert len(got) >= 5_000
    assert between.opened >= 200


async def test_a_viewer_that_was_cut_off_goes_on(clean_engine: PrivateEngine, hubs: LogHubs) -> None:
    container = counting(clean_engine, 4000)
    here, cursor, found = source(clean_engine, container), Cursor(), list[Item]()
    chance = random.Random(4)
    ended = False
    while not ended:
        async with hubs.watch(here) as viewer:
            end = asyncio.get_running_loop().time() + chance.uniform(0.05, 0.3)
            async for item in resume(here, cursor, viewer):
                found.append(item)
                if isinstance(item, Batch):
                    for line in item.lines:
                        cursor.advance(line)
                cursor = Cursor.parse(str(cursor))  # as a browser keeps it
                ended = isinstance(item, Mark) and item.kind == "stopped"
                if ended or asyncio.get_running_loop().time() > end:
                    break
    got = sorted(numbers(found))
    assert got == list(range(len(got)))
    assert len(got) >= 4000


async def test_one_upstream_for_all_and_none_without_viewers(
    clean_engine: PrivateEngine, hubs: LogHubs, tmp_path: Path
) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "sleep", "60")
    async with proxy(clean_engine.socket, tmp_path) as between:
        here = source(clean_engine, container, between.address)

        async def view() -> None:
            async with hubs.watch(here):
                await asyncio.sleep(0.3)

        await asyncio.gather(*(view() for _ in range(50)))
        assert between.opened == 1
        assert between.connections == 1  # it lingers
        await asyncio.sleep(0.5)
        assert between.connections == 0
        assert hubs.open == 0
        await view()
        assert between.opened == 2


async def test_a_slow_viewer_loses_lines_visibly_and_harms_nobody(clean_engine: PrivateEngine, hubs: LogHubs) -> None:
    line = "x" * 500
    container = clean_engine.docker(
        "run", "-d", "alpine", "sh", "-c", f"sleep 0.5; i=0; while [ $i -lt 20000 ]; do echo {line}; i=$((i+1)); done"
    )
    here = source(clean_engine, container)
    async with hubs.watch(here) as slow, hubs.watch(here) as quick:
        found = await until_stopped(tail(here, LogQuery(container, False, tail=0), quick))
        assert sum(len(item.lines) for item in found if isinstance(item, Batch)) == 20_000
        held = await drain(slow)
    kept = sum(len(item.lines) for item in held if isinstance(item, Batch))
    skipped = sum(item.lines for item in held if isinstance(item, Skipped))
    assert kept + skipped == 20_000
    assert 0 < kept < 4000


async def drain(viewer: Viewer) -> list[Item]:
    found: list[Item] = []
    while True:
        item = await viewer.get()
        found.append(item)
        if isinstance(item, Mark):
            return found


def is_written(engine: PrivateEngine, container: str, text: str) -> None:
    """Wait until the engine has what the container wrote: a moment after its start."""
    deadline = time.monotonic() + 20
    while engine.docker("logs", container) != text:
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def test_it_goes_on_after_a_restart_and_says_so(clean_engine: PrivateEngine, hubs: LogHubs) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "sh", "-c", "echo up; sleep 60")
    is_written(clean_engine, container, "up")
    here = source(clean_engine, container)
    async with asyncio.timeout(20), hubs.watch(here) as viewer:
        items = tail(here, LogQuery(container, False), viewer)
        assert [line.data for line in (await anext(items)).lines] == [b"up"]  # type: ignore[union-attr]
        assert await anext(items) == Mark("past")
        await asyncio.to_thread(clean_engine.docker, "restart", "-t", "0", container)
        assert await anext(items) == Mark("stopped")
        assert await anext(items) == Mark("started")
        assert await anext(items) == Mark("resumed")
        assert [line.data for line in (await anext(items)).lines] == [b"up"]  # type: ignore[union-attr]
        await asyncio.to_thread(clean_engine.docker, "rm", "-f", container)
        assert await anext(items) == Mark("stopped")
        assert (await anext(items)).kind == "gone"  # type: ignore[union-attr]


async def test_what_follows_a_line_without_an_end_is_not_lost(clean_engine: PrivateEngine, hubs: LogHubs) -> None:
    """docker joins it to the line; the page has seen that one already."""
    container = clean_engine.docker("run", "-d", "alpine", "sh", "-c", 'printf "no newline $(date +%s)"; sleep 2')
    here = source(clean_engine, container)
    async with asyncio.timeout(20), hubs.watch(here) as viewer:
        items = tail(here, LogQuery(container, False), viewer)
        found = await until_stopped(items)
        await asyncio.to_thread(clean_engine.docker, "start", container)
        found += await until_stopped(viewer_items(viewer))
    printed = clean_engine.docker("logs", container)
    texts = [line.data.decode() for item in found if isinstance(item, Batch) for line in item.lines]
    assert len(texts) == 2, (found, printed)
    assert printed.startswith(texts[0])
    assert texts[1] == printed


async def viewer_items(viewer: Viewer) -> AsyncIterator[Item]:
    while True:
        yield await viewer.get()


async def test_who_comes_after_the_end_is_told_of_it(clean_engine: PrivateEngine, hubs: LogHubs) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "echo", "over")
    clean_engine.docker("wait", container)
    here = source(clean_engine, container)
    async with asyncio.timeout(20), hubs.watch(here) as first:
        await until_stopped(tail(here, LogQuery(container, False), first))
        async with hubs.watch(here) as second:  # the same upstream, which waits for the next start
            found = await until_stopped(tail(here, LogQuery(container, False), second))
    assert [line.data for item in found if isinstance(item, Batch) for line in item.lines] == [b"over"]


async def test_a_driver_that_cannot_be_read_is_told_in_the_engines_words(
    clean_engine: PrivateEngine, hubs: LogHubs
) -> None:
    container = clean_engine.docker("run", "-d", "--log-driver", "none", "alpine", "sleep", "60")
    async with asyncio.timeout(5), hubs.watch(source(clean_engine, container)) as viewer:
        item = await viewer.get()
    assert isinstance(item, Mark)
    assert item.kind == "refused"
    assert "does not support reading" in item.text
