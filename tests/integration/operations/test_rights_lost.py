"""Who lost the right, or was disabled, while the console was down: what was interrupted is undone, not gone on with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from console.models import Engine, Operation, User
from console.operations import store
from console.operations.job import Job
from console.operations.perform import Clients
from console.operations.runner import in_database, in_thread
from tests.dying_workers import Workers
from tests.engines import PrivateEngine
from tests.integration.operations import test_create, test_recreate

State = Operation.State
LINE = "docker run -d --name web busybox sleep 1000"
LOST: list[dict[str, Any]] = [{"role": User.Role.VIEWER}, {"is_active": False}]


def lost(user: User, change: dict[str, Any]) -> None:
    User.objects.filter(pk=user.pk).update(**change)


def taken_over(operation: Operation, kept: dict[str, Any]) -> Operation:
    """Its end by another worker, after one that left these notes."""
    Operation.objects.filter(pk=operation.pk).update(state=State.RUNNING, before={"kept": kept}, claim_expires=None)
    (found,) = store.take_over("second", 4)
    async_to_sync(Job(found, Clients(), in_thread, in_database).run)()
    return Operation.objects.get(pk=operation.pk)


@pytest.mark.parametrize("change", LOST)
def test_nothing_is_created_any_more(
    change: dict[str, Any], row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    operation = test_create.ask(admin, row, LINE)
    workers.run(operation.pk, "after-keep")
    lost(admin, change)
    Operation.objects.filter(pk=operation.pk, state=State.RUNNING).update(claim_expires=None)
    assert workers.run(operation.pk, "", "second") == 0
    ended = Operation.objects.get(pk=operation.pk)
    assert ended.state == State.FAILED
    assert ended.result["reason"] == "admin no longer has the right to do this. No container was created."
    assert test_create.names(clean_engine) == []


def test_what_was_created_and_not_started_is_removed(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    operation = test_create.ask(admin, row, LINE)
    made = clean_engine.docker("create", "--name", "web", "-v", "/data", "busybox", "sleep", "1000")
    lost(admin, LOST[0])
    ended = taken_over(operation, {"name": "web", "existed": "", "made": made})
    assert ended.state == State.FAILED
    assert ended.result["reason"].endswith("What was created is removed again.")
    assert test_create.names(clean_engine) == []
    assert clean_engine.docker("volume", "ls", "--quiet") == ""


def test_what_was_started_before_is_done(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    operation = test_create.ask(admin, row, LINE)
    made = clean_engine.docker("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    lost(admin, LOST[0])
    ended = taken_over(operation, {"name": "web", "existed": "", "made": made})
    assert (ended.state, ended.result["object_id"]) == (State.SUCCEEDED, made)
    assert test_create.names(clean_engine) == ["web running"]


def test_what_may_be_somebody_elses_stays(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    operation = test_create.ask(admin, row, LINE)
    clean_engine.docker("create", "--name", "web", "busybox", "sleep", "1000")
    lost(admin, LOST[0])
    ended = taken_over(operation, {"name": "web", "existed": ""})
    assert (ended.state, "look at it" in ended.result["reason"]) == (State.FAILED, True)
    assert test_create.names(clean_engine) == ["web created"]


@pytest.mark.parametrize(("point", "moment"), [("before-call", 0.0), ("after-keep", 0.0), ("in-call", 0.2)])
def test_recreating_puts_the_old_one_back(
    point: str, moment: float, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    old = clean_engine.docker("run", "-d", "--name", "web", *test_recreate.LOOP)
    spec = replace(test_recreate.masked_spec(clean_engine, "web"), health_cmd="sleep 9", health_interval=10**10)
    operation = test_recreate.ask(admin, row, clean_engine, "web", spec)
    workers.run(operation.pk, point, "first", moment)
    lost(admin, LOST[1])
    Operation.objects.filter(pk=operation.pk, state=State.RUNNING).update(claim_expires=None)
    assert workers.run(operation.pk, "", "second") == 0
    ended = Operation.objects.get(pk=operation.pk)
    assert ended.state == State.FAILED
    assert ended.result["reason"].startswith("admin no longer has the right to do this.")
    assert test_create.names(clean_engine) == ["web running"]
    assert clean_engine.get("/containers/web/json")["Id"] == old


def test_recreating_that_was_good_is_ended(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    old = clean_engine.docker("run", "-d", "--name", "web", *test_recreate.LOOP)
    operation = test_recreate.ask(admin, row, clean_engine, "web", test_recreate.masked_spec(clean_engine, "web"))
    clean_engine.docker("rename", "web", "web-before")
    made = clean_engine.docker("run", "-d", "--name", "web", *test_recreate.LOOP)
    clean_engine.docker("kill", old)
    lost(admin, LOST[0])
    kept = {"name": "web", "before": "web-before", "new": "web", "runs": True, "made": made, "removing": True}
    assert taken_over(operation, kept).state == State.SUCCEEDED
    assert test_create.names(clean_engine) == ["web running"]
