"""Limits and restart policy changed on a real engine while the container runs; its inspect is the witness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from console.engine.command import update
from console.models import Engine, Operation, User
from console.operations.claim import CRASH_POINTS
from console.operations.request import request_operation
from console.operations.update_params import UpdateParams
from console.pages.container_update import refused_field
from tests.dying_workers import Workers
from tests.engines import PrivateEngine
from tests.integration.operations.conftest import fresh

MEGABYTE = 1024**2


def host(engine: PrivateEngine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.get(f"/containers/{name}/json")
    return dict(found["HostConfig"])


def asked(user: User, row: Engine, container_id: str, **options: str) -> Operation:
    given = {name.replace("_", "-"): text for name, text in options.items()}
    return request_operation(user, row, "container.update", container_id, "web", UpdateParams.read(given))


def test_only_what_is_named_changes_and_it_goes_on_running(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine, make: Callable[..., str]
) -> None:
    made = make("web", "trap 'exit 0' TERM; while :; do sleep 0.1; done", "running", "-m", "64m", "--cpu-shares", "512")
    before, started = host(clean_engine, "web"), clean_engine.get("/containers/web/json")["State"]["StartedAt"]
    given = {"memory": "96m", "memory_swap": "-1", "memory_reservation": "32m", "cpus": "0.5", "restart": "always"}
    operation = asked(admin, row, made, **given, pids_limit="50", cpuset_cpus="0")
    assert workers.run(operation.pk, "", "worker") == 0
    ended = fresh(operation)
    assert ended.state == Operation.State.SUCCEEDED, (ended.result, ended.error)
    after = host(clean_engine, "web")
    assert {key: value for key, value in after.items() if value != before[key]} == {
        "Memory": 96 * MEGABYTE,
        "MemorySwap": -1,
        "MemoryReservation": 32 * MEGABYTE,
        "NanoCpus": 500_000_000,
        "PidsLimit": 50,
        "CpusetCpus": "0",
        "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
    }
    assert clean_engine.get("/containers/web/json")["State"]["StartedAt"] == started
    assert update.present(after) | given_texts(given) == update.present(after)
    operation = asked(admin, row, made, pids_limit="-1", restart="no")
    assert workers.run(operation.pk, "", "worker") == 0
    after = update.present(host(clean_engine, "web"))
    assert (after["pids-limit"], after["restart"]) == ("", "no")


def given_texts(given: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): text for name, text in given.items()}


def test_what_the_engine_refuses_is_told_in_its_words(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine, make: Callable[..., str]
) -> None:
    made = make("web", "sleep 1000", "running", "-m", "64m", "--memory-swap", "64m")
    for options, words in (
        ({"memory": "1m"}, "inimum memory limit"),
        ({"memory": "128m", "cpu_shares": "512"}, "memoryswap"),
        ({"cpus": "900"}, "CPUs"),
        ({"cpuset_cpus": "900"}, "900"),
    ):
        operation = asked(admin, row, made, **options)
        assert workers.run(operation.pk, "", "worker") == 0
        ended = fresh(operation)
        assert ended.state == Operation.State.FAILED, options
        assert words in ended.error
        assert refused_field(ended.error, ended.params) == next(iter(options)).replace("_", "-")
    assert host(clean_engine, "web")["Memory"] == 64 * MEGABYTE


def test_one_that_is_gone(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine, make: Callable[..., str]
) -> None:
    made = make("web")
    clean_engine.docker("rm", "--force", "web")
    operation = asked(admin, row, made, memory="64m")
    assert workers.run(operation.pk, "", "worker") == 0
    assert fresh(operation).state == Operation.State.FAILED
    assert fresh(operation).result["reason"] == "It no longer exists."


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_killed_anywhere_it_is_changed_at_the_end(
    point: str, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine, make: Callable[..., str]
) -> None:
    operation = asked(admin, row, make("web"), memory="64m", memory_swap="-1")
    workers.run(operation.pk, point, "first")
    assert workers.run(operation.pk, "", "second") == 0
    ended = fresh(operation)
    assert ended.state == Operation.State.SUCCEEDED, (ended.result, ended.error)
    assert host(clean_engine, "web")["Memory"] == 64 * MEGABYTE
