"""Events: who did it, repeats folded, filters, places instead of pages, hostile strings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.models import Engine, Event, Operation, User
from console.pages.events import PAGE_ROWS, EventList
from tests import factories

pytestmark = pytest.mark.django_db
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def admin() -> User:
    return factories.user("mika")


@pytest.fixture
def engine() -> Engine:
    return factories.engine("rocky")


def event(on: Engine, action: str, name: str = "web", at: float = 0, **columns: Any) -> Event:
    """An event ``at`` seconds before noon."""
    columns = {"actor_id": factories.hexid(f"{on.slug}/{name}"), "actor_name": name} | columns
    return factories.event(on, action, name, time=NOON - timedelta(seconds=at), **columns)


def listed(user: User, **params: str) -> EventList:
    asked = QueryDict(mutable=True)
    asked.update(params)
    return EventList(user, None, asked)


def test_nobody_is_named_for_what_the_console_does_without_an_operation(admin: User, engine: Engine) -> None:
    for at, action in enumerate(("attach", "resize", "exec_start", "export", "rename")):
        event(engine, action, f"box-{at}", at=at)
    said = {row.action: row.who.text for row in listed(admin).read_rows[0] if row.who}
    assert said.pop("rename") == "outside the console"
    assert set(said.values()) == {"in the console or outside"}
    assert actions(listed(admin, show="outside")) == ["rename"]


def actions(shown: EventList) -> list[str]:
    return [row.action or f"+{row.folded}" for row in shown.read_rows[0]]


def test_who_did_it(admin: User, engine: Engine) -> None:
    factories.container(engine, "web", restart_policy="always")
    factories.container(engine, "job")
    operation = factories.operation(engine, admin, name="web")
    event(engine, "stop", at=50, operation=operation)
    event(engine, "die", at=40, attributes={"exitCode": "137"})
    event(engine, "start", at=39)
    event(engine, "die", "job", at=30)
    event(engine, "start", "job", at=29)
    event(engine, "health_status", at=20, detail="unhealthy")
    event(engine, "connect", "front", at=10, type="network", attributes={"container": "a" * 64, "type": "bridge"})
    event(engine, "create", "back", at=5, type="network")
    said = {(row.action, row.name): row for row in listed(admin).read_rows[0]}
    words = {key: row.who.text if row.who else "" for key, row in said.items()}
    assert words == {
        ("stop", "web"): "by mika, console",
        ("die", "web"): "process ended",
        ("start", "web"): "restart policy",
        ("die", "job"): "process ended",
        ("start", "job"): "outside the console",
        ("health_status", "web"): "health check",
        ("connect", "front"): "with its container",
        ("create", "back"): "outside the console",
    }
    assert said["die", "web"].detail == "exit code 137"
    assert said["die", "web"].lamp == "failed"
    assert said["health_status", "web"].lamp == "unhealthy"
    assert said["stop", "web"].who is not None
    assert said["stop", "web"].who.url == f"/operations/{operation.pk}"
    shows = {show: len(listed(admin, show=show).read_rows[0]) for show in ("all", "console", "outside", "engine")}
    assert shows == {"all": 8, "console": 1, "outside": 2, "engine": 5}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("type:network", ["create"]),
        ("action:di*", ["die"]),
        ("name:web -action:die", ["stop", "start"]),
        ("exit:137", ["die"]),
        ("exit:13", []),
        ("by:MIKA", ["stop"]),
        ("by:outside", ["create", "start"]),
        ("by:engine", ["die"]),
        ("by:nobody", []),
        ("time<1s", []),
        ("engine:rocky back", ["create"]),
        ("engine:other", []),
        (f"id:{factories.hexid('rocky/web')[:12]}", ["stop", "die", "start"]),
        ("id:abcdef", []),
    ],
)
def test_filter(admin: User, engine: Engine, query: str, found: list[str]) -> None:
    event(engine, "start", at=300_000)
    event(engine, "die", at=200_000, attributes={"exitCode": "137"})
    event(engine, "stop", at=100_000, operation=factories.operation(engine, admin, name="web"))
    event(engine, "create", "back", at=90_000, type="network")
    shown = listed(admin, q=query)
    assert sorted(actions(shown)) == sorted(found), shown.error


def test_what_is_wrong_is_said(client: Client, admin: User, engine: Engine) -> None:
    client.force_login(admin)
    for query in ("q=colour:red", "q=exit:much", "q=type:ship", "before=x", "show=some"):
        answer = client.get(f"/events?{query}")
        assert answer.status_code == 422, query
        assert 'id="filter-error"' in answer.content.decode()


def test_repeats_are_one_line(admin: User, engine: Engine) -> None:
    for number in range(24):
        event(engine, "die", "worker", at=number * 20 + 1)
        event(engine, "start", "worker", at=number * 20 + 10)
    event(engine, "create", "new", at=0)
    shown, rest = listed(admin).read_rows
    assert [row.action for row in shown] == ["create", "die", "start", ""]
    fold = shown[-1]
    assert fold.folded == 46
    assert fold.detail == "46 more of the same in 7 min: worker died 23 times, started 23 times"
    assert rest is None
    asked = QueryDict(fold.url.partition("?")[2])
    assert len(EventList(admin, None, asked).read_rows[0]) == 48


def test_different_events_of_one_object_are_not_folded(admin: User, engine: Engine) -> None:
    for number, action in enumerate(("create", "start", "pause", "unpause", "stop", "die", "destroy")):
        event(engine, action, at=number)
    assert len(listed(admin).read_rows[0]) == 7


def test_older_ones_from_a_place_on(admin: User, engine: Engine) -> None:
    for number in range(PAGE_ROWS * 2 + 7):
        event(engine, "create", f"box{number}", at=number // 2)  # two at the same nanosecond
    seen: list[str] = []
    query = ""
    pages = 0
    while query or not pages:
        shown = EventList(admin, None, QueryDict(query.removeprefix("?")))
        seen += [row.name for row in shown.read_rows[0]]
        query, pages = shown.older, pages + 1
    assert pages == 3
    assert sorted(seen) == sorted(f"box{number}" for number in range(PAGE_ROWS * 2 + 7))


def test_the_number_of_queries_is_constant(client: Client, admin: User, engine: Engine) -> None:
    client.force_login(admin)
    counted = []
    for start, end in ((0, 3), (3, 90)):
        for number in range(start, end):
            operation = factories.operation(engine, admin, name=f"box{number}")
            event(engine, "start", f"box{number}", at=number, operation=operation)
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/events").status_code == 200
        counted.append(len(queries))
    assert counted[0] == counted[1]
    assert counted[0] <= 8


def test_hostile_events(client: Client, admin: User, engine: Engine) -> None:
    odd = "<img src=x onerror=alert(1)>"
    for kind in ("container", "image", "network", "volume", "daemon", odd[:30]):
        event(engine, odd, odd, type=kind, actor_id=odd, detail=odd, attributes={"container": odd, "image": odd})
    event(engine, "die", "", actor_id="", attributes=["no", "dict"])
    client.force_login(admin)
    for address in ("/events", "/"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "<img src=x" not in answer.content.decode()


def test_nothing_heard_yet(client: Client, admin: User, engine: Engine) -> None:
    client.force_login(admin)
    assert "docker system events" in client.get("/events").content.decode()
    assert "No event fits" in client.get("/events?q=name:x").content.decode()
    assert Operation.objects.count() == 0
