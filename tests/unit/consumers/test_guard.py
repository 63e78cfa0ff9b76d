"""Sockets: who gets in, from which page, what they may say, and how fast a withdrawn right ends them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session

from console import access, people
from console.consumers import guard
from console.models import User
from console.origins import allowed
from console.routing import websocket_urlpatterns
from tests import factories
from tests.matrix import SOCKETS
from tests.sockets import HOST, connected, socket

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESSES = {
    "ws-page": "/ws/e/{slug}",
    "ws-console": "/ws/page",
    "ws-logs": "/ws/e/{slug}/logs?c={container}",
    "ws-shell": "/ws/e/{slug}/containers/{container}/shell",
    "ws-attach": "/ws/e/{slug}/containers/{container}/attach",
    "ws-stats": "/ws/e/{slug}/stats",
    "ws-refuse": "/ws/unknown",
}

FOREIGN_ORIGINS = [
    None, b"", b"null", b"http://console.test", b"http://console.test:80", b"http://console.test:8001",
    b"https://console.test:8000", b"https://console.test", b"ws://console.test:8000", b"http://console.test:8000/",
    b"http://console.test:8000/e/", b"http://console.test:8000.evil.test", b"http://console.test.evil.test:8000",
    b"http://evil.test", b"http://evil.test:8000", b"http://evil.test/console.test:8000",
    b"http://evil.test?console.test:8000", b"http://evil.test#console.test:8000", b"http://console.test:8000@evil.test",
    b"http://user@console.test:8000", b"http://user:pw@console.test:8000", b"http://sub.console.test:8000",
    b"http://xconsole.test:8000", b"http://console.tes:8000", b"http://console.test.:8000", b"http://CONSOLE.TEST:8000",
    b"HTTP://console.test:8000", b"http:console.test:8000", b"http:/console.test:8000", b"//console.test:8000",
    b"console.test:8000", b"http://console.test:08000", b"http://console.test:8000 ", b" http://console.test:8000",
    b"http://console.test:8000,http://evil.test", b"http://console.test:8000 http://evil.test",
    b"http://127.0.0.1:8000", b"http://localhost:8000", b"http://[::1]:8000", b"file://", b"file://console.test:8000",
    b"chrome-extension://console.test:8000", b"http://xn--console-test:8000", b"http://c\xc3\xb6nsole.test:8000",
    b"http://console.test:8000\x00", b"http://console.test\\:8000",
]  # fmt: skip


def people_of_the_house() -> tuple[User, User]:
    factories.container(factories.engine("here"), "own")
    factories.container(factories.engine("other"), "foreign")
    return factories.user("admin"), factories.user("viewer", User.Role.VIEWER)


def test_every_socket_has_a_row_and_every_row_a_socket() -> None:
    assert set(SOCKETS) == {route.name for route in websocket_urlpatterns} == set(ADDRESSES)


@pytest.mark.parametrize("name", sorted(SOCKETS))
async def test_matrix_of_sockets(name: str) -> None:
    admin, viewer = await sync_to_async(people_of_the_house)()
    row = SOCKETS[name]
    own, foreign, missing = (factories.hexid(name) for name in ("here/own", "other/foreign", "missing"))
    objects = {"": [("here", own)], "engine": [("here", own), ("nowhere", own)]}
    objects["container"] = [("here", own), ("nowhere", own), ("here", foreign), ("here", missing), ("other", own)]
    for user in (None, viewer, admin):
        for slug, container in objects[row.object]:
            made = await socket(ADDRESSES[name].format(slug=slug, container=container), user)
            accepted, _ = await made.connect(timeout=5)
            may = user is not None and row.verb in access.ROLES[user.role]
            assert accepted == (may and slug == "here" and container == own), (name, user, slug, container)
            await made.disconnect()


@pytest.mark.parametrize("name", sorted(set(SOCKETS) - {"ws-refuse"}))
async def test_only_the_consoles_own_origin_passes(name: str) -> None:
    assert len(FOREIGN_ORIGINS) >= 40
    admin, _ = await sync_to_async(people_of_the_house)()
    path = ADDRESSES[name].format(slug="here", container=factories.hexid("here/own"))
    for origin in FOREIGN_ORIGINS:
        made = await socket(path, admin, origin=origin)
        accepted, _ = await made.connect(timeout=5)
        assert not accepted, origin
    async with connected(path, admin):
        pass


@pytest.mark.parametrize("double", [b"origin", b"host"])
def test_doubled_headers_do_not_pass(double: bytes) -> None:
    right = [(b"host", HOST), (b"origin", b"http://" + HOST)]
    assert allowed({"type": "websocket", "scheme": "ws", "headers": right})
    more = [*right, (double, dict(right)[double])]
    assert not allowed({"type": "websocket", "scheme": "ws", "headers": more})
    assert not allowed({"type": "websocket", "scheme": "wss", "headers": right})


@asynccontextmanager
async def page(user: User) -> AsyncIterator[Any]:
    async with connected("/ws/e/here", user) as made:
        assert b"fresh" in (await made.receive_from(timeout=5)).encode()
        yield made


async def closing_code(made: Any, seconds: float) -> int:
    async with asyncio.timeout(seconds):
        while True:
            message = await made.receive_output(timeout=seconds)
            if message["type"] == "websocket.close":
                return int(message["code"])


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
