"""Where a reader of a log stands, so that it can go on after a cut without a gap or a repeat.

The engine's ``since`` is inclusive and several lines can bear the same time. Within one stream times never go back; the
two streams of a container are written by different tasks of the engine and may overtake each other by microseconds, so
each has its own place. Only the engine's clock counts, never the console's.
"""

from __future__ import annotations

from collections.abc import Callable

from console.engine.demux import Line


class Cursor:
    """For each stream the time of the last line and how many lines of that time were read."""

    def __init__(self, places: dict[str, tuple[int, int]] | None = None) -> None:
        self._places: dict[str, tuple[int, int]] = dict(places or {})

    def advance(self, line: Line) -> None:
        """``line`` was read."""
        last, count = self._places.get(line.stream, (0, 0))
        if line.time_ns > last:
            self._places[line.stream] = (line.time_ns, 1)
        elif line.time_ns == last and last:
            self._places[line.stream] = (last, count + 1)

    @property
    def since_ns(self) -> int:
        """From when to ask again, nanoseconds; 0 when nothing was read."""
        return min((last for last, _ in self._places.values()), default=0)

    def replay(self) -> Callable[[Line], bool]:
        """A filter for lines that are asked again from ``since_ns``: True for those that were not read yet."""
        places, again = dict(self._places), dict.fromkeys(self._places, 0)

        def new(line: Line) -> bool:
            last, count = places.get(line.stream, (0, 0))
            if line.time_ns > last or not line.time_ns:
                return True
            if line.time_ns < last:
                return False
            again[line.stream] += 1
            return again[line.stream] > count

        return new

    def copy(self) -> Cursor:
        """The same place, apart."""
        return Cursor(self._places)

    def __str__(self) -> str:
        return ",".join(f"{name}:{last}:{count}" for name, (last, count) in sorted(self._places.items()))

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The cursor that ``str`` wrote, as a browser gives it back. Raises ``ValueError``."""
        places: dict[str, tuple[int, int]] = {}
        for part in filter(None, text.split(",")):
            name, last, count = part.split(":")
            if name not in {"stdout", "stderr"} or not (last.isdecimal() and count.isdecimal()) or len(part) > 60:
                raise ValueError("not a place in a log")
            places[name] = (int(last), int(count))
        return cls(places)
