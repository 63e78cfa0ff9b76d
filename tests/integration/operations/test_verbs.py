"""Every verb on a real engine: its effect, its refusals in the engine's own words, and how it is told."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest

from console.models import Engine, Operation, User
from console.operations.request import request_many, request_operation
from console.operations.runner import run_operations
from console.operations.verbs import CONTAINER_VERBS
from tests import factories
from tests.engines import EngineFactory, PrivateEngine
from tests.integration.operations.conftest import POLITE, STUBBORN, fresh

State = Operation.State
DEAF = "trap : TERM; while :; do sleep 0.1; done"  # takes all the time that it is given


@contextmanager
def worker() -> Iterator[None]:
    """A worker beside the test."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = Thread(target=loop.run_until_complete, args=(run_operations(stop, "worker"),))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


def wait(*operations: Operation, seconds: float = 30.0) -> list[Operation]:
    """The operations, once they have ended."""
    end = time.monotonic() + seconds
    while True:
        found = [fresh(operation) for operation in operations]
        if all(operation.state not in Operation.OPEN for operation in found):
            return found
        assert time.monotonic() < end, [(operation.verb, operation.state) for operation in found]
        time.sleep(0.02)


def perform(admin: User, row: Engine, verb: str, target: str, called: str, /, **params: Any) -> Operation:
    """Ask, and wait for the end."""
    return wait(request_operation(admin, row, f"container.{verb}", target, called, params))[0]


STATES = ("created", "running", "paused", "exited")
# What the engine does, for every verb and state: the state afterwards, or "no" when it refuses.
EFFECTS: dict[str, tuple[str, str, str, str]] = {
    "start": ("running", "running", "no", "running"),
    "stop": ("created", "exited", "exited", "exited"),
    "restart": ("running", "running", "running", "running"),
    "pause": ("no", "paused", "no", "no"),
    "unpause": ("no", "no", "running", "no"),
    "kill": ("no", "exited", "exited", "no"),
    "exec": ("no", "running", "no", "no"),
    "rename": ("created", "running", "paused", "exited"),
    "remove": ("", "no", "no", ""),
}


def test_all_verbs_are_tried() -> None:
    assert set(EFFECTS) == {verb.short for verb in CONTAINER_VERBS}


@pytest.mark.parametrize("verb", EFFECTS)
def test_a_verb_in_every_state(
    verb: str, row: Engine, admin: User, clean_engine: PrivateEngine, make: Callable[..., str]
) -> None:
    targets = {state: make(state, POLITE, state) for state in STATES}
    with worker():
        for state, effect in zip(STATES, EFFECTS[verb], strict=True):
            params = {"rename": {"name": f"new-{state}"}, "exec": {"command": "ls /"}}.get(verb, {})
            ended = perform(admin, row, verb, targets[state], state, **params)
            case = (state, ended.state, ended.result, ended.error)
            if effect == "no":
                assert ended.state == State.FAILED, case
                assert ended.error, case  # the engine's own sentence
                assert ended.result["same"] is True, case
                effect = state
            else:
                assert ended.state == State.SUCCEEDED, case
                assert ended.result["note"], case
            left = clean_engine.docker(
                "ps", "-a", "--no-trunc", "--filter", f"id={targets[state]}", "--format", "{{.State}} {{.Names}}"
            ).split()
            assert (left[0] if left else "") == effect, case
            if verb == "rename":
                assert left[1] == f"new-{state}"


def test_the_engines_words_and_what_is_now(row: Engine, admin: User, make: Callable[..., str]) -> None:
    first, second = make("first"), make("second", POLITE, "exited")
    with worker():
        taken = perform(admin, row, "rename", first, "first", name="second")
        assert taken.state == State.FAILED
        assert 'container name "/second" is already in use' in taken.error
        running = perform(admin, row, "remove", first, "first")
        assert "container is running" in running.error or "Stop the container before" in running.error  # 28.5, 20.10
        assert running.result["now"] == "running"
        stopped = perform(admin, row, "stop", second, "second")
        assert (stopped.state, stopped.result["note"]) == (State.SUCCEEDED, "already stopped")
        assert perform(admin, row, "start", first, "first").result["note"] == "already running"
        assert perform(admin, row, "remove", second, "second").result["note"] == "removed"
        assert perform(admin, row, "remove", second, "second").result["note"] == "removed, already gone"
        lost = perform(admin, row, "start", second, "second")
        assert (lost.state, lost.result["reason"]) == (State.FAILED, "It no longer exists.")


def test_parameters_reach_the_engine(
    row: Engine, admin: User, clean_engine: PrivateEngine, make: Callable[..., str], happened: Callable[..., Any]
) -> None:
    deaf = make("deaf", DEAF)
    hup = make("hup", "trap 'echo got HUP' HUP; while :; do sleep 0.1; done")
    volume = make("volume", POLITE, "created", "-v", "/anonymous", "-v", "named:/named")
    with worker():
        began = time.monotonic()
        ended = perform(admin, row, "stop", deaf, "deaf", timeout="1")
        assert ended.state == State.SUCCEEDED
        assert ended.command == "docker container stop --time 1 deaf"
        assert 0.9 < time.monotonic() - began < 9, "the engine was given the second, not its own ten"
        assert perform(admin, row, "kill", hup, "hup", signal="hup").result["note"] == "signal SIGHUP sent"
        assert perform(admin, row, "remove", volume, "volume", volumes="1").state == State.SUCCEEDED
    assert clean_engine.docker("volume", "ls", "--quiet") == "named"
    deadline = time.monotonic() + 20  # the shell looks at its signals between two sleeps
    while not clean_engine.docker("logs", "hup") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert clean_engine.docker("logs", "hup") == "got HUP"
    assert clean_engine.docker("inspect", "--format", "{{.State.Running}}", "hup") == "true"


def test_a_slow_stop_blocks_nobody_and_one_object_is_in_order(
    row: Engine, admin: User, make: Callable[..., str], happened: Callable[[str], Counter[str]]
) -> None:
    slow = [make(f"slow-{n}", DEAF) for n in range(20)]
    quick = make("quick", POLITE, "created")
    with worker():
        batch = request_many(
            admin, row, "container.stop", [(id_, f"slow-{n}") for n, id_ in enumerate(slow)], {"timeout": "3"}
        )
        after = request_operation(admin, row, "container.start", slow[0], "slow-0")
        while fresh(batch[0]).state == State.QUEUED:
            time.sleep(0.02)
        assert perform(admin, row, "start", quick, "quick").state == State.SUCCEEDED
        assert {fresh(operation).state for operation in batch} <= {State.QUEUED, State.RUNNING}
        assert fresh(after).state == State.QUEUED  # its object is busy
        wait(*batch, after, seconds=60)
    assert {fresh(operation).state for operation in batch} == {State.SUCCEEDED}
    first = fresh(after)
    stop = fresh(batch[0])
    assert first.started_at
    assert stop.finished_at
    assert first.started_at >= stop.finished_at
    assert happened(slow[0])["start"] == 2


def test_who_lost_the_right_meanwhile_is_not_obeyed(row: Engine, admin: User, make: Callable[..., str]) -> None:
    target = make("target")
    operation = request_operation(admin, row, "container.stop", target, "target")
    User.objects.filter(pk=admin.pk).update(role=User.Role.VIEWER)
    with worker():
        ended = wait(operation)[0]
    assert ended.state == State.FAILED
    assert ended.result["reason"] == "admin no longer has the right to do this."


def test_an_engine_that_is_away_hangs_or_dies(admin: User, transactional_db: None, new_engine: EngineFactory) -> None:
    private = new_engine()
    row = factories.engine(url=private.url, engine_id=private.get("/info")["ID"])
    made = [private.docker("run", "-d", "--name", f"c{n}", "busybox", "sh", "-c", STUBBORN) for n in range(3)]
    with worker():
        private.hang()
        hung = request_operation(admin, row, "container.pause", made[0], "c0")
        time.sleep(1)
        private.resume()
        assert wait(hung)[0].state == State.SUCCEEDED
        # The engine dies while it stops a container: nobody hears how it went, and the container tells.
        lost = request_operation(admin, row, "container.stop", made[1], "c1", {"timeout": "8"})
        while not fresh(lost).before:
            time.sleep(0.02)
        time.sleep(0.5)
        private.kill()
        away = perform(admin, row, "start", made[2], "c2")
        assert (away.state, away.result["reason"]) == (State.FAILED, "The engine is not reachable.")
        assert "nothing listens" in away.error
        private.restart()
        ended = wait(lost, seconds=60)[0]
        alive = private.docker("inspect", "--format", "{{.State.Running}}", "c1") == "true"
        assert ended.state == (State.FAILED if alive else State.SUCCEEDED), (ended.result, ended.error)
        assert ended.result.get("reason", "It was not done.") == "It was not done."


def test_another_engine_behind_the_address(row: Engine, admin: User, make: Callable[..., str]) -> None:
    target = make("target")
    Engine.objects.filter(pk=row.pk).update(engine_id="of another")
    row.refresh_from_db()
    with worker():
        for verb in ("remove", "start"):
            ended = perform(admin, row, verb, factories.hexid("elsewhere"), "elsewhere", force="1")
            assert (ended.state, ended.result["reason"]) == (State.FAILED, "Another engine answers at this address.")
        Engine.objects.filter(pk=row.pk).update(state=Engine.State.SWAPPED)
        waiting = Operation.objects.create(
            engine=row, user=admin, user_name="admin", verb="container.stop", kind="container", object_id=target
        )
        assert "Another engine answers" in wait(waiting)[0].result["reason"]
