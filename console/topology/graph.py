"""Networks, containers and the places of containers on networks, as picture and reachability need them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from console.engine.types import ContainerState, Port

NOWHERE: Final = "nowhere"  # key of the lane of containers that are on no network
UP: Final = frozenset({ContainerState.RUNNING, ContainerState.PAUSED})  # their namespaces stand
LAN_DRIVERS: Final = frozenset({"macvlan", "ipvlan"})
SHARES: Final = "container:"


@dataclass(frozen=True, slots=True)
class Net:
    """A network. ``key`` is its id; ``icc``: members of a bridge may talk; ``named``: they find each other by name."""

    key: str
    name: str
    driver: str
    internal: bool = False
    icc: bool = True
    named: bool = True
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()  # aux addresses
    interface: str = ""  # the bridge on the host
    parent: str = ""  # of macvlan and ipvlan
    mode: str = ""  # macvlan_mode or ipvlan_mode

    @property
    def short(self) -> str:
        """The first twelve digits of the id."""
        return self.key[:12]

    @property
    def host(self) -> bool:
        """Whether its members use the host's own addresses."""
        return self.driver == "host"

    @property
    def isolated(self) -> bool:
        """Whether its members reach nothing but themselves."""
        return self.driver == "null"

    @property
    def routed(self) -> bool:
        """Whether it leaves through the host's addresses: a bridge or an overlay that is not internal."""
        return self.driver in {"bridge", "overlay"} and not self.internal

    @property
    def gateway(self) -> str:
        """The first IPv4 gateway, or "" for none."""
        return next((gateway for gateway in self.gateways if ":" not in gateway), "")


@dataclass(frozen=True, slots=True)
class Place:
    """A container's place on a network. ``live``: joined now; else it joins when the container starts."""

    net: str
    ipv4: str = ""
    ipv6: str = ""
    mac: str = ""
    aliases: tuple[str, ...] = ()
    live: bool = True

    @property
    def address(self) -> str:
        """The IPv4 address, else the IPv6 one, else ""."""
        return self.ipv4 or self.ipv6


@dataclass(frozen=True, slots=True)
class Box:
    """A container. ``order``: when it was made, in seconds; ``lamp`` and ``word``: its state as pages show it."""

    key: str
    name: str
    state: ContainerState = ContainerState.RUNNING
    mode: str = ""
    places: tuple[Place, ...] = ()
    ports: tuple[Port, ...] = ()
    image: str = ""
    project: str = ""
    service: str = ""
    lamp: str = "running"
    word: str = "running"
    order: float = 0.0

    @property
    def short(self) -> str:
        """The first twelve digits of the id."""
        return self.key[:12]

    @property
    def up(self) -> bool:
        """Whether it runs, be it paused."""
        return self.state in UP

    @property
    def published(self) -> tuple[Port, ...]:
        """Its ports at the host."""
        return tuple(port for port in self.ports if port.host_port is not None)

    @property
    def exposed(self) -> tuple[tuple[int, str], ...]:
        """The ports that it says it listens on, published or not: (number, protocol), sorted."""
        return tuple(sorted({(port.container_port, port.protocol) for port in self.ports if port.protocol != "more"}))


@dataclass(frozen=True)
class Graph:
    """The networks in the order of their lanes, and all containers."""

    nets: tuple[Net, ...]
    boxes: tuple[Box, ...]

    @cached_property
    def net(self) -> Mapping[str, Net]:
        """Networks by key."""
        return {net.key: net for net in self.nets}

    @cached_property
    def box(self) -> Mapping[str, Box]:
        """Containers by key."""
        return {box.key: box for box in self.boxes}

    def owner(self, box: Box) -> Box | None:
        """The container whose network namespace ``box`` lives in: itself, or with mode ``container:`` another one.

        None where that one is gone, or where the modes go in a circle.
        """
        seen: set[str] = set()
        while box.mode.startswith(SHARES):
            found = self.box.get(box.mode.removeprefix(SHARES))
            if found is None or found.key in seen:
                return None
            seen.add(found.key)
            box = found
        return box

    def places(self, box: Box) -> tuple[Place, ...]:
        """Where ``box`` stands: its own places, or those of the container whose namespace it shares."""
        owner = self.owner(box)
        return () if owner is None else tuple(place for place in owner.places if place.net in self.net)

    @cached_property
    def members(self) -> Mapping[str, tuple[Box, ...]]:
        """Who is on each network, shared namespaces included; under ``NOWHERE`` who is on none."""
        found: dict[str, list[Box]] = {net.key: [] for net in self.nets}
        found[NOWHERE] = []
        for box in self.boxes:
            for key in {place.net for place in self.places(box)} or {NOWHERE}:
                found[key].append(box)
        return {key: tuple(boxes) for key, boxes in found.items()}


def slot(net: Net, address: str) -> int | None:
    """Which of the network's addresses for containers this is, from 0; None outside of its first IPv4 subnet.

    The engine gives the lowest one that is free, so containers fill the slots from the beginning.
    """
    pool = next((pool for pool in (*net.ranges, *net.subnets) if ":" not in pool), "")
    try:
        found, network = ipaddress.IPv4Address(address), ipaddress.IPv4Network(pool, strict=False)
    except ValueError:
        return None
    if found not in network:
        return None
    first = int(network.network_address) + (1 if network.prefixlen < 31 and pool not in net.ranges else 0)
    taken = 0
    for other in {*net.gateways, *net.reserved}:
        try:
            number = int(ipaddress.IPv4Address(other))
        except ValueError:
            continue
        taken += first <= number < int(found)
    return max(0, int(found) - first - taken)
