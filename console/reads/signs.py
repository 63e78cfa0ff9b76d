"""Is there an engine at this address? Asked anew for somebody who looks, when the mirror has none."""

from __future__ import annotations

from typing import Final

from console.engine.diagnose import diagnose
from console.engine.errors import Unreachable
from console.models import Engine

PATIENCE: Final = 1.5  # seconds; a diagnosis takes at most about twice as long


def problem(engine: Engine) -> Unreachable | None:
    """What is wrong at the engine's address now, or None if an engine answers there."""
    try:
        return diagnose(engine.address, PATIENCE)
    except ValueError as error:
        return Unreachable(str(error), "wrong-address")
