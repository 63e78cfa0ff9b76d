"""What would let A reach B: the docker commands, those with the least side effect first, and what else they open."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

from console.engine.types import ContainerState
from console.topology.graph import Box, Graph, Net
from console.topology.reach import Verdict, judge, on_host

MOST = 6  # changes that are told
NAMED = 4  # containers that a change's text names


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do. ``also``: how many more containers then reach each other.

    ``connect``: the container and the network (keys) where connecting is all of it.
    """

    title: str
    text: str
    commands: tuple[str, ...]
    also: int = 0
    connect: tuple[str, str] | None = None


def changes(graph: Graph, a: Box, b: Box, port: int = 0) -> list[Change]:
    """What would make ``judge`` say yes; empty when it does."""
    if judge(graph, a, b, port).verdict is Verdict.YES:
        return []
    found = list(_states(a, b))
    if found and judge(_awake(graph, a, b), *_pair(graph, a, b), port).verdict is Verdict.YES:
        return found
    connects = sorted(_connects(graph, a, b), key=lambda change: (len(change.commands), change.also, change.title))
    if not connects:
        connects = list(_of_the_host(graph, a, b, port))
    return [*found, *connects][:MOST]


def between(graph: Graph, a: Box, b: Box) -> list[Box]:
    """Running containers that stand on a network of A and on one of B, and could pass something on."""
    of_a, of_b = ({place.net for place in graph.places(box)} for box in (a, b))
    return [
        box
        for box in graph.boxes
        if box not in (a, b)
        and box.up
        and of_a & (nets := {place.net for place in graph.places(box)})
        and of_b & nets
        and not any(graph.net[key].isolated for key in nets)
    ]


def _states(a: Box, b: Box) -> Iterator[Change]:
    for side, box in (("A", a), ("B", b)):
        name = shlex.quote(box.name)
        if box.state is ContainerState.PAUSED:
            yield Change(f"Unpause {side}", f"{box.name} goes on where it was.", (f"docker container unpause {name}",))
        elif not box.up:
            yield Change(f"Start {side}", f"{box.name} gets its addresses then.", (f"docker container start {name}",))


def _pair(graph: Graph, a: Box, b: Box) -> tuple[Box, Box]:
    awake = _awake(graph, a, b)
    return awake.box[a.key], awake.box[b.key]


def _awake(graph: Graph, a: Box, b: Box) -> Graph:
    """The graph with A and B running. What address they get is the engine's secret."""

    def woken(box: Box) -> Box:
        if box.key not in (a.key, b.key):
            return box
        places = tuple(replace(place, live=True, ipv4=place.ipv4 or "its address") for place in box.places)
        return replace(box, state=ContainerState.RUNNING, places=places)

    return Graph(graph.nets, tuple(woken(box) for box in graph.boxes))


def _connects(graph: Graph, a: Box, b: Box) -> Iterator[Change]:
    for side, mover, other in (("A", a, b), ("B", b, a)):
        owner = graph.owner(mover)
        if owner is None or on_host(graph, mover):
            continue
        own = {place.net for place in owner.places}
        for net in _of(graph, other):
            if net.key not in own and _joins(net):
                yield _connect(graph, side, mover, owner, net, other)
    if _of(graph, a) and any(not net.icc for net in _of(graph, a) if net in _of(graph, b)):
        yield _new_network(graph, a, b)


def _joins(net: Net) -> bool:
    return net.driver in {"bridge", "macvlan", "ipvlan", "overlay"} and net.icc and net.mode != "private"


def _of(graph: Graph, box: Box) -> list[Net]:
    return [graph.net[place.net] for place in graph.places(box)]


def _connect(graph: Graph, side: str, mover: Box, owner: Box, net: Net, other: Box) -> Change:
    commands = tuple(
        f"docker network disconnect {shlex.quote(of.name)} {shlex.quote(owner.name)}"
        for of in _of(graph, mover)
        if of.isolated
    )
    commands += (f"docker network connect {shlex.quote(net.name)} {shlex.quote(owner.name)}",)
    known = {box.key for of in _of(graph, mover) for box in graph.members[of.key]}
    new = [box for box in graph.members[net.key] if box.key not in known and box not in (other, mover)]
    words = [f"{owner.name} then also reaches {_listed(new)}." if new else "It opens nothing else."]
    if not net.named:
        words.append("By address only: it has no names.")
    if net.routed and not any(of.routed for of in _of(graph, mover)):
        words.append("It gives a way out to the LAN.")
    words.append("No restart.")
    who = side if owner is mover else f"{owner.name}, whose network {side} shares,"
    connect = (owner.key, net.key) if len(commands) == 1 else None
    return Change(f"Connect {who} to {net.name}", " ".join(words), commands, len(new), connect)


def _new_network(graph: Graph, a: Box, b: Box) -> Change:
    commands = ["docker network create shared-net"]
    for box in (a, b):
        owner = graph.owner(box) or box
        commands.append(f"docker network connect shared-net {shlex.quote(owner.name)}")
    return Change("Put both on a network of their own", "It opens nothing else. No restart.", tuple(commands))


def _of_the_host(graph: Graph, a: Box, b: Box, port: int) -> Iterator[Change]:
    """One of them uses the host's addresses, or neither is on a network that can be joined."""
    published = f"{port}:{port}" if port else "PORT:PORT"
    if on_host(graph, a) and not on_host(graph, b):
        text = "Containers that use the host's addresses can join no network. Recreate B with a published port."
        image = shlex.quote(b.image or "IMAGE")
        yield Change("Publish a port of B", text, (f"docker container run -p {published} {image}",))
        return
    bridge = next((net for net in graph.nets if net.driver == "bridge" and net.routed), None)
    mover = b if on_host(graph, a) else a
    owner = graph.owner(mover)
    if bridge is not None and owner is not None and bridge not in _of(graph, mover) and not on_host(graph, mover):
        other = b if mover is a else a
        change = _connect(graph, "A" if mover is a else "B", mover, owner, bridge, other)
        if on_host(graph, other):
            yield change
            return
    yield _new_network(graph, a, b)


def _listed(boxes: list[Box]) -> str:
    names = [box.name for box in boxes[:NAMED]]
    if len(boxes) > NAMED:
        return f"{', '.join(names)} and {len(boxes) - NAMED} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
