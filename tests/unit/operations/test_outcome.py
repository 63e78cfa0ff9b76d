"""The one mapping from the engine's errors to states, and what people read."""

from __future__ import annotations

import pytest

from console.engine import errors
from console.models import Operation
from console.operations.facts import Facts
from console.operations.outcome import done, failed, of_error, with_look
from console.operations.params import KillParams, Params, RenameParams
from console.operations.verbs import VERBS

State = Operation.State
STOP, START, REMOVE = (VERBS[f"container.{short}"] for short in ("stop", "start", "remove"))


@pytest.mark.parametrize(
    ("error", "state", "said", "text"),
    [
        (errors.AlreadySo("already"), State.SUCCEEDED, "already stopped", ""),
        (errors.NotFound("No such container: x"), State.FAILED, "It no longer exists.", "No such container: x"),
        (errors.Conflict("is paused"), State.FAILED, "Its state does not allow it.", "is paused"),
        (errors.Failed("port taken"), State.FAILED, "The engine refused.", "port taken"),
        (errors.Invalid("bad"), State.FAILED, "The engine refused.", "bad"),
        (errors.Forbidden("plug-in says no"), State.FAILED, "The engine refused.", "plug-in says no"),
    ],
)
def test_what_the_engine_says(error: errors.EngineError, state: str, said: str, text: str) -> None:
    outcome = of_error(STOP, Params(), error)
    assert outcome
    assert outcome.state == state
    assert said in outcome.result.values()
    assert outcome.error == text


@pytest.mark.parametrize("problem", errors.Unreachable.PROBLEMS)
def test_only_what_was_surely_not_sent_has_failed(problem: str) -> None:
    outcome = of_error(STOP, Params(), errors.Unreachable("away", problem))
    if problem in {"timeout", "lost"}:
        assert outcome is None  # the engine may have heard it: look
    else:
        assert outcome
        assert outcome.state == State.FAILED
        assert outcome.result["reason"] == "The engine is not reachable."


def test_gone_is_what_a_removal_asks_for() -> None:
    outcome = of_error(REMOVE, Params(), errors.NotFound("No such container"))
    assert outcome
    assert (outcome.state, outcome.result["note"]) == (State.SUCCEEDED, "removed, already gone")


def test_words() -> None:
    assert done(START, Params()).result["note"] == "started"
    assert done(VERBS["container.kill"], KillParams("SIGHUP")).result["note"] == "signal SIGHUP sent"
    assert done(VERBS["container.kill"], KillParams()).result["note"] == "killed"
    assert done(VERBS["container.rename"], RenameParams("new")).result["note"] == "renamed to new"


def test_a_failure_says_what_is_now() -> None:
    before = Facts(exists=True, state="running")
    assert with_look(failed("no"), before, before).result == {"reason": "no", "now": "running", "same": True}
    assert with_look(failed("no"), before, Facts()).result["same"] is False
    assert with_look(failed("no"), before, None).result == {"reason": "no"}
