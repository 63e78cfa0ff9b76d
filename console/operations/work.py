"""Work that takes its time: what a verb of ``kinds`` is given, and what it may say while it runs.

A work is a plain blocking function in a thread of its own. It tells progress, keeps notes that outlive a crash, and
looks whether somebody cancelled; the database is asked on the worker's loop, never from that thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from console.engine.client import EngineClient
from console.models import Engine, Operation
from console.operations.claim import ClaimLost, crash_at

Result = Mapping[str, Any]
P = ParamSpec("P")
T = TypeVar("T")


class WorkFailed(Exception):
    """It was not done: ``sentence`` is the console's, ``engine_text`` the engine's own words.

    ``output``: what something printed, as parts of a stream's name and text; for those with the right "shell".
    """

    def __init__(
        self,
        sentence: str,
        engine_text: str = "",
        result: Result | None = None,
        output: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.engine_text = engine_text
        self.result = dict(result or {})
        self.output = tuple(output)


class Cancelled(Exception):
    """Somebody cancelled; ``remains`` says what is left of it, as a sentence."""

    def __init__(self, remains: str = "") -> None:
        super().__init__(remains)
        self.remains = remains


class Work:
    """One run of one operation.

    ``params``: with secrets (without, after a crash); ``kept``: the notes of this and of an interrupted run;
    ``remains``: set it to the sentence that is right if the work is cancelled now; ``refused``: why it may not go on.
    """

    def __init__(
        self,
        operation: Operation,
        engine: Engine,
        client: EngineClient,
        params: Any,
        ask: Callable[..., Any],
        keep: Callable[..., bool],
    ) -> None:
        self.operation = operation
        self.engine = engine
        self.client = client
        self.params: Any = params  # an instance of the verb's ``params``
        self.user_name = operation.user_name
        self.kept: dict[str, Any] = dict(operation.before.get("kept", {}))
        self.remains = ""
        self.refused = ""
        self.cancelled_by = ""
        self._ask = ask
        self._keep = keep  # store.note_before, which knows the tables of works
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._closers: list[Callable[[], object]] = []
        self._progress: dict[str, Any] = dict(operation.progress)
        self._told = True

    # For the function that works

    def ask(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that asks the database: on the worker's loop, for only there hints reach their receivers."""
        found: T = self._ask(function, *args, **kwargs)
        return found

    def keep(self, **notes: Any) -> None:
        """Make notes (JSON) durable, before the step that they speak of. Raises ``ClaimLost``."""
        self.kept = {**self.kept, **notes}
        if not self.ask(self._keep, self.operation, {"kept": self.kept}):
            raise ClaimLost
        crash_at("after-keep")

    def progress(self, **values: Any) -> None:
        """How far it is: ``percent`` 0 to 100, ``text`` one line, and what the verb's own template shows (JSON).

        Values replace those of the same name. Cheap: pages see the newest, at most four times a second.
        """
        with self._lock:
            self._progress = {**self._progress, **values}
            self._told = False

    def check(self) -> None:
        """Raises ``Cancelled`` when somebody cancelled, or when the worker has to stop."""
        if self._stopped.is_set():
            raise Cancelled(self.remains)

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond a cancellation. Raises as ``check``."""
        self._stopped.wait(seconds)
        self.check()

    def on_cancel(self, close: Callable[[], object]) -> None:
        """Have ``close`` called, from another thread, when somebody cancels: to end a read that waits."""
        with self._lock:
            self._closers.append(close)
        if self._stopped.is_set():
            _quietly(close)

    # For the worker

    @property
    def stopped(self) -> bool:
        """Whether it was told to end."""
        return self._stopped.is_set()

    def stop(self, by: str = "") -> None:
        """End it. ``by``: who cancelled; "" when the worker itself has to stop. May block as long as a closer does."""
        self.cancelled_by = self.cancelled_by or by
        with self._lock:
            first = not self._stopped.is_set()
            self._stopped.set()
            closers = list(self._closers)
        for close in closers if first else ():
            _quietly(close)

    def untold(self) -> dict[str, Any] | None:
        """The progress since the last question, or None."""
        with self._lock:
            if self._told:
                return None
            self._told = True
            return self._progress

    def tell_again(self) -> None:
        """The progress of the last answer could not be written down."""
        with self._lock:
            self._told = False


def _quietly(close: Callable[[], object]) -> None:
    with suppress(Exception):  # a stream that is closed while it is read may say anything
        close()


@dataclass(frozen=True, slots=True)
class WorkKind:
    """How a verb is done.

    ``run``: does it and returns ``Operation.result`` ("note" in words; "object_id" of what was made); may raise
    ``EngineError``, ``WorkFailed``. ``recover``: called instead after a crash, or when the engine's answer was lost;
    finishes, repeats or undoes it by ``work.kept``; None says that nobody can tell. Without it such a work ends
    "unknown". ``undo``: called instead of ``recover`` when who asked for it has lost the right since; undoes what can
    be undone and raises ``WorkFailed``, or returns the result of what was done already. Without it that ends "unknown",
    untouched. ``cancellable``: it looks at ``check`` and may take long; such works leave places to short ones.
    """

    run: Callable[[Work], Result]
    recover: Callable[[Work], Result | None] | None = None
    undo: Callable[[Work], Result | None] | None = None
    cancellable: bool = False
