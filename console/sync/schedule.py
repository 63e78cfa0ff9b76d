"""When to compare which lists with the mirror. Pure: times are those of the caller's clock, in seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from console.changes import Kind

ECHO: Final = 1.0  # a list may be stale just after an event: it is taken again so much later
PAUSE: Final = 0.1  # between two lists of a kind that events ask for


class Schedule:
    """The lists to take: each kind once however many events asked for it, and once more as an echo."""

    def __init__(self) -> None:
        self._due: dict[tuple[Kind, bool], float] = {}  # kind, whether an echo
        self._last: dict[Kind, float] = {}

    def want(self, kinds: Iterable[Kind], now: float) -> None:
        """Ask for lists of these kinds at once (or a pause after the last ones), and again a second later."""
        for kind in kinds:
            soon = max(now, self._last.get(kind, now - PAUSE) + PAUSE)
            self._due.setdefault((kind, False), soon)
            self._due[kind, True] = soon + ECHO

    def take(self, now: float) -> set[Kind]:
        """Return the kinds whose list is due, and forget them."""
        due = [wanted for wanted, at in self._due.items() if at <= now]
        for wanted in due:
            del self._due[wanted]
            self._last[wanted[0]] = now
        return {kind for kind, _ in due}

    def next(self) -> float | None:
        """Return when the next list is due."""
        return min(self._due.values(), default=None)
