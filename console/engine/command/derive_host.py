"""The ``HostConfig`` of an existing container as options of the command, without what the engine filled in."""

from __future__ import annotations

from typing import Any, Final

from console.engine.command.parts import is_cdi
from console.engine.command.raw import pairs, string, strings
from console.engine.command.spec import (
    Device,
    DeviceValue,
    GpuRequest,
    Mount,
    RestartPolicy,
    Tmpfs,
    Ulimit,
)
from console.engine.fields import boolean, child, integer, objects
from console.engine.types import Raw

SHM_SIZE: Final = 64 * 1024 * 1024  # bytes; what an engine gives that was not told otherwise

_NUMBERS: Final = {
    "cpu_shares": "CpuShares",
    "cpu_period": "CpuPeriod",
    "cpu_quota": "CpuQuota",
    "cpu_rt_period": "CpuRealtimePeriod",
    "cpu_rt_runtime": "CpuRealtimeRuntime",
    "cpus": "NanoCpus",
    "memory": "Memory",
    "memory_reservation": "MemoryReservation",
    "kernel_memory": "KernelMemory",
    "pids_limit": "PidsLimit",
    "oom_score_adj": "OomScoreAdj",
    "blkio_weight": "BlkioWeight",
    "cpu_count": "CpuCount",
    "cpu_percent": "CpuPercent",
    "io_maxiops": "IOMaximumIOps",
    "io_maxbandwidth": "IOMaximumBandwidth",
}
_TEXTS: Final = {
    "cpuset_cpus": "CpusetCpus",
    "cpuset_mems": "CpusetMems",
    "cgroup_parent": "CgroupParent",
    "userns": "UsernsMode",
    "pid": "PidMode",
    "uts": "UTSMode",
    "volume_driver": "VolumeDriver",
}
_LISTS: Final = {
    "volumes_from": "VolumesFrom",
    "group_add": "GroupAdd",
    "dns": "Dns",
    "dns_option": "DnsOptions",
    "dns_search": "DnsSearch",
    "device_cgroup_rule": "DeviceCgroupRules",
}
_MAPS: Final = {"sysctl": "Sysctls", "storage_opt": "StorageOpt", "annotation": "Annotations"}
_BOOLEANS: Final = {
    "rm": "AutoRemove",
    "privileged": "Privileged",
    "read_only": "ReadonlyRootfs",
    "oom_kill_disable": "OomKillDisable",
}
_RATES: Final = {
    "device_read_bps": "BlkioDeviceReadBps",
    "device_write_bps": "BlkioDeviceWriteBps",
    "device_read_iops": "BlkioDeviceReadIOps",
    "device_write_iops": "BlkioDeviceWriteIOps",
}


def host_options(container: Raw, info: Raw, notes: list[str]) -> dict[str, Any]:
    """Return the options that stand in ``HostConfig``, except ports, networks and volumes."""
    host = child(container, "HostConfig")
    values: dict[str, Any] = {field: integer(host, key) for field, key in _NUMBERS.items()}
    values |= {field: string(host, key) for field, key in _TEXTS.items()}
    values |= {field: strings(host, key) for field, key in _LISTS.items()}
    values |= {field: pairs(child(host, key)) for field, key in _MAPS.items()}
    values |= {field: boolean(host, key) for field, key in _BOOLEANS.items()}
    values |= {field: _values(host, key, "Rate") for field, key in _RATES.items()}
    policy = child(host, "RestartPolicy")
    name = string(policy, "Name") or "no"
    values |= {
        "restart": RestartPolicy(name, integer(policy, "MaximumRetryCount") if name == "on-failure" else 0),
        "init": host["Init"] if isinstance(host.get("Init"), bool) else None,
        "cap_add": _capabilities(host, "CapAdd"),
        "cap_drop": _capabilities(host, "CapDrop"),
        "add_host": tuple((name, ip) for name, _, ip in (h.partition(":") for h in strings(host, "ExtraHosts"))),
        "tmpfs": tuple(Tmpfs(target, options) for target, options in pairs(child(host, "Tmpfs"))),
        "mount": tuple(_mount(raw) for raw in objects(host, "Mounts")),
        "ulimit": tuple(
            Ulimit(string(raw, "Name"), integer(raw, "Soft"), integer(raw, "Hard")) for raw in objects(host, "Ulimits")
        ),
        "blkio_weight_device": _values(host, "BlkioWeightDevice", "Weight"),
        "device": tuple(_device(raw) for raw in objects(host, "Devices")) + _cdi(host),
        "gpus": tuple(_gpu(raw) for raw in objects(host, "DeviceRequests") if string(raw, "Driver") != "cdi"),
        "security_opt": _security(host, notes),
    }
    return values | _limits(host) | _chosen(host, info)


def _limits(host: Raw) -> dict[str, Any]:
    """Limits of memory: without a word on swap the engine allows as much of it as of memory."""
    swap, memory, swappiness = integer(host, "MemorySwap"), integer(host, "Memory"), host.get("MemorySwappiness")
    return {
        "memory_swap": 0 if swap == 2 * memory else swap,
        "memory_swappiness": swappiness if isinstance(swappiness, int) and 0 <= swappiness <= 100 else -1,
    }


def _chosen(host: Raw, info: Raw) -> dict[str, Any]:
    """What an engine chooses where nothing is given."""
    log = child(host, "LogConfig")
    driver, runtime, size = string(log, "Type"), string(host, "Runtime"), integer(host, "ShmSize")
    cgroups = "private" if string(info, "CgroupVersion") == "2" else "host"
    ipc, cgroupns, isolation = string(host, "IpcMode"), string(host, "CgroupnsMode"), string(host, "Isolation")
    return {
        "log_driver": "" if driver == string(info, "LoggingDriver") else driver,
        "log_opt": pairs(child(log, "Config")),
        "runtime": "" if runtime == (string(info, "DefaultRuntime") or "runc") else runtime,
        "shm_size": 0 if size == SHM_SIZE else size,
        "ipc": "" if ipc == "private" else ipc,
        "cgroupns": "" if cgroupns == cgroups else cgroupns,
        "isolation": "" if isolation == "default" and string(info, "OSType") == "windows" else isolation,
    }


def _capabilities(host: Raw, key: str) -> tuple[str, ...]:
    return tuple(name.removeprefix("CAP_") for name in strings(host, key))


def _values(host: Raw, key: str, value: str) -> tuple[DeviceValue, ...]:
    return tuple(DeviceValue(string(raw, "Path"), integer(raw, value)) for raw in objects(host, key))


def _device(raw: Raw) -> Device:
    outside, inside = string(raw, "PathOnHost"), string(raw, "PathInContainer")
    return Device(outside, "" if inside == outside else inside, string(raw, "CgroupPermissions") or "rwm")


def _cdi(host: Raw) -> tuple[Device, ...]:
    requests = [raw for raw in objects(host, "DeviceRequests") if string(raw, "Driver") == "cdi"]
    names = (Device(name) for raw in requests for name in strings(raw, "DeviceIDs"))
    return tuple(device for device in names if is_cdi(device))


def _gpu(raw: Raw) -> GpuRequest:
    wanted = raw.get("Capabilities")
    first = wanted[0] if isinstance(wanted, list) and wanted and isinstance(wanted[0], list) else ["gpu"]
    return GpuRequest(
        integer(raw, "Count"),
        string(raw, "Driver"),
        strings(raw, "DeviceIDs"),
        tuple(str(capability) for capability in first),
        pairs(child(raw, "Options")),
    )


def _security(host: Raw, notes: list[str]) -> tuple[str, ...]:
    """Security options, without the one that the engine adds where the host's processes or IPC are shared."""
    shared = boolean(host, "Privileged") or "host" in {string(host, "PidMode"), string(host, "IpcMode")}
    found = [option for option in strings(host, "SecurityOpt") if not (shared and option == "label=disable")]
    if any(option.startswith("seccomp={") for option in found):
        notes.append("Its seccomp profile is left out: the command takes it from a file.")
        found = [option for option in found if not option.startswith("seccomp={")]
    if host.get("MaskedPaths") == [] and host.get("ReadonlyPaths") == [] and not boolean(host, "Privileged"):
        found.append("systempaths=unconfined")
    return tuple(found)


def _mount(raw: Raw) -> Mount:
    bind, volume, tmpfs = child(raw, "BindOptions"), child(raw, "VolumeOptions"), child(raw, "TmpfsOptions")
    driver = child(volume, "DriverConfig")
    recursive = [
        word
        for word, key in (
            ("disabled", "NonRecursive"),
            ("writable", "ReadOnlyNonRecursive"),
            ("readonly", "ReadOnlyForceRecursive"),
        )
        if boolean(bind, key)
    ]
    return Mount(
        type=string(raw, "Type") or "volume",
        source=string(raw, "Source"),
        target=string(raw, "Target"),
        read_only=boolean(raw, "ReadOnly"),
        consistency=string(raw, "Consistency"),
        bind_propagation=string(bind, "Propagation"),
        bind_recursive=recursive[0] if recursive else "",
        bind_create_src=boolean(bind, "CreateMountpoint"),
        volume_subpath=string(volume, "Subpath"),
        volume_nocopy=boolean(volume, "NoCopy"),
        volume_labels=pairs(child(volume, "Labels")),
        volume_driver=string(driver, "Name"),
        volume_opts=pairs(child(driver, "Options")),
        image_subpath=string(child(raw, "ImageOptions"), "Subpath"),
        tmpfs_size=integer(tmpfs, "SizeBytes") or None,
        tmpfs_mode=integer(tmpfs, "Mode") or None,
    )
