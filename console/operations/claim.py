"""What a claimed operation needs to be performed, and the places at which tests end the worker."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar

CRASH_POINTS: Final = ("after-claim", "before-call", "after-call", "before-finish")
T = TypeVar("T")


class InThread(Protocol):
    """Runs an engine call beside the loop."""

    def __call__(self, call: Callable[[], T]) -> Awaitable[T]: ...


InDatabase = Callable[[Callable[..., Any]], Callable[..., Awaitable[Any]]]


class ClaimLost(Exception):
    """Another worker took the operation over: it says how it ended."""


def crash_at(point: str) -> None:
    """End the process at once where a test asks for it (``QUARTERDECK_CRASH``, only with ``QUARTERDECK_TESTING=1``)."""
    if os.environ.get("QUARTERDECK_TESTING") == "1" and os.environ.get("QUARTERDECK_CRASH") == point:
        os._exit(70)
