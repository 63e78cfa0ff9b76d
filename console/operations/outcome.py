"""How an operation ends: the one place that turns the engine's answers into states and words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from console.engine.errors import AlreadySo, Conflict, EngineError, Malformed, NotFound, Unreachable
from console.models import Operation
from console.operations.execute import Part, Ran
from console.operations.facts import Facts
from console.operations.params import KillParams, Params, RenameParams
from console.operations.verb import Verb

State = Operation.State
# What says that no connection was made, so that nothing was asked.
NEVER_SENT: Final = frozenset({"not-installed", "not-running", "no-permission", "wrong-address", "tls"})
AFTER_RESTART: Final = "found done after a restart of the console"
AFTER_SILENCE: Final = "found done; the engine's answer was lost"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last state, the engine's own text, and what the page says: ``note``, ``reason``, ``now``, ``same``."""

    state: Operation.State
    error: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    output: tuple[Part, ...] = ()


def done(verb: Verb, params: Params, note: str = "") -> Outcome:
    """It was done. ``note`` says how that is known, where the engine did not say so."""
    words = verb.past
    if isinstance(params, KillParams) and params.signal not in {"SIGKILL", "9"}:
        words = f"signal {params.signal} sent"
    if isinstance(params, RenameParams):
        words = f"renamed to {params.name}"
    return Outcome(State.SUCCEEDED, result={"note": f"{words}, {note}" if note else words})


def ran(found: Ran) -> Outcome:
    """A command ran: done whatever its exit code is, failed when it did not end by itself."""
    result: dict[str, Any] = {"dropped": found.dropped} if found.dropped else {}
    if found.exit_code is None:
        return Outcome(State.FAILED, result=result | {"reason": found.reason}, output=found.output)
    note = f"done with exit code {found.exit_code}"
    return Outcome(State.SUCCEEDED, result=result | {"note": note, "exit_code": found.exit_code}, output=found.output)


def failed(reason: str, error: str = "") -> Outcome:
    """It was not done. ``reason``: one short sentence of the console's; ``error``: the engine's own text."""
    return Outcome(State.FAILED, error=error, result={"reason": reason})


def unknown(reason: str, error: str = "") -> Outcome:
    """Nobody can tell whether it was done."""
    return Outcome(State.UNKNOWN, error=error, result={"reason": reason})


def cancelled(by: str, remains: str = "") -> Outcome:
    """Somebody cancelled while it ran. ``remains``: a sentence about what is left of it."""
    return Outcome(State.CANCELLED, result={"note": f"cancelled by {by}"} | ({"remains": remains} if remains else {}))


def of_error(verb: Verb, params: Params, error: EngineError) -> Outcome | None:
    """How an engine's refusal ends an operation; None where the answer was lost on the way: go and look."""
    if isinstance(error, AlreadySo):
        already = "already running" if verb.short == "start" else f"already {verb.past}"
        return Outcome(State.SUCCEEDED, result={"note": already})
    if isinstance(error, NotFound):
        if verb.name == "container.remove":
            return done(verb, params, "already gone")
        return failed("It no longer exists.", error.message)
    if isinstance(error, Unreachable):
        return failed("The engine is not reachable.", error.message) if error.problem in NEVER_SENT else None
    if isinstance(error, Malformed):
        return None
    if isinstance(error, Conflict):
        return failed("Its state does not allow it.", error.message)
    return failed("The engine refused.", error.message)


def with_look(outcome: Outcome, before: Facts | None, now: Facts | None) -> Outcome:
    """Add what a fresh inspect after a failure says: the object's state, and whether it is as before."""
    if now is None:
        return outcome
    extra: dict[str, Any] = {"now": now.words}
    if before is not None:
        extra["same"] = now.like(before)
    return Outcome(outcome.state, outcome.error, outcome.result | extra)
