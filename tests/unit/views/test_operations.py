"""The list of operations, the drawer, the page of one, and what can be asked of one."""

from __future__ import annotations

import html
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from console.models import Engine, Operation, User
from console.pages import toasts
from console.pages.live import RESYNC
from console.pages.operation_rows import toast_words
from console.pages.registry import LIVE_VIEWS
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
State = Operation.State
END: dict[str, Any] = {"started_at": factories.NOW, "finished_at": factories.NOW + timedelta(seconds=2)}


@pytest.fixture
def admin() -> User:
    return factories.user("admin")


@pytest.fixture
def engine() -> Engine:
    return factories.engine()


@pytest.fixture
def some(engine: Engine, admin: User) -> dict[str, Operation]:
    """One of each state."""
    sato = factories.user("sato")
    return {
        "queued": factories.operation(engine, admin, name="waiting"),
        "running": factories.operation(engine, admin, name="working", state=State.RUNNING, started_at=factories.NOW),
        "succeeded": factories.operation(engine, sato, name="good", state=State.SUCCEEDED, result={"note": "stopped"},
                                         **END),
        "failed": factories.operation(
            engine, admin, "container.start", "bad", state=State.FAILED, attempt=1, claimed_by="w", **END,
            error="Bind for 0.0.0.0:8080 failed: <b>port</b> is already allocated\nand more",
            result={"reason": "The engine refused.", "now": "created", "same": True},
        ),
        "cancelled": factories.operation(
            engine, admin, name="never", state=State.CANCELLED, result={"note": "taken out of the queue by admin"}
        ),
        "unknown": factories.operation(engine, admin, name="lost", state=State.UNKNOWN,
                                       result={"reason": "Nobody heard."}),
    }  # fmt: skip


def get(client: Client, user: User, path: str, **options: Any) -> str:
    client.force_login(user)
    return client.get(path, **options).content.decode()


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_now_then_by_day(client: Client, admin: User, some: dict[str, Operation]) -> None:
    region = text_of(get(client, admin, reverse("operations"), headers=HTMX))
    assert "Now 1 running, 1 queued" in region
    assert region.index("Stop working") < region.index("Stop waiting") < region.index("Stop good")
    assert "Bind for 0.0.0.0:8080 failed: <b>port</b> is already allocated" in region
    assert "2.0 s" in region
    page = get(client, admin, reverse("operations"))
    assert "<b>port</b>" not in page
    assert 'id="live"' in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("show=running", {"waiting", "working"}),
        ("show=failed", {"bad", "lost"}),
        ("show=mine", {"waiting", "working", "bad", "never", "lost"}),
        ("q=by:sato", {"good"}),
        ("q=state:failed", {"bad"}),
        ("q=verb:start", {"bad"}),
        ("q=-by:admin", {"good"}),
        ("q=goo", {"good"}),
        ("q=object:bad&show=failed", {"bad"}),
        ("q=engine:local&q=lost", {"lost"}),
        ("q=command:nothing", set()),
    ],
)
def test_filters(client: Client, admin: User, some: dict[str, Operation], query: str, names: set[str]) -> None:
    region = text_of(get(client, admin, f"{reverse('operations')}?{query}", headers=HTMX))
    found = {operation.object_name for operation in some.values() if f" {operation.object_name} " in region}
    assert found == names
    assert names or "No operation fits" in region


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("q=nokey:x", "command"),
        ("q=state:sad", "failed"),
        ("show=all+of+it", "Possible: all, running, failed, mine."),
        ("page=-1", "“-1” is not a page number."),
        ("page=²", "is not a page number."),
    ],
)
def test_wrong_queries(client: Client, admin: User, query: str, sentence: str) -> None:
    client.force_login(admin)
    answer = client.get(f"{reverse('operations')}?{query}")
    assert answer.status_code == 422
    assert sentence in text_of(answer.content.decode())


def test_a_constant_number_of_queries(client: Client, admin: User, engine: Engine) -> None:
    client.force_login(admin)

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(reverse("operations")).status_code == 200
        return len(queries)

    factories.operation(engine, admin, state=State.SUCCEEDED, **END)
    few = count()
    for n in range(120):
        factories.operation(engine, admin, name=f"c{n}", state=State.FAILED if n % 2 else State.QUEUED)
    assert count() <= few
    assert "1–61 of 61 operations" not in text_of(client.get(reverse("operations")).content.decode())


def test_pages_of_a_hundred(client: Client, admin: User, engine: Engine) -> None:
    Operation.objects.bulk_create(
        Operation(engine=engine, user=admin, user_name="admin", verb="container.stop", kind="container",
                  object_id="x", object_name=f"c{n}", state=State.SUCCEEDED) for n in range(150)
    )  # fmt: skip
    assert "1–100 of 150 operations" in text_of(get(client, admin, reverse("operations")))
    assert "101–150 of 150 operations" in text_of(get(client, admin, f"{reverse('operations')}?page=2"))


def test_the_drawer(client: Client, admin: User, some: dict[str, Operation]) -> None:
    drawer = get(client, admin, f"{reverse('operations')}?drawer=1", headers=HTMX)
    assert "<html" not in drawer
    assert 'id="drawer-body"' in drawer
    words = text_of(drawer)
    assert "1 running" in words
    assert "1 queued" in words
    assert words.count("Try again") == 2  # failed, cancelled
    assert words.count("Look again") == 1


STATES = {
    "queued": ("This runs on the server.", "Take out"),
    "running": ("This runs on the server.", ""),
    "succeeded": ("good stopped.", ""),
    "failed": ("Nothing was changed: bad is still “created”.", "Try again"),
    "cancelled": ("It was taken out of the queue by admin. The engine was never asked.", "Try again"),
    "unknown": ("Nobody knows whether it was done.", "Look again"),
}


@pytest.mark.parametrize("state", STATES)
def test_the_page_of_one(client: Client, admin: User, some: dict[str, Operation], state: str) -> None:
    sentence, button = STATES[state]
    page = get(client, admin, reverse("operation", args=[some[state].pk]))
    words = text_of(page)
    assert sentence in words
    assert some[state].command in words
    assert ("What you can do" in words) is bool(button)
    assert button in words
    assert "<b>port</b>" not in page
    region = get(client, admin, reverse("operation", args=[some[state].pk]), headers=HTMX)
    assert region.strip().startswith('<div id="operation-region"')
    if state == "failed":
        assert "What local said" in words
        assert "and more" in words  # the engine's text, whole


def test_a_viewer_sees_everything_and_may_ask_nothing(client: Client, some: dict[str, Operation]) -> None:
    viewer = factories.user("viewer", User.Role.VIEWER)
    for path in (reverse("operations"), *(reverse("operation", args=[some[state].pk]) for state in some)):
        words = text_of(get(client, viewer, path))
        assert "Try again" not in words
        assert "Look again" not in words
    for name in ("cancel", "retry", "look"):
        assert client.post(reverse(f"operation-{name}", args=[some["failed"].pk])).status_code == 403


def test_what_can_be_asked_of_one(client: Client, admin: User, some: dict[str, Operation]) -> None:
    client.force_login(admin)

    def post(name: str, state: str, **options: Any) -> Any:
        return client.post(reverse(f"operation-{name}", args=[some[state].pk]), **options)

    assert post("cancel", "queued", headers=HTMX).status_code == 202
    assert Operation.objects.get(pk=some["queued"].pk).state == State.CANCELLED
    assert post("cancel", "running", headers=HTMX).status_code == 409
    plain = post("cancel", "running")
    assert plain.status_code == 409
    assert "no longer in the queue" in text_of(plain.content.decode())
    again = post("retry", "failed")
    made = Operation.objects.get(result__retry_of=str(some["failed"].pk))
    assert again["Location"] == reverse("operation", args=[made.pk])
    assert post("look", "unknown", headers=HTMX).status_code == 202
    assert post("look", "failed", headers=HTMX).status_code == 409


def test_live_views(admin: User, some: dict[str, Operation]) -> None:
    listed = LIVE_VIEWS["operations"](admin, None, QueryDict(""))
    assert listed.changed("operation", ["x"]) == RESYNC
    one = LIVE_VIEWS["operation"](admin, None, QueryDict(f"id={some['failed'].pk}"))
    assert one.changed("operation", [str(some["failed"].pk)]) == RESYNC
    assert one.changed("operation", [str(uuid.uuid4())]) == ""
    assert one.changed("container", [some["failed"].object_id]) == RESYNC


def test_toasts(some: dict[str, Operation]) -> None:
    assert toast_words(some["succeeded"]) == ("done", "good stopped", "")
    state, title, text = toast_words(some["failed"])
    assert (state, title) == ("failed", "Could not start bad")
    assert text.endswith("is already allocated")
    assert toast_words(some["unknown"])[:2] == ("warning", "Stop lost: nobody knows")
    assert toast_words(some["cancelled"])[:2] == ("done", "Stop never: cancelled")


def test_what_was_asked_together_is_told_once(admin: User, engine: Engine) -> None:
    batch = uuid.uuid4()
    rows = [
        factories.operation(engine, admin, name=f"c{n}", batch=batch, state=State.SUCCEEDED, started_at=factories.NOW)
        for n in range(3)
    ]
    for n, row in enumerate(rows):
        Operation.objects.filter(pk=row.pk).update(finished_at=factories.NOW + timedelta(seconds=n))
    ids = [str(row.pk) for row in rows]
    assert toasts.ended(admin, ids[:2]) == ""  # the last one's end tells it
    assert "3 containers stopped" in toasts.ended(admin, ids[2:])
    assert f"?q=batch:{batch.hex}" in toasts.ended(admin, ids)
    Operation.objects.filter(pk=ids[0]).update(state=State.FAILED, error="is paused\nand more")
    assert "Stop: 1 of 3 failed" in toasts.ended(admin, ids)
    assert "c0: is paused" in toasts.ended(admin, ids)
    Operation.objects.filter(pk=ids[0]).update(state=State.RUNNING)
    assert toasts.ended(admin, ids) == ""


def test_again_leads_to_the_new_operation(client: Client, admin: User, some: dict[str, Operation]) -> None:
    client.force_login(admin)
    here = reverse("operation", args=[some["failed"].pk])
    url = reverse("operation-retry", args=[some["failed"].pk])
    listed = client.post(url, headers={**HTMX, "HX-Current-URL": "http://testserver/operations"})
    assert (listed.status_code, "HX-Redirect" in listed) == (202, False)
    again = client.post(url, headers={**HTMX, "HX-Current-URL": f"http://testserver{here}"})
    made = Operation.objects.get(result__retry_of=str(some["failed"].pk))
    assert again["HX-Redirect"] == reverse("operation", args=[made.pk])
