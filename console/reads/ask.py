"""A question to an engine that somebody waits for: a deadline for the whole of it, and no more waiting than a few.

Blocking; for views, which have a thread of their own. An engine that hangs costs the asker the deadline and nobody else
anything: the call goes on in one of a few threads until its own time-outs end it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from typing import Final, TypeVar

from console.engine.client import EngineClient
from console.engine.errors import Unreachable
from console.models import Engine

DEADLINE: Final = 5.0  # seconds
THREADS: Final = 8
MOST_OPEN: Final = 24  # questions that are under way or wait for a thread

T = TypeVar("T")
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="read")
_places = threading.BoundedSemaphore(MOST_OPEN)


def ask(engine: Engine, question: Callable[[EngineClient], T], seconds: float = DEADLINE) -> T:
    """Put ``question`` to ``engine``. Raises ``EngineError``; ``Unreachable`` when it takes longer than ``seconds``.

    An engine that is not the one of the mirror (SWAPPED) is not asked: its answer would be about another object.
    """
    if engine.state == Engine.State.SWAPPED:
        raise Unreachable(f"Another engine answers at the address of {engine}: it is not asked.")
    try:
        address = engine.address
    except ValueError as error:
        raise Unreachable(str(error), "wrong-address") from error

    def put() -> T:
        with EngineClient(address, timeout=seconds) as client:
            return question(client)

    return bounded(put, seconds, str(engine))


def bounded(question: Callable[[], T], seconds: float, who: str) -> T:
    """Call ``question`` in one of a few threads and wait no longer than ``seconds``. Raises ``Unreachable``."""
    if not _places.acquire(blocking=False):
        raise Unreachable("Too many questions wait for answers already. Try again in a moment.", "timeout")

    def run() -> T:
        try:
            return question()
        finally:
            _places.release()

    try:
        future = _pool.submit(run)
    except RuntimeError as error:  # the process ends
        _places.release()
        raise Unreachable("The console is stopping.") from error
    try:
        return future.result(timeout=seconds)
    except Late as error:
        if future.cancel():
            _places.release()
        raise Unreachable(f"{who} did not answer within {seconds:g} s.", "timeout") from error
