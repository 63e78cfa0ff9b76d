"""Whether one container reaches another: by which names and addresses, through which network, on which ports.

The rules are the engine's (libnetwork: the bridge driver's iptables chains, the resolver at 127.0.0.11), as they were
measured on Engine 20.10 with its userland proxy; they say nothing of firewalls that somebody else keeps:

- Members of a network reach each other, on any port; not on a bridge with ``enable_icc=false``, not on private macvlan.
- Networks are kept apart, except through ports published at the host: those answer at the host's addresses, of which a
  container knows its gateway. One bound to 127.0.0.1 answers on the host alone.
- An ``internal`` bridge leads to no published port and to no container elsewhere; the host itself is its neighbour.
- The host reaches every container on a bridge by its address, macvlan and overlay ones not; macvlan ones not the host.
- Names exist on every network but the default bridge, for containers that run; ``host`` and ``none`` have none.
- ``container:`` means the other one's namespace: its addresses, its names for others, and loopback between the two.
- A paused container keeps its addresses, and its kernel accepts connections, but nothing answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from console.engine.types import ContainerState, Port
from console.topology.graph import LAN_DRIVERS, Box, Graph, Net, Place
from console.topology.words import loopback

LOOPBACK: Final = "127.0.0.1"
HOST: Final = "the host's address"
UNSPECIFIED: Final = frozenset({str(IPv4Address(0)), str(IPv6Address(0))})


class Kind(StrEnum):
    """What a way goes through."""

    SAME = "same"  # one namespace
    NETWORK = "network"  # a network that both are on
    DIRECT = "direct"  # from the host to a container's address
    HOST = "host"  # to a container that uses the host's addresses
    PUBLISHED = "published"  # a port published at the host


@dataclass(frozen=True, slots=True)
class Name:
    """A name under which A finds B. ``what``: where it comes from."""

    text: str
    what: str
    net: str


@dataclass(frozen=True, slots=True)
class Way:
    """One way from A to B, open or not. ``port``: at ``address``, 0 for any; ``to_port``: B's own, 0 for the same."""

    kind: Kind
    open: bool
    address: str
    net: str = ""  # key of the network it goes through
    source: str = ""  # A's address on it
    port: int = 0
    to_port: int = 0
    protocol: str = "tcp"
    why: str = ""  # why it is not open

    @property
    def target(self) -> str:
        """The address with its port."""
        if not self.port:
            return self.address
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Verdict(StrEnum):
    """The answer in a word."""

    YES = "yes"
    NO = "no"
    WAITS = "waits"  # connects, but B is paused


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something does not work."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of A and B. ``best``: the way that the sentence speaks of; ``others``: those that are closed."""

    a: Box
    b: Box
    port: int
    verdict: Verdict
    title: str
    text: str
    best: Way | None
    ways: tuple[Way, ...]
    names: tuple[Name, ...]
    ports: tuple[tuple[int, str], ...]
    reasons: tuple[Reason, ...]

    @property
    def through(self) -> str:
        """Key of the network of the best way, or ""."""
        return self.best.net if self.best is not None else ""

    @property
    def closed(self) -> tuple[Way, ...]:
        """The ways that do not work."""
        return tuple(way for way in self.ways if not way.open)


def judge(graph: Graph, a: Box, b: Box, port: int = 0) -> Answer:
    """Can A reach B (on ``port`` of B; 0: on any)?"""
    stopped = tuple(_states(graph, a, b))
    ways = tuple(_ways(graph, a, b, port))
    opened = [] if stopped else [way for way in ways if way.open]
    found_names = () if stopped else tuple(names(graph, a, b))
    if not opened:
        reasons = (*stopped, *_reasons(graph, a, b, port, ways))
        text = stopped[0].text if stopped else _closed_words(graph, a, b)
        return Answer(a, b, port, Verdict.NO, "No path", text, None, ways, found_names, b.exposed, reasons)
    best = opened[0]
    verdict, title = Verdict.YES, _title(graph, best)
    if b.state is ContainerState.PAUSED:
        verdict, title = Verdict.WAITS, "Connects, but nothing answers: paused"
    text = f"{a.name} {best.source} → {best.target}".replace("  ", " ")
    return Answer(a, b, port, verdict, title, text, best, ways, found_names, b.exposed, ())


def names(graph: Graph, a: Box, b: Box) -> Iterator[Name]:
    """The names that A can use for B, each once."""
    owner = graph.owner(b)
    if owner is None or owner is graph.owner(a):
        return
    here = {place.net for place in graph.places(a) if place.live}
    seen: set[str] = set()
    for place in owner.places:
        net = graph.net.get(place.net)
        if net is None or not net.named or net.key not in here or not place.live:
            continue
        aliases = ((alias, _alias(owner, alias, net)) for alias in place.aliases)
        for text, what in ((owner.name, "container name"), *aliases, (owner.short, "short id")):
            if text and text not in seen:
                seen.add(text)
                yield Name(text, what, net.key)


def host_addresses(graph: Graph, a: Box) -> list[tuple[Net, Place, str]]:
    """Where A meets its host: (network, A's place, the host's address there)."""
    found = []
    for place in graph.places(a):
        net = graph.net[place.net]
        if net.driver == "bridge" and net.gateway:
            found.append((net, place, net.gateway))
        elif net.driver == "overlay" and net.routed:
            found.append((net, place, HOST))
    return found


def on_host(graph: Graph, box: Box) -> bool:
    """Whether a container uses the host's addresses."""
    return any(graph.net[place.net].host for place in graph.places(box))


# ── ways ──


def _ways(graph: Graph, a: Box, b: Box, port: int) -> Iterator[Way]:
    """Every way that could be thought of, the best first."""
    if graph.owner(a) is not None and graph.owner(a) is graph.owner(b):
        for address in (LOOPBACK, *(place.address for place in graph.places(a) if place.live and place.address)):
            yield Way(Kind.SAME, True, address, source=LOOPBACK, port=port)
        return
    a_host, b_host = on_host(graph, a), on_host(graph, b)
    if a_host and b_host:
        yield Way(Kind.SAME, True, LOOPBACK, source=LOOPBACK, port=port)
        return
    found = [*_direct(graph, a, b, port, a_host), *(_to_host(graph, a, port) if b_host else ())]
    found += _published(graph, a, b, port, a_host)
    yield from sorted(found, key=lambda way: not way.open)


def _direct(graph: Graph, a: Box, b: Box, port: int, a_host: bool) -> Iterator[Way]:
    here = {place.net: place for place in graph.places(a)}
    for place in graph.places(b):
        net = graph.net[place.net]
        if net.host or net.isolated:
            continue
        mine = here.get(net.key)
        why = _closed(net, a, mine, a_host)
        kind = Kind.DIRECT if a_host else Kind.NETWORK
        source = mine.address if mine is not None else ""
        for address in filter(None, (place.ipv4, place.ipv6)) if place.live else ("",):
            yield Way(
                kind, not why and place.live, address, net.key, source, port, why=why or "it joins when it starts"
            )


def _closed(net: Net, a: Box, mine: Place | None, a_host: bool) -> str:
    """Why A does not reach members of ``net`` by their addresses, or ""."""
    if a_host:
        return "" if net.driver == "bridge" else f"the host does not reach members of {net.driver} networks"
    if mine is None:
        return f"{a.name} is not on it"
    if not mine.live:
        return f"{a.name} joins it when it starts"
    if net.driver == "bridge" and not net.icc:
        return "its members are cut off from each other (enable_icc is false)"
    if net.driver == "macvlan" and net.mode == "private":
        return "its members are cut off from each other (macvlan_mode is private)"
    return ""


def _to_host(graph: Graph, a: Box, port: int) -> Iterator[Way]:
    for net, place, address in host_addresses(graph, a):
        yield Way(Kind.HOST, place.live, address, net.key, place.address, port, why=_waits(a, place))
    for place in graph.places(a):
        if graph.net[place.net].driver in LAN_DRIVERS:
            why = "a container on it does not reach its own host"
            yield Way(Kind.HOST, False, HOST, place.net, place.address, port, why=why)


def _published(graph: Graph, a: Box, b: Box, port: int, a_host: bool) -> Iterator[Way]:
    owner = graph.owner(b)
    if owner is None:
        return
    ipv4 = {(one.host_port, one.container_port) for one in owner.published if ":" not in one.host_ip}
    for one in owner.published:
        # Under :: stands the same port at the host's IPv6 addresses, which the mirror does not know.
        if port in {0, one.container_port} and not (
            one.host_ip == "::" and (one.host_port, one.container_port) in ipv4
        ):
            yield from _at_host(graph, a, one, a_host)


def _at_host(graph: Graph, a: Box, one: Port, a_host: bool) -> Iterator[Way]:
    """The ways to one published port, each as far as A meets the host."""
    assert one.host_port is not None
    base = Way(Kind.PUBLISHED, True, LOOPBACK, "", LOOPBACK, one.host_port, one.container_port, one.protocol)
    everywhere = not one.host_ip or one.host_ip in UNSPECIFIED
    if a_host:
        yield base if everywhere else replace(base, address=one.host_ip)
        return
    for net, place, address in host_addresses(graph, a):
        why = _waits(a, place)
        if loopback(one):
            why = f"{one.container_port} is published on {one.host_ip} only: for a container that is its own loopback"
        elif net.internal:
            why = "an internal network does not lead to published ports"
        target = address if everywhere else one.host_ip
        yield replace(base, open=not why, address=target, net=net.key, source=place.address, why=why)


def _waits(a: Box, place: Place) -> str:
    return "" if place.live else f"{a.name} joins it when it starts"


# ── words ──


def _title(graph: Graph, way: Way) -> str:
    if way.kind is Kind.SAME:
        return "Yes, over loopback: one namespace"
    name = graph.net[way.net].name if way.net else ""
    if way.kind is Kind.NETWORK:
        return f"Yes, through {name}"
    if way.kind is Kind.DIRECT:
        return f"Yes, from the host into {name}"
    return "Yes, by way of the host"


def _alias(owner: Box, alias: str, net: Net) -> str:
    if alias == owner.short:
        return "short id"
    if alias == owner.service:
        return f"service of project {owner.project}"
    return f"alias on {net.name}"


def _states(graph: Graph, a: Box, b: Box) -> Iterator[Reason]:
    for box, side in ((a, "A"), (b, "B")):
        if graph.owner(box) is None:
            yield Reason("State", f"{side}, {box.name}, lives in the network of a container that is gone.")
        elif not box.up:
            yield Reason("State", f"{side}, {box.name}, does not run: it has no address and no processes.")
    if a.state is ContainerState.PAUSED:
        yield Reason("State", f"A, {a.name}, is paused: it can do nothing.")


def _reasons(graph: Graph, a: Box, b: Box, port: int, ways: Sequence[Way]) -> Iterator[Reason]:
    yield Reason("Networks", _networks_words(graph, a, b, ways))
    published = [way for way in ways if way.kind is Kind.PUBLISHED]
    if published:
        yield Reason("Host port", _sentence(published[0].why))
    else:
        what = f"{b.name} does not publish {port}" if port else f"{b.name} publishes no port at the host"
        yield Reason("Host port", f"{what}.")
    if not any(True for _ in names(graph, a, b)):
        yield Reason("Name", _name_words(graph, a, b))


def _closed_words(graph: Graph, a: Box, b: Box) -> str:
    shared = {place.net for place in graph.places(a)} & {place.net for place in graph.places(b)}
    if any(not graph.net[key].isolated for key in shared):
        return "They have a network in common that does not let them, and the host does not lead there."
    return "They have no network in common, and the host does not lead there."


def _networks_words(graph: Graph, a: Box, b: Box, ways: Sequence[Way]) -> str:
    shared = {place.net for place in graph.places(a)} & {place.net for place in graph.places(b)}
    closed = next((way for way in ways if way.net in shared and way.why and way.kind is Kind.NETWORK), None)
    if closed is not None:
        return f"Both are on {graph.net[closed.net].name}, but {closed.why}."
    toward = next((way for way in ways if way.kind in {Kind.HOST, Kind.DIRECT} and way.why), None)
    if toward is not None:
        return f"{graph.net[toward.net].name}: {toward.why}."
    return f"A is on {_where(graph, a)}. B is on {_where(graph, b)}. The engine keeps networks apart."


def _where(graph: Graph, box: Box) -> str:
    found = []
    for place in graph.places(box):
        net = graph.net[place.net]
        inside = ", which is internal" if net.internal else ", which reaches nothing" if net.isolated else ""
        found.append(f"{net.name}{inside}")
    return " and ".join(found) or "no network"


def _name_words(graph: Graph, a: Box, b: Box) -> str:
    if on_host(graph, a):
        return f"{a.name} resolves as the host does: it knows no names of Docker."
    shared = {place.net for place in graph.places(a)} & {place.net for place in graph.places(b)}
    if shared:
        return f"{graph.net[min(shared)].name} has no names of Docker."
    return f"{b.name} does not resolve for {a.name}: they have no network in common."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else "It is closed."
