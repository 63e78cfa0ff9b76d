"""All host ports that containers publish, or will when they start: who has which, what is open, what collides."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.http import Http404, QueryDict

from console import access
from console.models import Container, Engine
from console.operations.verbs import ALIVE
from console.pages import links
from console.pages.live import RESYNC
from console.pages.users import dense

ALL4: Final = str(ipaddress.IPv4Address(0))  # 0.0.0.0
EVERY: Final = frozenset({"", ALL4, "::"})  # all addresses of the host


@dataclass(frozen=True, slots=True)
class Port:
    """One published port. ``bound``: now; else when its container starts."""

    host_ip: str
    host_port: int
    container_port: int
    protocol: str
    container_id: str
    container: str
    bound: bool

    @property
    def open(self) -> bool:
        """Whether every address of the host takes it, from anywhere that reaches the host."""
        return self.host_ip in EVERY

    @property
    def local(self) -> bool:
        """Whether only the host itself reaches it."""
        try:
            return ipaddress.ip_address(self.host_ip).is_loopback
        except ValueError:
            return False

    @property
    def reach(self) -> str:
        """Who reaches it, in words."""
        if self.open:
            return "open: every address of the host" + (", IPv6" if self.host_ip == "::" else "")
        return "the host itself only" if self.local else f"who reaches {self.host_ip}"

    @property
    def address(self) -> str:
        """``0.0.0.0:8080``."""
        host = self.host_ip or ALL4
        return f"[{host}]:{self.host_port}" if ":" in host else f"{host}:{self.host_port}"

    def collides(self, other: Port) -> bool:
        """Whether both cannot be bound at once: the same port of an address that both take."""
        if (self.host_port, self.protocol) != (other.host_port, other.protocol):
            return False
        mine, theirs = self.host_ip or ALL4, other.host_ip or ALL4
        if (":" in mine) != (":" in theirs):
            return False
        return mine == theirs or self.open or other.open


@dataclass(frozen=True, slots=True)
class Row:
    """What the page prints of one port."""

    port: Port
    url: str
    status: Any
    rivals: tuple[str, ...]  # other containers that want the same

    @property
    def key(self) -> str:
        """For the id of the row."""
        return f"{self.port.container_id[:12]}-{self.port.host_port}-{self.port.protocol}-{self.port.container_port}"


def published(container: Container) -> list[Port]:
    """The ports that a container has at the host now, as the mirror knows it."""
    entries = container.ports if isinstance(container.ports, list) else []
    found = []
    for entry in entries:
        if isinstance(entry, dict) and entry.get("host_port") and entry.get("protocol") != "more":
            found.append(
                Port(
                    str(entry.get("host_ip") or ""),
                    int(entry["host_port"]),
                    int(entry.get("container_port") or 0),
                    str(entry.get("protocol") or "tcp"),
                    container.container_id,
                    container.name,
                    True,
                )
            )
    return found


def rivals(ports: Sequence[Port]) -> dict[Port, tuple[str, ...]]:
    """For each port the names of other containers that want it as well."""
    by_number: dict[tuple[int, str], list[Port]] = {}
    for port in ports:
        by_number.setdefault((port.host_port, port.protocol), []).append(port)
    return {
        port: tuple(
            sorted({other.container for other in by_number[port.host_port, port.protocol]
                    if other.container_id != port.container_id and port.collides(other)})
        )
        for port in ports
    }  # fmt: skip


class PortsPage:
    """The published ports of one engine for one person. ``wishes``: of containers that do not run (``reads.ports``)."""

    kinds = frozenset({"container", "engine"})

    def __init__(self, user: access.Actor, engine: Engine | None, params: QueryDict) -> None:
        if engine is None:
            raise Http404("engine")
        self.user, self.engine = user, engine
        self.wishes: Mapping[str, Sequence[tuple[str, int, int, str]]] = {}
        self.error = ""

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        """For the page's socket."""
        return RESYNC

    @cached_property
    def containers(self) -> list[Container]:
        """All containers that the person sees."""
        rows = access.containers_for(self.user, self.engine).defer("env", "labels", "details")
        return list(rows.order_by("name"))

    @property
    def resting(self) -> list[str]:
        """The ids of containers that have bound nothing: they do not run."""
        return [row.container_id for row in self.containers if row.state not in ALIVE]

    @cached_property
    def rows(self) -> list[Row]:
        """By port."""
        known = {row.container_id: row for row in self.containers}
        ports = [port for row in self.containers if row.state in ALIVE for port in published(row)]
        for container_id, wanted in self.wishes.items():
            if container_id in known and known[container_id].state not in ALIVE:
                ports += [Port(*wish, container_id, known[container_id].name, False) for wish in wanted]
        against = rivals(ports)
        slug = self.engine.slug
        ports.sort(key=lambda port: (port.host_port, port.protocol, port.host_ip, port.container))
        return [
            Row(
                port,
                links.container_url(slug, port.container, port.container_id),
                dense(known[port.container_id]),
                against[port],
            )
            for port in ports
        ]

    @property
    def on_host(self) -> list[Container]:
        """Running containers on the host's own network: what they listen on is open without being published."""
        return [row for row in self.containers if row.network_mode == "host" and row.state in ALIVE]

    @property
    def open(self) -> int:
        """How many are bound at every address of the host."""
        return sum(row.port.open and row.port.bound for row in self.rows)

    @property
    def conflicts(self) -> int:
        """How many collide with another container's."""
        return sum(bool(row.rivals) for row in self.rows)

    @property
    def context(self) -> dict[str, Any]:
        """For ``networks/ports.html``."""
        command = "docker container ls --format '{{.Names}}\\t{{.Ports}}'"
        return {"engine": self.engine, "page": self, "default_command": command}
