"""Values with an inner form: ports, variables, volumes, devices, limits. See ``values`` for what a ``Codec`` does."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from console.engine.command.spec import (
    Device,
    DeviceValue,
    ExposedPort,
    PublishedPort,
    RestartPolicy,
    Tmpfs,
    Ulimit,
    Variable,
    Volume,
)
from console.engine.command.values import INT64, BadValue, Codec, address, read_size, write_size

_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", re.ASCII)
_PROTOCOLS: Final = ("tcp", "udp", "sctp")
_CDI = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_-]*=[A-Za-z0-9][A-Za-z0-9_.:-]*", re.ASCII)
_LIMITS: Final = frozenset(
    {"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc"}
    | {"rss", "rtprio", "rttime", "sigpending", "stack"}
)
_SYSCTLS: Final = frozenset(
    f"kernel.{name}" for name in ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced")
)
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")


def ports(text: str, what: str = "port") -> tuple[int, int]:
    """Return the first and the last port of "80" or "8000-8010"."""
    found = _PORTS.fullmatch(text)
    first = int(found[1]) if found else -1
    last = int(found[2] or found[1]) if found else -1
    if not 0 <= first <= last <= 65535:
        raise BadValue(f"“{text}” is not a {what}, or a range of them like 8000-8010.")
    return first, last


def _protocol(text: str) -> str:
    name = text.lower() or "tcp"
    if name not in _PROTOCOLS:
        raise BadValue(f"“{text}” is not a protocol; tcp, udp and sctp are.")
    return name


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def read_publish(text: str) -> PublishedPort:
    """Read ``[IP:][HOST:]CONTAINER[/PROTOCOL]`` or ``published=…,target=…,protocol=…``."""
    if "=" in text:
        given = {"published": "", "target": "", "protocol": "tcp"}
        for pair in text.split(","):
            key, equals, value = pair.partition("=")
            if not equals or not key:
                raise BadValue(f"“{pair}” is not name=value.")
            given[key] = value
        text = f"{given['published']}:{given['target']}/{given['protocol']}"
    head, _, inside = text.rpartition(":")
    host_ip, _, host = head.rpartition(":")
    inside, _, protocol = inside.partition("/")
    if not inside:
        raise BadValue("The port of the container is missing.")
    name = _protocol(protocol)
    if host_ip.startswith("["):
        if not host_ip.endswith("]"):
            raise BadValue(f"“{host_ip}” is not an IP address.")
        host_ip = host_ip[1:-1]
    if host_ip:
        host_ip = address(host_ip)
    first, last = ports(inside)
    if not host:
        return PublishedPort(_range(first, last), "", host_ip, name)
    outer_first, outer_last = ports(host, "port of the host")
    if first != last and last - first != outer_last - outer_first:
        raise BadValue("The two ranges of ports differ in length.")
    return PublishedPort(_range(first, last), _range(outer_first, outer_last), host_ip, name)


def write_publish(port: PublishedPort) -> str:
    """Write ``[IP:][HOST:]CONTAINER[/PROTOCOL]``."""
    host_ip = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
    head = f"{host_ip}:{port.host_port}:" if host_ip else f"{port.host_port}:" if port.host_port else ""
    return f"{head}{port.container_port}{_suffix(port.protocol)}"


def _suffix(protocol: str) -> str:
    return "" if protocol == "tcp" else f"/{protocol}"


def read_expose(text: str) -> ExposedPort:
    """Read ``PORT[-PORT][/PROTOCOL]``."""
    inside, _, protocol = text.partition("/")
    return ExposedPort(_range(*ports(inside)), _protocol(protocol))


def read_variable(text: str) -> Variable:
    """Read ``NAME=VALUE`` or ``NAME``."""
    name, equals, value = text.partition("=")
    if not name:
        raise BadValue("A variable needs a name.")
    return Variable(name, value if equals else None)


def read_label(text: str) -> tuple[str, str]:
    """Read ``NAME[=VALUE]``; a name has no blanks inside."""
    name, _, value = text.partition("=")
    if not name.lstrip(" \t") or " " in name.lstrip(" \t") or "\t" in name.lstrip(" \t"):
        raise BadValue("A label needs a name without blanks.")
    return name, value


def read_pair(text: str) -> tuple[str, str]:
    """Read ``NAME[=VALUE]``."""
    name, _, value = text.partition("=")
    return name, value


def read_strict_pair(text: str) -> tuple[str, str]:
    """Read ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals:
        raise BadValue("This is not NAME=VALUE.")
    return name, value


def read_sysctl(text: str) -> tuple[str, str]:
    """Read ``NAME=VALUE`` of a kernel parameter that belongs to a namespace."""
    name, value = read_strict_pair(text)
    if name not in _SYSCTLS and not name.startswith(("net.", "fs.mqueue.")):
        raise BadValue("Only net.*, fs.mqueue.* and some kernel.* parameters belong to a container.")
    return name, value


def read_host(text: str) -> tuple[str, str]:
    """Read ``NAME:IP`` or ``NAME=IP``; IP may stand in brackets or be ``host-gateway``."""
    name, mark, given = text.partition("=") if "=" in text else text.partition(":")
    if not mark or not name or ":" in name:
        raise BadValue("This is not NAME:IP.")
    if len(given) > 2 and given[0] == "[" and given[-1] == "]":
        given = given[1:-1]
    return name, given if given == "host-gateway" else address(given)


def read_volume(text: str) -> Volume:
    """Read ``[SOURCE:]TARGET[:MODE]``; a drive letter of Windows belongs to its path."""
    if len(text) < 3:
        if not text:
            raise BadValue("It is empty.")
        return Volume(text)
    fields = [""]
    for char in text:
        if char == ":" and not (len(fields[-1]) == 1 and fields[-1].isalpha()):
            fields.append("")
        else:
            fields[-1] += char
    if "" in fields:
        raise BadValue("There is nothing between two colons.")
    if len(fields) > 3:
        raise BadValue("There are too many colons.")
    if len(fields) == 1:
        return Volume(fields[0])
    return Volume(fields[1], fields[0], fields[2] if len(fields) == 3 else "")


def write_volume(volume: Volume) -> str:
    """Write ``[SOURCE:]TARGET[:MODE]``."""
    return ":".join(part for part in (volume.source, volume.target, volume.mode) if part)


def read_tmpfs(text: str) -> Tmpfs:
    """Read ``TARGET[:OPTIONS]``."""
    target, _, options = text.partition(":")
    return Tmpfs(target, options)


def read_device(text: str) -> Device:
    """Read ``HOST[:CONTAINER][:PERMISSIONS]``, or the name of a CDI device."""
    if _CDI.fullmatch(text):
        return Device(text)
    parts = text.split(":")
    if len(parts) > 3 or not parts[0]:
        raise BadValue("This is not HOST[:CONTAINER][:PERMISSIONS].")
    host, container, permissions = parts[0], "", "rwm"
    if len(parts) == 1:
        host = _clean(host)
    elif len(parts) == 3:
        container, permissions = parts[1], parts[2]
        if not _device_mode(permissions):
            raise BadValue("Permissions are some of r, w and m.")
    elif _device_mode(parts[1]):
        host, permissions = _clean(host), parts[1]
    else:
        container = _clean(parts[1])
    if not (container or host).startswith("/"):
        raise BadValue("The path of a device is absolute.")
    return Device(host, "" if container == host else container, permissions)


def _clean(path: str) -> str:
    """Return a path as Go's ``path.Clean`` does."""
    cleaned = posixpath.normpath(path)
    return "/" + cleaned.lstrip("/") if cleaned.startswith("//") else cleaned


def _device_mode(text: str) -> bool:
    return bool(text) and set(text) <= set("rwm") and len(set(text)) == len(text)


def write_device(device: Device) -> str:
    """Write ``HOST[:CONTAINER][:PERMISSIONS]``."""
    permissions = "" if device.permissions == "rwm" else device.permissions
    return ":".join(part for part in (device.host, device.container, permissions) if part)


def is_cdi(device: Device) -> bool:
    """Whether it is the name of a CDI device, no path."""
    return bool(_CDI.fullmatch(device.host))


def read_ulimit(text: str) -> Ulimit:
    """Read ``NAME=SOFT[:HARD]``."""
    name, equals, limits = text.partition("=")
    values = limits.split(":")
    if not equals or len(values) > 2 or not all(re.fullmatch(r"[+-]?[0-9]{1,19}", n, re.ASCII) for n in values):
        raise BadValue("This is not NAME=SOFT[:HARD] in whole numbers.")
    if name not in _LIMITS:
        raise BadValue(f"“{name}” is not a limit; these are: {', '.join(sorted(_LIMITS))}.")
    soft, hard = int(values[0]), int(values[-1])
    if abs(soft) > INT64 or abs(hard) > INT64:
        raise BadValue("This is too large.")
    if hard != -1 and (soft == -1 or soft > hard):
        raise BadValue("The soft limit is above the hard one.")
    return Ulimit(name, soft, hard)


def write_ulimit(limit: Ulimit) -> str:
    """Write ``NAME=SOFT[:HARD]``."""
    return f"{limit.name}={limit.soft}" + ("" if limit.hard == limit.soft else f":{limit.hard}")


def _device_value(text: str, what: str) -> tuple[str, str]:
    device, mark, value = text.partition(":")
    if not mark or not device.startswith("/dev/"):
        raise BadValue(f"This is not DEVICE:{what}, with a device below /dev.")
    return device, value


def read_weight(text: str) -> DeviceValue:
    """Read ``DEVICE:WEIGHT``."""
    device, value = _device_value(text, "WEIGHT")
    if not re.fullmatch(r"[0-9]{1,4}", value, re.ASCII) or not (int(value) == 0 or 10 <= int(value) <= 1000):
        raise BadValue("A weight is 10 to 1000, or 0.")
    return DeviceValue(device, int(value))


def read_bps(text: str) -> DeviceValue:
    """Read ``DEVICE:BYTES``, a second."""
    device, value = _device_value(text, "RATE")
    return DeviceValue(device, read_size(value))


def read_iops(text: str) -> DeviceValue:
    """Read ``DEVICE:OPERATIONS``, a second."""
    device, value = _device_value(text, "OPERATIONS")
    if not re.fullmatch(r"[0-9]{1,18}", value, re.ASCII):
        raise BadValue("Operations are a whole number.")
    return DeviceValue(device, int(value))


def read_restart(text: str) -> RestartPolicy:
    """Read ``NAME[:RETRIES]``."""
    name, mark, retries = text.partition(":")
    if name not in {"", "no", "always", "on-failure", "unless-stopped"} or (mark and not name):
        raise BadValue("Only no, always, unless-stopped and on-failure[:RETRIES] can be given.")
    if retries and not re.fullmatch(r"[+-]?[0-9]{1,9}", retries, re.ASCII):
        raise BadValue("The number of retries is a whole number.")
    count = int(retries or 0)
    if count < 0 or (count and name != "on-failure"):
        raise BadValue("Only on-failure has a number of retries, and it is not negative.")
    return RestartPolicy(name or "no", count)


def read_domain(text: str) -> str:
    """Read a domain to search in; "." for none."""
    given = text.strip(" ")
    if given == ".":
        return given
    name = given.removesuffix(".")
    if len(name) >= 255 or not _DOMAIN.fullmatch(name) or not re.search("[A-Za-z]", name):
        raise BadValue("This is not a domain.")
    return name


def read_link(text: str) -> str:
    """Read ``CONTAINER[:ALIAS]``."""
    if not text or text.count(":") > 1:
        raise BadValue("This is not CONTAINER[:ALIAS].")
    return text


def read_attach(text: str) -> str:
    """Read a stream's name."""
    if text.lower() not in {"stdin", "stdout", "stderr"}:
        raise BadValue("Only stdin, stdout and stderr can be given.")
    return text.lower()


def read_security(text: str) -> str:
    """Read ``NAME=VALUE``, ``NAME:VALUE`` or ``no-new-privileges``."""
    name, mark, value = text.partition("=")
    if not mark and name != "no-new-privileges":
        name, mark, value = text.partition(":")
    if not value and name != "no-new-privileges":
        raise BadValue("This is not NAME=VALUE, such as seccomp=unconfined.")
    return text


def seccomp_file(option: str) -> bool:
    """Whether a ``--security-opt`` names a file with a seccomp profile: the CLI reads it and sends its content."""
    name, _, value = option.partition("=" if "=" in option else ":")
    return name == "seccomp" and value not in {"builtin", "unconfined"} and not value.lstrip().startswith("{")


PUBLISH: Final = Codec(read_publish, write_publish)
EXPOSE: Final = Codec(read_expose, lambda port: f"{port.port}{_suffix(port.protocol)}")
VARIABLE: Final = Codec(read_variable, lambda v: v.name if v.value is None else f"{v.name}={v.value}")
LABEL: Final = Codec(read_label, "=".join)
PAIR: Final = Codec(read_pair, "=".join)
STRICT_PAIR: Final = Codec(read_strict_pair, "=".join)
SYSCTL: Final = Codec(read_sysctl, "=".join)
HOST: Final = Codec(read_host, ":".join)
VOLUME: Final = Codec(read_volume, write_volume)
TMPFS: Final = Codec(read_tmpfs, lambda mount: f"{mount.target}:{mount.options}" if mount.options else mount.target)
DEVICE: Final = Codec(read_device, write_device)
ULIMIT: Final = Codec(read_ulimit, write_ulimit)
WEIGHT: Final = Codec(read_weight, lambda value: f"{value.device}:{value.value}")
BPS: Final = Codec(read_bps, lambda value: f"{value.device}:{write_size(value.value)}")
IOPS: Final = Codec(read_iops, lambda value: f"{value.device}:{value.value}")
RESTART: Final = Codec(
    read_restart, lambda policy: f"{policy.name}:{policy.retries}" if policy.retries else policy.name
)
DOMAIN: Final = Codec(read_domain, str)
LINK: Final = Codec(read_link, str)
ATTACH: Final = Codec(read_attach, str)
SECURITY: Final = Codec(read_security, str)
