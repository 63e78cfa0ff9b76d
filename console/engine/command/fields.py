"""Options whose value is a line of ``key=value`` fields: ``--mount``, ``--gpus``, ``--network``."""

from __future__ import annotations

import re
from typing import Any, Final

from console.engine.command.spec import GpuRequest, Mount, NetworkAttachment, Pairs
from console.engine.command.values import (
    INT,
    IPV4,
    IPV6,
    BadValue,
    Codec,
    address,
    csv,
    mac_address,
    read_size,
    to_csv,
    write_size,
)

_MOUNT_KEYS: Final = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_MOUNT_FLAGS: Final = {
    "readonly": "read_only",
    "volume-nocopy": "volume_nocopy",
    "bind-create-src": "bind_create_src",
}
_MOUNT_TEXTS: Final = {
    "source": "source",
    "target": "target",
    "volume-subpath": "volume_subpath",
    "volume-driver": "volume_driver",
    "image-subpath": "image_subpath",
}
_MOUNT_WORDS: Final = {"type": "type", "consistency": "consistency", "bind-propagation": "bind_propagation"}
_MOUNT_PAIRS: Final = {"volume-label": "volume_labels", "volume-opt": "volume_opts"}
_MOUNT_TYPES: Final = frozenset({"bind", "volume", "tmpfs", "npipe", "cluster", "image"})
_LONG_NETWORK = re.compile(r"\w+=\w+", re.ASCII)


def read_mount(text: str) -> Mount:
    """Read ``type=…,source=…,target=…``."""
    given: dict[str, Any] = {}
    for field in csv(text.strip()):
        key, equals, value = field.partition("=")
        if key != key.strip() or value != value.strip():
            raise BadValue(f"“{field}” has blanks at an end.")
        key = _MOUNT_KEYS.get(key.lower(), key.lower())
        if equals and not value:
            raise BadValue(f"“{key}” has no value.")
        if not equals and key not in _MOUNT_FLAGS:
            raise BadValue(f"“{field}” is not key=value.")
        _mount_field(given, key, value, bool(equals))
    mount = Mount(**given)
    _check_mount(mount)
    return mount


def _mount_field(given: dict[str, Any], key: str, value: str, has_value: bool) -> None:
    if key in _MOUNT_FLAGS:
        if value not in {"", "1", "true", "0", "false"}:
            raise BadValue(f"Only true or false can be given for “{key}”.")
        given[_MOUNT_FLAGS[key]] = not has_value or value in {"1", "true"}
    elif key in _MOUNT_TEXTS:
        given[_MOUNT_TEXTS[key]] = value
    elif key in _MOUNT_WORDS:
        given[_MOUNT_WORDS[key]] = value.lower()
    elif key in _MOUNT_PAIRS:
        name, _, content = value.partition("=")
        own = _MOUNT_PAIRS[key]
        given[own] = set_pair(given.get(own, ()), name, content)
    elif key == "bind-recursive":
        if value not in {"enabled", "disabled", "writable", "readonly"}:
            raise BadValue("Only enabled, disabled, writable and readonly can be given for “bind-recursive”.")
        given["bind_recursive"] = "" if value == "enabled" else value
    elif key == "bind-nonrecursive":
        given["bind_recursive"] = "disabled" if not has_value or value in {"1", "true"} else ""
    elif key == "tmpfs-size":
        given["tmpfs_size"] = read_size(value)
    elif key == "tmpfs-mode":
        if not re.fullmatch(r"[0-7]{1,10}", value, re.ASCII):
            raise BadValue("A mode is octal, such as 1770.")
        given["tmpfs_mode"] = int(value, 8)
    else:
        raise BadValue(f"“{key}” is not a key of a mount.")


def set_pair(pairs: Pairs, name: str, value: str) -> Pairs:
    """Return ``pairs`` with this one; a name that is there keeps its place and gets the new value."""
    if not name:
        return pairs
    return tuple({**dict(pairs), name: value}.items())


def _check_mount(mount: Mount) -> None:
    if mount.type not in _MOUNT_TYPES:
        raise BadValue(f"“{mount.type}” is not a type of a mount; bind, volume, tmpfs, image, cluster and npipe are.")
    for kind, used in (
        ("bind", mount.bind_propagation or mount.bind_recursive or mount.bind_create_src),
        ("volume", mount.volume_subpath or mount.volume_nocopy or mount.volume_labels or mount.volume_driver),
        ("volume", mount.volume_opts),
        ("image", mount.image_subpath),
        ("tmpfs", mount.tmpfs_size is not None or mount.tmpfs_mode is not None),
    ):
        if used and mount.type != kind:
            raise BadValue(f"“{kind}-…” fits a mount of type {kind}, not {mount.type}.")
    if mount.bind_recursive in {"writable", "readonly"} and not mount.read_only:
        raise BadValue(f"“bind-recursive={mount.bind_recursive}” needs “readonly”.")
    if mount.bind_recursive == "readonly" and mount.bind_propagation != "rprivate":
        raise BadValue("“bind-recursive=readonly” needs “bind-propagation=rprivate”.")


def write_mount(mount: Mount) -> str:
    """Write ``type=…,source=…,target=…``."""
    fields = [f"type={mount.type}"]
    fields += [f"{key}={value}" for key, own in _MOUNT_TEXTS.items() if (value := getattr(mount, own))]
    fields += [key for key, own in _MOUNT_FLAGS.items() if getattr(mount, own)]
    fields += [f"{key}={v}" for key, own in _MOUNT_WORDS.items() if key != "type" and (v := getattr(mount, own))]
    fields += [f"bind-recursive={mount.bind_recursive}"] if mount.bind_recursive else []
    for key, own in _MOUNT_PAIRS.items():
        fields += [f"{key}={name}={value}" if value else f"{key}={name}" for name, value in getattr(mount, own)]
    fields += [f"tmpfs-size={write_size(mount.tmpfs_size)}"] if mount.tmpfs_size is not None else []
    fields += [f"tmpfs-mode={mount.tmpfs_mode:o}"] if mount.tmpfs_mode is not None else []
    return to_csv(fields)


def read_gpus(text: str) -> GpuRequest:
    """Read ``all``, a number, or ``driver=…,count=…,device=…,capabilities=…,options=…``."""
    given: dict[str, Any] = {}
    for field in csv(text):
        key, equals, value = field.partition("=")
        name, value = (key, value) if equals else ("count", key)
        if name in given:
            raise BadValue(f"“{name}” is given twice.")
        match name:
            case "count":
                given[name] = -1 if value == "all" else INT.read(value)
            case "driver":
                given[name] = value
            case "device":
                given[name] = tuple(value.split(","))
            case "capabilities":
                given[name] = (*value.split(","), "gpu")
            case "options":
                pairs: Pairs = ()
                for option in csv(value):
                    pairs = set_pair(pairs, *option.partition("=")[::2])
                given[name] = pairs
            case _:
                raise BadValue(f"“{name}” is not a key of --gpus.")
    return GpuRequest(
        count=given.get("count", 0 if "device" in given else 1),
        driver=given.get("driver", ""),
        devices=given.get("device", ()),
        capabilities=given.get("capabilities", ("gpu",)),
        options=given.get("options", ()),
    )


def write_gpus(request: GpuRequest) -> str:
    """Write a request in its shortest form."""
    fields = [f"driver={request.driver}"] if request.driver else []
    fields += [f"device={','.join(request.devices)}"] if request.devices else []
    if request.count != (0 if request.devices else 1):
        fields.append("count=all" if request.count == -1 else f"count={request.count}")
    if request.capabilities != ("gpu",):
        fields.append(f"capabilities={','.join(request.capabilities[:-1])}")
    if request.options:
        fields.append(f"options={to_csv([f'{name}={value}' for name, value in request.options])}")
    if fields in (["count=all"], []):
        return "all" if fields else "1"
    return to_csv(fields)


def is_long_network(text: str) -> bool:
    """Whether the CLI reads this value of ``--network`` as ``key=value`` fields, not as a name."""
    return bool(_LONG_NETWORK.search(text))


def read_network(text: str) -> NetworkAttachment:
    """Read the name of a network, or ``name=…,alias=…,ip=…``; the CLI makes the latter lower case."""
    if not is_long_network(text):
        if not text.strip():
            raise BadValue("The name of the network is missing.")
        return NetworkAttachment(text)
    given: dict[str, Any] = {"name": ""}
    for field in csv(text):
        key, equals, value = (part.strip() for part in field.lower().partition("="))
        if not equals or not key:
            raise BadValue(f"“{field}” is not key=value.")
        match key:
            case "name":
                given["name"] = value
            case "alias":
                given["aliases"] = (*given.get("aliases", ()), value)
            case "ip":
                given["ip"] = IPV4.read(value)
            case "ip6":
                given["ip6"] = IPV6.read(value)
            case "mac-address":
                given["mac_address"] = mac_address(value)
            case "link-local-ip":
                given["link_local_ips"] = (*given.get("link_local_ips", ()), address(value))
            case "driver-opt":
                name, mark, content = (part.strip() for part in value.partition("="))
                if not mark or not name:
                    raise BadValue("“driver-opt” is driver-opt=NAME=VALUE.")
                given["driver_opts"] = set_pair(given.get("driver_opts", ()), name, content)
            case "gw-priority":
                given["gw_priority"] = INT.read(value)
            case _:
                raise BadValue(f"“{key}” is not a key of --network.")
    if not given["name"]:
        raise BadValue("The name of the network is missing.")
    return NetworkAttachment(**given)


def write_network(network: NetworkAttachment) -> str:
    """Write a network in full; its name alone where that says all."""
    if network == NetworkAttachment(network.name) and not is_long_network(network.name):
        return network.name
    fields = [f"name={network.name}"]
    fields += [f"alias={alias}" for alias in network.aliases]
    fields += [f"{key}={value}" for key, value in (("ip", network.ip), ("ip6", network.ip6)) if value]
    fields += [f"mac-address={network.mac_address}"] if network.mac_address else []
    fields += [f"link-local-ip={ip}" for ip in network.link_local_ips]
    fields += [f"driver-opt={name}={value}" for name, value in network.driver_opts]
    fields += [f"gw-priority={network.gw_priority}"] if network.gw_priority else []
    return to_csv(fields)


MOUNT: Final = Codec(read_mount, write_mount)
GPUS: Final = Codec(read_gpus, write_gpus)
NETWORK: Final = Codec(read_network, write_network)
