"""A viewer's bounded queue: what is forgotten is counted, and the newest is always there."""

from __future__ import annotations

import asyncio

import pytest

from console.engine.demux import Line
from console.live import logs
from console.live.logs import Batch, Item, Mark, Skipped, Viewer, encode


async def drained(viewer: Viewer, items: int) -> list[Item]:
    return [await viewer.get() for _ in range(items)]


def batch(*words: str) -> Batch:
    return encode(Line("stdout", word.encode(), 1) for word in words)


async def test_the_oldest_is_forgotten_and_counted_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "QUEUE_BYTES", 2 * batch("a").size)
    viewer = Viewer()
    for item in (batch("a"), batch("b"), Mark("stopped"), batch("c"), batch("d"), batch("e")):
        viewer.put(item)
    assert await drained(viewer, 5) == [Skipped(2), Mark("stopped"), Skipped(1), batch("d"), batch("e")]
    viewer.put(batch("f"))
    assert await viewer.get() == batch("f")


async def test_one_batch_above_the_bound_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "QUEUE_BYTES", 1)
    viewer = Viewer()
    viewer.put(batch("large"))
    assert await viewer.get() == batch("large")


async def test_a_batch_goes_past_the_queue_only_while_the_reader_waits_for_it() -> None:
    came: list[Item] = []
    room = True

    def deliver(item: Batch) -> bool:
        if room:
            came.append(item)
        return room

    async def read() -> None:
        while True:
            came.append(await viewer.get())

    async def settled() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    viewer = Viewer(deliver=deliver)
    viewer.put(batch("nobody waits"))
    assert came == []
    reading = asyncio.ensure_future(read())
    await settled()
    viewer.put(batch("not joined"))
    assert came == [batch("nobody waits")]
    await settled()
    viewer.joined = True
    viewer.put(batch("past the queue"))
    assert came[-1] == batch("past the queue")
    room = False
    viewer.put(batch("no room"))
    room = True
    viewer.put(batch("behind it"))
    viewer.put(Mark("stopped"))
    assert came[-1] == batch("past the queue")
    await settled()
    viewer.put(batch("again"))
    assert came[-4:] == [batch("no room"), batch("behind it"), Mark("stopped"), batch("again")]
    reading.cancel()
