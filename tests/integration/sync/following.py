"""A console's worker in the test's own process, following one private engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from console.engine.errors import EngineError
from console.models import Container, Engine
from console.sync.tasks import db
from console.sync.verify import Difference, verify
from console.sync.watch import watch_engines
from tests.engines import PrivateEngine

T = TypeVar("T")


class Following:
    """The mirror of a private engine as it is followed."""

    def __init__(self, private: PrivateEngine, pk: int) -> None:
        self.private, self.pk = private, pk

    async def docker(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a docker command and return what it prints."""
        return await asyncio.to_thread(self.private.docker, *arguments, stdin=stdin)

    async def engine(self) -> Engine:
        return await db(Engine.objects.get)(pk=self.pk)

    async def until(self, what: Callable[[], T], seconds: float = 5.0) -> T:
        """Ask the database until the answer is true; return it. The test fails if that takes too long."""
        end = asyncio.get_running_loop().time() + seconds
        while not (found := await db(what)()):
            assert asyncio.get_running_loop().time() < end, f"not within {seconds:g} s"
            await asyncio.sleep(0.02)
        return found

    async def state(self, state: str, seconds: float = 10.0) -> Engine:
        """Wait until the engine's row is in this state."""
        await self.until(Engine.objects.filter(pk=self.pk, state=state).exists, seconds)
        return await self.engine()

    async def exact(self, seconds: float = 5.0) -> None:
        """Wait until the mirror is equal to the engine."""
        differences: list[Difference] | str = []
        end = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                differences = await db(lambda: verify(Engine.objects.get(pk=self.pk)))()
            except EngineError as error:
                differences = error.message
            if not differences:
                return
            assert asyncio.get_running_loop().time() < end, differences
            await asyncio.sleep(0.1)

    def container(self, **columns: object) -> Container | None:
        """Return a row of this engine's containers."""
        return Container.objects.filter(engine_id=self.pk, **columns).first()


@asynccontextmanager
async def worker(owner: str = "test") -> AsyncIterator[asyncio.Event]:
    """Follow all engines inside the block."""
    stop = asyncio.Event()
    task = asyncio.ensure_future(watch_engines(stop, owner))
    try:
        yield stop
        assert not task.done(), "the worker ended by itself"
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


@asynccontextmanager
async def following(private: PrivateEngine) -> AsyncIterator[Following]:
    """Add an engine to the console and follow it inside the block, exact from the beginning."""
    row = await db(Engine.objects.create)(slug=private.name, url=private.url)
    async with worker():
        made = Following(private, row.pk)
        await made.state("live")
        yield made
