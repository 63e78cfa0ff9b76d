"""A ``RunSpec`` as a service of a Compose file. Source: the Compose specification, "services"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from console.engine.command.mask import Mask, masked
from console.engine.command.parts import write_publish, write_volume
from console.engine.command.spec import Mount, NetworkAttachment, RunSpec
from console.engine.command.values import write_cpus, write_duration, write_size

_TEXTS: Final = ("hostname", "domainname", "user", "platform", "stop_signal", "pid", "ipc", "uts", "runtime")
_MORE_TEXTS: Final = ("cgroup_parent", "isolation", "cpuset_cpus")
_LISTS: Final = ("group_add", "dns", "dns_search", "volumes_from", "cap_add", "cap_drop", "security_opt")
_BOOLS: Final = ("tty", "privileged", "read_only", "oom_kill_disable")
_NUMBERS: Final = ("cpu_shares", "cpu_period", "cpu_quota", "pids_limit", "oom_score_adj")
_SIZES: Final = {"memory": "mem_limit", "memory_reservation": "mem_reservation", "shm_size": "shm_size"}
_NAMES: Final = {"cpuset_cpus": "cpuset", "dns_option": "dns_opt", "userns": "userns_mode", "cgroupns": "cgroup"}
# Options that Compose has no word for, or that are none of a service
_UNSAID: Final = {
    "rm": "--rm",
    "publish_all": "--publish-all",
    "cpuset_mems": "--cpuset-mems",
    "blkio_weight": "--blkio-weight",
    "gpus": "--gpus",
    "env_file": "--env-file",
    "label_file": "--label-file",
    "kernel_memory": "--kernel-memory",
    "volume_driver": "--volume-driver",
    "use_api_socket": "--use-api-socket",
    "blkio_weight_device": "--blkio-weight-device",
    "device_read_bps": "--device-read-bps",
    "device_write_bps": "--device-write-bps",
    "device_read_iops": "--device-read-iops",
    "device_write_iops": "--device-write-iops",
    "cpu_rt_period": "--cpu-rt-period",
    "cpu_rt_runtime": "--cpu-rt-runtime",
}


def compose(spec: RunSpec, mask: Mask | None = None) -> tuple[str, tuple[str, ...]]:
    """Return the file's text, and the options that it does not say."""
    shown = spec if mask is None else masked(spec, mask)
    service = _service(shown)
    last = shown.image.rpartition("/")[2].partition(":")[0].partition("@")[0]
    found: dict[str, Any] = {"services": {shown.name or last or "app": service}}
    if named := sorted(set(_named_volumes(shown))):
        found["volumes"] = {name: {"external": True} for name in named}
    if own := [name for name in _networks(shown) if name != "default"]:
        found["networks"] = {name: {"external": True} for name in own}
    empty = RunSpec()
    unsaid = tuple(option for name, option in _UNSAID.items() if getattr(spec, name) != getattr(empty, name))
    return yaml(found), unsaid


def _service(spec: RunSpec) -> dict[str, Any]:
    empty = RunSpec()
    service: dict[str, Any] = {"image": spec.image, "container_name": spec.name}
    service |= {"entrypoint": None if spec.entrypoint is None else [spec.entrypoint] if spec.entrypoint else []}
    service |= {"command": list(spec.command), "working_dir": spec.workdir}
    service |= {_NAMES.get(name, name): getattr(spec, name) for name in (*_TEXTS, *_MORE_TEXTS, "userns", "cgroupns")}
    service |= {"stdin_open": spec.interactive, "init": spec.init}
    service |= {name: getattr(spec, name) for name in _BOOLS}
    service |= {"restart": _restart(spec)}
    service |= {"environment": {variable.name: variable.value for variable in spec.env}}
    service |= {"labels": dict(spec.label), "annotations": dict(spec.annotation)}
    service |= {"ports": [write_publish(port) for port in spec.publish]}
    service |= {"expose": [f"{port.port}/{port.protocol}" for port in spec.expose]}
    service |= _network_keys(spec)
    service |= {"extra_hosts": [f"{name}={ip}" for name, ip in spec.add_host], "external_links": list(spec.link)}
    service |= {"volumes": [write_volume(volume) for volume in spec.volume] + [_mount(mount) for mount in spec.mount]}
    service |= {"tmpfs": [f"{item.target}:{item.options}" if item.options else item.target for item in spec.tmpfs]}
    service |= {_NAMES.get(name, name): list(getattr(spec, name)) for name in (*_LISTS, "dns_option")}
    service |= {
        "devices": [":".join(filter(None, (d.host, d.container or d.host, d.permissions))) for d in spec.device]
    }
    service |= {"device_cgroup_rules": list(spec.device_cgroup_rule), "sysctls": dict(spec.sysctl)}
    service |= {"storage_opt": dict(spec.storage_opt)}
    service |= {key: write_size(value) for name, key in _SIZES.items() if (value := getattr(spec, name))}
    if spec.memory_swap:
        service["memswap_limit"] = -1 if spec.memory_swap < 0 else write_size(spec.memory_swap)
    if spec.memory_swappiness != empty.memory_swappiness:
        service["mem_swappiness"] = str(spec.memory_swappiness)
    service |= {"cpus": write_cpus(spec.cpus) if spec.cpus else ""}
    service |= {name: getattr(spec, name) for name in _NUMBERS}
    service |= {"ulimits": {limit.name: {"soft": limit.soft, "hard": limit.hard} for limit in spec.ulimit}}
    service |= {"healthcheck": _health(spec), "logging": _logging(spec)}
    service |= {"stop_grace_period": "" if spec.stop_timeout is None else f"{spec.stop_timeout}s"}
    service |= {"pull_policy": "" if spec.pull in {"missing", ""} else spec.pull}
    kept = {key: value for key, value in service.items() if value not in (None, "", False, 0, [], {})}
    return (
        kept | ({"entrypoint": []} if spec.entrypoint == "" else {}) | ({"init": False} if spec.init is False else {})
    )


def _restart(spec: RunSpec) -> str:
    policy = spec.restart
    if policy.name == "no":
        return ""
    return f"{policy.name}:{policy.retries}" if policy.retries else policy.name


def _networks(spec: RunSpec) -> list[str]:
    return [network.name for network in spec.networks if not _mode(network)]


def _mode(network: NetworkAttachment) -> bool:
    return network.name in {"bridge", "host", "none"} or network.name.startswith("container:")


def _network_keys(spec: RunSpec) -> dict[str, Any]:
    if spec.networks and _mode(spec.networks[0]):
        return {"network_mode": spec.networks[0].name, "mac_address": spec.networks[0].mac_address}
    plain = all(network == NetworkAttachment(network.name) for network in spec.networks)
    if plain:
        return {"networks": [network.name for network in spec.networks]}
    return {"networks": {network.name: _attachment(network) for network in spec.networks}}


def _attachment(network: NetworkAttachment) -> dict[str, Any]:
    found = {
        "aliases": list(network.aliases),
        "ipv4_address": network.ip,
        "ipv6_address": network.ip6,
        "mac_address": network.mac_address,
        "link_local_ips": list(network.link_local_ips),
        "driver_opts": dict(network.driver_opts),
        "gw_priority": network.gw_priority,
    }
    return {key: value for key, value in found.items() if value}


def _mount(mount: Mount) -> dict[str, Any]:
    found: dict[str, Any] = {"type": mount.type, "source": mount.source, "target": mount.target}
    found |= {"read_only": mount.read_only, "consistency": mount.consistency}
    bind = {"propagation": mount.bind_propagation, "create_host_path": mount.bind_create_src}
    bind |= {"recursive": mount.bind_recursive}
    volume = {"nocopy": mount.volume_nocopy, "subpath": mount.volume_subpath, "labels": dict(mount.volume_labels)}
    tmpfs = {"size": mount.tmpfs_size, "mode": mount.tmpfs_mode}
    for key, options in (("bind", bind), ("volume", volume), ("tmpfs", tmpfs)):
        found[key] = {name: value for name, value in options.items() if value}
    return {key: value for key, value in found.items() if value}


def _named_volumes(spec: RunSpec) -> list[str]:
    found = [volume.source for volume in spec.volume if volume.source and not volume.bind]
    return found + [mount.source for mount in spec.mount if mount.type == "volume" and mount.source]


def _health(spec: RunSpec) -> dict[str, Any]:
    if spec.no_healthcheck:
        return {"disable": True}
    times = {
        "interval": spec.health_interval,
        "timeout": spec.health_timeout,
        "start_period": spec.health_start_period,
        "start_interval": spec.health_start_interval,
    }
    found: dict[str, Any] = {"test": ["CMD-SHELL", spec.health_cmd]} if spec.health_cmd else {}
    found |= {key: write_duration(value) for key, value in times.items() if value}
    return found | ({"retries": spec.health_retries} if spec.health_retries else {})


def _logging(spec: RunSpec) -> dict[str, Any]:
    found: dict[str, Any] = {"driver": spec.log_driver} if spec.log_driver else {}
    return found | ({"options": dict(spec.log_opt)} if spec.log_opt else {})


def yaml(value: Any, depth: int = 0) -> str:
    """Return mappings, lists, texts, numbers and nothing as YAML; texts are quoted as JSON, which YAML reads."""
    pad = "  " * depth
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, item in value.items():
            name = key if key.isidentifier() else _text(key)
            lines.append(f"{pad}{name}:{_item(item, depth)}")
    else:
        for item in value:
            if isinstance(item, Mapping):
                lines.append(f"{pad}- {yaml(item, depth + 1).lstrip()}")
            else:
                lines.append(f"{pad}-{_item(item, depth)}")
    return "\n".join(lines)


def _item(item: Any, depth: int) -> str:
    if isinstance(item, Mapping | list):
        return f"\n{yaml(item, depth + 1)}" if item else (" {}" if isinstance(item, Mapping) else " []")
    if item is None:
        return ""
    if isinstance(item, bool):
        return f" {str(item).lower()}"
    return f" {item}" if isinstance(item, int) else f" {_text(item)}"


def _text(item: str) -> str:
    """``$`` is doubled: Compose would take it for a variable of its own."""
    return json.dumps(item.replace("$", "$$"), ensure_ascii=False)
