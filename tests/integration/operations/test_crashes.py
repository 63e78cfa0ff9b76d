"""A worker that is killed at any point of any verb: what was asked is done once, or is said to be unknown.

The witness is the engine's own event log.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from console.models import Engine, Operation, User
from console.operations.claim import CRASH_POINTS
from console.operations.request import request_operation
from tests.dying_workers import CRASHED, Workers
from tests.engines import PrivateEngine
from tests.integration.operations.conftest import POLITE, STUBBORN, fresh

KILLED = -9


@dataclass(frozen=True)
class Case:
    verb: str
    state: str  # of the container before
    events: dict[str, int]  # over the container's whole life
    after: str  # its state then; "" when it is gone
    params: dict[str, Any] = field(default_factory=dict)
    script: str = POLITE


CASES = {
    "start": Case("container.start", "created", {"start": 1, "die": 0}, "running"),
    "stop": Case("container.stop", "running", {"start": 1, "stop": 1, "die": 1}, "exited", {"timeout": "5"}),
    "stop-slowly": Case("container.stop", "running", {"stop": 1, "die": 1}, "exited", {"timeout": "2"}, STUBBORN),
    "restart": Case("container.restart", "running", {"start": 2, "restart": 1, "die": 1}, "running", {"timeout": "2"}),
    "restart-exited": Case("container.restart", "exited", {"start": 2, "restart": 1}, "running"),
    "kill": Case("container.kill", "running", {"kill": 1, "die": 1, "start": 1}, "exited"),
    "pause": Case("container.pause", "running", {"pause": 1, "unpause": 0}, "paused"),
    "unpause": Case("container.unpause", "paused", {"pause": 1, "unpause": 1}, "running"),
    "rename": Case("container.rename", "running", {"rename": 1}, "running", {"name": "renamed"}),
    "remove": Case("container.remove", "running", {"destroy": 1, "die": 1}, "", {"force": "1"}),
}


def state_of(engine: PrivateEngine, container_id: str) -> str:
    found = engine.docker("ps", "--all", "--no-trunc", "--filter", f"id={container_id}", "--format", "{{.State}}")
    return found.strip()


def crash_and_recover(workers: Workers, operation: Operation, point: str, moment: float = 0.0) -> None:
    """A first worker dies at ``point``; its claim runs out; a second one goes on."""
    assert workers.run(operation.pk, point, "first", moment) == (KILLED if point == "in-call" else CRASHED)
    left = fresh(operation)
    assert (left.state, left.claimed_by) == (Operation.State.RUNNING, "first")
    assert bool(left.before) == (point != "after-claim")
    assert workers.run(operation.pk, "", "second") == 0


@pytest.mark.parametrize("point", [*CRASH_POINTS, "in-call"])
@pytest.mark.parametrize("name", CASES)
def test_neither_lost_nor_done_twice(
    name: str,
    point: str,
    row: Engine,
    admin: User,
    workers: Workers,
    clean_engine: PrivateEngine,
    make: Callable[..., str],
    happened: Callable[[str], Counter[str]],
) -> None:
    case = CASES[name]
    target = make("target", case.script, case.state)
    operation = request_operation(admin, row, case.verb, target, "target", case.params)
    crash_and_recover(workers, operation, point, random.uniform(0.0, 0.02))
    ended = fresh(operation)
    events = happened(target)
    assert ended.state == Operation.State.SUCCEEDED, (ended.result, ended.error, events)
    assert {action: events[action] for action in case.events} == case.events
    assert state_of(clean_engine, target) == case.after
    assert ended.attempt == 2
    assert ended.claimed_by == "second"


@pytest.mark.parametrize("point", [*CRASH_POINTS, "in-call"])
def test_a_signal_that_ends_nothing_is_never_sent_twice(
    point: str,
    row: Engine,
    admin: User,
    workers: Workers,
    make: Callable[..., str],
    happened: Callable[[str], Counter[str]],
) -> None:
    target = make("target", STUBBORN)
    operation = request_operation(admin, row, "container.kill", target, "target", {"signal": "HUP"})
    crash_and_recover(workers, operation, point)
    ended = fresh(operation)
    if point == "after-claim":  # surely not sent, so it is now
        assert (ended.state, happened(target)["kill"]) == (Operation.State.SUCCEEDED, 1)
    else:
        assert ended.state == Operation.State.UNKNOWN
        assert ended.result["now"] == "running"
        assert happened(target)["kill"] <= 1
        assert happened(target)["kill"] == 1 or point in {"before-call", "in-call"}
