"""What a container was just before the engine was asked, and what looking at it later tells about the asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, Self

from console.engine.types import Container, ContainerState
from console.operations.params import KillParams, Params, RenameParams, StopParams

ALIVE: Final = frozenset({ContainerState.RUNNING, ContainerState.PAUSED, ContainerState.RESTARTING})
ENDS_AT_ONCE: Final = frozenset({"SIGKILL", "9"})
GRACE: Final = 10  # seconds that an engine gives a container to stop when nothing else is said
SLACK: Final = 5.0  # seconds that an engine gets on top of it


@dataclass(frozen=True, slots=True)
class Facts:
    """The part of an inspect that an action can change. Times are the engine's own, as ISO text: compared, never
    measured against the console's clock."""

    exists: bool = False
    name: str = ""
    state: str = ""
    started_at: str = ""
    finished_at: str = ""
    restart_count: int = 0
    exit_code: int = 0
    stop_timeout: int | None = None  # seconds
    auto_remove: bool = False  # docker run --rm: it goes when it ends

    @classmethod
    def of(cls, container: Container) -> Self:
        """From a fresh inspect."""
        return cls(
            exists=True,
            name=container.name,
            state=container.state.value,
            started_at=_iso(container.started_at),
            finished_at=_iso(container.finished_at),
            restart_count=container.restart_count,
            exit_code=container.exit_code,
            stop_timeout=container.stop_timeout,
            auto_remove=container.auto_remove,
        )

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From ``to_json``."""
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        """For ``Operation.before`` and ``Operation.result``."""
        return asdict(self)

    def like(self, other: Facts) -> bool:
        """Whether nothing that people would call a change lies between the two."""
        return (self.exists, self.name, self.state, self.started_at) == (
            other.exists,
            other.name,
            other.state,
            other.started_at,
        )

    @property
    def alive(self) -> bool:
        """Whether it has, or is about to have, a process."""
        return self.state in ALIVE

    @property
    def words(self) -> str:
        """ "running", "exited (137)"; "no longer exists"."""
        if not self.exists:
            return "no longer exists"
        return f"exited ({self.exit_code})" if self.state == ContainerState.EXITED else self.state


class Verdict(Enum):
    """What looking tells of an operation whose answer from the engine was lost."""

    DONE = "done"
    NOT_YET = "not yet"  # and once the engine had its time: not at all
    GONE = "gone"  # the object no longer exists
    UNTOLD = "untold"  # an act that leaves no trace in the state


def judge(verb: str, params: Params, before: Facts, now: Facts) -> Verdict:
    """Whether ``verb`` ("container.stop") was done between ``before`` and ``now``.

    Verbs that ask for a state are done when the state is there. ``restart`` and ``kill`` are acts: a restart shows in
    ``started_at``; a signal that did not end the process shows nowhere.
    """
    if verb == "container.exec":
        return Verdict.UNTOLD
    if verb == "container.remove":
        return Verdict.NOT_YET if now.exists else Verdict.DONE
    if not now.exists:
        ends = verb == "container.stop" or (isinstance(params, KillParams) and params.signal in ENDS_AT_ONCE)
        return Verdict.DONE if ends and before.auto_remove else Verdict.GONE
    started = now.started_at != before.started_at
    ended = now.finished_at != before.finished_at
    by_itself = before.state == ContainerState.RESTARTING or now.restart_count > before.restart_count
    done = False
    if verb == "container.start":
        done = started or before.alive or now.alive
    elif verb == "container.stop":
        done = not now.alive or (ended and not by_itself)
    elif verb == "container.restart":
        if started and by_itself:
            return Verdict.UNTOLD
        done = started
    elif verb == "container.kill":
        done = ended and not by_itself
        if not done and not (isinstance(params, KillParams) and params.signal in ENDS_AT_ONCE):
            return Verdict.UNTOLD
    elif verb == "container.pause":
        done = now.state == ContainerState.PAUSED
    elif verb == "container.unpause":
        done = now.state != ContainerState.PAUSED
    elif verb == "container.rename":
        done = isinstance(params, RenameParams) and now.name == params.name
        if not done and now.name != before.name:
            return Verdict.UNTOLD
    return Verdict.DONE if done else Verdict.NOT_YET


def patience(verb: str, params: Params, before: Facts) -> float:
    """Seconds after the call in which the engine may still be at it, with nobody listening."""
    if verb in {"container.stop", "container.restart"}:
        asked = params.timeout if isinstance(params, StopParams) else None
        grace = next((seconds for seconds in (asked, before.stop_timeout) if seconds is not None), GRACE)
        return max(grace, 0) + SLACK
    if verb in {"container.remove", "container.kill"}:
        return GRACE + SLACK
    return SLACK


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
