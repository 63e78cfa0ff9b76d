"""Which cell of the map each container stands in. Deterministic: the same graph gives the same cells.

A network is a lane, its cells are counted in rows and columns, and all lanes share the columns. A container on several
networks stands in its lowest lane that is not folded, and its column is kept free wherever its risers pass, so that no
riser crosses a node. A container on one network stands where its address says: who joins takes a free address and
hence a free cell, and nobody else moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Cell:
    """A place of the grid; ``lane`` counts from the top, ``col`` from the left."""

    lane: int
    row: int
    col: int


@dataclass(frozen=True, slots=True)
class Seat:
    """A container that wants a cell. ``lanes``: those it joins; ``slot``: its address's number on its only network."""

    key: str
    lanes: tuple[int, ...]
    rank: tuple[float | str, ...]  # among its like
    slot: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Cells by container, rows by lane. A container whose lanes are all folded has no cell."""

    cells: Mapping[str, Cell]
    rows: tuple[int, ...]
    cols: int


class _Grid:
    def __init__(self, lanes: int, cols: int) -> None:
        self.base = self.cols = cols
        self.taken: dict[Cell, str] = {}
        self.closed: set[tuple[int, int]] = set()  # (lane, col) that a riser passes, in every row
        self.cells: dict[str, Cell] = {}
        self.lanes = lanes

    def free(self, cell: Cell) -> bool:
        return cell not in self.taken and (cell.lane, cell.col) not in self.closed

    def put(self, key: str, cell: Cell) -> None:
        self.taken[cell] = key
        self.cells[key] = cell
        self.cols = max(self.cols, cell.col + 1)


def arrange(lanes: int, folded: frozenset[int], seats: Sequence[Seat], cols: int) -> Plan:
    """Give every seat its cell. ``cols``: columns that the view has; risers may add more at the right."""
    grid = _Grid(lanes, max(2, cols))
    alone: dict[int, list[Seat]] = {}
    joined: list[tuple[Seat, int]] = []
    for seat in sorted(seats, key=lambda seat: (*seat.rank, seat.key)):
        open_lanes = [lane for lane in seat.lanes if lane not in folded]
        if not open_lanes:
            continue
        if len(set(seat.lanes)) > 1:
            joined.append((seat, max(open_lanes)))
        else:
            alone.setdefault(open_lanes[0], []).append(seat)
    for seat, lane in joined:
        _put_joined(grid, seat, lane)
    for lane, found in alone.items():
        _put_alone(grid, lane, found)
    rows = [0] * lanes
    for cell in grid.cells.values():
        rows[cell.lane] = max(rows[cell.lane], cell.row + 1)
    return Plan(grid.cells, tuple(rows), grid.cols)


def _put_joined(grid: _Grid, seat: Seat, lane: int) -> None:
    """From the right, as long as half of the columns stay for the others; then the grid grows at the right."""
    top, bottom = min(seat.lanes), max(seat.lanes)
    col, least = grid.base - 1, grid.base - grid.base // 2
    while any(not grid.free(Cell(other, 0, col)) for other in range(top, bottom + 1)):
        col = col - 1 if least < col < grid.base else max(grid.base, col + 1)
    grid.put(seat.key, Cell(lane, 0, col))
    # Below its node a column is free again, unless a riser goes on to a folded lane.
    grid.closed |= {(other, col) for other in range(top, bottom + 1) if other != lane or bottom > lane}


def _put_alone(grid: _Grid, lane: int, seats: Sequence[Seat]) -> None:
    """By address: everybody at home where there is room, the others in the first free cells."""
    columns = [col for col in range(grid.base) if grid.free(Cell(lane, 0, col))]
    rows = ceil(len(seats) / len(columns))
    homeless = []
    for seat in seats:
        home = None if seat.slot is None else Cell(lane, seat.slot // grid.base, seat.slot % grid.base)
        if home is not None and home.row < rows and grid.free(home):
            grid.put(seat.key, home)
        else:
            homeless.append(seat)
    cell = Cell(lane, 0, 0)
    for seat in homeless:
        while not grid.free(cell):
            cell = Cell(lane, cell.row, cell.col + 1) if cell.col + 1 < grid.base else Cell(lane, cell.row + 1, 0)
        grid.put(seat.key, cell)
