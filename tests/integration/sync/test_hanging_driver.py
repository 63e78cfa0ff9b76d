"""A volume driver that hangs: the engine answers no list of volumes any more, and the mirror lives on without it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.engine.errors import EngineError
from console.models import Engine, Volume
from console.reads import files, objects
from console.sync.tasks import db
from tests.engines import EngineFactory, PrivateEngine
from tests.integration.sync.following import following, worker
from tools.engines import capsule

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def plugin(private: PrivateEngine, sign: Path) -> Iterator[None]:
    """The driver "slow" of an engine, which hangs while ``sign`` is there."""
    script = str(ROOT / "tests" / "hanging_plugin.py")
    command = capsule.inside(private._engine, sys.executable, script, "/run/docker/plugins/slow.sock", str(sign))
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.kill()
        process.wait(10)


def shown(volume: str, within: float) -> str:
    """What the page of a volume's files shows: its folder, or why it cannot be read."""
    began, row = time.monotonic(), Engine.objects.get()
    try:
        return files.find(files.Place(row, "volume", volume, volume), "/").path
    except EngineError as error:
        return error.message
    finally:
        assert time.monotonic() - began < within


@pytest.mark.timeout(180)
async def test_it_costs_its_own_volumes_and_nothing_else(new_engine: EngineFactory, tmp_path: Path) -> None:
    private = await asyncio.to_thread(new_engine, load=("alpine",))
    sign = tmp_path / "hang"
    with plugin(private, sign):
        await asyncio.sleep(1)
        async with following(private) as mirror:
            await mirror.docker("volume", "create", "mine")
            await mirror.docker("volume", "create", "--driver", "slow", "theirs")
            await mirror.until(lambda: Volume.objects.count() == 2)
        sign.touch()
        async with worker():
            began, known = time.monotonic(), await mirror.engine()
            compared = Engine.objects.filter(pk=mirror.pk, state="live", error="", synced_at__gt=known.synced_at)
            await mirror.until(compared.exists, 60)
            await mirror.docker("create", "--name", "web", "-v", "mine:/data", "alpine", "true")
            await mirror.until(lambda: mirror.container(name="web"), 15)
            await mirror.docker("volume", "create", "new")
            await mirror.until(lambda: Volume.objects.filter(name="new").exists(), 15)
            assert await db(Volume.objects.filter(name="theirs").count)() == 1, "what was known stays"
            assert await db(lambda: objects.raw_volume(Engine.objects.get(), "mine"))()
            assert await db(shown)("mine", 10) == "/"
            assert (await db(shown)("theirs", 15)).endswith("did not answer within 8 s.")
            assert await db(shown)("mine", 10) == "/", "it blocks its own page alone"
            assert time.monotonic() - began < 120
            assert await db(Engine.objects.filter(pk=mirror.pk, state="live", error="").exists)()
            sign.unlink()
            whole = Volume.objects.filter(name="theirs", problem="", driver="slow")
            await mirror.until(whole.exists, 60)
