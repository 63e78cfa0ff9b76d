"""Paired measurements: contenders take turns in shuffled rounds, and only ratios within a round count."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

Contender = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a figure, what it is measured against, their ratio and the ratio to reach."""

    figure: str
    against: str
    seconds: float
    against_seconds: float
    ratio: float
    target: str = ""

    def turned(self) -> Line:
        """The same ratio with the seconds exchanged."""
        return replace(self, seconds=self.against_seconds, against_seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Value:
    """A figure that has nothing beside it: what was measured, in words, and what to reach."""

    figure: str
    measured: str
    target: str = ""


def seconds(contender: Contender) -> float:
    """Return how long one run took."""
    began = time.perf_counter()
    contender()
    return time.perf_counter() - began


def rounds(contenders: Mapping[str, Contender], count: int = 7, seed: int = 1) -> dict[str, list[float]]:
    """Let every contender run once a round, in shuffled order, and once before for nothing; return their seconds."""
    order, shuffled = list(contenders), random.Random(seed)
    taken: dict[str, list[float]] = {name: [] for name in order}
    for number in range(count + 1):
        shuffled.shuffle(order)
        for name in order:
            spent = seconds(contenders[name])
            if number:
                taken[name].append(spent)
    return taken


def paired(taken: Mapping[str, Sequence[float]], figure: str, against: str, target: str = "") -> Line:
    """Return the line for two contenders: the medians, and the median of the ratios within the rounds."""
    ratios = [one / other for one, other in zip(taken[figure], taken[against], strict=True)]
    return Line(
        figure,
        against,
        statistics.median(taken[figure]),
        statistics.median(taken[against]),
        statistics.median(ratios),
        target,
    )


def speed(taken: Mapping[str, Sequence[float]], figure: str, against: str, target: str = "") -> Line:
    """As ``paired``, with the ratio the other way round: how many times as fast the figure is."""
    return paired({figure: taken[against], against: taken[figure]}, figure, against, target).turned()


def latencies(taken: Mapping[str, Sequence[float]], figure: str, against: str, target: str = "") -> list[Line]:
    """Return two lines, of the medians and of the 99th percentiles; the target is the median's."""
    lines = []
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        one, other = (sorted(taken[key])[int(share * (len(taken[key]) - 1))] for key in (figure, against))
        lines.append(Line(f"{figure}, {name}", against, one, other, one / other, target if share == 0.5 else ""))
    return lines


def show(title: str, lines: Sequence[Line]) -> str:
    """Return the table as text, and print it."""
    head = ("figure", "against", "ratio", "target", "figure ms", "against ms")
    cells = [
        (
            line.figure,
            line.against,
            f"{line.ratio:.2f}" if line.against else "",
            line.target,
            f"{line.seconds * 1000:.1f}",
            f"{line.against_seconds * 1000:.1f}" if line.against else "",
        )
        for line in lines
    ]
    return _print(title, head, cells)


def show_values(title: str, values: Sequence[Value]) -> str:
    """Return the table of figures that stand alone, and print it."""
    return _print(title, ("figure", "measured", "target"), [(one.figure, one.measured, one.target) for one in values])


def _print(title: str, head: tuple[str, ...], cells: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in (head, *cells)) for column in range(len(head))]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *cells)]
    rows.insert(1, "  ".join("-" * width for width in widths))
    text = "\n".join([title, *(row.rstrip() for row in rows), ""])
    print(f"\n{text}", flush=True)
    return text
