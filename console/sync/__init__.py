"""The mirror: one writer that follows every engine and keeps the rows equal to what the engine is."""

from console.sync.identity import confirm
from console.sync.requests import refresh, refreshed

__all__ = ["confirm", "refresh", "refreshed"]
