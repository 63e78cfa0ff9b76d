"""Making and removing volumes on a real engine; the docker command line is the witness."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from console.engine.command.volume import CreateVolume
from console.models import Engine, Operation, User
from console.operations.claim import CRASH_POINTS
from console.operations.request import request_operation
from console.operations.volume_params import CreateVolumeParams
from tests.dying_workers import Workers
from tests.engines import PrivateEngine
from tests.integration.operations.conftest import fresh


def test_refused_while_in_use_then_gone(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("volume", "create", "vm1")
    clean_engine.docker("create", "--name", "web", "-v", "vm1:/home", "busybox", "true")
    asked = request_operation(admin, row, "volume.remove", "vm1", "vm1")
    assert workers.run(asked.pk, "", "worker") == 0
    refused = fresh(asked)
    assert refused.state == Operation.State.FAILED
    assert "volume is in use" in refused.error
    clean_engine.docker("rm", "web")
    asked = request_operation(admin, row, "volume.remove", "vm1", "vm1")
    assert workers.run(asked.pk, "", "worker") == 0
    assert fresh(asked).state == Operation.State.SUCCEEDED
    assert "vm1" not in clean_engine.docker("volume", "ls", "--quiet").split()


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_killed_anywhere_it_is_gone_once(
    point: str, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("volume", "create", "vm1")
    asked = request_operation(admin, row, "volume.remove", "vm1", "vm1")
    workers.run(asked.pk, point, "first")
    assert workers.run(asked.pk, "", "second") == 0
    assert fresh(asked).state == Operation.State.SUCCEEDED
    assert "vm1" not in clean_engine.docker("volume", "ls", "--quiet").split()


TMPFS = CreateVolume(
    "scratch", opt=(("type", "tmpfs"), ("o", "size=8m,mode=1777"), ("device", "tmpfs")), label=(("tier", "x"),)
)
SECRET = CreateVolume(
    "nas", opt=(("type", "cifs"), ("o", "addr=192.0.2.1,username=bob,password=s3cret"), ("device", "//192.0.2.1/m"))
)


def inspected(engine: PrivateEngine, name: str) -> Any:
    return json.loads(engine.docker("volume", "inspect", name))[0]


def ask(admin: User, row: Engine, spec: CreateVolume) -> Operation:
    return request_operation(admin, row, "volume.create", spec.name, spec.name, CreateVolumeParams(spec))


@pytest.mark.parametrize("spec", [CreateVolume("plain", label=(("a", "b"),)), TMPFS, SECRET])
def test_one_is_made_as_the_command_says(
    spec: CreateVolume,
    row: Engine,
    admin: User,
    workers: Workers,
    clean_engine: PrivateEngine,
    settings: Settings,
) -> None:
    settings.SECRET_KEY = "of a test"  # the workers' own
    asked = ask(admin, row, spec)
    assert workers.run(asked.pk, "", "worker") == 0
    done = fresh(asked)
    assert done.state == Operation.State.SUCCEEDED, done.error
    found = inspected(clean_engine, spec.name)
    assert (found["Driver"], found["Options"] or {}, found["Labels"]) == ("local", dict(spec.opt), dict(spec.label))
    assert "s3cret" not in f"{done.params}{done.command}{done.result}{done.before}{done.sealed}"


def test_a_name_that_is_there_is_refused_though_the_engine_would_say_yes(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("volume", "create", "--label", "whose=theirs", "plain")
    asked = ask(admin, row, CreateVolume("plain"))
    assert workers.run(asked.pk, "", "worker") == 0
    refused = fresh(asked)
    assert (refused.state, "already exists" in refused.error) == (Operation.State.FAILED, True)
    assert inspected(clean_engine, "plain")["Labels"] == {"whose": "theirs"}


def test_the_engine_refuses_a_driver_that_it_lacks(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    asked = ask(admin, row, CreateVolume("far", "absent-driver"))
    assert workers.run(asked.pk, "", "worker") == 0
    assert fresh(asked).state == Operation.State.FAILED
    assert "absent-driver" in fresh(asked).error


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_killed_anywhere_it_is_there_once_and_as_asked(
    point: str, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    asked = ask(admin, row, TMPFS)
    workers.run(asked.pk, point, "first")
    assert workers.run(asked.pk, "", "second") == 0
    assert fresh(asked).state == Operation.State.SUCCEEDED, fresh(asked).error
    assert inspected(clean_engine, "scratch")["Options"] == dict(TMPFS.opt)


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_killed_with_a_secret_it_is_there_or_nothing_is(
    point: str,
    row: Engine,
    admin: User,
    workers: Workers,
    clean_engine: PrivateEngine,
    settings: Settings,
) -> None:
    settings.SECRET_KEY = "of a test"  # the workers' own
    asked = ask(admin, row, SECRET)
    workers.run(asked.pk, point, "first")
    assert workers.run(asked.pk, "", "second") == 0
    there = "nas" in clean_engine.docker("volume", "ls", "--quiet").split()
    assert there == (fresh(asked).state == Operation.State.SUCCEEDED)
    if there:
        assert inspected(clean_engine, "nas")["Options"] == dict(SECRET.opt)
    else:
        assert "ask for it anew" in fresh(asked).result["reason"]


def test_after_a_crash_another_one_of_the_name_is_not_taken_for_it(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    asked = ask(admin, row, TMPFS)
    workers.run(asked.pk, "after-keep", "first")
    clean_engine.docker("volume", "create", "scratch")
    assert workers.run(asked.pk, "", "second") == 0
    assert fresh(asked).state == Operation.State.FAILED
    assert "somebody else" in fresh(asked).result["reason"]
