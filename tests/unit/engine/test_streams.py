"""The event stream: nothing is missed in silence, and every kind of end is ``Unreachable``."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine.address import address
from console.engine.errors import Unreachable
from console.engine.streams import ACTIONS, LINE_CAP, EventStream, Lines, events, ping
from console.engine.types import Event
from tests import fake_engine
from tests.engines import EngineFactory, PrivateEngine
from tests.fake_engine import Call, FakeEngine

EVENTS = r"/v1\.41/events.*"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


def line(number: int, action: str = "start", kind: str = "container") -> bytes:
    event = {"Type": kind, "Action": action, "Actor": {"ID": f"id{number}"}, "timeNano": number}
    return json.dumps(event).encode() + b"\n"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeEngine]:
    with fake_engine.fake_engine(tmp_path) as running:
        yield running


async def read(stream: EventStream, count: int, seconds: float = 30.0) -> list[Event]:
    """The next ``count`` events."""
    found: list[Event] = []
    async with asyncio.timeout(seconds):
        async for event in stream:
            found.append(event)
            if len(found) == count:
                break
    return found


@given(st.lists(st.binary(max_size=12)), st.lists(st.integers(0, 200)))
def test_lines_in_any_chunking(parts: list[bytes], cuts: list[int]) -> None:
    data = b"\n".join(parts)
    expected = [part for part in data.split(b"\n")[:-1] if part.strip() and len(part) <= 8]
    too_long = sum(len(part) > 8 for part in data.split(b"\n"))
    lines, found, start = Lines(cap=8), [], 0
    for cut in [*sorted(cut for cut in cuts if cut <= len(data)), len(data)]:
        found += lines.feed(data[start:cut])
        start = cut
    assert (found, lines.skipped) == (expected, too_long)


async def test_what_comes_is_read_and_what_is_no_event_is_counted(fake: FakeEngine) -> None:
    def speak(call: Call) -> None:
        call.say(HEAD + line(1)[:20])
        call.wait(0.05)
        call.say(line(1)[20:] + b"garbage\n\n[]\n" + line(2, "exec_start: sh -c secret"))
        call.say(b"x" * (LINE_CAP + 1) + b"\n" + line(3, "health_status: unhealthy") + line(4, "create", "plugin"))
        call.say(line(5, "create", "volume"))
        call.wait()

    fake.order(EVENTS, speak)
    async with events(address(fake.url)) as stream:
        found = await read(stream, 3)
        assert [(event.actor_id, event.action, event.detail) for event in found] == [
            ("id1", "start", ""),
            ("id3", "health_status", "unhealthy"),
            ("id5", "create", ""),
        ]
        assert stream.skipped == 3


async def test_the_subscription_reaches_back_on_the_engines_clock(fake: FakeEngine) -> None:
    fake.order(EVENTS, lambda call: call.say(HEAD))
    async with events(address(fake.url)):
        pass
    async with events(address(fake.url), since_ns=1_700_000_000_000_000_007):
        pass
    targets = [target for _, target in fake.seen if "events" in target]
    assert "since=1795571999.000000000" in targets[0]  # a second before the Date of the fake's ping
    assert "since=1700000000.000000007" in targets[1]
    assert "health_status" in targets[0]
    assert "exec" not in targets[0]


@pytest.mark.parametrize("fault", ["ends", "breaks", "breaks-later", "breaks-twice", "dies"])
async def test_every_end_is_unreachable(fake: FakeEngine, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.engine.connection.SILENCE", 0.2)

    def speak(call: Call) -> None:
        if fault.startswith("breaks-"):  # each in a packet of its own: aiohttp tells these three apart
            call.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            call.wait(0.3)
            call.say(b"%x\r\n%s\r\n%s" % (len(line(1)), line(1), b"zz\r\n" if fault == "breaks-twice" else b""))
            call.wait(0.3)
            call.say(b"zz\r\n")
        elif fault == "breaks":
            call.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            call.say(b"%x\r\n%s\r\nzz\r\n" % (len(line(1)), line(1)))
        elif fault == "dies":
            call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + line(1))
        else:
            call.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(line(1)), line(1)))
        call.close()

    fake.order(EVENTS, speak)
    with pytest.raises(Unreachable) as failed:
        async with events(address(fake.url)) as stream:
            await read(stream, 2)
    assert failed.value.problem in ("lost", "wrong-address")


async def test_an_engine_that_refuses(fake: FakeEngine) -> None:
    fake.order(EVENTS, fake_engine.json_answer({"message": "no"}, 500))
    with pytest.raises(Exception, match=r"^no$"):
        async with events(address(fake.url)):
            pass


async def test_headers_that_come_with_the_first_event(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.engine.streams.HEADERS_GRACE", 0.1)
    listed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def speak(call: Call) -> None:
        while not listed.is_set() and not call.wait(0.01):
            pass
        call.say(HEAD + line(1))
        call.wait()

    fake.order(EVENTS, speak)
    async with events(address(fake.url)) as stream:
        loop.call_soon(listed.set)
        assert [event.actor_id for event in await read(stream, 1)] == ["id1"]
    async with asyncio.timeout(5), events(address(fake.url)):
        listed.clear()


async def test_a_flood_is_read_only_as_fast_as_it_is_taken(fake: FakeEngine) -> None:
    sent = 0

    def speak(call: Call) -> None:
        nonlocal sent
        call.say(HEAD)
        while not call.wait(0):
            call.say(line(sent) * 100)
            sent += 1

    fake.order(EVENTS, speak)
    async with events(address(fake.url)) as stream:
        await read(stream, 1)
        await asyncio.sleep(0.5)
        before = sent
        await asyncio.sleep(0.3)
        assert sent == before, "the engine waits for the reader"


# -- a real engine -----------------------------------------------------------------------------------------------------


async def test_nothing_between_subscribing_and_listing_is_missed(clean_engine: PrivateEngine) -> None:
    for _ in range(10):
        async with events(address(clean_engine.url)) as stream:
            name = await asyncio.to_thread(clean_engine.docker, "create", "alpine")
            wanted = {("container", "create", name)}
            async with asyncio.timeout(10):
                async for event in stream:
                    wanted.discard((event.type, event.action, event.actor_id))
                    if not wanted:
                        break


async def test_a_life_in_events(clean_engine: PrivateEngine) -> None:
    async with events(address(clean_engine.url)) as stream:
        start = time.time_ns()
        name = await asyncio.to_thread(clean_engine.docker, "run", "-d", "-v", "data:/d", "alpine", "sleep", "1d")
        for verb in (["pause"], ["unpause"], ["rename"], ["rm", "-f"]):
            await asyncio.to_thread(clean_engine.docker, *verb, name, *(["other"] if verb == ["rename"] else []))
        await asyncio.to_thread(clean_engine.docker, "volume", "rm", "data")
        seen: list[tuple[str, str]] = []
        async with asyncio.timeout(10):
            async for event in stream:
                if event.time_ns >= start:
                    seen.append((event.type, event.action))
                if seen[-1:] == [("volume", "destroy")]:
                    break
    life = [action for kind, action in seen if kind == "container"]
    assert life == ["create", "start", "pause", "unpause", "rename", "kill", "die", "destroy"]
    assert {("network", "connect"), ("network", "disconnect"), ("volume", "create")} <= set(seen)
    assert all(action in ACTIONS[kind] for kind, action in seen)


async def test_events_after_a_known_one_come_again(clean_engine: PrivateEngine) -> None:
    async with events(address(clean_engine.url)) as stream:
        await asyncio.to_thread(clean_engine.docker, "volume", "create", "first")
        async with asyncio.timeout(10):
            last = [event async for event in _until(stream, "first")][-1]
    await asyncio.to_thread(clean_engine.docker, "volume", "create", "missed")
    async with events(address(clean_engine.url), since_ns=last.time_ns) as stream, asyncio.timeout(10):
        again = [event.actor_id async for event in _until(stream, "missed")]
    assert again == ["first", "missed"]


async def _until(stream: EventStream, actor_id: str) -> AsyncIterator[Event]:
    async for event in stream:
        yield event
        if event.actor_id == actor_id:
            return


async def test_a_hung_and_a_dead_engine(new_engine: EngineFactory) -> None:
    engine = new_engine(load=())
    found = address(engine.url)
    async with events(found) as stream:
        assert (await ping(found)).api_version == engine.api_version
        engine.hang()
        with pytest.raises(Unreachable) as failed:
            await ping(found, timeout=0.3)
        assert failed.value.problem == "timeout"
        engine.resume()
        await ping(found)
        engine.kill()
        with pytest.raises(Unreachable) as failed:
            await read(stream, 10)
        assert failed.value.problem == "lost"
    with pytest.raises(Unreachable) as failed:
        async with events(found):
            pass
    assert failed.value.problem == "not-running"
