"""Recreating containers on a real engine: equal where nothing was changed, and always one good one at the end."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from console.engine.address import Address
from console.engine.client import EngineClient
from console.engine.command.again import Source
from console.engine.command.parse import parse
from console.engine.command.render import render
from console.engine.command.restore import shown
from console.engine.command.spec import RunSpec, Variable
from console.models import Engine, Operation, OperationOutput, User
from console.operations import earlier, store
from console.operations.kinds import proving
from console.operations.recreate_params import RecreateParams
from console.operations.request import request_operation
from console.reads.command import MASK
from tests.dying_workers import Workers
from tests.engines import PrivateEngine
from tests.integration.engine import run_lines
from tests.integration.operations.conftest import fresh
from tests.integration.operations.test_create import performed

State = Operation.State
SOAK = pytest.mark.soak  # more moments of the same: behind make soak
POLITE = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
LOOP = ("busybox", "sh", "-c", POLITE)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "STEADY", 1.0)


@pytest.fixture
def net(clean_engine: PrivateEngine) -> str:
    clean_engine.docker("network", "create", "--subnet", "10.98.0.0/24", "net")
    return "net"


def source_of(engine: PrivateEngine, name: str) -> Source:
    with EngineClient(Address(engine.url)) as client:
        return Source(*client.run_sources(engine.get(f"/containers/{name}/json")["Id"]))


def masked_spec(engine: PrivateEngine, name: str) -> RunSpec:
    """Its command as a form shows it."""
    return shown(source_of(engine, name).spec, MASK)


def ask(user: User, row: Engine, engine: PrivateEngine, name: str, spec: RunSpec, **more: Any) -> Operation:
    """The operation that recreates a container as ``spec`` says."""
    found = engine.get(f"/containers/{name}/json")
    params = RecreateParams(render(spec), found["Id"][:12], found["State"]["Running"], **more)
    return request_operation(user, row, "container.recreate", found["Id"], name, params)


def names(engine: PrivateEngine) -> list[str]:
    return sorted(engine.docker("container", "ls", "--all", "--format", "{{.Names}} {{.State}}").splitlines())


def test_nothing_is_lost_that_was_told(row: Engine, admin: User, clean_engine: PrivateEngine, net: str) -> None:
    clean_engine.docker("network", "create", "other")
    options = ["--name", "web", "-e", "DB_PASSWORD=canary", "-e", "A=1", "-l", "com.docker.compose.project=shop"]
    options += ["--network", net, "--ip", "10.98.0.9", "--network-alias", "front", "-p", "8080:80", "-v", "data:/data"]
    options += ["-v", "/anon", "--memory", "64m", "--cpu-shares", "512", "--restart", "always", "--init"]
    clean_engine.docker("run", "-d", *options, *LOOP)
    clean_engine.docker("network", "connect", "--alias", "second", "other", "web")
    clean_engine.docker("exec", "web", "sh", "-c", "echo kept > /anon/kept")
    before, old = run_lines.inspected(clean_engine, "web"), clean_engine.get("/containers/web/json")["Id"]
    ended = performed(ask(admin, row, clean_engine, "web", masked_spec(clean_engine, "web")))
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert names(clean_engine) == ["web running"]
    after, found = run_lines.inspected(clean_engine, "web"), clean_engine.get("/containers/web/json")
    assert found["Id"] == ended.result["object_id"] != old
    volume = after["HostConfig"]["Binds"].pop(0)  # the one without a name, now told by its name
    assert volume == "HEX:/anon"
    for one in (before, after):
        one["NetworkSettings"] = {
            network: {key: value or None for key, value in endpoint.items()}  # the CLI says {} for nothing
            for network, endpoint in one["NetworkSettings"].items()
        }
        one["Mounts"] = [{**mount, "Mode": ""} for mount in one["Mounts"]]
    assert after == before
    assert clean_engine.docker("exec", "web", "cat", "/anon/kept") == "kept"
    rest = json.dumps([ended.params, ended.result, ended.progress, ended.before, ended.command])
    assert "canary" not in rest
    kept = earlier.of(ended)
    assert kept is not None
    assert Variable("DB_PASSWORD", "canary") in kept.spec.env


def test_an_edit_changes_what_it_says_and_a_new_secret_reaches_the_container(
    row: Engine, admin: User, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("run", "-d", "--name", "web", "-e", "OLD_TOKEN=first", "-e", "A=1", *LOOP)
    spec = masked_spec(clean_engine, "web")
    assert spec.env == (Variable("OLD_TOKEN", "***"), Variable("A", "1"))
    spec = replace(spec, env=(*spec.env[:1], Variable("A", "2"), Variable("NEW_TOKEN", "second")), name="web2")
    operation = ask(admin, row, clean_engine, "web", spec)
    assert "second" not in json.dumps([operation.params, operation.command])
    ended = performed(operation)
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert names(clean_engine) == ["web2 running"]
    env = clean_engine.get("/containers/web2/json")["Config"]["Env"]
    assert {"OLD_TOKEN=first", "A=2", "NEW_TOKEN=second"} <= set(env)


def test_one_that_does_not_run_is_not_started(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    clean_engine.docker("run", "--name", "web", "busybox", "true")
    spec = replace(masked_spec(clean_engine, "web"), memory=64 * 1024**2)
    ended = performed(ask(admin, row, clean_engine, "web", spec))
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert names(clean_engine) == ["web created"]


def test_back_to_the_earlier_one(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    clean_engine.docker("run", "-d", "--name", "web", "-e", "THE_TOKEN=first", "--memory", "64m", *LOOP)
    before = run_lines.inspected(clean_engine, "web")
    was = masked_spec(clean_engine, "web")
    spec = replace(was, env=(Variable("THE_TOKEN", "second"),), memory=96 * 1024**2)
    first = performed(ask(admin, row, clean_engine, "web", spec))
    assert first.state == State.SUCCEEDED, (first.result, first.error)
    assert "THE_TOKEN=second" in clean_engine.get("/containers/web/json")["Config"]["Env"]
    second = performed(ask(admin, row, clean_engine, "web", was, earlier=str(first.pk)))
    assert second.state == State.SUCCEEDED, (second.result, second.error)
    assert run_lines.inspected(clean_engine, "web") == before


def failing(spec: RunSpec, how: str) -> RunSpec:
    if how == "command":
        return replace(spec, command=("no-such-program",))
    if how == "ends":
        return replace(spec, command=("sh", "-c", "echo last words; exit 3"))
    if how == "again and again":
        return replace(
            spec, command=("sh", "-c", "exit 3"), restart=parse("docker run --restart always x").spec.restart
        )
    if how == "port":
        return replace(spec, publish=parse("docker run -p 8099:80 x").spec.publish)
    if how == "unhealthy":
        return replace(spec, health_cmd="false", health_interval=10**9, health_retries=1, health_timeout=10**9)
    if how == "network":
        return replace(spec, networks=(*spec.networks, parse("docker run --network nowhere x").spec.networks[0]))
    if how == "pull":
        return replace(spec, image="127.0.0.1:9/nowhere:1")
    return replace(spec, hostname="x" * 300)


@pytest.mark.parametrize(
    ("how", "sentence", "said"),
    [
        ("command", "The new one did not start.", "no-such-program"),
        ("ends", "The new one ended with exit code 3.", ""),
        ("again and again", "is restarted again and again", ""),
        ("port", "The new one did not start.", "port is already allocated"),
        ("unhealthy", "The new one is unhealthy.", ""),
        ("network", "The new one", "network nowhere not found"),
        ("pull", "could not be pulled", ""),
        ("refused", "did not start", ""),
    ],
)
def test_whatever_fails_the_old_one_is_back(
    how: str, sentence: str, said: str, row: Engine, admin: User, clean_engine: PrivateEngine, net: str
) -> None:
    clean_engine.docker("run", "-d", "--name", "other", "-p", "8099:80", *LOOP)
    options = ["--network", net, "--ip", "10.98.0.9", "--network-alias", "front", "-v", "/anon", "-p", "8098:80"]
    old = clean_engine.docker("run", "-d", "--name", "web", *options, *LOOP)
    before = run_lines.inspected(clean_engine, "web")
    ended = performed(ask(admin, row, clean_engine, "web", failing(masked_spec(clean_engine, "web"), how)))
    assert ended.state == State.FAILED
    assert sentence in ended.result["reason"], ended.result
    assert how == "pull" or "The one from before is back, and runs." in ended.result["reason"]
    assert said in ended.error
    if how != "pull":
        assert [state for _, state in ended.progress["steps"]][-2:] == ["failed", "done"]
    printed = OperationOutput.objects.filter(operation=ended).first()
    assert how != "ends" or (printed is not None and printed.parts == [["stdout", "last words\n"]])
    assert names(clean_engine) == ["other running", "web running"]
    assert clean_engine.get("/containers/web/json")["Id"] == old
    assert run_lines.inspected(clean_engine, "web") == before
    assert clean_engine.get("/containers/web/json")["NetworkSettings"]["Networks"][net]["IPAddress"] == "10.98.0.9"
    assert len(clean_engine.get("/volumes")["Volumes"]) == 1


def test_cancelled_while_it_waits_the_old_one_is_back(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    old = clean_engine.docker("run", "-d", "--name", "web", *LOOP)
    spec = replace(masked_spec(clean_engine, "web"), health_cmd="sleep 3; false", health_interval=60 * 10**9)
    operation = ask(admin, row, clean_engine, "web", spec)

    def cancel() -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if "wait" in dict(fresh(operation).progress.get("steps", [])):
                store.cancel(fresh(operation), "mika")
                return
            time.sleep(0.1)

    thread = threading.Thread(target=cancel)
    thread.start()
    ended = performed(operation)
    thread.join()
    assert ended.state == State.CANCELLED
    assert ended.result["remains"] == "The one from before is back, and runs."
    assert names(clean_engine) == ["web running"]
    assert clean_engine.get("/containers/web/json")["Id"] == old


CUTS = [("after-claim", 0.0), ("before-call", 0.0), ("after-keep", 0.0), ("after-call", 0.0), ("before-finish", 0.0)]
CUTS += [("in-call", moment) for moment in (0.06, 0.2, 0.8, 3.0)]
MORE_CUTS = [("in-call", moment) for moment in (0.02, 0.1, 0.15, 0.3, 0.5, 1.2, 6.2)]


@pytest.mark.parametrize(("point", "moment"), [*CUTS, *(pytest.param(*cut, marks=SOAK) for cut in MORE_CUTS)])
def test_killed_anywhere_there_is_one_good_container_at_the_end(
    point: str, moment: float, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("run", "-d", "--name", "web", "-e", "A_TOKEN=x", "-p", "8098:80", *LOOP)
    spec = replace(masked_spec(clean_engine, "web"), memory=64 * 1024**2)
    operation = ask(admin, row, clean_engine, "web", spec)
    workers.run(operation.pk, point, "first", moment)
    assert workers.run(operation.pk, "", "second") == 0
    ended = fresh(operation)
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert names(clean_engine) == ["web running"]
    found = clean_engine.get("/containers/web/json")
    assert (found["Id"], found["HostConfig"]["Memory"]) == (ended.result["object_id"], 64 * 1024**2)
    assert "A_TOKEN=x" in found["Config"]["Env"]


@pytest.mark.parametrize("moment", [0.5, 1.4, *(pytest.param(at, marks=SOAK) for at in (0.2, 0.8, 1.1, 1.8, 2.5))])
def test_killed_while_it_fails_the_old_one_is_back(
    moment: float, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    old = clean_engine.docker("run", "-d", "--name", "web", *LOOP)
    operation = ask(admin, row, clean_engine, "web", failing(masked_spec(clean_engine, "web"), "ends"))
    workers.run(operation.pk, "in-call", "first", moment)
    assert workers.run(operation.pk, "", "second") == 0
    ended = fresh(operation)
    assert ended.state == State.FAILED
    assert ended.result["reason"] == "The new one ended with exit code 3. The one from before is back, and runs."
    assert names(clean_engine) == ["web running"]
    assert clean_engine.get("/containers/web/json")["Id"] == old


@pytest.mark.parametrize(("point", "moment"), [("before-call", 0.0), ("after-keep", 0.0), ("in-call", 3.0)])
def test_killed_with_new_secrets_there_is_one_good_container_too(
    point: str,
    moment: float,
    row: Engine,
    admin: User,
    workers: Workers,
    clean_engine: PrivateEngine,
    settings: Settings,
) -> None:
    settings.SECRET_KEY = "of a test"  # the workers' own
    clean_engine.docker("run", "-d", "--name", "web", "-e", "A_TOKEN=old", *LOOP)
    spec = replace(masked_spec(clean_engine, "web"), env=(Variable("A_TOKEN", "new"),))
    operation = ask(admin, row, clean_engine, "web", spec)
    workers.run(operation.pk, point, "first", moment)
    assert workers.run(operation.pk, "", "second") == 0
    ended = fresh(operation)
    assert names(clean_engine) == ["web running"]
    env = clean_engine.get("/containers/web/json")["Config"]["Env"]
    if ended.state == State.SUCCEEDED:
        assert "A_TOKEN=new" in env
    else:
        assert "for it anew" in ended.result["reason"]
        assert "A_TOKEN=old" in env


def test_the_engine_dies_in_the_middle(row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine) -> None:
    clean_engine.docker("run", "-d", "--name", "web", *LOOP)
    operation = ask(admin, row, clean_engine, "web", masked_spec(clean_engine, "web"))
    timer = threading.Timer(3.0, clean_engine.restart)
    timer.start()
    assert workers.run(operation.pk, "", "worker") == 0
    timer.join()
    assert fresh(operation).state in {State.SUCCEEDED, State.FAILED}, (fresh(operation).result, fresh(operation).error)
    assert names(clean_engine) in (["web running"], ["web exited"])


def test_what_cannot_go_back_is_refused(row: Engine, admin: User, clean_engine: PrivateEngine) -> None:
    clean_engine.docker("run", "-d", "--rm", "--name", "web", *LOOP)
    ended = performed(ask(admin, row, clean_engine, "web", masked_spec(clean_engine, "web")))
    assert (ended.state, "--rm" in ended.result["reason"]) == (State.FAILED, True)
    assert names(clean_engine) == ["web running"]
