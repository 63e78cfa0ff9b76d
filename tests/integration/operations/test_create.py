"""Containers that are made through the form: equal to the CLI's, pulled where missing, and never lost or made twice."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import asdict
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from console.engine.address import Address
from console.engine.client import EngineClient
from console.engine.command.form import values_of
from console.engine.command.parse import parse
from console.models import Engine, Operation, User
from console.operations import store
from console.operations.job import Job
from console.operations.kinds.create_params import CreateParams
from console.operations.perform import Clients
from console.operations.request import request_operation
from console.operations.runner import in_database, in_thread
from console.sync import reconcile
from tests.dying_workers import Workers
from tests.engines import PrivateEngine
from tests.integration.engine import run_lines
from tests.integration.engine.test_command_parity import DAEMON, by_cli

State = Operation.State
LEAST = 120  # lines that make a container
REFUSED = "The form refused: "
# What the form refuses and the CLI does not: an option that an old engine drops silently, a network that is not there
STRICTER = ("needs an engine with API", "There is no network nowhere")


def of_the_engine(failure: str) -> bool:
    """Whether it is the engine that refused, not the CLI."""
    return DAEMON in failure or not failure


def mirror(row: Engine, engine: PrivateEngine) -> None:
    """The rows of what the engine has now, and what it says of itself."""
    with EngineClient(Address(engine.url)) as client:
        info = client.info()
        Engine.objects.filter(pk=row.pk).update(info=json.loads(json.dumps(asdict(info))))
        images: list[Any] = [client.image(summary.id, summary.intermediate) for summary in client.images()]
        reconcile.apply(row.pk, "container", [client.container(found.id) for found in client.containers()], fence=0)
        reconcile.apply(row.pk, "image", images, fence=0)
        reconcile.apply(row.pk, "network", client.networks(), fence=0)
        reconcile.apply(row.pk, "volume", client.volumes(), fence=0)


def performed(operation: Operation) -> Operation:
    """Do it as a worker does; the row as it is at the end."""
    claimed = store.claim("w", 4, 4)
    assert [found.pk for found in claimed] == [operation.pk]
    async_to_sync(Job(claimed[0], Clients(), in_thread, in_database).run)()
    return Operation.objects.get(pk=operation.pk)


def by_form(client: Client, slug: str, line: str) -> tuple[str, str]:
    """The id of the container that the form makes of a pasted line, and what was said where it failed."""
    url = reverse("container-create", args=[slug])
    assert client.post(url, {"paste": line, "do": "read"}).status_code == 200
    spec = parse(line).spec
    answer = client.post(url, {**values_of(spec), "do": "start" if spec.start else "create"})
    if answer.status_code == 422:
        return "", REFUSED + answer.content.decode()
    assert answer.status_code == 302, line
    ended = performed(Operation.objects.latest("created_at"))
    made = str(ended.result.get("object_id", ""))
    return made, ended.error or str(ended.result.get("reason", ""))


@pytest.mark.usefixtures("transactional_db")
def test_a_pasted_line_makes_what_the_cli_makes_of_it(
    clean_engine: PrivateEngine, row: Engine, admin: User, client: Client, settings: Settings
) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    run_lines.prepare(clean_engine)
    mirror(row, clean_engine)
    client.force_login(admin)
    compared, different = 0, []
    for line in run_lines.LINES:
        theirs, failure = by_cli(clean_engine, shlex.split(line)[1:])
        expected = run_lines.inspected(clean_engine, theirs) if theirs else None
        if theirs:
            run_lines.remove(clean_engine, theirs)
        if not of_the_engine(failure):
            continue  # the CLI itself refuses: too new an option, or one of another system
        before = run_lines.names(clean_engine)
        ours, said = by_form(client, row.slug, line)
        left = run_lines.names(clean_engine) - before
        got = run_lines.inspected(clean_engine, ours) if ours else None
        for container in left:
            run_lines.remove(clean_engine, container)
        if said.startswith(REFUSED) and any(words in said for words in STRICTER):
            continue
        if got != expected or left - {ours}:
            different.append((line, said[:200], failure))
        compared += expected is not None
    assert different == [], "\n".join(map(str, different))
    assert compared >= LEAST


def ask(user: User, row: Engine, line: str) -> Operation:
    """The operation that makes a container by a command."""
    spec = parse(line).spec
    return request_operation(user, row, "container.create", spec.name, spec.name, CreateParams.of(spec))


def names(engine: PrivateEngine) -> list[str]:
    return sorted(engine.docker("container", "ls", "--all", "--format", "{{.Names}} {{.State}}").splitlines())


CUTS = [("after-claim", 0.0), ("before-call", 0.0), ("after-keep", 0.0), ("after-call", 0.0), ("before-finish", 0.0)]
CUTS += [("in-call", moment) for moment in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)]


@pytest.mark.parametrize(("point", "moment"), CUTS)
def test_killed_anywhere_there_is_one_good_container_at_the_end(
    point: str, moment: float, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    operation = ask(admin, row, "docker run -d --name web -e A=1 busybox sleep 1000")
    workers.run(operation.pk, point, "first", moment)
    Operation.objects.filter(pk=operation.pk, state=State.RUNNING).update(claim_expires=None)
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
    Operation.objects.filter(pk=operation.pk, state=State.RUNNING).update(claim_expires=None)
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
