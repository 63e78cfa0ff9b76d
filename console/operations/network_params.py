"""What the verbs of networks and of the swarm can be told, checked before an engine is asked.

``errors`` of ``InvalidParams`` are keyed by the field of the form: "subnet-0" is the first line of addresses.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import zip_longest
from typing import Any, Final, Self

from console import docker_networks
from console.engine.command.network import (
    ConnectNetwork,
    CreateNetwork,
    DisconnectNetwork,
    NoSubnet,
    RemoveNetwork,
    pools,
    render,
)
from console.operations.pairs import masked, pairs_of, plain, text_of, texts_of, wrong_pairs
from console.operations.params import InvalidParams, Params

LONGEST: Final = 255
MOST_LINES: Final = 16  # subnets, aliases
NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")  # as the engine wants it
ALIAS: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?")
INTERFACE: Final = re.compile(r"[^\s/\x00-\x1f]{1,15}")  # of Linux
OWN_DRIVERS: Final = ("bridge", "macvlan", "ipvlan", "overlay")  # of the engine itself
MODES: Final[Mapping[str, tuple[str, ...]]] = {
    "macvlan": ("bridge", "private", "vepa", "passthru"),
    "ipvlan": ("l2", "l3", "l3s"),
}


@dataclass(frozen=True, slots=True)
class CreateParams(Params):
    """``docker network create``, as ``engine.command.network.CreateNetwork`` has it."""

    spec: CreateNetwork = field(default_factory=CreateNetwork)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        raw = data.get("spec")
        given: Mapping[str, Any] = raw if isinstance(raw, Mapping) else data
        spec = CreateNetwork(
            name=text_of(given, "name"),
            driver=text_of(given, "driver") or "bridge",
            subnet=texts_of(given, "subnet"),
            gateway=texts_of(given, "gateway"),
            ip_range=texts_of(given, "ip_range"),
            aux_address=pairs_of(given, "aux_address"),
            ipv6=given.get("ipv6") is True,
            internal=given.get("internal") is True,
            attachable=given.get("attachable") is True,
            ingress=given.get("ingress") is True,
            scope=text_of(given, "scope"),
            ipam_driver=text_of(given, "ipam_driver") or "default",
            ipam_opt=pairs_of(given, "ipam_opt"),
            opt=pairs_of(given, "opt"),
            label=pairs_of(given, "label"),
        )
        if errors := check(spec):
            raise InvalidParams(errors)
        return cls(spec)

    def to_json(self) -> dict[str, Any]:
        return {"spec": {name: plain(value) for name, value in asdict(self.spec).items()}}

    def public(self) -> Self:
        """The same with secrets among its options and labels masked."""
        spec = replace(
            self.spec, opt=masked(self.spec.opt), label=masked(self.spec.label), ipam_opt=masked(self.spec.ipam_opt)
        )
        return type(self)(spec)

    def needs(self) -> str:
        return "host" if reaches_host(self.spec) else ""

    def command(self, base: str, name: str) -> str:
        return render(self.public().spec)


@dataclass(frozen=True, slots=True)
class ConnectParams(Params):
    """``container``: its full id; ``name``: the one that the command shows."""

    container: str = ""
    name: str = ""
    ip: str = ""
    ip6: str = ""
    alias: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        raw = data.get("alias")
        words = raw if isinstance(raw, (list, tuple)) else str(raw or "").replace(",", " ").split()
        errors = {}
        found = cls(
            text_of(data, "container"),
            text_of(data, "name"),
            text_of(data, "ip"),
            text_of(data, "ip6"),
            tuple(dict.fromkeys(str(word) for word in words)),
        )
        if not found.container:
            errors["container"] = "Choose a container."
        for name, version in (("ip", 4), ("ip6", 6)):
            if (value := getattr(found, name)) and not _is_address(value, version):
                errors[name] = f"This is not an IPv{version} address."
        if len(found.alias) > MOST_LINES:
            errors["alias"] = f"At most {MOST_LINES}."
        elif wrong := next((word for word in found.alias if not ALIAS.fullmatch(word)), ""):
            errors["alias"] = f"“{wrong}” cannot be a name: letters, digits, “_”, “.” and “-”."
        if errors:
            raise InvalidParams(errors)
        return found

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"alias": list(self.alias)}

    def spec(self, network: str) -> ConnectNetwork:
        """The command, for the network of that name."""
        return ConnectNetwork(network, self.name or self.container[:12], self.alias, self.ip, self.ip6)

    def command(self, base: str, name: str) -> str:
        return render(self.spec(name))


@dataclass(frozen=True, slots=True)
class DisconnectParams(Params):
    """``container``: its full id; ``name``: the one that the command shows; ``force``: though it is stuck."""

    container: str = ""
    name: str = ""
    force: bool = False

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        found = cls(text_of(data, "container"), text_of(data, "name"), data.get("force") in (True, "1", "on"))
        if not found.container:
            raise InvalidParams({"container": "Choose a container."})
        return found

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def command(self, base: str, name: str) -> str:
        return render(DisconnectNetwork(name, self.name or self.container[:12], self.force))


@dataclass(frozen=True, slots=True)
class RemoveNetworkParams(Params):
    """``docker network rm``: nothing can be said."""

    def command(self, base: str, name: str) -> str:
        return render(RemoveNetwork(name))


@dataclass(frozen=True, slots=True)
class SwarmInitParams(Params):
    """``advertise``: the address or interface of the host that other engines find; ``port``: of the data, 0: 4789."""

    advertise: str = ""
    port: int = 0

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        advertise, text = text_of(data, "advertise"), text_of(data, "port")
        errors = {}
        if advertise and not re.fullmatch(r"[A-Za-z0-9.:_\[\]-]{1,64}", advertise):
            errors["advertise"] = "An address or an interface of the engine's host, such as 192.168.10.21 or eth0."
        if text not in {"", "0"} and not (text.isascii() and text.isdigit() and 1024 <= int(text[:6]) <= 49151):
            errors["port"] = "A port from 1024 to 49151."
        if errors:
            raise InvalidParams(errors)
        return cls(advertise, int(text or 0))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def command(self, base: str, name: str) -> str:
        flags = [f"--advertise-addr {self.advertise}"] if self.advertise else []
        flags += [f"--data-path-port {self.port}"] if self.port else []
        return " ".join([base, *flags])


@dataclass(frozen=True, slots=True)
class SwarmLeaveParams(Params):
    """``force``: also as a manager, which ends a swarm of one."""

    force: bool = False

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        return cls(data.get("force") in (True, "1", "on"))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def command(self, base: str, name: str) -> str:
        return f"{base} --force" if self.force else base


# ── checks of a new network ──


def reaches_host(spec: CreateNetwork) -> str:
    """The field that puts a network on an interface of the engine's host, or hands it to a plugin there; "" for none.

    A parent gives containers addresses of the host's own LAN; a named bridge may be one that the host has already.
    """
    options = dict(spec.opt)
    if spec.driver not in OWN_DRIVERS or spec.ipam_driver != "default":
        return "driver"
    if spec.driver in MODES and options.get("parent"):
        return "parent"
    return "bridge_name" if options.get(docker_networks.BRIDGE_NAME) else ""


def check(spec: CreateNetwork) -> dict[str, str]:
    """What can be seen to be wrong without an engine: a sentence for each field."""
    errors = _check_name(spec.name)
    for label, pairs in (("options", spec.opt), ("labels", spec.label), ("aux", spec.aux_address)):
        if wrong := wrong_pairs(pairs):
            errors[label] = wrong
    if len(spec.subnet) > MOST_LINES:
        errors["subnet-0"] = f"At most {MOST_LINES} subnets."
        return errors
    errors |= _check_addresses(spec)
    errors |= _check_driver(spec)
    return errors


def _check_name(name: str) -> dict[str, str]:
    if not name:
        return {"name": "A network needs a name."}
    if name in docker_networks.BUILT_IN:
        return {"name": f"“{name}” is the engine's own network."}
    if len(name) > LONGEST or not NAME.fullmatch(name):
        return {"name": "A letter or digit first, then letters, digits, “_”, “.” and “-”; at most 255."}
    return {}


def _check_addresses(spec: CreateNetwork) -> dict[str, str]:
    errors: dict[str, str] = {}
    known: list[Any] = []
    for at, text in enumerate(spec.subnet):
        try:
            subnet = ipaddress.ip_network(text, strict=False)
        except ValueError:
            errors[f"subnet-{at}"] = f"“{text}” is not a subnet, such as 172.30.0.0/16."
            continue
        if "/" not in text:
            errors[f"subnet-{at}"] = f"How large? {text}/24 holds 254 addresses."
        elif other := next((o for o in known if o.version == subnet.version and o.overlaps(subnet)), None):
            errors[f"subnet-{at}"] = f"{subnet} overlaps {other}, another line of this network."
        elif subnet.version == 6 and not spec.ipv6:
            errors["ipv6"] = "A subnet of IPv6 is given: tick this."
        known.append(subnet)
    for kind, values in (("gateway", spec.gateway), ("range", spec.ip_range)):
        for at, text in enumerate(values):
            if (kind == "gateway" and not _is_address(text)) or not _is_subnet(text):
                example = "an address, such as 172.30.0.1" if kind == "gateway" else "a range, such as 172.30.5.0/24"
                errors[f"{kind}-{at}"] = f"“{text}” is not {example}."
    for name, text in spec.aux_address:
        if not _is_address(text):
            errors["aux"] = (
                f"“{text}” of {name} is not an address." if text else f"{name} has no address: NAME=address."
            )
    if not errors:
        try:
            pools(spec)
        except NoSubnet as error:
            values = {"gateway": spec.gateway, "range": spec.ip_range}.get(error.kind, ())
            key = f"{error.kind}-{values.index(error.value)}" if error.value in values else "aux"
            give = "" if spec.subnet else " Give the subnet as well."
            errors[key] = f"{error}{give}"
    return errors


def _check_driver(spec: CreateNetwork) -> dict[str, str]:
    options, errors = dict(spec.opt), dict[str, str]()
    if not NAME.fullmatch(spec.driver) and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_./:-]{0,200}", spec.driver):
        errors["driver"] = "This is not the name of a driver."
    if spec.driver in {"host", "null", "none"}:
        errors["driver"] = f"There is one network of “{spec.driver}”, the engine's own; no other can be made."
    if spec.driver in MODES:
        parent = options.get("parent", "")
        if not parent and not spec.internal:
            errors["parent"] = "Name the host's interface that it stands on, such as eth0."
        elif parent and not INTERFACE.fullmatch(parent):
            errors["parent"] = "The name of an interface has at most 15 characters and no blanks."
        mode = options.get(f"{spec.driver}_mode", "")
        if mode and mode not in MODES[spec.driver]:
            errors["mode"] = f"Only {', '.join(MODES[spec.driver])} can be given."
    bridge = options.get(docker_networks.BRIDGE_NAME, "")
    if bridge and not INTERFACE.fullmatch(bridge):
        errors["bridge_name"] = "The name of an interface has at most 15 characters and no blanks."
    binding = options.get(docker_networks.HOST_BINDING, "")
    if binding and not _is_address(binding):
        errors["host_binding"] = "This is not an address, such as 127.0.0.1."
    if spec.driver not in {"overlay"} and spec.ingress:
        errors["driver"] = "Only an overlay network can be the ingress."
    return errors


def _is_address(text: str, version: int | None = None) -> bool:
    try:
        return version in (None, ipaddress.ip_address(text).version)
    except ValueError:
        return False


def _is_subnet(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


# ── from and to a form ──


def rows(spec: CreateNetwork) -> list[tuple[str, str, str]]:
    """Subnet, gateway and range line by line, as a form shows them."""
    return list(zip_longest(spec.subnet, spec.gateway, spec.ip_range, fillvalue=""))
