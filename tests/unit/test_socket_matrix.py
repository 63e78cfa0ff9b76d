"""Who may open which socket, from which page, and what the browser may say there: over every websocket route."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.test import override_settings

from console import access
from console.consumers.guard import ABUSE, GuardedConsumer
from console.models import User
from console.origins import allowed
from console.routing import websocket_urlpatterns
from tests import factories
from tests.matrix import NOBODY, SOCKETS, Row
from tests.origins import foreign_origins
from tests.sockets import HOST, ORIGIN, closing_code, cookie_of, socket
from tests.world import build

pytestmark = pytest.mark.django_db(transaction=True)

CONSUMERS: dict[str, Any] = {route.name: route.callback.consumer_class for route in websocket_urlpatterns}
OPEN = sorted(name for name, row in SOCKETS.items() if row.verb != NOBODY)
RIGHTS = {"anonymous": frozenset[str](), "viewer": access.ROLES["viewer"], "admin": access.ROLES["admin"]}
NO_RIGHTS = ("disabled", "expired", "forged", "signed out")


def address(row: Row, value: str) -> str:
    return row.address.format(slug=value if row.object == "engine" else "here", object=value)


def cookies() -> dict[str, bytes]:
    """A session cookie for everybody who may and may not be somebody."""
    admin, viewer = User.objects.get(username="admin"), User.objects.get(username="viewer")
    made = {"anonymous": b"", "admin": cookie_of(admin), "viewer": cookie_of(viewer)}
    made["forged"] = made["admin"][:-1] + (b"a" if made["admin"][-1:] != b"a" else b"b")
    made["signed out"] = cookie_of(admin)
    Session.objects.filter(session_key=made["signed out"].partition(b"=")[2].decode()).delete()
    made["expired"] = cookie_of(admin)
    Session.objects.filter(session_key=made["expired"].partition(b"=")[2].decode()).update(
        expire_date="2020-01-01T00:00:00Z"
    )
    gone = factories.user("disabled")
    made["disabled"] = cookie_of(gone)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    return made


def test_every_socket_has_a_row_and_every_row_a_socket() -> None:
    assert set(SOCKETS) == set(CONSUMERS)


@pytest.mark.parametrize("name", OPEN)
def test_every_socket_is_guarded_and_says_what_it_takes(name: str) -> None:
    assert issubclass(CONSUMERS[name], GuardedConsumer)
    assert set(CONSUMERS[name].messages) == set(SOCKETS[name].says)


@pytest.mark.parametrize("name", sorted(SOCKETS))
async def test_matrix(name: str) -> None:
    row = SOCKETS[name]
    world, session = await sync_to_async(lambda: (build(), cookies()))()
    for actor in (*RIGHTS, *NO_RIGHTS):
        refusals = set()
        for which, value in world[row.object].items():
            made = await socket(address(row, value), None, cookie=session[actor])
            accepted, code = await made.connect(timeout=5)
            expected = which == "own" and row.verb in RIGHTS.get(actor, ())
            assert accepted == expected, f"{name} {actor} {which}"
            if not accepted:
                refusals.add(code)
            await made.disconnect()
        assert len(refusals) <= 1, f"{name} {actor}: foreign, missing and forbidden look different"


@pytest.mark.parametrize("name", OPEN)
async def test_only_the_consoles_own_origin_passes(name: str) -> None:
    row, origins = SOCKETS[name], foreign_origins(HOST.decode())
    assert len(origins) >= 40
    world, session = await sync_to_async(lambda: (build(), cookies()))()
    path = address(row, world[row.object]["own"])
    for origin in origins:
        made = await socket(path, None, origin=origin, cookie=session["admin"])
        accepted, _ = await made.connect(timeout=5)
        assert not accepted, origin
    made = await socket(path, None, cookie=session["admin"])
    accepted, _ = await made.connect(timeout=5)
    assert accepted
    await made.disconnect()


@pytest.mark.parametrize("name", OPEN)
async def test_a_message_that_is_not_declared_closes_the_socket(name: str) -> None:
    row = SOCKETS[name]
    world, session = await sync_to_async(lambda: (build(), cookies()))()
    for said in ({"type": "nothing"}, {"type": "dispatch"}, {"type": "__class__"}, {"type": "objects_changed"}, {}):
        made = await socket(address(row, world[row.object]["own"]), None, cookie=session["admin"])
        await made.connect(timeout=5)
        await made.send_to(text_data=json.dumps(said))
        assert await closing_code(made, 5) == ABUSE, said
        await made.disconnect()


def strange(types: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Declared messages whose fields are missing or are nothing that a page sends."""
    fields = ("s", "rows", "columns", "on", "session", "command", "user", "workdir", "env", "tty")
    values: list[Any] = [
        None,
        -1,
        2**70,
        1e300,
        True,
        "",
        "\x00",
        "x" * 5000,
        [],
        [[]],
        {},
        {"a": {"b": []}},
        [None],
        "‮",
    ]
    for kind in types:
        yield {"type": kind}
        for value in values:
            yield {"type": kind, **dict.fromkeys(fields, value)}


@pytest.mark.parametrize("name", [name for name in OPEN if SOCKETS[name].says])
async def test_strange_values_never_fail_inside(name: str, caplog: pytest.LogCaptureFixture) -> None:
    row = SOCKETS[name]
    world, session = await sync_to_async(lambda: (build(), cookies()))()
    for said in strange(row.says):
        made = await socket(address(row, world[row.object]["own"]), None, cookie=session["admin"])
        await made.connect(timeout=5)
        await made.send_to(text_data=json.dumps(said))
        await made.receive_nothing(timeout=0.02)
        await made.disconnect()  # raises what the consumer raised
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def scope(*headers: tuple[bytes, bytes], scheme: str = "ws") -> dict[str, Any]:
    return {"type": "websocket", "scheme": scheme, "headers": list(headers)}


def test_one_origin_and_one_host_are_needed() -> None:
    host, origin = (b"host", HOST), (b"origin", ORIGIN)
    assert allowed(scope(host, origin))
    assert not allowed(scope(host, origin, origin))
    assert not allowed(scope(host, host, origin))
    assert not allowed(scope(host, (b"ORIGIN", ORIGIN), (b"Origin", b"http://evil.test")))
    assert not allowed(scope(origin))
    assert not allowed(scope(host))
    assert not allowed(scope())


@pytest.mark.parametrize("host", [b"evil.test", b"evil.test:8000", b"localhost.evil.test:8000", b"", b":8000", b"\xff"])
def test_a_name_that_is_not_ours_does_not_match_itself(host: bytes) -> None:
    """DNS rebinding: the page of a foreign name, which its owner has pointed at this console."""
    assert not allowed(scope((b"host", host), (b"origin", b"http://" + host)))


def test_the_scheme_counts() -> None:
    assert allowed(scope((b"host", HOST), (b"origin", b"https://" + HOST), scheme="wss"))
    assert not allowed(scope((b"host", HOST), (b"origin", ORIGIN), scheme="wss"))
    assert not allowed(scope((b"host", HOST), (b"origin", b"https://" + HOST), scheme="ws"))
    assert not allowed(scope((b"host", HOST), (b"origin", ORIGIN), scheme="http"))


@override_settings(PUBLIC_URL="https://console.example.test")
def test_behind_a_proxy_the_public_address_counts_and_nothing_else() -> None:
    """TLS ends at the proxy: the console itself is spoken to in the clear, under whatever host name."""
    for host in (b"console.example.test", HOST, b"127.0.0.1:8000"):
        assert allowed(scope((b"host", host), (b"origin", b"https://console.example.test")))
        assert not allowed(scope((b"host", host), (b"origin", b"http://" + host)))
        assert not allowed(scope((b"host", host), (b"origin", b"https://console.example.test:443")))
