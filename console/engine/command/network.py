"""``docker network create``, ``connect``, ``disconnect`` and ``rm``: rendered and parsed from one table.

Source of the flags: the CLI's reference (``docker network create --help``); of what goes with which subnet:
``docker/cli`` ``command/network/create.go``.
"""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from console.engine.command.words import split

Pairs = tuple[tuple[str, str], ...]


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


@dataclass(frozen=True, slots=True)
class Option:
    """One flag. ``kind``: text, bool, many (repeated texts) or pairs (repeated NAME=value)."""

    name: str
    kind: str = "text"
    short: str = ""

    @property
    def field(self) -> str:
        """Its field of the command."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Row:
    """One verb: its words after ``docker network``, its flags and the names that follow them."""

    made: type[Command]
    words: tuple[str, ...]  # the first is the one that is written
    options: tuple[Option, ...]
    names: tuple[str, ...]


TABLE: Final[tuple[Row, ...]] = (
    Row(
        CreateNetwork,
        ("create",),
        (
            Option("driver", short="d"),
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
_ROWS: Final[Mapping[type[Command], Row]] = {row.made: row for row in TABLE}
_TRUE: Final = frozenset({"", "1", "t", "true"})


def words(command: Command) -> list[list[str]]:
    """The command as groups of words: what one line of it holds."""
    row, plain = _ROWS[type(command)], type(command)()
    groups = [["docker", "network", row.words[0]]]
    for option in row.options:
        value = getattr(command, option.field)
        if value == getattr(plain, option.field) and not (option.name == "driver" and value):
            continue
        flag = f"--{option.name}"
        if option.kind == "bool":
            groups.append([flag])
        elif option.kind == "many":
            groups += [[flag, item] for item in value]
        elif option.kind == "pairs":
            groups += [[flag, f"{name}={item}" if item else name] for name, item in value]
        else:
            groups.append([flag, value])
    return [*groups, [getattr(command, name) for name in row.names]]


def render(command: Command) -> str:
    """The command on one line, as a shell accepts it; what is not said yet stands in capitals."""
    return " ".join(shlex.quote(word) for group in _filled(command) for word in group)


def render_lines(command: Command) -> str:
    """The command with one option a line, joined by backslashes."""
    return " \\\n  ".join(" ".join(shlex.quote(word) for word in group) for group in _filled(command))


def _filled(command: Command) -> list[list[str]]:
    *flags, names = words(command)
    wanted = _ROWS[type(command)].names
    return [*flags, [word or name.upper() for word, name in zip(names, wanted, strict=True)]]


@dataclass(slots=True)
class Parsed:
    """What a text said. ``command`` is None where it is none of these; ``notes``: what could not be taken over."""

    command: Command | None = None
    notes: list[str] = field(default_factory=list)


def parse(text: str) -> Parsed:
    """Read one command as a person types it. Never raises; nothing is dropped without a note."""
    found = split(text)
    given = [word.text for word in found.words]
    parsed = Parsed(notes=[note.sentence for note in (*found.unmapped, *found.variables)])
    if given[:1] == ["sudo"]:
        given = given[1:]
    verb = given[2] if given[:2] == ["docker", "network"] and len(given) > 2 else ""
    row = next((row for row in TABLE if verb in row.words), None)
    if row is None:
        parsed.notes.append("This is not docker network create, connect, disconnect or rm.")
        return parsed
    values: dict[str, Any] = {}
    names: list[str] = []
    rest = iter(given[3:])
    for word in rest:
        if word == "--":
            names += list(rest)
        elif word.startswith("-") and len(word) > 1:
            _option(row, word, rest, values, parsed.notes)
        else:
            names.append(word)
    for extra in names[len(row.names) :]:
        parsed.notes.append(f"“{extra}” is one name too many.")
    values |= dict(zip(row.names, names, strict=False))
    parsed.command = row.made(**values)
    return parsed


def _option(row: Row, word: str, rest: Any, values: dict[str, Any], notes: list[str]) -> None:
    name, equals, value = word.partition("=")
    found = next((o for o in row.options if name in {f"--{o.name}", f"-{o.short}" if o.short else ""}), None)
    if found is None and not word.startswith("--"):  # -dbridge
        found = next((o for o in row.options if o.short and word[1] == o.short), None)
        equals, value = ("=", word[2:].removeprefix("=")) if found else ("", "")
    if found is None:
        notes.append(f"“{word}” is not an option of docker network {row.words[0]} here.")
        return
    if found.kind == "bool":
        values[found.field] = value.lower() in _TRUE
        return
    if not equals:
        value = next(rest, "")
    if found.kind == "text":
        values[found.field] = value
    elif found.kind == "many":
        values[found.field] = (*values.get(found.field, ()), *value.split(","))
    else:
        key, _, content = value.partition("=")
        values[found.field] = tuple({**dict(values.get(found.field, ())), key: content}.items())


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
