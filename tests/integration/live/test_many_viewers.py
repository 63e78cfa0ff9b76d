"""Many viewers of one log: every line or an exact count, one upstream, memory that stays flat."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from console.live.logs import Batch, LogHubs, Mark, Skipped
from tests.engines import PrivateEngine
from tests.integration.live.test_logs import source
from tests.proxy import proxy

VIEWERS, RATE = 200, 1000
STEADY = "i=0; while :; do j=0; while [ $j -lt 20 ]; do echo line-$i; i=$((i+1)); j=$((j+1)); done; usleep 17500; done"


def resident() -> float:
    """Memory of this process in MB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


async def test_ten_viewers_that_read_nothing_cost_a_bounded_queue(clean_engine: PrivateEngine) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "sh", "-c", "yes 0123456789012345678901234567890123456789")
    hubs = LogHubs(linger=0.1)
    here = source(clean_engine, container)
    try:
        async with hubs.watch(here):
            await asyncio.sleep(2)
            before = resident()
            async with asyncio.timeout(60):
                stack = [hubs.watch(here) for _ in range(10)]
                for watching in stack:
                    await watching.__aenter__()
                await asyncio.sleep(4)
                grown = resident() - before
                for watching in stack:
                    await watching.__aexit__(None, None, None)
        assert grown < 10 * 5, f"{grown:.1f} MB for ten viewers"
    finally:
        await hubs.close()
        await asyncio.to_thread(clean_engine.docker, "rm", "-f", container)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seconds", [300])
async def test_two_hundred_viewers(clean_engine: PrivateEngine, tmp_path: Path, seconds: int) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "sh", "-c", STEADY)
    hubs = LogHubs(linger=0.1)
    async with proxy(clean_engine.socket, tmp_path) as between:
        here = source(clean_engine, container, between.address)
        first, seen, skipped = [0] * VIEWERS, [0] * VIEWERS, [0] * VIEWERS

        async def view(number: int) -> None:
            async with hubs.watch(here) as viewer:
                while True:
                    item = await viewer.get()
                    if isinstance(item, Batch):
                        if not seen[number]:
                            first[number] = int(item.lines[0].data.removeprefix(b"line-"))
                        seen[number] += len(item.lines)
                    elif isinstance(item, Skipped):
                        skipped[number] += item.lines
                    elif isinstance(item, Mark) and item.kind == "stopped":
                        return

        viewers = [asyncio.create_task(view(number)) for number in range(VIEWERS)]
        await asyncio.sleep(min(60, seconds / 3))
        early = resident()
        await asyncio.sleep(seconds - min(60, seconds / 3))
        late = resident()
        assert between.opened == 1
        await asyncio.to_thread(clean_engine.docker, "kill", container)
        await asyncio.wait_for(asyncio.gather(*viewers), 30)
    last = int(clean_engine.docker("logs", "--tail", "1", container).removeprefix("line-"))
    for number in range(VIEWERS):
        assert seen[number] + skipped[number] == last - first[number] + 1
    assert last > seconds * RATE * 0.5
    assert late - early < 10, f"{early:.0f} MB after a minute, {late:.0f} MB at the end"
    await hubs.close()
