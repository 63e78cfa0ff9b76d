"""The engine crashes, hangs, is replaced; events get lost; the lease goes: the mirror says so and gets over it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pytest_django.fixtures import Settings

from console.engine.streams import EventStream
from console.engine.types import Event
from console.models import Container, Engine, Volume
from console.sync.identity import confirm
from console.sync.tasks import db
from tests.engines import EngineFactory, PrivateEngine
from tests.integration.sync.following import Following, following, worker
from tools import engines

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_crash_of_the_engine(new_engine: EngineFactory) -> None:
    private = await asyncio.to_thread(new_engine, load=("alpine",))
    async with following(private) as mirror:
        quick = ("--stop-signal", "SIGKILL")  # an engine that comes back waits 10 s for those that ignore SIGTERM
        await mirror.docker("run", "-d", *quick, "--name", "one", "alpine", "sleep", "99")
        await mirror.docker("run", "-d", *quick, "--name", "two", "--restart", "always", "alpine", "sleep", "99")
        await mirror.until(lambda: Container.objects.filter(state="running").count() == 2)
        await asyncio.to_thread(private.kill)
        stale = await mirror.state("stale", 3)
        assert stale.error
        assert stale.stale_since is not None
        assert stale.retry_at is not None
        await mirror.until(lambda: Engine.objects.filter(problem="not-running").exists(), 2)
        assert await db(Container.objects.count)() == 2, "what was known stays"
        await asyncio.to_thread(private.restart)
        began = time.monotonic()
        live = await mirror.state("live", 10)
        assert time.monotonic() - began < 5
        assert (live.stale_since, live.problem, live.error, live.retry_at) == (None, "", "", None)
        await mirror.exact(5)


async def test_a_hanging_engine(new_engine: EngineFactory) -> None:
    private = await asyncio.to_thread(new_engine, load=())
    async with following(private) as mirror:
        await asyncio.to_thread(private.hang)
        began = time.monotonic()
        stale = await mirror.state("stale", 12)
        assert time.monotonic() - began < 10
        assert stale.problem == "timeout"
        await asyncio.sleep(3)
        await asyncio.to_thread(private.resume)
        began = time.monotonic()
        await mirror.state("live", 10)
        assert time.monotonic() - began < 5
        await mirror.docker("volume", "create", "after")
        await mirror.until(lambda: Volume.objects.filter(name="after").exists(), 2)


async def test_what_happens_while_the_console_is_away(clean_engine: PrivateEngine) -> None:
    async with following(clean_engine) as mirror:
        await mirror.docker("create", "--name", "goes", "alpine")
        await mirror.docker("create", "--name", "stays", "alpine")
        await mirror.until(lambda: Container.objects.count() == 2)
    await mirror.docker("rm", "goes")
    await mirror.docker("rename", "stays", "renamed")
    async with worker():
        await mirror.until(lambda: list(Container.objects.values_list("name", flat=True)) == ["renamed"])
        await mirror.exact()


async def test_another_engine_behind_the_same_socket(new_engine: EngineFactory) -> None:
    private = await asyncio.to_thread(new_engine, load=())
    async with following(private) as mirror:
        await mirror.docker("volume", "create", "former")
        await mirror.until(lambda: Volume.objects.filter(name="former").exists())
        former = (await mirror.engine()).engine_id

        def replace() -> None:
            private.kill()
            folder = str(engines.get(private.name).folder)
            private.exec("sh", "-c", 'rm -rf "$1"/data/volumes "$1"/data/engine-id "$1"/etc/*', "sh", folder)
            private.restart()

        await asyncio.to_thread(replace)
        await mirror.docker("volume", "create", "latter")
        swapped = await mirror.state("swapped", 10)
        assert swapped.engine_id == former
        assert swapped.found["identity"] not in ("", former)
        assert swapped.found["name"] == private.name
        await asyncio.sleep(3)
        assert await db(lambda: list(Volume.objects.values_list("name", flat=True)))() == ["former"], "frozen"

        assert not await db(confirm)(mirror.pk, "somebody else")
        assert await db(confirm)(mirror.pk, swapped.found["identity"])
        live = await mirror.state("live", 10)
        assert live.engine_id == swapped.found["identity"]
        assert live.found == {}
        await mirror.until(lambda: list(Volume.objects.values_list("name", flat=True)) == ["latter"])
        await mirror.exact()
        assert not await db(confirm)(mirror.pk), "nothing to confirm any more"


async def test_an_engine_that_was_never_there(transactional_db: None) -> None:
    row = await db(Engine.objects.create)(slug="none", url="unix:///nonexistent/docker.sock")
    bad = await db(Engine.objects.create)(slug="bad", url="carrier pigeon")
    far = await db(Engine.objects.create)(slug="far", url="tcp://192.0.2.1:2375")
    async with worker():
        for pk in (row.pk, bad.pk, far.pk):
            found = await Following(None, pk).state("unreachable", 10)  # type: ignore[arg-type]
            assert found.error
            assert found.seen_at is None
    assert (await db(Engine.objects.get)(pk=bad.pk)).problem == "wrong-address"


@asynccontextmanager
async def deaf(private: PrivateEngine, patch: pytest.MonkeyPatch) -> AsyncIterator[Following]:
    """A mirror that hears no event."""

    async def silence(stream: EventStream) -> AsyncIterator[Event]:
        async for event in original(stream):
            if event.type == "never":
                yield event

    original = EventStream.__aiter__
    patch.setattr(EventStream, "__aiter__", silence)
    async with following(private) as mirror:
        await asyncio.sleep(1.5)  # the second look at the lists
        await mirror.docker("create", "--name", "one", "alpine")
        await mirror.docker("network", "create", "net")
        await mirror.docker("volume", "create", "data")
        await mirror.docker("tag", "alpine", "mine:1")
        yield mirror


async def test_lost_events_are_found_by_comparing(
    clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.RESYNC_EVERY = 2.0
    async with deaf(clean_engine, monkeypatch) as mirror:
        await mirror.until(lambda: mirror.container(name="one"), 5)
        await mirror.exact(5)


async def test_without_comparing_they_stay_lost(
    clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """The twin of the test above: it shows that it is the comparing that finds them."""
    settings.RESYNC_EVERY = 3600.0
    async with deaf(clean_engine, monkeypatch) as mirror:
        await asyncio.sleep(5)
        with pytest.raises(AssertionError):
            await mirror.exact(0)


async def test_a_change_that_no_list_shows_is_found_in_time(
    clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.RESYNC_EVERY = 1.5
    async with deaf(clean_engine, monkeypatch) as mirror:
        await mirror.until(lambda: mirror.container(name="one"), 5)
        await mirror.docker("update", "--restart", "always", "one")
        await mirror.until(lambda: mirror.container(restart_policy="always"), 5)


async def test_a_worker_that_lost_its_lease_is_silent(clean_engine: PrivateEngine) -> None:
    async with following(clean_engine) as mirror:
        await db(Engine.objects.filter(pk=mirror.pk).update)(lease_owner="somebody", lease_fence=4711)
        await mirror.docker("create", "--name", "one", "alpine")
        await asyncio.sleep(2)
        assert not await db(Container.objects.exists)()
        row = await mirror.engine()
        assert (row.lease_owner, row.lease_fence) == ("somebody", 4711)
        await db(Engine.objects.filter(pk=mirror.pk).update)(lease_owner="", lease_expires=None)
        await mirror.until(lambda: mirror.container(name="one"), 5)


async def test_two_workers_share_the_work(clean_engine: PrivateEngine) -> None:
    async with following(clean_engine) as mirror, worker("second"):
        owner = (await mirror.engine()).lease_owner
        await mirror.docker("create", "--name", "one", "alpine")
        await mirror.until(lambda: mirror.container(name="one"), 2)
        await asyncio.sleep(4)
        row = await mirror.engine()
        assert row.lease_owner == owner, "renewed, and by the same one"
        assert row.lease_fence == 1
