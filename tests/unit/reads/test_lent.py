"""What is lent is left, whoever is cancelled and whenever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from console.reads.lent import lent


class Thing:
    """Blocks where it is told to, and notes what happened."""

    def __init__(self, blocks: str = "", fails: bool = False) -> None:
        self.seen: list[str] = []
        self.at, self.ended, self.go_on = asyncio.Event(), asyncio.Event(), threading.Event()
        self._loop, self._blocks, self._fails = asyncio.get_running_loop(), blocks, fails

    def _step(self, name: str) -> None:
        self._loop.call_soon_threadsafe(self.at.set if name == self._blocks else lambda: None)
        if name == self._blocks:
            assert self.go_on.wait(20)
        self.seen.append(name)

    @contextmanager
    def opened(self) -> Iterator[int]:
        self._step("enter")
        if self._fails:
            raise ValueError("no")
        try:
            yield 7
        finally:
            self._step("exit")

    async def used(self, forever: bool = False) -> None:
        async with lent(self.opened(), self._after) as found:
            assert found == 7
            self.seen.append("used")
            if self._blocks == "used":
                self.at.set()
            await asyncio.sleep(60 if forever else 0)

    def _after(self) -> None:
        self.seen.append("after")
        self.ended.set()

    async def until_after(self) -> None:
        await asyncio.wait_for(self.ended.wait(), 20)


@pytest.mark.parametrize("blocks", ["enter", "used", "exit"])
async def test_who_is_cancelled_leaves_it_all_the_same(blocks: str) -> None:
    thing = Thing(blocks)
    task = asyncio.create_task(thing.used(forever=blocks == "used"))
    await thing.at.wait()
    task.cancel()
    if blocks == "exit":  # the waiting itself is cancelled
        with pytest.raises(asyncio.CancelledError):
            await task
        assert "after" not in thing.seen
    thing.go_on.set()
    with suppress(asyncio.CancelledError):
        await task
    await thing.until_after()
    assert thing.seen == [step for step in ("enter", "used", "exit", "after") if blocks != "enter" or step != "used"]


async def test_nobody_is_cancelled_and_what_cannot_be_entered() -> None:
    thing = Thing()
    await thing.used()
    assert thing.seen == ["enter", "used", "exit", "after"]
    broken = Thing(fails=True)
    with pytest.raises(ValueError, match="no"):
        await broken.used()
    assert broken.seen == ["enter", "after"]
