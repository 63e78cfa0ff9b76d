"""The rules of reach one by one, and what is offered to change an answer. On an engine: tests/integration/pages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from console.engine.types import ContainerState, Port
from console.topology.change import between, changes
from console.topology.graph import Box, Graph, Net, Place
from console.topology.reach import Kind, Verdict, judge
from tests.unit.topology.graphs import HOST, NONE, box, graphs, net, place

BRIDGE = net(1, "bridge", named=False)
FRONT, BACK = net(2, "front"), net(3, "back", internal=True)
MUTE = net(4, "mute", icc=False)
LAN = net(5, "lan", driver="macvlan", parent="eth0")
NETS = (BRIDGE, FRONT, BACK, MUTE, LAN, HOST, NONE)
WEB = (Port(80, "tcp", "0.0.0.0", 8080), Port(80, "tcp", "::", 8080))
LOCAL = (Port(80, "tcp", "127.0.0.1", 8080),)


def graph(*boxes: Box) -> Graph:
    return Graph(NETS, boxes)


def on(number: int, *nets: Net, **columns: object) -> Box:
    places = [
        Place(one.key) if one in (HOST, NONE) else place(one, number + 2, aliases=(f"alias{number}",)) for one in nets
    ]
    return box(number, *places, **columns)


A_WEB = {"ports": WEB}


@pytest.mark.parametrize(
    ("a", "b", "verdict", "kind", "target"),
    [
        (on(1, FRONT), on(2, FRONT), Verdict.YES, Kind.NETWORK, "10.2.0.4"),
        (on(1, BACK), on(2, BACK), Verdict.YES, Kind.NETWORK, "10.3.0.4"),
        (on(1, FRONT), on(2, BACK), Verdict.NO, None, ""),
        (on(1, MUTE), on(2, MUTE), Verdict.NO, None, ""),
        (on(1, MUTE), on(2, MUTE, ports=WEB), Verdict.YES, Kind.PUBLISHED, "10.4.0.1:8080"),
        (on(1, FRONT), on(2, BRIDGE, ports=WEB), Verdict.YES, Kind.PUBLISHED, "10.2.0.1:8080"),
        (on(1, FRONT), on(2, BRIDGE, ports=LOCAL), Verdict.NO, None, ""),
        (on(1, BACK), on(2, BRIDGE, ports=WEB), Verdict.NO, None, ""),
        (on(1, LAN), on(2, LAN), Verdict.YES, Kind.NETWORK, "10.5.0.4"),
        (on(1, LAN), on(2, HOST), Verdict.NO, None, ""),
        (on(1, LAN), on(2, BRIDGE, ports=WEB), Verdict.NO, None, ""),
        (on(1, HOST), on(2, BACK), Verdict.YES, Kind.DIRECT, "10.3.0.4"),
        (on(1, HOST), on(2, MUTE), Verdict.YES, Kind.DIRECT, "10.4.0.4"),
        (on(1, HOST), on(2, LAN), Verdict.NO, None, ""),
        (on(1, HOST), on(2, HOST), Verdict.YES, Kind.SAME, "127.0.0.1"),
        (on(1, BACK), on(2, HOST), Verdict.YES, Kind.HOST, "10.3.0.1"),
        (on(1, NONE), on(2, HOST), Verdict.NO, None, ""),
        (on(1, NONE), on(2, NONE), Verdict.NO, None, ""),
        (on(1), on(2, FRONT, ports=WEB), Verdict.NO, None, ""),
        (on(1, FRONT), on(2, FRONT, state=ContainerState.PAUSED), Verdict.WAITS, Kind.NETWORK, "10.2.0.4"),
        (on(1, FRONT, state=ContainerState.PAUSED), on(2, FRONT), Verdict.NO, None, ""),
        (on(1, FRONT), on(2, FRONT, state=ContainerState.EXITED), Verdict.NO, None, ""),
        (on(1, FRONT), on(2, FRONT, state=ContainerState.RESTARTING), Verdict.NO, None, ""),
    ],
)
def test_rules(a: Box, b: Box, verdict: Verdict, kind: Kind | None, target: str) -> None:
    answer = judge(graph(a, b), a, b)
    assert answer.verdict is verdict
    assert (answer.best.kind if answer.best else None) is kind
    assert (answer.best.target if answer.best else "") == target
    assert bool(answer.reasons) is (verdict is Verdict.NO)


def test_names_are_told_with_where_they_come_from() -> None:
    a, b = on(1, FRONT, BRIDGE), on(2, FRONT, BRIDGE, service="alias2", project="shop")
    names = judge(graph(a, b), a, b).names
    assert [(name.text, name.what) for name in names] == [
        ("box2", "container name"),
        ("alias2", "service of project shop"),
        (b.short, "short id"),
    ]


@pytest.mark.parametrize(
    ("a", "b"), [(on(1, BRIDGE), on(2, BRIDGE)), (on(1, HOST), on(2, FRONT)), (on(1, FRONT), on(2, BACK))]
)
def test_where_there_are_no_names(a: Box, b: Box) -> None:
    assert judge(graph(a, b), a, b).names == ()


def test_a_shared_namespace_is_loopback_and_the_owners_names() -> None:
    owner, other = on(1, FRONT), on(3, FRONT)
    guest = box(2, mode=f"container:{owner.key}")
    whole = graph(owner, guest, other)
    assert judge(whole, guest, owner).best.kind is Kind.SAME  # type: ignore[union-attr]
    answer = judge(whole, other, guest)
    assert answer.best is not None
    assert answer.best.address == owner.places[0].ipv4
    assert answer.names[0].text == owner.name
    assert judge(graph(guest, other), guest, other).verdict is Verdict.NO


def test_a_port_must_be_published_to_be_reached_by_way_of_the_host() -> None:
    a, b = on(1, FRONT), on(2, BRIDGE, ports=WEB)
    assert judge(graph(a, b), a, b, 80).verdict is Verdict.YES
    answer = judge(graph(a, b), a, b, 443)
    assert answer.verdict is Verdict.NO
    assert any("does not publish 443" in reason.text for reason in answer.reasons)
    assert answer.text.startswith("They have no network in common")
    assert judge(graph(a, b), b, a, 443).verdict is Verdict.NO


def commands(whole: Graph, a: Box, b: Box) -> list[str]:
    return [command for change in changes(whole, a, b) for command in change.commands]


def test_what_would_change_it() -> None:
    a, b, c = on(1, FRONT), on(2, BACK), on(3, BACK)
    whole = graph(a, b, c)
    found = changes(whole, a, b)
    assert found[0].commands == ("docker network connect front box2",)  # opens less than the other
    assert found[1].commands == ("docker network connect back box1",)
    assert "box3" in found[1].text
    assert changes(whole, b, c) == []


def test_who_does_not_run_is_started_and_nothing_more_where_that_is_enough() -> None:
    a, b = on(1, FRONT), replace(on(2, FRONT), state=ContainerState.EXITED)
    b = replace(b, places=tuple(replace(one, live=False, ipv4="") for one in b.places))
    assert commands(graph(a, b), a, b) == ["docker container start box2"]
    paused = on(2, FRONT, state=ContainerState.PAUSED)
    assert commands(graph(a, paused), a, paused) == ["docker container unpause box2"]


def test_none_is_left_before_another_network_is_joined() -> None:
    a, b = on(1, NONE), on(2, FRONT)
    assert commands(graph(a, b), a, b) == ["docker network disconnect none box1", "docker network connect front box1"]


def test_members_that_are_cut_off_get_a_network_of_their_own() -> None:
    a, b = on(1, MUTE), on(2, MUTE)
    assert commands(graph(a, b), a, b)[0] == "docker network create shared-net"


def test_who_stands_between() -> None:
    a, b, c = on(1, FRONT), on(2, BACK), on(3, FRONT, BACK)
    assert between(graph(a, b, c), a, b) == [c]


def connected(whole: Graph, command: str) -> Graph:
    """The graph after a ``docker network connect`` or ``disconnect``."""
    verb, net_name, name = command.split()[2:]
    where = next(one for one in whole.nets if one.name == net_name)

    def moved(one: Box) -> Box:
        if one.name != name:
            return one
        rest = tuple(found for found in one.places if found.net != where.key)
        return replace(one, places=rest if verb == "disconnect" else (*rest, place(where, 250)))

    return Graph(whole.nets, tuple(moved(one) for one in whole.boxes))


@given(graphs)
def test_every_offered_connection_keeps_its_promise(whole: Graph) -> None:
    running = [one for one in whole.boxes if one.up][:8]
    for a in running:
        for b in running:
            if a is b or judge(whole, a, b).verdict is not Verdict.NO:
                continue
            for change in changes(whole, a, b):
                if all(command.startswith("docker network") and "create" not in command for command in change.commands):
                    after = whole
                    for command in change.commands:
                        after = connected(after, command)
                    assert judge(after, after.box[a.key], after.box[b.key]).verdict is Verdict.YES, change


@given(graphs)
def test_an_answer_is_whole(whole: Graph) -> None:
    for a in whole.boxes[:12]:
        for b in whole.boxes[:12]:
            answer = judge(whole, a, b)
            assert (answer.verdict is Verdict.NO) is (answer.best is None)
            assert answer.best is None or answer.best.open
            assert all(way.open or way.why for way in answer.ways)
            if answer.verdict is Verdict.NO:
                assert answer.reasons
