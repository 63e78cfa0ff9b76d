"""One operation's run without an engine: what nobody foresaw, silence, lost claims and impossible rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from console.engine import errors
from console.engine.types import Unparsed
from console.models import Engine, Operation
from console.operations import job as jobs
from console.operations import store
from console.operations.facts import Facts
from console.operations.job import Job
from console.operations.perform import CALLS
from console.operations.runner import in_database, in_thread
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
State = Operation.State
RUNNING = Facts(exists=True, name="web", state="running", started_at="t1")
EXITED = replace(RUNNING, state="exited", finished_at="t2")


class Script:
    """In place of the engine: what each look and the call answer; an exception is raised."""

    def __init__(self, *looks: Facts | Exception | None, call: Exception | None = None, same: bool = True) -> None:
        self.looks, self.call, self.same = list(looks), call, same
        self.calls = 0

    def of(self, engine: Engine) -> Script:
        assert engine.address
        return self

    def look(self, client: Script, container_id: str) -> Facts | None:
        answer = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask(self, *arguments: Any) -> None:
        self.calls += 1
        if self.call is not None:
            raise self.call

    def same_engine(self, client: Script, engine_id: str) -> bool:
        return self.same


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a stop of web as a worker does and gives the row afterwards."""

    async def perform(script: Script, quick: bool = True, **columns: Any) -> Operation:
        monkeypatch.setattr(jobs, "look", script.look)
        monkeypatch.setattr(jobs, "same_engine", script.same_engine)
        monkeypatch.setitem(CALLS, "container.stop", script.ask)
        monkeypatch.setattr(jobs, "LOOK_EVERY", 0.01)
        monkeypatch.setattr(jobs, "LOOK_FOR", 0.05)
        monkeypatch.setattr(jobs, "patience", lambda *arguments: 0.0 if quick else 3600.0)

        def prepare() -> Operation:
            engine = columns.pop("engine", None) or factories.engine()
            factories.operation(engine, factories.user("admin"), **({"name": "web"} | columns))
            return store.claim("w", 1, 1)[0]

        operation = await sync_to_async(prepare)()
        await Job(operation, script, in_thread, in_database).run()  # type: ignore[arg-type]
        return await Operation.objects.aget(pk=operation.pk)

    return perform


async def test_done(run: Callable[..., Any]) -> None:
    script = Script(RUNNING)
    ended = await run(script)
    assert (ended.state, ended.result, script.calls) == (State.SUCCEEDED, {"note": "stopped"}, 1)
    assert ended.before["facts"]["state"] == "running"


async def test_what_nobody_foresaw_ends_the_operation_and_not_the_worker(
    run: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    ended = await run(Script(ZeroDivisionError("oops")))
    assert ended.state == State.FAILED
    assert ended.result["reason"] == f"Internal error. The console's log has it under {ended.pk}."
    assert "oops" not in ended.error
    assert str(ended.pk) in caplog.text


async def test_what_nobody_foresaw_after_asking_is_unknown(run: Callable[..., Any]) -> None:
    ended = await run(Script(RUNNING, call=ZeroDivisionError("oops")))
    assert ended.state == State.UNKNOWN


LOST = errors.Unreachable("The connection was lost.", "lost")


async def test_a_lost_answer_is_looked_up_and_never_asked_again(run: Callable[..., Any]) -> None:
    script = Script(RUNNING, LOST, EXITED, call=LOST)
    ended = await run(script)
    assert (ended.state, script.calls) == (State.SUCCEEDED, 1)
    assert ended.result["note"] == "stopped, found done; the engine's answer was lost"


async def test_a_lost_answer_of_what_was_not_done(run: Callable[..., Any]) -> None:
    script = Script(RUNNING, call=LOST)
    ended = await run(script)
    assert (ended.state, ended.result["reason"], script.calls) == (State.FAILED, "It was not done.", 1)
    assert (ended.result["same"], ended.error) == (True, "The connection was lost.")


async def test_an_engine_that_stays_silent(run: Callable[..., Any]) -> None:
    ended = await run(Script(RUNNING, LOST, call=LOST))
    assert ended.state == State.UNKNOWN
    assert ended.result["reason"].startswith("The engine does not answer")


async def test_an_inspect_that_cannot_be_read(run: Callable[..., Any]) -> None:
    ended = await run(Script(None))  # before: asked all the same
    assert ended.state == State.SUCCEEDED


async def test_an_inspect_that_cannot_be_read_afterwards(run: Callable[..., Any]) -> None:
    ended = await run(Script(RUNNING, None, call=LOST))
    assert ended.state == State.UNKNOWN


async def test_interrupted_and_not_done_is_done_now(run: Callable[..., Any]) -> None:
    before = {"facts": RUNNING.to_json(), "called_at": factories.NOW.isoformat()}
    script = Script(RUNNING)
    ended = await run(script, before=before)
    assert (ended.state, script.calls, ended.result) == (State.SUCCEEDED, 1, {"note": "stopped"})


async def test_looking_again_changes_nothing(run: Callable[..., Any]) -> None:
    before = {"facts": RUNNING.to_json(), "called_at": factories.NOW.isoformat(), "look_only": True}
    script = Script(RUNNING)
    ended = await run(script, before=before)
    assert (ended.state, ended.result["reason"], script.calls) == (State.FAILED, "It was not done.", 0)


async def test_what_waited_too_long_is_not_done(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "TOO_OLD", -1.0)
    script = Script(RUNNING)
    ended = await run(script)
    assert (ended.state, script.calls) == (State.FAILED, 0)
    assert "longer than an hour" in ended.result["reason"]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"verb": "container.explode"}, "This version of the console does not know “container.explode”."),
        ({"params": {"timeout": "soon"}}, "A whole number of seconds from 0 to 3600."),
    ],
)
async def test_impossible_rows(columns: dict[str, Any], reason: str, run: Callable[..., Any]) -> None:
    script = Script(RUNNING)
    ended = await run(script, **columns)
    assert (ended.state, ended.result["reason"], script.calls) == (State.FAILED, reason, 0)


async def test_an_address_that_is_none(run: Callable[..., Any]) -> None:
    bad = await sync_to_async(factories.engine)("bad", url="nonsense")
    ended = await run(Script(RUNNING), engine=bad)
    assert ended.state == State.FAILED
    assert "nonsense" in ended.result["reason"]


async def test_a_lost_claim_asks_nothing_and_writes_nothing(run: Callable[..., Any]) -> None:
    script = Script(RUNNING)
    real = script.look

    def steal(client: Script, container_id: str) -> Facts | None:
        Operation.objects.update(claimed_by="another", attempt=9)
        return real(client, container_id)

    script.look = steal  # type: ignore[method-assign]
    ended = await run(script)
    assert (ended.state, ended.claimed_by, script.calls) == (State.RUNNING, "another", 0)


def test_a_quarantined_container_is_no_facts() -> None:
    from console.operations.perform import look

    class Client:
        def container(self, container_id: str) -> Unparsed:
            return Unparsed(container_id, "web", "broken")

    assert look(Client(), "x") is None  # type: ignore[arg-type]
