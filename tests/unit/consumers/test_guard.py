"""Sockets: limits, and how fast a withdrawn right ends them."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session

from console import people
from console.consumers import guard
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


async def test_unknown_and_broken_messages_close_only_this_socket() -> None:
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
