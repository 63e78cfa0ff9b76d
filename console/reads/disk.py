"""What takes space on an engine: measured when somebody asks, and kept for a moment, for it is slow to tell."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from console.engine.types import DiskUsage
from console.models import Engine
from console.reads.ask import ask

DEADLINE: Final = 30.0  # seconds: the engine walks through every layer and volume
KEPT: Final = 10.0  # seconds for which an answer is taken to be new enough
MOST: Final = 32  # answers that are kept

_kept: dict[tuple[int, str], Measured] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Measured:
    """``usage`` as the engine told it at ``at``."""

    usage: DiskUsage
    at: datetime


def usage(engine: Engine, within: float = KEPT, patience: float = DEADLINE) -> Measured:
    """``GET /system/df``, or an answer that is at most ``within`` seconds old. ``patience``: seconds to wait for it.

    Raises ``EngineError``.
    """
    key = (engine.pk, engine.engine_id)
    found = _kept.get(key)
    if found is not None and timezone.now() - found.at <= timedelta(seconds=within):
        return found
    told = ask(engine, lambda client: client.disk_usage(timeout=patience), seconds=patience)
    measured = Measured(told, timezone.now())
    with _lock:
        _kept.pop(key, None)
        while len(_kept) >= MOST:
            _kept.pop(next(iter(_kept)))
        _kept[key] = measured
    return measured


def forget(engine: Engine) -> None:
    """What was measured is no longer so."""
    with _lock:
        for key in [key for key in _kept if key[0] == engine.pk]:
            _kept.pop(key)
