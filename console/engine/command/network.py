"""``docker network create``, ``connect``, ``disconnect`` and ``rm``: rendered and parsed from one table.

Source of the flags: the CLI's reference (``docker network create --help``); of what goes with which subnet:
``docker/cli`` ``command/network/create.go``.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Final

from console.engine.command.table import Option, Pairs, Row, Table


@dataclass(frozen=True, slots=True)
class CreateNetwork:
    """``docker network create``. Gateways, ranges and reserved addresses belong to the subnet that holds them."""

    name: str = ""
    driver: str = "bridge"
    subnet: tuple[str, ...] = ()
    gateway: tuple[str, ...] = ()
    ip_range: tuple[str, ...] = ()
    aux_address: Pairs = ()
    ipv6: bool = False
    internal: bool = False
    attachable: bool = False
    ingress: bool = False
    scope: str = ""
    ipam_driver: str = "default"
    ipam_opt: Pairs = ()
    opt: Pairs = ()
    label: Pairs = ()


@dataclass(frozen=True, slots=True)
class ConnectNetwork:
    """``docker network connect``."""

    network: str = ""
    container: str = ""
    alias: tuple[str, ...] = ()
    ip: str = ""
    ip6: str = ""
    link: tuple[str, ...] = ()
    link_local_ip: tuple[str, ...] = ()
    driver_opt: Pairs = ()


@dataclass(frozen=True, slots=True)
class DisconnectNetwork:
    """``docker network disconnect``."""

    network: str = ""
    container: str = ""
    force: bool = False


@dataclass(frozen=True, slots=True)
class RemoveNetwork:
    """``docker network rm``."""

    network: str = ""


Command = CreateNetwork | ConnectNetwork | DisconnectNetwork | RemoveNetwork


TABLE: Final[Table[Command]] = Table(
    "network",
    Row(
        CreateNetwork,
        ("create",),
        (
            Option("driver", short="d", always=True),
            Option("scope"),
            Option("subnet", "many"),
            Option("gateway", "many"),
            Option("ip-range", "many"),
            Option("aux-address", "pairs"),
            Option("ipv6", "bool"),
            Option("internal", "bool"),
            Option("attachable", "bool"),
            Option("ingress", "bool"),
            Option("ipam-driver"),
            Option("ipam-opt", "pairs"),
            Option("opt", "pairs", "o"),
            Option("label", "pairs"),
        ),
        ("name",),
    ),
    Row(
        ConnectNetwork,
        ("connect",),
        (
            Option("ip"),
            Option("ip6"),
            Option("alias", "many"),
            Option("link", "many"),
            Option("link-local-ip", "many"),
            Option("driver-opt", "pairs"),
        ),
        ("network", "container"),
    ),
    Row(DisconnectNetwork, ("disconnect",), (Option("force", "bool", "f"),), ("network", "container")),
    Row(RemoveNetwork, ("rm", "remove"), (), ("network",)),
)
words = TABLE.words
render = TABLE.render
render_lines = TABLE.render_lines
parse = TABLE.parse


class NoSubnet(ValueError):
    """An address that lies in none of the subnets. ``kind``: gateway, range, aux-address."""

    def __init__(self, kind: str, value: str) -> None:
        super().__init__(f"{value} lies in none of the subnets.")
        self.kind, self.value = kind, value


def pools(command: CreateNetwork) -> list[dict[str, Any]]:
    """``IPAM.Config`` of the request: each gateway, range and reserved address with the subnet that holds it.

    Raises ``NoSubnet``; ``ValueError`` for what is no subnet or address.
    """
    found: list[tuple[Any, dict[str, Any]]] = [
        (ipaddress.ip_network(subnet, strict=False), {"Subnet": subnet}) for subnet in command.subnet
    ]

    def holder(kind: str, value: str) -> dict[str, Any]:
        address = ipaddress.ip_network(value, strict=False)
        for subnet, entry in found:
            if subnet.version == address.version and address.subnet_of(subnet):
                return entry
        raise NoSubnet(kind, value)

    for value in command.gateway:
        holder("gateway", value)["Gateway"] = value
    for value in command.ip_range:
        holder("range", value)["IPRange"] = value
    for name, value in command.aux_address:
        holder("aux-address", value).setdefault("AuxiliaryAddresses", {})[name] = value
    return [entry for _, entry in found]
