"""What docker prints, as pure functions: status, ages, sizes, ports, commands, ids.

The words are those of ``docker container ls`` and ``docker image ls`` (CLI: ``cli/command/formatter/container.go``,
``pkg/units``; engine: ``container/state.go``). Our dense words for tables stand beside them (``dense``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from console.engine.types import ContainerState, Health, Port

UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
RUNNING: Final = (ContainerState.RUNNING, ContainerState.PAUSED, ContainerState.RESTARTING)  # `docker container ls`
STOPPED: Final = (ContainerState.EXITED, ContainerState.DEAD)
# Network modes in which a container has no ports of its own.
_NO_PORTS: Final = ("host", "none", "container:")


def duration(length: timedelta) -> str:
    """A length of time as docker prints it: "5 seconds", "About a minute", "3 weeks" (``units.HumanDuration``)."""
    seconds = int(length.total_seconds())
    minutes, hours = seconds // 60, math.floor(length.total_seconds() / 3600 + 0.5)
    if seconds < 1:
        return "Less than a second"
    if seconds < 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    for limit, unit, word in ((24 * 14, 24, "days"), (24 * 60, 24 * 7, "weeks"), (24 * 365 * 2, 24 * 30, "months")):
        if hours < limit:
            return f"{hours // unit} {word}"
    return f"{seconds // 3600 // 24 // 365} years"


def size(amount: float, digits: int = 3) -> str:
    """Bytes as docker prints them: decimal units, ``digits`` significant (``units.HumanSizeWithPrecision``)."""
    unit = 0
    while amount >= 1000 and unit < len(UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.{digits}g}{UNITS[unit]}"


def size_words(amount: float | None) -> str:
    """Bytes as ``docker image ls`` prints them, with a space before the unit: "192 MB"."""
    words = size(max(0, amount or 0))
    digits = words.rstrip("BkMGTPEZY")
    return f"{digits} {words[len(digits) :]}"


def status(
    state: ContainerState,
    health: Health,
    exit_code: int,
    started_at: datetime | None,
    finished_at: datetime | None,
    now: datetime,
) -> str:
    """The STATUS column: "Up 3 minutes (Paused)", "Exited (0) 6 seconds ago" (``State.String``)."""
    up = f"Up {duration(now - started_at)}" if started_at else "Up"
    past = f"{duration(now - finished_at)} ago" if finished_at else ""
    match state:
        case ContainerState.PAUSED:
            return f"{up} (Paused)"
        case ContainerState.RESTARTING:
            return f"Restarting ({exit_code}) {past}".rstrip()
        case ContainerState.RUNNING:
            words = {Health.NONE: "", Health.STARTING: " (health: starting)"}
            return up + words.get(health, f" ({health.value})")
        case ContainerState.REMOVING:
            return "Removal In Progress"
        case ContainerState.DEAD:
            return "Dead"
        case ContainerState.EXITED if started_at:
            return f"Exited ({exit_code}) {past}".rstrip()
        case ContainerState.CREATED | ContainerState.EXITED:
            return "Created"
    return "Unknown"


@dataclass(frozen=True, slots=True)
class Dense:
    """A status for a table: ``before``, an age that ticks by itself (``kind``: "ago" or "age"), ``after``.

    ``tone``: "" or one of warn, bad, busy. ``lamp``: the state's lamp. ``word``: the state in one word.
    """

    before: str
    moment: datetime | None
    kind: str
    after: str
    tone: str
    lamp: str
    word: str


def dense(
    state: ContainerState,
    health: Health,
    exit_code: int,
    created_at: datetime | None,
    started_at: datetime | None,
    finished_at: datetime | None,
) -> Dense:
    """The status in the console's words: "Up 3 d, healthy", "Exited (137) 2 h ago", "Created 40 min ago"."""
    match state:
        case ContainerState.RUNNING:
            sick, checked = health is Health.UNHEALTHY, health in {Health.HEALTHY, Health.UNHEALTHY}
            word = health.value if checked else "running"
            after = "" if health is Health.NONE else f", {health.value}"
            return Dense("Up ", started_at, "age", after, "bad" if sick else "", word, word)
        case ContainerState.PAUSED:
            return Dense("Up ", started_at, "age", ", paused", "warn", "paused", "paused")
        case ContainerState.RESTARTING:
            return Dense(f"Restarting ({exit_code}) ", finished_at, "ago", "", "busy", "restarting", "restarting")
        case ContainerState.REMOVING:
            return Dense("Removal in progress", None, "ago", "", "busy", "removing", "removing")
        case ContainerState.DEAD:
            return Dense("Dead", None, "ago", "", "bad", "dead", "dead")
        case ContainerState.EXITED if started_at:
            lamp = "failed" if exit_code else "exited"
            return Dense(f"Exited ({exit_code}) ", finished_at, "ago", "", "", lamp, "exited")
        case ContainerState.CREATED | ContainerState.EXITED:
            return Dense("Created ", created_at, "ago", "", "", "created", "created")
    return Dense("Unknown", None, "ago", "", "warn", "unknown", "unknown")


def has_ports(state: ContainerState, network_mode: str) -> bool:
    """Whether exposed ports count: a stopped container and one without a network of its own have none."""
    return state in {ContainerState.RUNNING, ContainerState.PAUSED} and not network_mode.startswith(_NO_PORTS)


def address(ip: str, port: object) -> str:
    """``0.0.0.0:8080``, ``[::]:8080`` (``net.JoinHostPort``)."""
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def ports(found: Iterable[Port]) -> str:
    """The PORTS column: ``0.0.0.0:8080->80/tcp, [::]:8080->80/tcp``, ranges folded (``DisplayablePorts``)."""
    done: list[str] = []
    mapped: list[str] = []
    open_groups: dict[tuple[str, str], tuple[int, int]] = {}
    more = ""
    for port in sorted(found, key=_order):
        if port.protocol == "more":
            more = f"and {port.container_port:,} more"
            continue
        ip = port.host_ip if port.host_port is not None else ""
        if ip and port.host_port != port.container_port:
            mapped.append(f"{address(ip, port.host_port)}->{port.container_port}/{port.protocol}")
            continue
        key = (ip, port.protocol)
        first, last = open_groups.get(key, (port.container_port, port.container_port - 1))
        if port.container_port != last + 1:
            done.append(_group(key, first, last))
            first = port.container_port
        open_groups[key] = (first, port.container_port)
    groups = [_group(key, first, last) for key, (first, last) in open_groups.items()]
    return ", ".join([*done, *groups, *mapped, *([more] if more else [])])


def _order(port: Port) -> tuple[int, str, int, str]:
    return (port.container_port, port.host_ip, port.host_port or 0, port.protocol)


def _group(key: tuple[str, str], first: int, last: int) -> str:
    ip, protocol = key
    numbers = str(first) if first == last else f"{first}-{last}"
    return f"{address(ip, numbers)}->{numbers}/{protocol}" if ip else f"{numbers}/{protocol}"


def command(entrypoint: Sequence[str], arguments: Sequence[str], longest: int = 0) -> str:
    """The COMMAND column: joined by spaces, parts with spaces in quotes, the whole quoted.

    ``longest``: characters kept, the last of them "…" (docker keeps 20 without ``--no-trunc``); 0 keeps all.
    """
    first, *rest = [*entrypoint, *arguments] or [""]
    words = " ".join([first, *(f"'{part}'" if " " in part else part for part in rest)])
    if longest and len(words) > longest:
        words = f"{words[: longest - 1]}…"
    return f'"{_escaped(words)}"'


def plain_command(entrypoint: Sequence[str], arguments: Sequence[str]) -> str:
    """Entrypoint and command on one line, as a person would type them: only what needs quotes has them."""
    return " ".join(
        f'"{part}"' if not part or any(c.isspace() for c in part) else part for part in [*entrypoint, *arguments]
    )


_ESCAPES: Final = {
    ord("\\"): "\\\\",
    ord('"'): '\\"',
    **{0x2400 + code: f"\\x{code:02x}" for code in range(0x20)},
    0x2421: "\\x7f",
    **{0x2400 + code: f"\\{letter}" for code, letter in zip((7, 8, 9, 10, 11, 12, 13), "abtnvfr", strict=True)},
}


def _escaped(words: str) -> str:
    """Quoted as Go's ``strconv.Quote`` does. The mirror keeps control characters as their pictures (U+2400…)."""
    return words.translate(_ESCAPES)


def short_id(value: str) -> str:
    """The twelve digits that docker shows of an id, without the algorithm."""
    return value.rpartition(":")[2][:12]


def moment(when: datetime | None) -> str:
    """A moment for a page of facts: "28 January 2025, 01:04:26 UTC", "" for none."""
    return f"{when.astimezone(UTC):%-d %B %Y, %H:%M:%S} UTC" if when else ""


def image_reference(reference: str, image_id: str) -> str:
    """The IMAGE column: the reference the container was made from, the short id where that is an id."""
    given = reference or image_id
    digits = given.removeprefix("sha256:")
    return digits[:12] if len(digits) == 64 and set(digits) <= set("0123456789abcdef") else given


def normal_reference(reference: str) -> str:
    """The reference with its default tag: ``nginx`` is ``nginx:latest``; digests and ids stay as they are."""
    name = reference.rpartition("/")[2]
    return reference if not reference or ":" in name or "@" in name else f"{reference}:latest"
