"""A right that is withdrawn closes every stream at once, and what the stream held is given back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest
from asgiref.sync import sync_to_async

from console import people
from console.consumers.guard import SIGNED_OUT, WITHDRAWN
from console.live import logs, stats
from console.models import User
from tests.engines import PrivateEngine
from tests.integration.live.test_log_socket import mirrored
from tests.sockets import closing_code, connected

pytestmark = pytest.mark.django_db(transaction=True)

WITHIN = 1.0  # seconds
WRITER = (
    "yes needle 0123456789012345678901234567890123456789 | head -n 200000; while :; do echo needle; usleep 20000; done"
)
ADDRESSES = {
    "log": "logs?c={one}&tail=10",
    "logs": "logs?c={one}&c={two}&tail=10",
    "search": "logs/search?q=needle",
    "expression": "logs/search?q=need.e&regex=1",
    "stats": "stats",
}


@pytest.fixture(autouse=True)
async def short_lives(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Upstreams that end at once, so that the test sees them end."""
    monkeypatch.setattr(logs.hubs, "_linger", 0.1)
    monkeypatch.setattr(stats.feeds, "_linger", 0.1)
    yield
    await logs.hubs.close()
    await stats.feeds.close()


# Statistics are for everybody who may sign in: that right ends with the person.
@pytest.mark.parametrize(
    ("kind", "way"),
    [(kind, way) for kind in ADDRESSES for way in ("role", "person") if (kind, way) != ("stats", "role")],
)
async def test_a_withdrawn_right_closes_the_socket_within_a_second(
    clean_engine: PrivateEngine, kind: str, way: str
) -> None:
    one, two = (clean_engine.docker("run", "-d", "alpine", "sh", "-c", WRITER) for _ in range(2))
    admin = await sync_to_async(mirrored)(clean_engine, one, two)
    before = held()
    async with connected(f"/ws/e/here/{ADDRESSES[kind].format(one=one, two=two)}", admin) as made:
        if kind == "stats":
            await made.send_to(text_data=json.dumps({"type": "watch", "ids": [one], "every": 0.5}))
        assert json.loads(await made.receive_from(timeout=15))["t"] in {"lines", "log", "stats"}
        began = time.monotonic()
        if way == "role":
            await sync_to_async(people.set_role)(admin, User.Role.VIEWER)
        else:
            await sync_to_async(people.set_active)(admin, False)
        code = await closing_code(made, 5)
        took = time.monotonic() - began
        assert code == (WITHDRAWN if way == "role" else SIGNED_OUT)
        assert took < WITHIN
        assert await made.receive_nothing(timeout=0.3)
    await everything_given_back(before)


def held() -> tuple[int, int, int]:
    """Tasks, and streams from engines: also those that a test before this one left to its own event loop."""
    return len(asyncio.all_tasks()), logs.hubs.open, stats.feeds.open


async def everything_given_back(before: tuple[int, int, int]) -> None:
    deadline = time.monotonic() + 20
    while any(now > then for now, then in zip(held(), before, strict=True)):
        assert time.monotonic() < deadline, (held(), before, [task.get_name() for task in asyncio.all_tasks()])
        await asyncio.sleep(0.05)


async def test_a_log_of_a_container_that_may_not_be_seen_any_more_closes(clean_engine: PrivateEngine) -> None:
    """The mirror says that it is gone: found by the look that is taken in any case."""
    from console.consumers import guard
    from console.models import Container

    container = clean_engine.docker("run", "-d", "alpine", "sh", "-c", WRITER)
    admin = await sync_to_async(mirrored)(clean_engine, container)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "RECHECK", 0.3)
        async with connected(f"/ws/e/here/logs?c={container}&tail=10", admin) as made:
            await made.receive_from(timeout=15)
            await Container.objects.all().adelete()
            assert await closing_code(made, 3) == guard.MISSING
