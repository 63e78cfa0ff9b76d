"""What the messages of a build say about its steps, bounded, for a page."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from console.engine.text import text

MOST_STEPS: Final = 300
MOST_LINES: Final = 40  # of one step
LONGEST: Final = 400  # characters of a line
_NOISE: Final = ("---> ", "Removing intermediate container ")
_STEP: Final = re.compile(r"Step (\d{1,4})/(\d{1,4}) : (.*)", re.DOTALL)
_COMMAND: Final = re.compile(r"[Tt]he command '.*' returned", re.DOTALL)


@dataclass(slots=True)
class Step:
    """One instruction."""

    number: int
    text: str
    state: str = "busy"
    cached: bool = False
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))


class Steps:
    """Takes the messages of one build of the classic builder."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.total = 0
        self.image_id = ""
        self._rest = ""

    def take(self, message: Mapping[str, Any]) -> None:
        """One more message."""
        aux = message.get("aux")
        if isinstance(aux, dict) and isinstance(aux.get("ID"), str):
            self.image_id = text(aux["ID"], 80)
        said = message.get("stream")
        if isinstance(said, str):
            *lines, rest = (self._rest + said).split("\n")
            self._rest = rest[-4096:]
            for line in lines:
                self._line(text(line.rpartition("\r")[2] or line, LONGEST).rstrip())
        elif message.get("status") and not message.get("progressDetail"):
            self._line(text(f"{message.get('id') or ''} {message['status']}".strip(), LONGEST))

    def _line(self, line: str) -> None:
        if begun := _STEP.fullmatch(line):
            if self.steps:
                self.steps[-1].state = "done"
            self.total = int(begun[2])
            if len(self.steps) < MOST_STEPS:
                self.steps.append(Step(int(begun[1]), begun[3]))
        elif self.steps and line:
            if line.strip() == "---> Using cache":
                self.steps[-1].cached = True
            elif not line.strip().startswith(_NOISE):
                self.steps[-1].lines.append(line)

    def end(self, failed: bool) -> None:
        """No more messages."""
        if self._rest.strip():
            self._line(text(self._rest, LONGEST))
            self._rest = ""
        if self.steps:
            self.steps[-1].state = "failed" if failed else "done"

    @property
    def words(self) -> str:
        """ "step 3 of 9"."""
        return f"step {self.steps[-1].number} of {self.total}" if self.steps else "sending the context"

    def shown(self) -> dict[str, Any]:
        """For ``Work.progress``: percent, text, steps; the output of the last step."""
        done = sum(step.state == "done" for step in self.steps)
        return {
            "percent": min(100, 100 * done // self.total) if self.total else 0,
            "text": self.words,
            "done": done,
            "cached": sum(step.cached for step in self.steps),
            "steps": [
                {"n": step.number, "text": step.text, "state": step.state, "cached": step.cached} for step in self.steps
            ],
            "lines": list(self.steps[-1].lines) if self.steps else [],
        }


def public_error(said: str) -> str:
    """The engine's sentence without the command that failed: everybody who sees the operation reads it."""
    return _COMMAND.sub("The command returned", said)
