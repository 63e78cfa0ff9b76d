"""What stands in the picture in words: a network's facts, a container's lines, its ports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console import docker_words
from console.engine.types import Port
from console.topology.graph import NOWHERE, Box, Graph, Net, Place

LONGEST_NAME: Final = 17  # letters that fit a node
LONGEST_LINE: Final = 21


def facts(net: Net) -> tuple[str, ...]:
    """What stands behind a network's name."""
    if net.host:
        return ("the host's own addresses: ports open directly on it",)
    if net.isolated:
        return ("loopback only: reaches nothing, nothing reaches it",)
    way = "internal, no way out" if net.internal else f"gateway {', '.join(net.gateways)}" if net.gateways else ""
    found = [", ".join(net.subnets), way, net.interface, "" if net.driver == "bridge" else net.driver]
    found += [f"on {net.parent}" if net.parent else "", "DNS names" if net.named else "no DNS names"]
    found.append("" if net.icc else "members cut off from each other")
    return tuple(word for word in found if word)


def title(graph: Graph, box: Box) -> str:
    """Everything about a container, a line each: name and state, places, ports."""
    found = [f"{box.name or box.short}, {box.word}"]
    owner = graph.owner(box)
    if owner is None:
        found.append("shares the network of a container that is gone")
    elif owner is not box:
        found.append(f"shares the network of {owner.name}")
    for place in graph.places(box):
        words = [graph.net[place.net].name, place.ipv4, place.ipv6, place.mac]
        found.append(" ".join(word for word in words if word) + ("" if place.live else ", joins when it starts"))
    found += [published(port) for port in box.published]
    found += [f"{number}/{protocol}" for number, protocol in box.exposed if not _is_published(box, number, protocol)]
    return "\n".join(found)


def loopback(port: Port) -> bool:
    """Whether a published port answers on the host itself only."""
    return port.host_ip.startswith("127.") or port.host_ip == "::1"


def short_address(address: str) -> str:
    """The last two octets, or the last group of an IPv6 address."""
    if ":" in address:
        return f":{address.rpartition(':')[2]}"
    return "." + ".".join(address.split(".")[2:]) if address else ""


def lines(graph: Graph, box: Box, places: Sequence[Place], lane: Net) -> tuple[str, str]:
    """The two lines under a container's name; ``places`` from the lowest lane up."""
    owner = graph.owner(box)
    shares = f"shares {owner.name}" if owner is not None and owner is not box else ""
    if lane.key == NOWHERE:
        return "lo 127.0.0.1", shares or ("its network is gone" if owner is None else box.image[:LONGEST_LINE])
    if lane.host or lane.isolated:
        return ("host's addresses" if lane.host else "lo 127.0.0.1"), cut(shares or box.image, LONGEST_LINE)
    upward = [place.address for place in reversed(places) if place.address]
    if not upward:
        return "no address yet", cut(shares or box.image, LONGEST_LINE)
    if len(places) > 1:
        return upward[0], cut(shares or ", ".join(upward[1:]), LONGEST_LINE)
    return cut(upward[0], LONGEST_LINE), cut(shares or places[0].mac, LONGEST_LINE)


def cut(text: str, longest: int) -> str:
    """``text``, shortened at its end where it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def published(port: Port) -> str:
    """A published port as ``docker ps`` prints it: ``0.0.0.0:8080->80/tcp``."""
    return docker_words.ports([port])


def _is_published(box: Box, number: int, protocol: str) -> bool:
    return any(port.container_port == number and port.protocol == protocol for port in box.published)


def once(ports: Sequence[Port]) -> list[Port]:
    """A port that is published under IPv4 and IPv6 alike counts once."""
    found: dict[tuple[object, ...], Port] = {}
    for port in ports:
        found.setdefault((port.host_port, port.container_port, port.protocol, loopback(port)), port)
    return list(found.values())
