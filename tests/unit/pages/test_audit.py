"""The audit: entries and sessions in one order, found by filters, for admins alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from console.models import AuditEntry, Engine, Shell, User
from console.pages.audit import AuditList, detail
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def admin() -> User:
    return factories.user("admin")


@pytest.fixture
def engine() -> Engine:
    return factories.engine()


def entry(by: User, minutes: int, action: str = "container.logs", **columns: Any) -> AuditEntry:
    made = factories.audit(by, action, **columns)
    AuditEntry.objects.filter(pk=made.pk).update(time=NOW - timedelta(minutes=minutes))
    return made


def shell(by: User, minutes: int, **columns: Any) -> Shell:
    defaults: dict[str, Any] = {"container_name": "web", "container_id": factories.hexid("web"), "command": ["/bin/sh"]}
    made = Shell.objects.create(user=by, user_name=by.username, owner="w", **(defaults | columns))
    Shell.objects.filter(pk=made.pk).update(started_at=NOW - timedelta(minutes=minutes))
    return made


def listed(admin: User, query: str = "") -> AuditList:
    return AuditList(admin, None, QueryDict(query))


def test_both_in_one_order(admin: User, engine: Engine) -> None:
    web = {"engine": engine, "kind": "container", "object_id": factories.hexid("web"), "object_name": "web"}
    entry(admin, 1, "session.start", address="192.0.2.7")
    shell(
        admin, 2, engine=engine, run_as="app", command=["mysql", "--password=canary"], address="192.0.2.8",
        ended_at=NOW + timedelta(minutes=1), reason="The process ended with exit code 0.",
    )  # fmt: skip
    entry(admin, 3, "container.logs", detail={"seconds": 12.5}, **web)
    shell(admin, 4, kind=Shell.Kind.ATTACH)
    entry(admin, 5, "container.env.reveal", detail={"key": "DB_PASSWORD"}, **web)
    rows = listed(admin).rows
    assert [row.action for row in rows] == [
        "session.start",
        "container.shell",
        "container.logs",
        "container.attach",
        "container.env.reveal",
    ]
    assert rows[0].address == "192.0.2.7"
    assert rows[1].text == "mysql '--password=***', as app, 3 min, The process ended with exit code 0."
    assert rows[1].url == rows[2].url != ""
    assert rows[2].text == "open for 12.5 s"
    assert (rows[3].text, rows[3].lamp) == ("open", "running")
    assert rows[4].text == "variable DB_PASSWORD"
    assert [day for day, _ in listed(admin).days] == ["4 March 2026"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=user:mika", ["container.shell"]),
        ("q=action:container.shell", ["container.shell"]),
        ("q=action:*logs*", ["container.logs"]),
        ("q=object:web", ["container.shell"]),
        ("q=-object:web", ["session.start", "container.logs"]),
        ("q=from:192.0", ["session.start"]),
        ("q=engine:local", ["container.logs"]),
        ("q=time<1h", []),
        ("q=mik", ["container.shell"]),
        ("show=logs", ["container.logs"]),
        ("show=shells", ["container.shell"]),
        ("show=people", ["session.start"]),
        ("show=secrets", []),
    ],
)
def test_what_a_filter_finds(query: str, found: list[str], admin: User) -> None:
    local = factories.engine("local")
    entry(admin, 1, "session.start", address="192.0.2.7")
    entry(admin, 2, "container.logs", engine=local, object_name="other")
    shell(factories.user("mika"), 3)
    shown = listed(admin, query)
    assert [row.action for row in shown.rows] == found
    assert shown.count == len(found)
    assert shown.total == 3


def test_pages(admin: User) -> None:
    for minutes in range(120):
        (entry if minutes % 2 else shell)(admin, minutes)
    assert [len(listed(admin, f"page={page}").rows) for page in (1, 2, 3)] == [100, 20, 20]


def test_the_cost_does_not_grow(
    admin: User, engine: Engine, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for minutes in range(60):
        entry(admin, minutes, engine=engine, kind="container", object_id=factories.hexid("web"), object_name="web")
        shell(admin, minutes, engine=engine)
    client.force_login(admin)
    with django_assert_max_num_queries(12):
        page = client.get(reverse("audit"))
    assert page.status_code == 200
    assert "120" not in page.content.decode() or "of 120 entries" in page.content.decode()


@pytest.mark.parametrize("query", ["q=nonsense:1", "show=none", "page=x", "q=time<x"])
def test_what_is_wrong_is_said(query: str, admin: User, client: Client) -> None:
    entry(admin, 1)
    client.force_login(admin)
    answer = client.get(f"{reverse('audit')}?{query}")
    assert answer.status_code == 422
    assert 'id="filter-error"' in answer.content.decode()


def test_it_is_for_admins(admin: User, client: Client) -> None:
    viewer = factories.user("viewer", User.Role.VIEWER)
    with pytest.raises(PermissionDenied):
        listed(viewer)
    client.force_login(viewer)
    assert client.get(reverse("audit")).status_code == 403
    assert f'href="{reverse("audit")}"' not in client.get(reverse("operations")).content.decode()
    client.force_login(admin)
    assert f'href="{reverse("audit")}"' in client.get(reverse("operations")).content.decode()


def test_details_in_words() -> None:
    assert detail({"lines": 1200, "stream": "stderr", "none": None, "empty": ""}) == "1,200 lines, stream stderr"
