"""A command in a container of a real engine: its output, its end, and that it is never run twice."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from console.models import Engine, Operation, OperationOutput, User
from console.operations.execute import KEPT
from console.operations.request import request_operation
from tests.dying_workers import Workers
from tests.engines import PrivateEngine
from tests.integration.operations.conftest import fresh
from tests.integration.operations.test_crashes import crash_and_recover
from tests.integration.operations.test_verbs import perform, wait, worker

State = Operation.State


def output(operation: Operation) -> list[list[str]]:
    found = OperationOutput.objects.filter(operation=operation).first()
    return found.parts if found else []


def test_what_it_prints_is_what_docker_prints(
    row: Engine, admin: User, clean_engine: PrivateEngine, make: Callable[..., str]
) -> None:
    target = make("target")
    with worker():
        ended = perform(admin, row, "exec", target, "target", command="ls -la /etc")
        assert (ended.state, ended.result) == (State.SUCCEEDED, {"note": "done with exit code 0", "exit_code": 0})
        assert output(ended) == [
            ["stdout", clean_engine.docker("container", "exec", "target", "ls", "-la", "/etc") + "\n"]
        ]
        script = 'echo out; sleep 0.2; echo err >&2; pwd; id -u; echo "$A $TOKEN"; exit 7'
        ended = perform(
            admin, row, "exec", target, "target",
            command=f"sh -c '{script}'", user="1000", workdir="/var", env="A=it is\nTOKEN=canary",
        )  # fmt: skip
        assert (ended.state, ended.result["exit_code"]) == (State.SUCCEEDED, 7)
        printed = dict.fromkeys(("stdout", "stderr"), "")
        for stream, text in output(ended):
            printed[stream] += text
        assert printed == {"stdout": "out\n/var\n1000\nit is canary\n", "stderr": "err\n"}
        assert "canary" not in ended.command + str(ended.params) + ended.sealed
        assert not output(perform(admin, row, "exec", target, "target", command="true"))


def test_a_program_that_is_not_there(row: Engine, admin: User, make: Callable[..., str]) -> None:
    target = make("target")
    with worker():
        ended = perform(admin, row, "exec", target, "target", command="no-such-program")
    told = ended.error + "".join(text for _, text in output(ended))
    assert "no-such-program" in told
    assert ended.state == State.FAILED or ended.result["exit_code"] in {126, 127}


def test_more_than_is_kept_is_counted(row: Engine, admin: User, make: Callable[..., str]) -> None:
    target = make("target")
    with worker():
        ended = perform(admin, row, "exec", target, "target", command="dd if=/dev/zero bs=1000 count=1000")
    assert ended.state == State.SUCCEEDED
    kept = "".join(text for _, text in output(ended))
    assert len(kept) == KEPT
    assert set(kept) <= {"␀"} | set("0123456789+records in\nout")
    assert ended.result["dropped"] >= 1_000_000 - KEPT


def test_what_runs_too_long_is_ended_with_all_it_started(
    row: Engine, admin: User, clean_engine: PrivateEngine, make: Callable[..., str]
) -> None:
    target = make("target", "sleep 1000")
    with worker():
        ended = perform(
            admin, row, "exec", target, "target", command="sh -c 'echo begun; sleep 301 & sleep 302'", timeout="2"
        )
    assert ended.state == State.FAILED
    assert ended.result["reason"] == "It ran longer than 2 s and was ended."
    assert output(ended) == [["stdout", "begun\n"]]
    assert "sleep 30" not in clean_engine.docker("top", "target", "-eo", "pid,args")


def test_others_need_not_wait_for_it(row: Engine, admin: User, make: Callable[..., str]) -> None:
    target = make("target", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
    with worker():
        command = request_operation(admin, row, "container.exec", target, "target", {"command": "sleep 100"})
        deadline = time.monotonic() + 20
        while fresh(command).state == State.QUEUED or not fresh(command).before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        assert perform(admin, row, "stop", target, "target", timeout="1").state == State.SUCCEEDED
        ended = wait(command)[0]
    assert (ended.state, ended.result.get("exit_code")) in {(State.SUCCEEDED, 137), (State.FAILED, None)}, ended.result


@pytest.mark.parametrize("point", ["after-claim", "before-call", "after-call", "in-call", "before-finish"])
def test_a_command_is_never_run_twice(
    point: str, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine, make: Callable[..., str]
) -> None:
    target = make("target")
    operation = request_operation(
        admin, row, "container.exec", target, "target", {"command": "sh -c 'echo ran >> /ran'"}
    )
    crash_and_recover(workers, operation, point, 0.01)
    ended = fresh(operation)
    ran = clean_engine.docker("exec", "target", "sh", "-c", "cat /ran 2>/dev/null | wc -l").strip()
    if point == "after-claim":
        assert (ended.state, ran) == (State.SUCCEEDED, "1")
    else:
        assert ended.state == State.UNKNOWN
        assert ran == {"before-call": "0", "in-call": ran}.get(point, "1")
        assert int(ran) <= 1
