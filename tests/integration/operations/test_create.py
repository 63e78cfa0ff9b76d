"""Containers that are made through the form: equal to the CLI's, pulled where missing, and never lost or made twice."""

from __future__ import annotations

import json
import time

import pytest
from asgiref.sync import async_to_sync
from pytest_django.fixtures import Settings

from console.engine.command.parse import parse
from console.models import Engine, Operation, User
from console.operations import store
from console.operations.job import Job
from console.operations.kinds.create_params import CreateParams
from console.operations.perform import Clients
from console.operations.request import request_operation
from console.operations.runner import in_database, in_thread
from tests.dying_workers import Workers
from tests.engines import PrivateEngine

State = Operation.State


def performed(operation: Operation) -> Operation:
    """Do it as a worker does; the row as it is at the end."""
    claimed = store.claim("w", 4, 4)
    assert [found.pk for found in claimed] == [operation.pk]
    async_to_sync(Job(claimed[0], Clients(), in_thread, in_database).run)()
    return Operation.objects.get(pk=operation.pk)


def ask(user: User, row: Engine, line: str) -> Operation:
    """The operation that makes a container by a command."""
    spec = parse(line).spec
    return request_operation(user, row, "container.create", spec.name, spec.name, CreateParams.of(spec))


def names(engine: PrivateEngine) -> list[str]:
    return sorted(engine.docker("container", "ls", "--all", "--format", "{{.Names}} {{.State}}").splitlines())


CUTS = [("after-claim", 0.0), ("before-call", 0.0), ("after-keep", 0.0), ("after-call", 0.0), ("before-finish", 0.0)]
CUTS += [("in-call", moment) for moment in (0.02, 0.1, 0.4)]
MORE_CUTS = [pytest.param("in-call", moment, marks=pytest.mark.soak) for moment in (0.0, 0.05, 0.2)]


@pytest.mark.parametrize(("point", "moment"), [*CUTS, *MORE_CUTS])
def test_killed_anywhere_there_is_one_good_container_at_the_end(
    point: str, moment: float, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    operation = ask(admin, row, "docker run -d --name web -e A=1 busybox sleep 1000")
    workers.run(operation.pk, point, "first", moment)
    assert workers.run(operation.pk, "", "second") == 0
    ended = Operation.objects.get(pk=operation.pk)
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert names(clean_engine) == ["web running"]
    assert ended.result["object_id"] == clean_engine.get("/containers/web/json")["Id"]


@pytest.mark.parametrize("point", ["before-call", "after-keep"])
def test_killed_with_secrets_nothing_is_left_and_it_says_so(
    point: str, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine, settings: Settings
) -> None:
    settings.SECRET_KEY = "of a test"  # the workers' own
    operation = ask(admin, row, "docker run -d --name web -e DB_PASSWORD=canary busybox sleep 1000")
    workers.run(operation.pk, point)
    assert workers.run(operation.pk, "", "second") == 0
    ended = Operation.objects.get(pk=operation.pk)
    assert ended.state == State.FAILED
    assert "ask for it anew" in ended.result["reason"]
    assert names(clean_engine) == []


def test_secrets_reach_the_container_and_nothing_else(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    ended = performed(ask(admin, row, "docker run -d --name web -e DB_PASSWORD=canary busybox sleep 1000"))
    assert ended.state == State.SUCCEEDED
    assert "DB_PASSWORD=canary" in clean_engine.get("/containers/web/json")["Config"]["Env"]
    assert "canary" not in json.dumps([ended.params, ended.result, ended.progress, ended.before, ended.command])
    assert ended.sealed == ""


def test_two_people_and_one_name(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    first, second = (
        ask(admin, row, "docker create --name web busybox"),
        ask(admin, row, "docker create --name web nginx"),
    )
    assert performed(first).state == State.SUCCEEDED
    ended = performed(second)
    assert ended.state == State.FAILED
    assert 'The container name "/web" is already in use' in ended.error
    assert clean_engine.get("/containers/web/json")["Config"]["Image"] == "busybox"
    assert len(names(clean_engine)) == 1


def test_a_name_is_made_up(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    assert performed(ask(admin, row, "docker run -d busybox:latest sleep 1000")).state == State.SUCCEEDED
    assert [name.partition("-")[0] for name in names(clean_engine)] == ["busybox"]


def test_what_does_not_start_is_said_in_the_engines_words(
    row: Engine, admin: User, clean_engine: PrivateEngine
) -> None:
    ended = performed(ask(admin, row, "docker run -d --name web busybox no-such-program"))
    assert ended.state == State.FAILED
    assert ended.result["reason"] == "It was created, but it did not start."
    assert "no-such-program" in ended.error
    assert ended.result["object_id"] == clean_engine.get("/containers/web/json")["Id"]


def test_a_missing_image_is_pulled_first(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    registry = clean_engine.start_registry("nginx")
    reference = f"{registry}/library/nginx:latest"
    clean_engine.docker("image", "rm", "--force", reference)
    ended = performed(ask(admin, row, f"docker create --name web {reference}"))
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert names(clean_engine) == ["web created"]
    assert "creating web" in ended.progress["text"]


def test_a_missing_image_that_nobody_has(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    registry = clean_engine.start_registry("nginx")
    ended = performed(ask(admin, row, f"docker run -d --name web {registry}/nowhere:1"))
    assert ended.state == State.FAILED
    assert "could not be pulled" in ended.result["reason"]
    assert "not found" in ended.error or "unknown" in ended.error
    assert names(clean_engine) == []


def test_run_rm_is_gone_by_itself(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    ended = performed(ask(admin, row, "docker run --rm --name once busybox true"))
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    until = time.monotonic() + 10
    while names(clean_engine) and time.monotonic() < until:
        time.sleep(0.1)
    assert names(clean_engine) == []
