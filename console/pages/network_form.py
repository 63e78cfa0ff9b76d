"""The form of a new network: what was typed, what it means, what is wrong with it, what its engine has already."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Self

from django.http import QueryDict

from console import access, docker_networks, masks
from console.engine.command.network import CreateNetwork, render, render_lines
from console.engine.command.table import Pairs
from console.models import Engine, Operation
from console.operations.network_params import MODES, CreateParams, check, reaches_host, rows
from console.operations.pairs import hidden_in, joined, lines, over
from console.pages.networks import pools
from console.pages.refusals import NO_IPVLAN, Refusal, field_of

DRIVERS: Final[Mapping[str, str]] = {
    "bridge": "Containers on this host, with a subnet and names of their own, and address translation to the outside.",
    "macvlan": "Each container gets its own MAC and an address of the LAN, like a machine on the wire.",
    "ipvlan": "Addresses of the LAN or of a routed subnet, all with the MAC of the parent interface.",
    "overlay": "One network over several engines of a swarm.",
}
MODE_WORDS: Final[Mapping[str, str]] = {
    "bridge": "Members reach each other and the LAN; the usual one.",
    "private": "Members do not reach each other, only the LAN.",
    "vepa": "Members reach each other through the switch of the LAN, which must send frames back.",
    "passthru": "One container takes the whole interface.",
    "l2": "l2 switches: members are in the LAN's own subnet.",
    "l3": "l3 routes: no broadcast, no gateway address; the LAN needs a route to the subnet.",
    "l3s": "l3 that keeps state, so that the host's firewall sees the traffic.",
}
_OWN: Final = (
    docker_networks.BRIDGE_NAME,
    docker_networks.HOST_BINDING,
    docker_networks.ICC,
    docker_networks.MASQUERADE,
    "parent",
    "macvlan_mode",
    "ipvlan_mode",
    "encrypted",
)
_CANDIDATES: Final = (
    *(f"172.{n}.0.0/16" for n in range(18, 32)),
    *(f"192.168.{n}.0/20" for n in range(0, 256, 16)),
    *(f"10.{n}.0.0/16" for n in range(100, 200)),
)

# What engines say (20.10 to 28), the field that it is about, and what to do.
_REFUSALS: Final[tuple[Refusal, ...]] = (
    (r"available.*address pool|fully subnetted", "subnet-0", "None is free of those it gives by itself: give one."),
    (r"pool overlaps|overlaps with", "subnet-0", "Another network has this subnet: choose a free one."),
    (r"no matching subnet for gateway|gateway", "gateway-0", "The gateway is one address of the subnet."),
    (r"no matching subnet for range|invalid .*range|ip.?range", "range-0", "The range lies within the subnet."),
    (r"aux", "aux", "Reserved addresses lie within the subnet."),
    (
        r"already using parent interface",
        "parent",
        "One macvlan or ipvlan network an interface: give a VLAN id, or another parent.",
    ),
    (r"ipvlan port|ipvlan.*not supported", "driver", NO_IPVLAN),
    (r"parent interface|invalid subinterface|parent|dm-", "parent", "See ip link on the engine's host for its names."),
    (r"already exists", "name", "Choose another name."),
    (r"not a swarm manager|swarm", "driver", "Start a swarm first, or join one."),
    (r"plugin|not supported|kernel", "driver", "This engine, or the kernel of its host, does not have this driver."),
    (r"invalid (subnet|network|address)|subnet|predefined|ipv[46] pool", "subnet-0", "Give another subnet."),
    (r"bridge", "bridge_name", "Choose another name for the interface."),
)


@dataclass(slots=True)
class Line:
    """One line of addresses and its errors."""

    at: int
    subnet: str = ""
    gateway: str = ""
    range: str = ""
    errors: list[tuple[str, str]] = field(default_factory=list)  # field and sentence

    def wrong(self, name: str) -> bool:
        """Whether a field of the line has an error."""
        return any(key == name for key, _ in self.errors)

    @property
    def bad(self) -> dict[str, bool]:
        """By field."""
        return {name: self.wrong(name) for name in ("subnet", "gateway", "range")}


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields as they were typed."""

    name: str = ""
    driver: str = "bridge"
    lines: tuple[tuple[str, str, str], ...] = ()
    ipv6: bool = False
    internal: bool = False
    attachable: bool = False
    encrypted: bool = False
    bridge_name: str = ""
    host_binding: str = ""
    icc: bool = True
    masquerade: bool = True
    parent: str = ""
    vlan: str = ""
    mode: str = ""
    aux: str = ""
    options: str = ""
    labels: str = ""
    advertise: str = ""
    port: str = ""

    @classmethod
    def posted(cls, data: QueryDict) -> Self:
        """From a form."""
        columns = [data.getlist(name) for name in ("subnet", "gateway", "range")]
        height = max(map(len, columns), default=0)
        found = [tuple((column[at] if at < len(column) else "").strip() for column in columns) for at in range(height)]
        texts = ("name", "bridge_name", "host_binding", "parent", "vlan", "mode", "advertise", "port")
        flags = ("ipv6", "internal", "attachable", "encrypted", "icc", "masquerade")
        given: dict[str, Any] = {name: data.get(name, "").strip() for name in texts}
        given |= {name: data.get(name) == "1" for name in flags if name in data or "driver" in data}
        given |= {name: data.get(name, "") for name in ("aux", "options", "labels")}
        if data.get("driver", "bridge") != "bridge":  # its own fields were not on the page
            given |= {"icc": True, "masquerade": True}
        return cls(**given, driver=data.get("driver", "bridge"), lines=tuple(found))  # type: ignore[arg-type]

    @classmethod
    def of(cls, spec: CreateNetwork) -> Self:
        """From a command."""
        options = dict(spec.opt)
        return cls(
            name=spec.name,
            driver=spec.driver,
            lines=tuple(rows(spec)),
            ipv6=spec.ipv6,
            internal=spec.internal,
            attachable=spec.attachable,
            encrypted="encrypted" in options,
            bridge_name=options.get(docker_networks.BRIDGE_NAME, ""),
            host_binding=options.get(docker_networks.HOST_BINDING, ""),
            icc=options.get(docker_networks.ICC, "true") != "false",
            masquerade=options.get(docker_networks.MASQUERADE, "true") != "false",
            parent=options.get("parent", ""),
            mode=options.get(f"{spec.driver}_mode", ""),
            aux=joined(spec.aux_address),
            options=joined((name, value) for name, value in spec.opt if name not in _OWN),
            labels=joined(spec.label),
        )

    def spec(self) -> CreateNetwork:
        """The command that this stands for; fields of other drivers do not count."""
        own: dict[str, str] = {}
        if self.driver == "bridge":
            own = {docker_networks.BRIDGE_NAME: self.bridge_name, docker_networks.HOST_BINDING: self.host_binding}
            own[docker_networks.ICC] = "" if self.icc else "false"
            own[docker_networks.MASQUERADE] = "" if self.masquerade else "false"
        elif self.driver in MODES:
            own["parent"] = f"{self.parent}.{self.vlan}" if self.vlan and self.parent else self.parent
            own[f"{self.driver}_mode"] = self.mode
        options = [(name, value) for name, value in own.items() if value]
        if self.driver == "overlay" and self.encrypted:
            options.append(("encrypted", ""))
        return CreateNetwork(
            name=self.name,
            driver=self.driver,
            subnet=tuple(line[0] for line in self.lines if line[0]),
            gateway=tuple(line[1] for line in self.lines if line[1]),
            ip_range=tuple(line[2] for line in self.lines if line[2]),
            aux_address=lines(self.aux),
            ipv6=self.ipv6,
            internal=self.internal,
            attachable=self.attachable and self.driver == "overlay",
            opt=over(options, lines(self.options)),
            label=lines(self.labels),
        )


class NetworkForm:
    """The form for one person and one engine. ``checked``: show what is wrong; ``said``: the engine's refusal."""

    def __init__(
        self, user: access.Actor, engine: Engine, typed: Typed, checked: bool = False, said: str = "", reason: str = ""
    ) -> None:
        self.user, self.engine, self.checked, self.said, self.reason = user, engine, checked, said, reason
        self.typed = typed if typed.lines else replace(typed, lines=(("", "", ""),))
        self.spec = typed.spec()
        self.notes: list[str] = []  # of a pasted command
        self.swarm = "active"  # what the engine says of itself, for overlay; "" when it does not answer
        self.swarm_operation: Operation | None = None  # that was asked for from here
        self.swarm_errors: dict[str, str] = {}
        self.waiting: Operation | None = None  # the network is being made
        self.failed: Operation | None = None

    @cached_property
    def used(self) -> list[tuple[str, str, bool]]:
        """Subnets of the engine's networks: (network, subnet, whether a typed one overlaps it)."""
        mine = [subnet for text in self.spec.subnet if (subnet := _subnet(text)) is not None]
        found = []
        for network in access.networks_for(self.user, self.engine):
            for pool in pools(network):
                theirs = _subnet(str(pool.get("subnet", "")))
                if theirs is not None:
                    hit = any(subnet.version == theirs.version and subnet.overlaps(theirs) for subnet in mine)
                    found.append((network.name, str(theirs), hit))
        return found

    @cached_property
    def errors(self) -> dict[str, str]:
        """A sentence for each wrong field: what can be seen here, what the mirror knows, what the engine said."""
        errors = dict(check(self.spec))
        if "name" not in errors:
            taken = access.networks_for(self.user, self.engine).filter(name=self.spec.name).exists()
            if taken:
                errors["name"] = f"There is a network “{self.spec.name}” on {self.engine} already."
        for at, text in enumerate(self.spec.subnet):
            if f"subnet-{at}" not in errors and (hits := self._overlapped(text)):
                errors[f"subnet-{at}"] = f"{text} overlaps {hits}."
        if self.typed.vlan and not (re.fullmatch(r"[0-9]{1,4}", self.typed.vlan) and 1 <= int(self.typed.vlan) <= 4094):
            errors["vlan"] = "A VLAN id is 1 to 4094."
        if self.typed.driver not in DRIVERS and "driver" not in errors:
            errors["driver"] = f"{', '.join(DRIVERS)} can be made here; others by docker network create."
        if self.typed.driver == "overlay" and self.swarm not in {"active", ""}:
            errors["driver"] = f"{self.engine} is not in a swarm: overlay networks need one."
        if (where := reaches_host(self.spec)) and where not in errors and not access.can(self.user, "host"):
            errors[where] = "You may not give this: it reaches the engine's host, which needs the right “host”."
        for name in ("options", "labels"):
            if hidden_in(lines(getattr(self.typed, name))):
                errors[name] = masks.NOT_COPIED
        if self.said:
            where, do = field_of(_REFUSALS, self.said)
            errors[where] = f"{self.said} {do}".strip()
        return errors

    def _overlapped(self, text: str) -> str:
        mine = _subnet(text)
        return ", ".join(
            f"{name} ({theirs})"
            for name, theirs, hit in self.used
            if hit
            and mine is not None
            and (other := _subnet(theirs)) is not None
            and other.version == mine.version
            and other.overlaps(mine)
        )

    @property
    def shown(self) -> dict[str, str]:
        """The errors at their fields: none before somebody asked."""
        return self.errors if self.checked else {}

    @property
    def lines(self) -> list[Line]:
        """The lines of addresses; an error stands at the line that holds its value."""
        found = [Line(at, *line) for at, line in enumerate(self.typed.lines)]
        for at, name in ((0, "subnet"), (1, "gateway"), (2, "range")):
            filled = [line for line, typed in zip(found, self.typed.lines, strict=True) if typed[at]] or found[:1]
            for n, line in enumerate(filled):
                if text := self.shown.get(f"{name}-{n}"):
                    line.errors.append((name, text))
        return found

    @property
    def free(self) -> str:
        """A subnet that no network of the engine has."""
        taken = [subnet for _, text, _ in self.used if (subnet := _subnet(text)) is not None and subnet.version == 4]
        free = (text for text in _CANDIDATES if not any(_overlap(text, other) for other in taken))
        return next(free, "")

    @property
    def overlapping(self) -> bool:
        """Whether a typed subnet is another network's."""
        return any(hit for _, _, hit in self.used)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """What is wrong, for the side: (field, sentence). An empty name is no news while one types."""
        return [(name, text) for name, text in self.errors.items() if self.checked or name != "name" or self.typed.name]

    @property
    def warnings(self) -> Iterator[str]:
        """What people learn too late."""
        spec, typed = self.spec, self.typed
        if spec.driver in MODES and dict(spec.opt).get("parent"):
            yield (
                f"{self.engine} itself cannot reach these containers, and they cannot reach it: the kernel keeps them "
                "apart from their parent. Other machines of the LAN can."
            )
            wide = spec.ip_range or spec.subnet
            if wide:
                yield f"Keep {wide[0]} out of the DHCP range of your router, or two machines may get one address."
        if spec.driver == "macvlan" and not dict(spec.opt).get("parent") and spec.internal:
            yield "Without a parent the engine makes an interface that leads nowhere: members reach each other only."
        if spec.driver == "ipvlan":
            yield (
                "The network can be created on a kernel without ipvlan, but then every start on it fails with “failed "
                "to create the ipvlan port: operation not supported”."
            )
            if typed.mode in {"l3", "l3s"} and spec.subnet:
                yield f"The LAN needs a route: ip route add {spec.subnet[0]} via the address of {self.engine}."
        if spec.driver == "overlay" and not spec.attachable:
            yield "Not attachable: only services of the swarm can join, no single container."

    @property
    def drivers(self) -> list[tuple[str, str, str]]:
        """(driver, in a line, why not on this engine or "")."""
        info = self.engine.info if isinstance(self.engine.info, dict) else {}
        plugins = info.get("plugins") if isinstance(info.get("plugins"), dict) else {}
        has = {str(name) for name in (plugins or {}).get("Network", [])} or set(DRIVERS)
        no = {name: f"{self.engine} has no driver {name}" for name in DRIVERS if name not in has}
        return [(name, words, no.get(name, "")) for name, words in DRIVERS.items()]

    @property
    def means(self) -> str:
        """The chosen driver in a line."""
        return DRIVERS.get(self.typed.driver, docker_networks.driver_words(self.typed.driver))

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes of the driver, its usual one first."""
        return MODES.get(self.typed.driver, ())

    @property
    def mode_means(self) -> str:
        """The chosen mode in a line."""
        return MODE_WORDS.get(self.typed.mode or next(iter(self.modes), ""), "")

    @property
    def swarm_command(self) -> str:
        """``docker swarm init`` with what was typed."""
        flags = [f"--advertise-addr {self.typed.advertise}"] if self.typed.advertise else []
        flags += [f"--data-path-port {self.typed.port}"] if self.typed.port else []
        return " ".join(["docker swarm init", *flags])

    @property
    def shown_spec(self) -> CreateNetwork:
        """As the command shows it: secrets masked."""
        return CreateParams(self.spec).public().spec

    @property
    def command(self) -> str:
        """The equivalent command on one line; secrets masked."""
        return render(self.shown_spec)

    @property
    def command_lines(self) -> str:
        """The equivalent command, one option a line."""
        return render_lines(self.shown_spec)


def forgotten(spec: CreateNetwork) -> CreateNetwork:
    """What an operation keeps of a network, without the masks that stand for secrets: they are typed again."""
    return replace(spec, opt=_unmasked(spec.opt), label=_unmasked(spec.label), ipam_opt=_unmasked(spec.ipam_opt))


def _unmasked(pairs: Pairs) -> Pairs:
    return tuple((name, "" if masks.PLAIN_MASK in value else value) for name, value in pairs)


def _subnet(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _overlap(text: str, other: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return isinstance(other, ipaddress.IPv4Network) and ipaddress.IPv4Network(text).overlaps(other)
