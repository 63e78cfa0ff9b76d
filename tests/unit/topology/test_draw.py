"""The map's layout: nobody is lost, nothing crosses a node, the same graph gives the same picture, who stays stays."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine.types import Port
from console.topology.draw import VIEW, draw
from console.topology.graph import Box, Graph, slot
from console.topology.shapes import Drawing, Sheet
from console.topology.words import title
from tests.unit.topology.graphs import HOST, NONE, box, graphs, net, place, random_graph

WIDTH, HEIGHT = 143, 48
Segment = tuple[float, float, float, float]


def everything(graph: Graph) -> Sheet:
    return Sheet(frozenset(box.key for box in graph.boxes), None)


def segments(path: str) -> list[Segment]:
    """The straight lines of a path of M, H and V."""
    found, x, y = [], 0.0, 0.0
    for letter, numbers in re.findall(r"([MHV])([-\d. ]+)", path):
        values = [float(value) for value in numbers.split()]
        if letter == "M":
            x, y = values
            continue
        to = (values[0], y) if letter == "H" else (x, values[0])
        found.append((x, y, *to))
        x, y = to
    return found


def crosses(line: Segment, x: float, y: float) -> bool:
    """Whether a line goes through the inside of the node at x, y."""
    left, right = sorted((line[0], line[2]))
    top, bottom = sorted((line[1], line[3]))
    return left < x + WIDTH and right > x and top < y + HEIGHT and bottom > y


def assert_clear(drawing: Drawing) -> None:
    lines = [(wire.path, wire.box) for wire in drawing.wires] + [(line.path, line.box) for line in drawing.lines]
    for path, owner in lines:
        for line in segments(path):
            hit = [node.name for node in drawing.nodes if crosses(line, node.x, node.y)]
            assert not hit, (owner, path, hit)


@given(graphs, st.integers(2, 9))
def test_no_line_crosses_a_node_and_no_two_nodes_meet(graph: Graph, cols: int) -> None:
    drawing = draw(graph, replace(everything(graph), cols=cols))
    assert_clear(drawing)
    corners = {(node.x, node.y) for node in drawing.nodes}
    assert len(corners) == len(drawing.nodes) == len(graph.boxes)
    for x, y in corners:
        near = [at for at in corners if at != (x, y) and abs(at[0] - x) < WIDTH and abs(at[1] - y) < HEIGHT]
        assert not near
        assert 104 < x < drawing.width - WIDTH
        assert 0 < y < drawing.height - HEIGHT


@given(graphs)
def test_no_line_crosses_a_node_when_lanes_are_folded(graph: Graph) -> None:
    shown = frozenset(box.key for box in graph.boxes)
    drawing = draw(graph, Sheet(shown, frozenset()))
    assert_clear(drawing)
    folded = {net.key for net, _ in drawing.folded}
    hidden = {
        box.short
        for box in graph.boxes
        if (nets := {place.net for place in graph.places(box)} or {"nowhere"}) and nets <= folded
    }
    assert {node.box for node in drawing.nodes} == {box.short for box in graph.boxes} - hidden
    for wire in drawing.wires:
        assert wire.box in {node.box for node in drawing.nodes}


@given(graphs)
def test_every_place_is_a_wire_and_every_network_a_rail(graph: Graph) -> None:
    drawing = draw(graph, everything(graph))
    wanted = {
        (box.short, graph.net[place.net].short, place.address)
        for box in graph.boxes
        for place in graph.places(box)
        if not graph.net[place.net].isolated
    }
    assert {(wire.box, wire.net, wire.address) for wire in drawing.wires} == wanted
    assert {rail.net for rail in drawing.rails} - {"nowhere"} == {net.short for net in graph.nets}
    for one in drawing.nodes:
        assert all(address in one.title for found in wanted for address in found[2:] if found[0] == one.box)


@given(graphs, st.randoms(use_true_random=False))
def test_the_same_graph_gives_the_same_picture(graph: Graph, shuffled: object) -> None:
    boxes = list(graph.boxes)
    shuffled.shuffle(boxes)  # type: ignore[attr-defined]
    other = Graph(graph.nets, tuple(boxes))
    first, second = draw(graph, everything(graph)), draw(other, everything(other))
    assert set(first.nodes) == set(second.nodes)
    assert set(first.wires) == set(second.wires)
    assert first.rails == second.rails
    assert first == draw(graph, everything(graph))


def corners(graph: Graph) -> dict[str, tuple[int, int]]:
    return {node.name: (node.x, node.y) for node in draw(graph, everything(graph)).nodes}


def lane_of(graph: Graph, *lasts: int) -> tuple[Box, ...]:
    return tuple(box(last, place(graph.nets[0], last)) for last in lasts)


def test_who_joins_or_leaves_moves_nobody() -> None:
    nets = (net(1), net(2), HOST, NONE)
    both = box(90, place(nets[0], 9), place(nets[1], 3))
    alone = Graph(nets, ())
    before = Graph(nets, (*lane_of(alone, 2, 4, 5), both, box(91, place(nets[1], 2))))
    joined = Graph(nets, (*before.boxes, box(3, place(nets[0], 3))))
    first, second = corners(before), corners(joined)
    assert {name: second[name] for name in first} == first
    left = Graph(nets, joined.boxes[1:])
    third = corners(left)
    assert third == {name: at for name, at in second.items() if name in third}
    assert len(third) == len(second) - 1


def test_a_container_on_two_networks_stands_in_the_lower_lane_at_the_right() -> None:
    nets = (net(1), net(2), net(3))
    drawing = draw(g := Graph(nets, (box(1, place(nets[0], 2), place(nets[2], 2)),)), everything(g))
    (node,) = drawing.nodes
    assert node.x == 178 + 4 * 153
    assert node.y > drawing.rails[2].y
    assert "multi" in node.css
    upper = next(wire for wire in drawing.wires if wire.net == nets[0].short)
    assert upper.halo  # it cuts the rail of the second network
    assert upper.dot[1] == drawing.rails[0].y


def test_a_view_that_is_too_high_folds_the_largest_lanes_and_says_so() -> None:
    nets = tuple(net(number) for number in range(1, 13))
    boxes = tuple(box(100 * at + n, place(on, n + 2)) for at, on in enumerate(nets) for n in range(at))
    shown = frozenset(one.key for one in boxes)
    graph = Graph(nets, boxes)
    whole, folded = draw(graph, Sheet(shown, None)), draw(graph, Sheet(shown))
    assert whole.height > VIEW >= folded.height - 100
    assert not whole.folded
    counts = [count for _, count in folded.folded]
    assert counts
    assert min(counts) >= max(sum(place.net == on.key for one in boxes for place in one.places)
                              for on in nets if on not in [gone for gone, _ in folded.folded])  # fmt: skip
    again = draw(graph, Sheet(shown, frozenset({folded.folded[0][0].key})))
    assert folded.folded[0][0] not in [gone for gone, _ in again.folded]


def test_ports_are_plugs_and_the_rest_is_counted() -> None:
    on = net(1)
    ports = tuple(Port(80 + n, "tcp", "127.0.0.1" if n == 0 else "0.0.0.0", 8000 + n) for n in range(5))
    both = (*ports, Port(81, "tcp", "::", 8001))
    graph = Graph((on,), (box(1, place(on, 2), ports=both),))
    drawing = draw(graph, everything(graph))
    assert [plug.text for plug in drawing.plugs] == [":8000", ":8001", ":8002"]
    assert [plug.loopback for plug in drawing.plugs] == [True, False, False]
    assert [more.count for more in drawing.more] == [2]
    assert "0.0.0.0:8004->84/tcp" in title(graph, graph.boxes[0])


@pytest.mark.parametrize(
    ("address", "found"),
    [("10.1.0.2", 0), ("10.1.0.3", 1), ("10.1.1.0", 254), ("10.2.0.2", None), ("", None), ("fe80::1", None)],
)
def test_slots_count_from_the_first_free_address(address: str, found: int | None) -> None:
    assert slot(net(1), address) == found


def test_slots_skip_what_is_reserved_and_begin_with_the_range() -> None:
    assert slot(net(1, reserved=("10.1.0.2",)), "10.1.0.3") == 0
    assert slot(net(1, ranges=("10.1.4.0/24",)), "10.1.4.1") == 1


def test_random_graphs_have_what_the_properties_are_about() -> None:
    found = [random_graph(seed) for seed in range(40)]
    assert any(len(box.places) > 2 for graph in found for box in graph.boxes)
    assert any(graph.owner(box) is not box for graph in found for box in graph.boxes)
