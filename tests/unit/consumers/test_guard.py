"""Sockets: limits, and how fast a withdrawn right ends them."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console import people
from console.consumers import guard, rights
from console.consumers import page as page_socket
from console.consumers.page import PageConsumer
from console.models import User
from tests import factories
from tests.sockets import closing_code, connected, socket

pytestmark = pytest.mark.django_db(transaction=True)


def people_of_the_house() -> tuple[User, User]:
    factories.container(factories.engine("here"), "own")
    factories.container(factories.engine("other"), "foreign")
    return factories.user("admin"), factories.user("viewer", User.Role.VIEWER)


@asynccontextmanager
async def page(user: User) -> AsyncIterator[Any]:
    async with connected("/ws/e/here", user) as made:
        assert b"fresh" in (await made.receive_from(timeout=5)).encode()
        yield made


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda user: people.set_active(user, False), guard.SIGNED_OUT),
        (lambda user: people.set_password(user, "another long password"), guard.SIGNED_OUT),
        (lambda user: User.objects.filter(pk=user.pk).update(role="none"), None),
        (lambda user: Session.objects.all().delete(), guard.SIGNED_OUT),
    ],
)
async def test_a_withdrawn_right_ends_the_socket(
    change: Callable[[User], Any], code: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "RECHECK", 0.3)
    admin, _ = await sync_to_async(people_of_the_house)()
    async with page(admin) as made:
        await sync_to_async(change)(admin)
        found = await closing_code(made, 2)
        assert found == code if code else found in (guard.WITHDRAWN, guard.MISSING)


async def test_a_withdrawn_right_is_pushed_before_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "RECHECK", 3600)
    admin, _ = await sync_to_async(people_of_the_house)()
    async with page(admin) as made:
        await sync_to_async(people.set_active)(admin, False)
        assert await closing_code(made, 1) == guard.SIGNED_OUT


async def test_a_pass_over_all_sockets_costs_two_queries_and_one_look_a_person_and_address() -> None:
    admin, viewer = await sync_to_async(people_of_the_house)()
    made = [await held(user) for user in (admin, admin, admin, viewer, viewer)]

    def asked(sockets: list[Any]) -> tuple[list[int | None], int]:
        with CaptureQueriesContext(connection) as queries:
            return rights.refusals(sockets), len(queries)

    assert await sync_to_async(asked)(made) == ([None] * 5, 4)
    await sync_to_async(people.set_active)(viewer, False)
    await sync_to_async(made[0].scope["session"].delete)()
    found, _ = await sync_to_async(asked)(made)
    assert found == [rights.SIGNED_OUT, None, None, rights.SIGNED_OUT, rights.SIGNED_OUT]


async def held(user: User) -> Any:
    """A page's consumer with a session of its own, as a pass sees it."""
    consumer = PageConsumer()
    client = Client()
    await sync_to_async(client.force_login)(user)
    route = {"kwargs": {"slug": "here"}}
    consumer.scope = {"path": "/ws/e/here", "query_string": b"", "url_route": route, "session": client.session}  # type: ignore[typeddict-item]
    return consumer


async def test_sockets_whose_end_hangs_hold_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "RECHECK", 0.3)
    admin, viewer = await sync_to_async(people_of_the_house)()
    ends, end = [], PageConsumer.refuse

    async def hang(self: PageConsumer, code: int) -> None:
        ends.append(code)
        if len(ends) == 1:
            await asyncio.sleep(3600)
        await end(self, code)

    monkeypatch.setattr(PageConsumer, "refuse", hang)
    async with page(admin) as first, page(viewer) as second:
        await sync_to_async(Session.objects.all().delete)()
        assert await closing_code(second, 5) == guard.SIGNED_OUT
        assert await closing_code(first, 5) == guard.SIGNED_OUT  # by the next pass


async def test_a_pass_that_fails_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "RECHECK", 0.3)
    failed = threading.Event()

    def fails_once(sockets: Sequence[rights.Held]) -> list[int | None]:
        if failed.is_set():
            return refusals(sockets)
        failed.set()
        raise RuntimeError("nobody expected that")

    refusals = rights.refusals
    admin, _ = await sync_to_async(people_of_the_house)()
    async with page(admin) as made:
        monkeypatch.setattr(rights, "refusals", fails_once)
        assert await asyncio.to_thread(failed.wait, 5)
        await sync_to_async(Session.objects.all().delete)()
        assert await closing_code(made, 5) == guard.SIGNED_OUT


async def test_a_right_that_cannot_be_told_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "RECHECK", 0.3)
    admin, _ = await sync_to_async(people_of_the_house)()
    async with page(admin) as made:
        monkeypatch.setattr(PageConsumer, "admit", lambda self: 1 // 0)
        assert await closing_code(made, 5) == rights.UNKNOWN


async def test_unknown_and_broken_messages_close_only_this_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_socket, "QUIET", 3600.0)  # however long this takes, no page is told anything by itself
    admin, _ = await sync_to_async(people_of_the_house)()
    chance = random.Random(7)
    said = [
        "{}",
        "[]",
        "null",
        "1",
        '"x"',
        '{"type": []}',
        '{"type": {}}',
        '{"type": "nothing"}',
        "{",
        "\x00",
        "[" * 50_000,
    ]
    said += ["".join(chr(chance.randrange(1, 0xD7FF)) for _ in range(chance.randrange(1, 50))) for _ in range(200)]
    async with page(admin) as other:
        for text in said:
            async with page(admin) as made:
                await made.send_to(text_data=text)
                assert await closing_code(made, 2) == guard.ABUSE, text
        async with page(admin) as made:
            await made.send_to(bytes_data=b"\xff")
            assert await closing_code(made, 2) == guard.ABUSE
        await sync_to_async(factories.engine)("more")
        assert await other.receive_nothing()


async def test_open_sockets_hold_no_connection_to_the_database() -> None:
    """The threads that look something up give back what they took: PostgreSQL has few connections for many sockets."""
    admin, _ = await sync_to_async(people_of_the_house)()
    taken: list[BaseDatabaseWrapper] = []

    def note(connection: BaseDatabaseWrapper, **_: Any) -> None:
        if threading.current_thread().name.startswith("asyncio"):  # not the tests' own
            taken.append(connection)

    connection_created.connect(note)
    try:
        async with AsyncExitStack() as stack:
            await asyncio.gather(*(stack.enter_async_context(page(admin)) for _ in range(4)))
            for _ in range(100):
                if given_back := bool(taken) and all(one.connection is None for one in taken):
                    break
                await asyncio.sleep(0.05)
            assert given_back, taken
    finally:
        connection_created.disconnect(note)


async def test_a_large_message_closes_the_socket() -> None:
    admin, _ = await sync_to_async(people_of_the_house)()
    async with page(admin) as made:
        await made.send_to(text_data=json.dumps({"type": "x" * (guard.LARGEST_MESSAGE + 1)}))
        assert await closing_code(made, 2) == guard.ABUSE


async def test_a_person_has_a_number_of_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SOCKETS_A_PERSON", 3)
    admin, viewer = await sync_to_async(people_of_the_house)()
    made = [await socket("/ws/e/here", admin) for _ in range(4)]
    assert [(await one.connect(timeout=5))[0] for one in made] == [True, True, True, False]
    async with page(viewer):
        pass
    await made[0].disconnect()
    async with page(admin):
        pass
    for one in made[1:3]:
        await one.disconnect()
