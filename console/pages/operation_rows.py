"""An operation in words: a row of the list, an entry of the drawer, a toast."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils import timezone

from console import access
from console.models import Operation
from console.operations.verbs import BESIDE, GUARDED, WORKS, Verb, verb_of

State = Operation.State
UNSOLVED: Final = (State.FAILED, State.UNKNOWN, State.CANCELLED)


@dataclass(frozen=True, slots=True)
class Row:
    """What ``operations/_row.html`` prints."""

    operation: Operation
    url: str
    title: str  # "Stop nginx"
    state: str  # the lamp
    word: str  # "Done"
    text: str  # progress or result, one line
    tone: str  # "bad" or "sub"
    percent: float | None
    took: str
    open: bool
    can_cancel: bool
    can_retry: bool
    can_look: bool

    @property
    def brief(self) -> bool:
        """Whether the title says it all: done, and nothing to add."""
        verb = verb_of(self.operation)
        return self.state == State.SUCCEEDED and verb is not None and self.text == verb.past

    @property
    def cancel_words(self) -> str:
        """What the button to cancel says: it waits, or runs."""
        return "Take out of the queue" if self.operation.state == State.QUEUED else "Cancel"

    @property
    def id(self) -> str:
        """Of the table row."""
        return f"o-{str(self.operation.pk)[:8]}"


def make_row(operation: Operation, user: access.Actor) -> Row:
    """A row. Needs ``engine`` selected with it."""
    verb = verb_of(operation)
    state = State(operation.state)
    may = verb is not None and access.can(user, verb.right)
    if operation.verb in GUARDED and not may:  # like the commands of containers: for those who may run one
        operation.command = f"{verb.base if verb else ''} {operation.object_name} …"
    return Row(
        operation=operation,
        url=reverse("operation", args=[operation.pk]),
        title=title(operation, verb),
        state="busy" if state is State.RUNNING else state.value,
        word=str(state.label),
        text=text(operation, verb),
        tone="bad" if state is State.FAILED else "sub",
        percent=operation.progress.get("percent"),
        took=took(operation),
        open=state in Operation.OPEN,
        can_cancel=may and can_cancel(operation),
        can_retry=may and _can_retry(operation),
        can_look=may and state is State.UNKNOWN and operation.verb not in (*BESIDE, *WORKS),
    )


def _can_retry(operation: Operation) -> bool:
    verb = verb_of(operation)
    kept = verb is not None and verb.again and not operation.result.get("secrets")
    return kept and operation.state in UNSOLVED and operation.engine_id is not None


def can_cancel(operation: Operation) -> bool:
    """Whether it waits, or can be ended in the middle and nobody asked for that yet."""
    if operation.state == State.QUEUED:
        return True
    work = WORKS.get(operation.verb)
    return operation.state == State.RUNNING and bool(work and work.cancellable) and not operation.cancel_requested


def title(operation: Operation, verb: Verb | None = None) -> str:
    """ "Stop nginx"; an unknown verb as it is stored."""
    verb = verb or verb_of(operation)
    return verb.title(operation.object_name) if verb else f"{operation.verb} {operation.object_name}"


def text(operation: Operation, verb: Verb | None = None) -> str:
    """One line about how it stands: what it does, what came of it, the engine's own sentence."""
    if operation.state == State.QUEUED:
        return "looks again" if operation.before.get("look_only") else "queued"
    if operation.state == State.RUNNING:
        if operation.cancel_requested:
            return f"being cancelled by {operation.result.get('cancelled_by', 'somebody')}"
        words = operation.progress.get("text")
        return str(words) if words else (verb.busy.lower() if verb else "running")
    error = first_line(operation.error)
    if operation.state == State.FAILED and error:
        return error
    return str(operation.result.get("note") or operation.result.get("reason") or error)


def first_line(error: str) -> str:
    """The engine's sentence for one line of a page: without the long ids that it puts in brackets."""
    return re.sub(r" \([0-9a-f]{64}\)", "", error.strip().partition("\n")[0])[:300]


def took(operation: Operation) -> str:
    """From start to end, or to now: "0.3 s", "14 s", "3 min"; "" before the start."""
    if operation.started_at is None:
        return ""
    return length((operation.finished_at or timezone.now()) - operation.started_at)


def length(span: object) -> str:
    """A short length of time in the unit that fits."""
    seconds = max(0.0, getattr(span, "total_seconds", lambda: 0.0)())
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def toast_words(operation: Operation) -> tuple[str, str, str]:
    """State, title and text of the toast for an operation that has ended."""
    verb = verb_of(operation)
    name = operation.object_name
    note = str(operation.result.get("note", ""))
    reason = str(operation.result.get("reason", ""))
    if operation.state == State.SUCCEEDED:
        if "exit_code" in operation.result:
            return "done", f"{title(operation, verb)}: {note}", ""
        return "done", f"{name} {note or (verb.past if verb else 'done')}", ""
    if operation.state == State.CANCELLED:
        return "done", f"{title(operation, verb)}: cancelled", ""
    said = first_line(operation.error)
    why = said or reason
    if operation.state == State.UNKNOWN:
        return "warning", f"{title(operation, verb)}: nobody knows", why
    label = title(operation, verb) if verb else f"{operation.verb} {name}"
    return "failed", f"Could not {label[:1].lower()}{label[1:]}", why


def day_of(moment: datetime) -> str:
    """The day, in UTC: "31 January 2025"."""
    return f"{moment:%-d %B %Y}"
