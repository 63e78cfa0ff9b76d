"""Which changes of an engine a page was told of, so that it notices a hint that was lost.

Every change of the mirror raises the engine's version by one and is told by one hint. Hints may overtake each other,
and a beat may overtake a hint; so what is missing gets a moment to arrive.
"""

from __future__ import annotations

from typing import Final

GRACE: Final = 1.0  # seconds
MANY: Final = 500  # versions at once: no use in waiting for each


class Versions:
    """Versions up to the newest that anybody spoke of, less those that no hint told of."""

    def __init__(self, newest: int) -> None:
        self.newest = newest
        self._missing: dict[int, float] = {}  # version: when it was noticed
        self._hopeless = False

    def told(self, version: int, now: float) -> None:
        """A hint told of ``version``."""
        self.ahead(version, now)
        self._missing.pop(version, None)

    def ahead(self, version: int, now: float) -> None:
        """The engine is at ``version`` by now, as a beat or its row says."""
        if version - self.newest > MANY or len(self._missing) > MANY:
            self._hopeless = True
            self._missing.clear()
        else:
            self._missing |= dict.fromkeys(range(self.newest + 1, version + 1), now)
        self.newest = max(self.newest, version)

    def lost(self, now: float) -> bool:
        """Whether a hint must be given up. True once; the caller then looks at everything."""
        if not self._hopeless and not any(now - noticed >= GRACE for noticed in self._missing.values()):
            return False
        self._hopeless = False
        self._missing.clear()
        return True

    def waits(self) -> bool:
        """Whether something is missing and still has time."""
        return bool(self._missing) or self._hopeless
