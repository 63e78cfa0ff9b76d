"""First mirror, resync and list pages of 1,000 containers against ``docker ps -a``.

``python -m tests.bench.bench_mirror``. The console's own worker does the work, in this process, on a database of its
own. What was delivered is checked.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

from tests.bench import bench_lists, table
from tests.engines import PrivateEngine, start_engine
from tools import frontend
from tools.engines.api import SocketConnection

CONTAINERS = int(os.environ.get("QD_BENCH_CONTAINERS", "1000"))
ROUNDS = int(os.environ.get("QD_BENCH_ROUNDS", "5"))
FIRST = ("first mirror, everything inspected", "docker ps -a")
DEEP = ("refresh, everything inspected", "docker ps -a")


def fill(private: PrivateEngine, count: int) -> None:
    """Create containers as a busy host has them: labels, a project, a volume now and then."""
    connection: HTTPConnection = SocketConnection(private.socket, 60)
    for number in range(count):
        project = f"project-{number % 40}"
        spec = {
            "Image": "alpine",
            "Cmd": ["sleep", "60"],
            "Env": [f"NUMBER={number}", "PATH=/usr/bin:/bin"],
            "Labels": {"com.docker.compose.project": project, "com.docker.compose.service": f"service-{number}"},
            "HostConfig": {"Binds": [f"{project}:/data"]},
        }
        body = json.dumps(spec)
        connection.request(
            "POST", f"/containers/create?name=bench-{number}", body, {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status
    connection.close()


async def measure(private: PrivateEngine) -> list[table.Line]:
    """Follow the engine and take the times; every round also lists by the command line."""
    from console.models import Container, Engine
    from console.sync.refresh import refreshed, request_refresh
    from console.sync.tasks import db
    from console.sync.watch import watch_engines

    def ps() -> None:
        assert len(private.docker("ps", "-a").splitlines()) == CONTAINERS + 1

    async def timed_ps() -> float:
        return await asyncio.to_thread(table.seconds, ps)

    async def until(what: Callable[[], bool]) -> float:
        began = time.perf_counter()
        while not await db(what)():
            assert time.perf_counter() - began < 120
            await asyncio.sleep(0.005)
        return time.perf_counter() - began

    taken: dict[str, list[float]] = {"ps": [], "ps beside": [], "first": [], "deep": [], "resync": []}
    for number in range(ROUNDS):
        stop = asyncio.Event()
        engine = await db(Engine.objects.create)(slug=f"round-{number}", url=private.url)
        ps_seconds = await timed_ps()
        task = asyncio.ensure_future(watch_engines(stop, "bench"))
        taken["first"].append(await until(Engine.objects.filter(pk=engine.pk, synced_at__isnull=False).exists))
        assert await db(Container.objects.filter(engine=engine).count)() == CONTAINERS
        await asyncio.sleep(2.5)
        taken["ps"].append(ps_seconds)

        ps_seconds = await timed_ps()
        await db(request_refresh)(engine.pk)
        taken["deep"].append(await until(partial(refreshed, engine.pk)))
        taken["ps beside"].append(ps_seconds)
        stop.set()
        await task
        await db(engine.delete)()

    def named(figure: str, one: str, other: str) -> dict[str, list[float]]:
        return {figure: taken[one], "docker ps -a": taken[other]}

    lists = await asyncio.to_thread(compare_lists, private, ps)
    return [
        *lists,
        table.paired(named(FIRST[0], "first", "ps"), *FIRST, "< 1000 ms"),
        table.paired(named(DEEP[0], "deep", "ps beside"), *DEEP),
    ]


def compare_lists(private: PrivateEngine, ps: table.Contender) -> list[table.Line]:
    """Return the line of a resync with no change: all four lists taken and compared, against ``docker ps -a``."""
    from console.engine.address import Address
    from console.engine.client import EngineClient
    from console.sync.looks import take_list

    with EngineClient(Address(private.url)) as client:

        def lists(kinds: tuple[str, ...]) -> dict[str, dict[str, str]]:
            return {kind: take_list(client, kind).digests for kind in kinds}  # type: ignore[arg-type]

        before = lists(("container", "image", "network", "volume"))
        assert len(before["container"]) == CONTAINERS

        def resync() -> None:
            assert lists(("container", "image", "network", "volume")) == before

        taken = table.rounds({"resync, no change": resync, "docker ps -a": ps}, max(5, ROUNDS))
    return [table.paired(taken, "resync, no change", "docker ps -a", "≤ 0.7")]


def main() -> int:
    """Set up an engine and a database, measure, print the table."""
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as data:
        os.environ |= {"QUARTERDECK_DATA": data, "DJANGO_SETTINGS_MODULE": "console.settings"}
        assert frontend.main() == 0
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        private = start_engine(load=("alpine",))
        try:
            fill(private, CONTAINERS)
            lines = asyncio.run(measure(private))
            lines += bench_lists.measure(private, CONTAINERS, max(5, ROUNDS))
        finally:
            private.stop()
        table.show(f"Mirror of {CONTAINERS:,} containers ({ROUNDS} rounds, medians)", lines)
        assert Path(data).is_dir()
    return 0


if __name__ == "__main__":
    sys.exit(main())
