"""Log sockets without an engine: how they end."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async

from console.consumers.page import COME_AGAIN
from console.live.logs import hubs
from tests import factories
from tests.sockets import closing_code, connected

pytestmark = pytest.mark.django_db(transaction=True)


async def test_an_engine_that_does_not_answer_ends_the_socket_and_all_its_tasks() -> None:
    """It ended in a knot once: the socket waited for its reader, and the reader for the socket."""
    admin = await sync_to_async(factories.user)("admin")
    here = await sync_to_async(factories.engine)("here")
    own = await sync_to_async(factories.container)(here, "own")
    second = await sync_to_async(factories.container)(here, "second")
    path = f"/ws/e/here/logs?c={own.container_id}"
    for query in ("", f"&c={second.container_id}", "&until=5"):
        async with connected(path + query, admin) as made:
            assert await closing_code(made, 5) == COME_AGAIN
    await hubs.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    _, left = await asyncio.wait(others, timeout=5) if others else (set(), set())
    assert not left
