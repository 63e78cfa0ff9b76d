"""The picture of the networks as shapes with coordinates: lanes with a rail, nodes, wires, plugs of published ports.

Left of all lanes stands the spine, the host's way out; a routed rail begins on it. The template only prints what is
here. Units are pixels at 100 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from console.topology.graph import NOWHERE, Box, Graph, Net, Place, slot
from console.topology.place import Cell, Plan, Seat, arrange
from console.topology.shapes import Drawing, Light, Line, More, Node, Plug, Rail, Sheet, Wire
from console.topology.words import LONGEST_NAME, cut, facts, lines, loopback, once, published, short_address, title

PITCH: Final = 153  # from column to column
NODE_W: Final = 143
NODE_H: Final = 48
ROW: Final = NODE_H + 26  # from row to row
SPINE: Final = 132
NODES: Final = 178  # of the first column
RAIL: Final = 28  # under the top of its lane
DROP: Final = 26  # from the rail to the nodes
TRUNK: Final = 28  # under the nodes of a lane that publishes
TAIL: Final = 10  # under those of one that does not
GAP: Final = 6  # between lanes
TOP: Final = 34
VIEW: Final = 840  # a map that is higher than this folds its largest lanes
PLUGS: Final = 3  # of a lane; the rest are counted
HUES: Final = 6  # colours of networks; the seventh is the host's


@dataclass(frozen=True, slots=True)
class _Lane:
    net: Net
    boxes: tuple[Box, ...]
    folded: bool
    hue: int


@dataclass(frozen=True, slots=True)
class _Placed:
    """A lane with its height: ``top``, y of its ``rail``, its ``rows``; ``publishes``: room for a trunk."""

    lane: _Lane
    top: int
    rail: int
    height: int
    rows: int
    publishes: bool

    def y(self, row: int) -> int:
        return self.rail + (TAIL if self.lane.net.isolated else DROP) + row * ROW


def hues(graph: Graph) -> dict[str, int]:
    """The colour of each network: those of people in turn, the host's and none's the seventh."""
    found: dict[str, int] = {NOWHERE: 7}
    turn = 0
    for net in graph.nets:
        if net.host or net.isolated:
            found[net.key] = 7
        else:
            found[net.key] = turn % HUES + 1
            turn += 1
    return found


def draw(graph: Graph, sheet: Sheet) -> Drawing:
    """The picture of a graph."""
    lanes = _lanes(graph, sheet)
    plan = arrange(len(lanes), _folded(lanes), _seats(graph, lanes), sheet.cols)
    placed = _stack(lanes, plan)
    width = NODES + plan.cols * PITCH + 12
    height = (placed[-1].top + placed[-1].height if placed else TOP) + GAP + 8
    shapes = _Shapes(graph, sheet.light, placed, plan, width)
    for lane in placed:
        shapes.rail(lane)
    for key, cell in plan.cells.items():
        shapes.node(graph.box[key], cell)
    for at, lane in enumerate(placed):
        if lane.publishes:
            shapes.ports(at, lane)
    return Drawing(
        width=width,
        height=height,
        spine=_spine(placed),
        rails=tuple(shapes.rails),
        wires=tuple(shapes.wires),
        nodes=tuple(shapes.nodes),
        plugs=tuple(shapes.plugs),
        lines=tuple(shapes.lines),
        more=tuple(shapes.more),
        folded=tuple((lane.net, len(lane.boxes)) for lane in lanes if lane.folded),
        mode="is-pair" if sheet.light.pair else "is-focus" if sheet.light.own else "",
    )


# ── lanes ──


def _lanes(graph: Graph, sheet: Sheet) -> list[_Lane]:
    """The lanes in their order. Largest first, they fold until the rest fits the view."""
    colour = hues(graph)
    nets = list(graph.nets)
    if any(box.key in sheet.shown for box in graph.members[NOWHERE]):
        nets.append(Net(NOWHERE, "no network", "null", named=False))
    shown = [tuple(box for box in graph.members[net.key] if box.key in sheet.shown) for net in nets]
    folded = {at for at, boxes in enumerate(shown) if sheet.filtered and not boxes}
    if sheet.opened is None:
        folded = set()
    else:
        closable = [at for at, net in enumerate(nets) if net.key not in sheet.opened and shown[at]]
        total = sum(_guess(len(boxes), at in folded, sheet.cols) for at, boxes in enumerate(shown))
        for at in sorted(closable, key=lambda at: (-len(shown[at]), at)):
            if total <= VIEW:
                break
            total -= _guess(len(shown[at]), False, sheet.cols) - _guess(0, True, sheet.cols)
            folded.add(at)
    return [_Lane(net, shown[at], at in folded, colour[net.key]) for at, net in enumerate(nets)]


def _guess(boxes: int, folded: bool, cols: int) -> int:
    """About how high a lane will be."""
    rows = 0 if folded else -(-boxes // cols)
    return RAIL + GAP + (DROP + rows * ROW if rows else TAIL)


def _folded(lanes: Sequence[_Lane]) -> frozenset[int]:
    return frozenset(at for at, lane in enumerate(lanes) if lane.folded)


def _seats(graph: Graph, lanes: Sequence[_Lane]) -> list[Seat]:
    number = {lane.net.key: at for at, lane in enumerate(lanes)}
    boxes = {box.key: box for lane in lanes for box in lane.boxes}
    seats = []
    for box in boxes.values():
        places = graph.places(box)
        joins = tuple(sorted({number[place.net] for place in places})) or (number[NOWHERE],)
        own = graph.owner(box) is box
        where = slot(graph.net[places[0].net], places[0].ipv4) if len(places) == 1 and places[0].ipv4 and own else None
        # By address where there is one; the others, and those on several networks, as they were made.
        first = -1.0 if where is None or len(joins) > 1 else float(where)
        seats.append(Seat(box.key, joins, (first, box.order, box.name), where))
    return seats


def _stack(lanes: Sequence[_Lane], plan: Plan) -> list[_Placed]:
    publishing = dict.fromkeys(range(len(lanes)), False)
    boxes = {box.key: box for lane in lanes for box in lane.boxes}
    for key, cell in plan.cells.items():
        publishing[cell.lane] = publishing[cell.lane] or bool(boxes[key].published)
    y, placed = TOP, []
    for at, lane in enumerate(lanes):
        rows, publishes = plan.rows[at], publishing[at]
        height = RAIL + TAIL
        if rows:
            drop = TAIL if lane.net.isolated else DROP
            height = RAIL + drop + (rows - 1) * ROW + NODE_H + (TRUNK if publishes or lane.net.routed else TAIL)
        placed.append(_Placed(lane, y, y + RAIL, height, rows, publishes))
        y += height + GAP
    return placed


def _spine(placed: Sequence[_Placed]) -> tuple[int, int]:
    """Top and height: along everything that leaves through the host."""
    out = [lane for lane in placed if lane.lane.net.routed or lane.lane.net.host or lane.publishes]
    if not out:
        return TOP + 8, 60
    top = out[0].top + 8
    bottom = max(lane.top + (lane.height - 6 if lane.publishes else RAIL + TAIL) for lane in out)
    return top, max(bottom - top, 60)


# ── shapes ──


class _Shapes:
    def __init__(self, graph: Graph, light: Light, placed: Sequence[_Placed], plan: Plan, width: int) -> None:
        self.graph, self.light, self.placed, self.plan, self.width = graph, light, placed, plan, width
        self.at = {lane.lane.net.key: number for number, lane in enumerate(placed)}
        self.rails: list[Rail] = []
        self.wires: list[Wire] = []
        self.nodes: list[Node] = []
        self.plugs: list[Plug] = []
        self.lines: list[Line] = []
        self.more: list[More] = []

    def rail(self, placed: _Placed) -> None:
        lane, net, y = placed.lane, placed.lane.net, placed.rail
        begin = SPINE + 18 if net.host else SPINE + 20 if net.routed else SPINE + 40
        self.rails.append(
            Rail(
                net=net.short,
                css="nat" if net.isolated else f"rail n{lane.hue}",
                hue=lane.hue,
                begin=SPINE + 22 if net.routed else None,
                path=f"M{begin} {y}H{self.width - 22}",
                y=y,
                name=cut(net.name, 40),
                facts=facts(net),
                after=NODES - 20 + round(min(len(net.name), 40) * 7.4) + 8,
                count=len(lane.boxes) if lane.folded else None,
                lit=self.light.rail(net.key),
            )
        )

    def node(self, box: Box, cell: Cell) -> None:
        x, y = NODES + cell.col * PITCH, self.placed[cell.lane].y(cell.row)
        places = sorted(self.graph.places(box), key=lambda place: -self.at[place.net])
        for number, place in enumerate(places, 1):
            if not self.graph.net[place.net].isolated:
                middle = x + round(NODE_W * number / (len(places) + 1))
                self.wires.append(self._wire(box, place, cell, (x, y), middle))
        keys = [place.net for place in places]
        owner = self.graph.owner(box)
        css = " ".join(
            word
            for word, said in (("multi", len(places) > 1), ("off", not box.up), ("shares", owner is not box))
            if said
        )
        ports = dict.fromkeys(f"{port.container_port}" for port in box.published)
        ends = {} if self.light.pair is None else dict(zip(self.light.pair, "AB", strict=True))
        self.nodes.append(
            Node(
                box=box.short,
                nets=" ".join(key[:12] for key in keys),
                css=css,
                at=f"{x} {y}",
                x=x,
                y=y,
                name=cut(box.name or box.short, LONGEST_NAME),
                lines=lines(self.graph, box, places, self.placed[cell.lane].lane.net),
                ports=" ".join(list(ports)[:2]) + (f" +{len(ports) - 2}" if len(ports) > 2 else ""),
                lamp=box.lamp,
                word=box.word,
                title=title(self.graph, box),
                lit=self.light.node(box.key, keys),
                own=box.key in self.light.own,
                end=ends.get(box.key, ""),
            )
        )

    def _wire(self, box: Box, place: Place, cell: Cell, corner: tuple[int, int], middle: int) -> Wire:
        x, y = corner
        number = self.at[place.net]
        rail, net = self.placed[number].rail, self.graph.net[place.net]
        far, halo = number != cell.lane, ""
        if number > cell.lane:  # down to a folded lane
            path, halo = f"M{middle} {rail}V{y + NODE_H}", f"M{middle} {rail - 8}V{y + NODE_H + 4}"
        elif cell.row:  # down the gap at the left of the nodes
            middle = x - 3
            path = f"M{middle} {rail}V{y + NODE_H // 2}H{x}"
        else:
            path = f"M{middle} {rail}V{y}"
            halo = f"M{middle} {rail + 8}V{y - 4}" if far else ""
        lit = self.light.wire(box.key, place.net)
        label = "" if cell.row else short_address(place.address)
        return Wire(
            box=box.short,
            net=net.short,
            hue=self.placed[number].lane.hue,
            path=path,
            halo=halo,
            dot=(middle, rail),
            address=place.address,
            label=label,
            at=(middle + 5, rail + (17 if number <= cell.lane else 14)),
            lit=lit,
            hop=lit and bool(self.light.through) and place.net == self.light.through,
        )

    def ports(self, number: int, placed: _Placed) -> None:
        """The trunk of a lane, what leads to it, and the plugs at the wall."""
        net = placed.lane.net
        trunk = placed.top + placed.height - 12
        cells = [(self.graph.box[key], cell) for key, cell in self.plan.cells.items() if cell.lane == number]
        publishing = sorted(
            ((box, cell) for box, cell in cells if box.published), key=lambda pair: (pair[1].row, pair[1].col)
        )
        below = {(cell.row, cell.col) for _, cell in cells}
        lit = self.light.rail(net.key) and not self.light.pair
        far, entries = 0, []
        for box, cell in publishing:
            x, y = NODES + cell.col * PITCH, placed.y(cell.row) + NODE_H
            blocked = any((row, cell.col) in below for row in range(cell.row + 1, placed.rows))
            end = x + NODE_W + 3 if blocked else x + 24
            path = f"M{x + NODE_W - 24} {y}V{y + 8}H{end}V{trunk}" if blocked else f"M{end} {y}V{trunk}"
            far = max(far, end)
            self.lines.append(Line(path, box=box.short, lit=box.key in self.light.own or (lit and not self.light.pair)))
            entries += [(port, box) for port in once(box.published)]
        self.lines.append(Line(f"M{SPINE + 16} {trunk}H{far}", net=net.short, lit=lit))
        drawn = entries[:PLUGS]
        for at, (port, box) in enumerate(drawn):
            y = trunk - (len(drawn) - 1 - at) * 17
            words = f"{published(port)}, {box.name}"
            self.plugs.append(Plug(net.short, y, f":{port.host_port}", words, loopback(port), lit))
        if len(entries) > PLUGS:
            rest = "\n".join(f"{published(port)}, {box.name}" for port, box in entries[PLUGS:])
            self.more.append(More(net.short, trunk + 4, len(entries) - PLUGS, rest, lit))
