"""Asking: who may, what is refused, one row and one hint on commit, and never twice at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from pytest_django import DjangoCaptureOnCommitCallbacks

from console import changes
from console.models import Engine, Operation, User
from console.operations import store
from console.operations.params import InvalidParams, StopParams
from console.operations.request import Refused, cancel, look_again, request_many, request_operation, retry
from tests import factories

pytestmark = pytest.mark.django_db
WEB = factories.hexid("web")
State = Operation.State


@pytest.fixture
def engine() -> Engine:
    return factories.engine()


@pytest.fixture
def admin() -> User:
    return factories.user("admin")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    async def send(group: str, message: Any) -> None:
        found.append((group, message["type"]))

    monkeypatch.setattr(changes, "_send", send)
    return found


def test_one_row_and_two_hints_on_commit(
    engine: Engine,
    admin: User,
    sent: list[tuple[str, str]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        made = request_operation(admin, engine, "container.stop", WEB, "web", {"timeout": "3"})
        assert sent == []
    made.refresh_from_db()
    assert (made.state, made.user_name, made.kind, made.params) == (State.QUEUED, "admin", "container", {"timeout": 3})
    assert made.command == "docker container stop --time 3 web"
    assert sent == [(changes.OPERATIONS_GROUP, "operation.changed"), (changes.WORKERS_GROUP, "wake")]


def test_the_same_thing_while_it_is_open_is_the_same_operation(engine: Engine, admin: User) -> None:
    first = request_operation(admin, engine, "container.restart", WEB, "web")
    assert request_operation(factories.user("other"), engine, "container.restart", WEB, "web") == first
    assert request_operation(admin, engine, "container.restart", WEB, "web", StopParams(1)) != first
    assert request_operation(admin, engine, "container.stop", WEB, "web") != first
    Operation.objects.filter(pk=first.pk).update(state=State.SUCCEEDED)
    assert request_operation(admin, engine, "container.restart", WEB, "web") != first


def test_what_is_refused(engine: Engine, admin: User) -> None:
    with pytest.raises(PermissionDenied):
        request_operation(factories.user("viewer", User.Role.VIEWER), engine, "container.stop", WEB, "web")
    with pytest.raises(InvalidParams):
        request_operation(admin, engine, "container.explode", WEB, "web")
    with pytest.raises(InvalidParams):
        request_operation(admin, engine, "container.stop", WEB, "web", {"timeout": "soon"})
    with pytest.raises(Refused, match="Another engine answers"):
        request_operation(admin, factories.engine("b", state=Engine.State.SWAPPED), "container.stop", WEB, "web")
    assert not Operation.objects.exists()


def test_an_engine_that_does_not_answer_may_be_asked(admin: User) -> None:
    away = factories.engine(state=Engine.State.STALE)
    assert request_operation(admin, away, "container.stop", WEB, "web").state == State.QUEUED


def test_many_are_one_batch(engine: Engine, admin: User) -> None:
    made = request_many(admin, engine, "container.stop", [(factories.hexid(str(n)), str(n)) for n in range(3)])
    assert len({operation.batch for operation in made}) == 1
    assert made[0].batch
    with pytest.raises(InvalidParams):
        request_many(admin, engine, "container.stop", [(WEB, "a"), (WEB, "b")], {"timeout": "x"})
    assert Operation.objects.count() == 3


def test_cancel_only_what_waits(engine: Engine, admin: User) -> None:
    waiting = request_operation(admin, engine, "container.stop", WEB, "web")
    cancel(admin, waiting)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.result["note"]) == (State.CANCELLED, "taken out of the queue by admin")
    running = factories.operation(engine, admin, state=State.RUNNING)
    with pytest.raises(Refused):
        cancel(admin, running)
    with pytest.raises(PermissionDenied):
        cancel(factories.user("viewer", User.Role.VIEWER), waiting)


def test_retry_is_a_new_operation(engine: Engine, admin: User) -> None:
    failed = factories.operation(engine, admin, state=State.FAILED, params={"timeout": 4})
    again = retry(admin, failed)
    assert again != failed
    assert (again.params, again.result) == ({"timeout": 4}, {"retry_of": str(failed.pk)})
    with pytest.raises(Refused):
        retry(admin, again)
    Operation.objects.filter(pk=failed.pk).update(engine=None)
    failed.refresh_from_db()
    with pytest.raises(Refused):
        retry(admin, failed)


def test_look_again_only_at_what_is_unknown(engine: Engine, admin: User) -> None:
    unknown = factories.operation(engine, admin, state=State.UNKNOWN, before={"facts": {}, "called_at": "x"})
    look_again(admin, unknown)
    unknown.refresh_from_db()
    assert (unknown.state, unknown.before["look_only"]) == (State.QUEUED, True)
    with pytest.raises(Refused):
        look_again(admin, unknown)


def test_what_is_old_is_forgotten(engine: Engine, admin: User, settings: Any) -> None:
    settings.OPERATIONS_KEPT_DAYS = 7
    old = factories.NOW.replace(year=2020)
    gone = factories.operation(engine, admin, state=State.SUCCEEDED, finished_at=old)
    factories.operation(engine, admin, state=State.RUNNING)
    factories.operation(engine, admin, state=State.FAILED, finished_at=factories.NOW.replace(year=2099))
    assert store.prune() == 1
    assert not Operation.objects.filter(pk=gone.pk).exists()
    assert Operation.objects.count() == 2
