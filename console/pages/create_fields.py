"""The fields of the form for a new container: which option stands in which group, and how it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from console.engine.command.flags import DEFAULTS, LONG, Flag
from console.engine.command.form import MOUNT_PARTS, NO_ENTRYPOINT, PUBLISH_PARTS, Key, Values

# Options that stand in sections of their own, and the folded groups of all others.
MAIN: Final = (
    *("name", "pull", "publish", "env", "mount", "network", "ip", "restart", "memory", "cpus", "health-cmd"),
    *("interactive", "tty", "rm", "detach"),
)
GROUPS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Process", ("entrypoint", "user", "group-add", "workdir", "init", "stop-signal", "stop-timeout")),
    ("More storage", ("volume", "tmpfs", "volumes-from", "volume-driver", "storage-opt", "read-only", "shm-size")),
    (
        "More of the network",
        (
            *("hostname", "domainname", "network-alias", "ip6", "link-local-ip", "mac-address", "publish-all"),
            *("expose", "link", "add-host", "dns", "dns-option", "dns-search"),
        ),
    ),
    (
        "More of the health check",
        (
            *("health-interval", "health-timeout", "health-retries", "health-start-period"),
            *("health-start-interval", "no-healthcheck"),
        ),
    ),
    (
        "More limits",
        (
            *("memory-reservation", "memory-swap", "memory-swappiness", "kernel-memory", "cpu-shares", "cpu-period"),
            *("cpu-quota", "cpu-rt-period", "cpu-rt-runtime", "cpuset-cpus", "cpuset-mems", "pids-limit"),
            *("oom-kill-disable", "oom-score-adj", "ulimit", "blkio-weight", "blkio-weight-device"),
            *("device-read-bps", "device-write-bps", "device-read-iops", "device-write-iops", "cgroup-parent"),
        ),
    ),
    (
        "Security and devices",
        (
            *("privileged", "cap-add", "cap-drop", "security-opt", "sysctl", "userns", "cgroupns", "pid", "ipc", "uts"),
            *("runtime", "device", "device-cgroup-rule", "gpus", "use-api-socket"),
        ),
    ),
    ("Labels and log", ("label", "annotation", "log-driver", "log-opt")),
    (
        "For the command line only",
        (
            *("platform", "quiet", "attach", "detach-keys", "sig-proxy", "cidfile", "env-file", "label-file"),
            *("disable-content-trust", "isolation", "cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"),
        ),
    ),
)
PLACEHOLDERS: Final = {
    "env": "NAME=value",
    "volume": "SOURCE:TARGET[:MODE]",
    "tmpfs": "TARGET[:OPTIONS]",
    "memory": "Memory: no limit; 256m, 1g",
    "label": "NAME=value",
    "add-host": "NAME:IP",
    "link": "CONTAINER[:ALIAS]",
    "ulimit": "nofile=1024:2048",
    "device": "/dev/host[:/dev/inside][:rwm]",
    "health-cmd": "none, for example: nc -z localhost 80 || exit 1",
    "health-interval": "30s",
    "sysctl": "net.core.somaxconn=1024",
    "gpus": "all, 2, or device=0",
    "log-opt": "max-size=10m",
    "user": "of the image; NAME or UID[:GID]",
    "entrypoint": "of the image",
    "workdir": "of the image",
    "ip": "Address: automatic",
    "cap-add": "NET_ADMIN",
    "cap-drop": "ALL",
    "pid": "host, container:NAME",
    "ipc": "private, shareable, host, container:NAME",
    "device-cgroup-rule": "c 42:* rwm",
}
CHOICES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "pull": (("", "Pull if missing"), ("always", "Always pull"), ("never", "Never pull")),
    "restart": (("", "no"), *((name, name) for name in ("on-failure", "unless-stopped", "always"))),
    "publish": tuple((name, name) for name in ("tcp", "udp", "sctp")),
    "mount": tuple((name, name) for name in ("volume", "bind", "tmpfs", "image", "cluster", "npipe")),
    "userns": (("", "of the engine"), ("host", "host")),
    "cgroupns": (("", "of the engine"), ("host", "host"), ("private", "private")),
    "uts": (("", "its own"), ("host", "host")),
}
THREE: Final = (("", "as usual"), ("true", "yes"), ("false", "no"))
ROWS: Final = {"publish": PUBLISH_PARTS, "mount": MOUNT_PARTS}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a field. ``parts``: for ports and mounts, its columns."""

    value: str = ""
    error: str = ""
    parts: tuple[str, ...] = ()

    @property
    def long(self) -> bool:
        """Whether it needs an area: an input has one line."""
        return "\n" in self.value


@dataclass(frozen=True, slots=True)
class Field:
    """One option, as ``create/_field.html`` prints it. ``kind``: text, check, choice, many."""

    name: str
    label: str
    kind: str
    lines: tuple[Line, ...]
    placeholder: str = ""
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    many: bool = False

    @property
    def line(self) -> Line:
        """Its first row."""
        return self.lines[0]

    @property
    def id(self) -> str:
        """Of its element."""
        return f"f-{self.name}"


@dataclass(slots=True)
class Group:
    """A folded group. ``said``: what is given in it, for its summary."""

    title: str
    fields: list[Field] = field(default_factory=list)

    @property
    def said(self) -> str:
        """The options that are given."""
        return ", ".join(f.label for f in self.fields if any(line.value for line in f.lines))[:80]

    @property
    def wrong(self) -> bool:
        """Whether one of them cannot stay as it is."""
        return any(line.error for f in self.fields for line in f.lines)


def field_of(name: str, values: Values, errors: Mapping[Key, str], choices: Sequence[tuple[str, str]] = ()) -> Field:
    """The field of one option with what stands in it."""
    flag = LONG[name]
    lines = _lines(flag, values, errors)
    offered = tuple(choices or CHOICES.get(name, ()))
    if flag.bool and DEFAULTS.get(flag.field) is not False:
        offered = THREE
    missing = {line.value for line in lines if line.value} - {value for value, _ in offered}
    if offered:
        offered += tuple((value, value) for value in sorted(missing))
    kind = "choice" if offered and not flag.many else "check" if flag.bool else "many" if flag.many else "text"
    label = name.replace("-", " ").capitalize()
    return Field(name, label, kind, lines, PLACEHOLDERS.get(name, ""), flag.remark, offered, flag.many)


def _lines(flag: Flag, values: Values, errors: Mapping[Key, str]) -> tuple[Line, ...]:
    parts = ROWS.get(flag.name)
    if parts is None:
        texts = values.get(flag.name) or [""]
        return tuple(Line(text, errors.get((flag.name, row), "")) for row, text in enumerate(texts))
    columns = [values.get(part, []) for part in parts]
    length = max(1, *map(len, columns))
    rows = [tuple(column[row] if row < len(column) else "" for column in columns) for row in range(length)]
    return tuple(Line("", errors.get((flag.name, row), ""), cells) for row, cells in enumerate(rows))


def groups(values: Values, errors: Mapping[Key, str]) -> list[Group]:
    """The folded groups."""
    return [Group(title, [field_of(name, values, errors) for name in names]) for title, names in GROUPS]


def with_row(values: Values, name: str) -> Values:
    """The same with one more, empty row of an option that may be repeated."""
    if name not in LONG or not LONG[name].many:
        return values
    changed = dict(values)
    for part in ROWS.get(name, (name,)):
        changed[part] = [*(values.get(part) or [""]), ""]
    return changed


def without_row(values: Values, name: str, row: int) -> Values:
    """The same without one row."""
    if name not in LONG:
        return values
    changed = dict(values)
    for part in ROWS.get(name, (name,)):
        changed[part] = [text for number, text in enumerate(values.get(part, [])) if number != row]
    return changed


def known_names() -> frozenset[str]:
    """Every name that a field of this form has."""
    return frozenset({*LONG, *PUBLISH_PARTS, *MOUNT_PARTS, NO_ENTRYPOINT, "image", "command"})
