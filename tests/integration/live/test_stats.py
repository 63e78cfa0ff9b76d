"""Statistics: right figures, sampled only while somebody looks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from console.engine.address import Address
from console.engine.stats import sample
from console.live.stats import StatsFeeds, Watched, feeds
from tests.engines import PrivateEngine
from tests.integration.live.test_log_socket import mirrored
from tests.proxy import proxy
from tests.sockets import connected, socket

pytestmark = pytest.mark.django_db(transaction=True)

MB = 1_000_000


async def test_the_figures_are_those_of_the_engine(clean_engine: PrivateEngine) -> None:
    busy = clean_engine.docker("run", "-d", "--memory", "64m", "alpine", "sh", "-c", "while :; do :; done")
    idle = clean_engine.docker("run", "-d", "alpine", "sleep", "60")
    admin = await sync_to_async(mirrored)(clean_engine, busy, idle)
    seen: dict[str, list[Any]] = {}
    async with asyncio.timeout(20), connected("/ws/e/here/stats", admin) as made:
        await made.send_to(text_data=json.dumps({"type": "watch", "ids": [busy, idle, "f" * 64], "every": 0.5}))
        while len(seen) < 2:
            message = json.loads(await made.receive_from(timeout=10))
            assert message["t"] == "stats"
            seen |= {name: row for name, row in message["d"].items() if row}
    try:
        assert set(seen) == {busy, idle}
        _, cpu, cpus, memory, limit, *_, processes, _ = seen[busy]
        assert 5 < cpu <= 110 * cpus
        assert 0 < memory < 64 * MB
        assert limit == 64 * 1024 * 1024
        assert processes >= 1
        assert seen[idle][1] < 5
    finally:
        await feeds.close()
        await asyncio.to_thread(clean_engine.docker, "rm", "-f", busy)


async def test_nobody_looks_nothing_is_asked(clean_engine: PrivateEngine, tmp_path: Path) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "sleep", "60")
    made = StatsFeeds(linger=0.3)
    async with proxy(clean_engine.socket, tmp_path) as between:
        watched = Watched(1, container, between.address, clean_engine.api_version)
        assert between.opened == 0

        async def look() -> None:
            async with made.watch(watched) as listener, asyncio.timeout(15):
                assert await listener.get() is not None

        await asyncio.gather(*(look() for _ in range(20)))
        assert between.opened == 1
        await asyncio.sleep(0.8)
        assert between.connections == 0
        assert made.open == 0
        assert made.history(watched)
    await made.close()


async def test_a_stopped_container_has_no_figures(clean_engine: PrivateEngine) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "sleep", "60")
    made = StatsFeeds(linger=0)
    watched = Watched(1, container, Address(clean_engine.url), clean_engine.api_version)
    async with asyncio.timeout(20), made.watch(watched) as listener:
        assert await listener.get() is not None
        await asyncio.to_thread(clean_engine.docker, "kill", container)
        while await listener.get() is not None:
            pass
        await asyncio.to_thread(clean_engine.docker, "start", container)
        while await listener.get() is None:
            pass
    await made.close()


async def test_a_foreign_container_is_not_sampled(clean_engine: PrivateEngine) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "sleep", "60")
    admin = await sync_to_async(mirrored)(clean_engine)
    async with connected("/ws/e/here/stats", admin) as made:
        await made.send_to(text_data=json.dumps({"type": "watch", "ids": [container]}))
        await asyncio.sleep(0.5)
        assert feeds.open == 0


BAD: list[dict[str, Any]] = [{}, {"ids": "x"}, {"ids": ["x"]}, {"ids": ["f" * 64] * 200}, {"ids": [], "every": 0}]


@pytest.mark.parametrize("said", BAD)
async def test_bad_wishes_close_the_socket(clean_engine: PrivateEngine, said: dict[str, Any]) -> None:
    admin = await sync_to_async(mirrored)(clean_engine)
    made = await socket("/ws/e/here/stats", admin)
    assert (await made.connect(timeout=5))[0]
    await made.send_to(text_data=json.dumps({"type": "watch", **said}))
    assert (await made.receive_output(timeout=5))["type"] == "websocket.close"


def test_cgroup_v2_and_what_is_missing() -> None:
    raw: dict[str, Any] = {
        "read": "2026-01-01T00:00:01Z",
        "cpu_stats": {"cpu_usage": {"total_usage": 1_500}, "system_cpu_usage": 20_000, "online_cpus": 4},
        "precpu_stats": {"cpu_usage": {"total_usage": 500}, "system_cpu_usage": 10_000},
        "memory_stats": {"usage": 50 * MB, "stats": {"inactive_file": 10 * MB}, "limit": 100 * MB},
        "pids_stats": {"current": 3, "limit": 18446744073709551615},
        "blkio_stats": {"io_service_bytes_recursive": None},
        "networks": None,
    }
    found = sample(raw)
    assert (found.cpu, found.memory, found.memory_limit) == (40.0, 40 * MB, 100 * MB)
    assert (found.processes, found.processes_limit, found.read, found.received) == (3, 0, 0, 0)
    assert sample({}).cpu == 0
