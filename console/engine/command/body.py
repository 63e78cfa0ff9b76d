"""From a ``RunSpec`` to the request of ``POST /containers/create``, as the docker CLI 28 sends it.

Where the CLI sends ``null`` instead of an empty list, so does this: the engine keeps the difference in its inspect.
"""

from __future__ import annotations

from typing import Any, Final

from console.engine.command.check import user_defined
from console.engine.command.parts import is_cdi, ports, write_volume
from console.engine.command.spec import DeviceValue, GpuRequest, Mount, NetworkAttachment, RunSpec, Variable

_SOCKET: Final = "/var/run/docker.sock"
_UNCONFINED: Final = "systempaths=unconfined"


def query(spec: RunSpec) -> dict[str, str]:
    """Return the parameters of the request's address: ``name`` and ``platform``, where given."""
    return {key: value for key, value in (("name", spec.name), ("platform", spec.platform)) if value}


def body(spec: RunSpec, api_version: str = "1.44") -> dict[str, Any]:
    """Return the JSON of the request for an engine that is spoken to in ``api_version``.

    What needs files of the caller (``--env-file``, ``--label-file``, ``--cidfile``) is not in it.
    """
    old_mac = _version(api_version) < (1, 44)
    config = _config(spec)
    if old_mac and spec.networks and spec.networks[0].mac_address:
        config["MacAddress"] = spec.networks[0].mac_address
    host = _host(spec) | _resources(spec)
    if spec.kernel_memory and _version(api_version) < (1, 42):
        host["KernelMemory"] = spec.kernel_memory
    endpoints = _endpoints(spec, with_mac=not old_mac)
    return config | {"HostConfig": host, "NetworkingConfig": {"EndpointsConfig": endpoints}}


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def _config(spec: RunSpec) -> dict[str, Any]:
    attached = not (spec.start and spec.detach)
    stdin = attached and (spec.interactive or "stdin" in spec.attach)
    config: dict[str, Any] = {
        "Hostname": spec.hostname,
        "Domainname": spec.domainname,
        "User": spec.user,
        "AttachStdin": stdin,
        "AttachStdout": attached and (not spec.attach or "stdout" in spec.attach),
        "AttachStderr": attached and (not spec.attach or "stderr" in spec.attach),
        "Tty": spec.tty,
        "OpenStdin": spec.interactive,
        "StdinOnce": spec.interactive and stdin,
        "Env": [_variable(variable) for variable in {v.name: v for v in spec.env}.values()] or None,
        "Cmd": list(spec.command) or None,
        "Image": spec.image,
        "Volumes": {volume.target: {} for volume in spec.volume if not volume.source},
        "WorkingDir": spec.workdir,
        "Entrypoint": None if spec.entrypoint is None else [spec.entrypoint],
        "OnBuild": None,
        "Labels": dict(spec.label),
    }
    if exposed := _exposed(spec):
        config["ExposedPorts"] = exposed
    if spec.stop_signal:
        config["StopSignal"] = spec.stop_signal
    if spec.stop_timeout is not None:
        config["StopTimeout"] = spec.stop_timeout
    if health := _health(spec):
        config["Healthcheck"] = health
    return config


def _variable(variable: Variable) -> str:
    return variable.name if variable.value is None else f"{variable.name}={variable.value}"


def _health(spec: RunSpec) -> dict[str, Any]:
    if spec.no_healthcheck:
        return {"Test": ["NONE"]}
    found = {
        "Test": ["CMD-SHELL", spec.health_cmd] if spec.health_cmd else None,
        "Interval": spec.health_interval,
        "Timeout": spec.health_timeout,
        "StartPeriod": spec.health_start_period,
        "StartInterval": spec.health_start_interval,
        "Retries": spec.health_retries,
    }
    return {key: value for key, value in found.items() if value}


def _exposed(spec: RunSpec) -> dict[str, Any]:
    both = [(port.container_port, port.protocol) for port in spec.publish]
    both += [(port.port, port.protocol) for port in spec.expose]
    return {f"{n}/{protocol}": {} for text, protocol in both for n in range(ports(text)[0], ports(text)[1] + 1)}


def _bindings(spec: RunSpec) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in spec.publish:
        first, last = ports(port.container_port)
        outer = ports(port.host_port) if port.host_port else None
        for number in range(first, last + 1):
            host = "" if outer is None else str(outer[0] + number - first)
            if outer is not None and first == last and outer[0] != outer[1]:
                host = port.host_port  # any free one of the range
            binding = {"HostIp": port.host_ip, "HostPort": host}
            found.setdefault(f"{number}/{port.protocol}", []).append(binding)
    return found


def _host(spec: RunSpec) -> dict[str, Any]:
    security = [option for option in spec.security_opt if option != _UNCONFINED]
    unconfined = _UNCONFINED in spec.security_opt
    host: dict[str, Any] = {
        "Binds": list(dict.fromkeys(write_volume(volume) for volume in spec.volume if volume.source)) or None,
        "ContainerIDFile": "",
        "LogConfig": {"Type": spec.log_driver, "Config": dict(spec.log_opt)},
        "NetworkMode": spec.networks[0].name if spec.networks else "default",
        "PortBindings": _bindings(spec),
        "RestartPolicy": {"Name": spec.restart.name, "MaximumRetryCount": spec.restart.retries},
        "AutoRemove": spec.rm,
        "VolumeDriver": spec.volume_driver,
        "VolumesFrom": list(spec.volumes_from) or None,
        "ConsoleSize": [0, 0],
        "CapAdd": _capabilities(spec.cap_add),
        "CapDrop": _capabilities(spec.cap_drop),
        "CgroupnsMode": spec.cgroupns,
        "Dns": list(spec.dns),
        "DnsOptions": list(spec.dns_option),
        "DnsSearch": list(spec.dns_search),
        "ExtraHosts": [f"{name}:{ip}" for name, ip in spec.add_host] or None,
        "GroupAdd": list(spec.group_add) or None,
        "IpcMode": spec.ipc,
        "Cgroup": "",
        "Links": list(spec.link) or None,
        "OomScoreAdj": spec.oom_score_adj,
        "PidMode": spec.pid,
        "Privileged": spec.privileged,
        "PublishAllPorts": spec.publish_all,
        "ReadonlyRootfs": spec.read_only,
        "SecurityOpt": security if spec.security_opt else None,
        "UTSMode": spec.uts,
        "UsernsMode": spec.userns,
        "ShmSize": spec.shm_size,
        "Isolation": spec.isolation,
        "MaskedPaths": [] if unconfined else None,
        "ReadonlyPaths": [] if unconfined else None,
    }
    optional: dict[str, Any] = {
        "StorageOpt": dict(spec.storage_opt),
        "Tmpfs": {mount.target: mount.options for mount in spec.tmpfs},
        "Sysctls": dict(spec.sysctl),
        "Annotations": dict(spec.annotation),
        "Runtime": spec.runtime,
        "Mounts": [_mount(mount) for mount in spec.mount] + _socket(spec),
    }
    host |= {key: value for key, value in optional.items() if value}
    if spec.init is not None:
        host["Init"] = spec.init
    return host


def _capabilities(names: tuple[str, ...]) -> list[str] | None:
    upper = [name.upper() for name in names]
    return sorted({name if name == "ALL" or name.startswith("CAP_") else f"CAP_{name}" for name in upper}) or None


def _socket(spec: RunSpec) -> list[dict[str, Any]]:
    mount = {"Type": "bind", "Source": _SOCKET, "Target": _SOCKET, "BindOptions": {}}
    return [mount] if spec.use_api_socket else []


def _mount(mount: Mount) -> dict[str, Any]:
    volume = _given(NoCopy=mount.volume_nocopy, Labels=dict(mount.volume_labels), Subpath=mount.volume_subpath)
    driver = _given(Name=mount.volume_driver, Options=dict(mount.volume_opts))
    found: dict[str, Any] = {
        "Type": mount.type,
        "Source": mount.source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
        "Consistency": mount.consistency,
        "BindOptions": _given(
            Propagation=mount.bind_propagation,
            NonRecursive=mount.bind_recursive == "disabled",
            CreateMountpoint=mount.bind_create_src,
            ReadOnlyNonRecursive=mount.bind_recursive == "writable",
            ReadOnlyForceRecursive=mount.bind_recursive == "readonly",
        ),
        "VolumeOptions": volume | {"DriverConfig": driver} if volume or driver else {},
        "ImageOptions": _given(Subpath=mount.image_subpath),
        "TmpfsOptions": _given(SizeBytes=mount.tmpfs_size, Mode=mount.tmpfs_mode),
    }
    return _given(**found)


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def _resources(spec: RunSpec) -> dict[str, Any]:
    return {
        "CpuShares": spec.cpu_shares,
        "Memory": spec.memory,
        "NanoCpus": spec.cpus,
        "CgroupParent": spec.cgroup_parent,
        "BlkioWeight": spec.blkio_weight,
        "BlkioWeightDevice": [{"Path": item.device, "Weight": item.value} for item in spec.blkio_weight_device],
        "BlkioDeviceReadBps": _rates(spec.device_read_bps),
        "BlkioDeviceWriteBps": _rates(spec.device_write_bps),
        "BlkioDeviceReadIOps": _rates(spec.device_read_iops),
        "BlkioDeviceWriteIOps": _rates(spec.device_write_iops),
        "CpuPeriod": spec.cpu_period,
        "CpuQuota": spec.cpu_quota,
        "CpuRealtimePeriod": spec.cpu_rt_period,
        "CpuRealtimeRuntime": spec.cpu_rt_runtime,
        "CpusetCpus": spec.cpuset_cpus,
        "CpusetMems": spec.cpuset_mems,
        "Devices": [
            {
                "PathOnHost": device.host,
                "PathInContainer": device.container or device.host,
                "CgroupPermissions": device.permissions,
            }
            for device in spec.device
            if not is_cdi(device)
        ],
        "DeviceCgroupRules": list(spec.device_cgroup_rule) or None,
        "DeviceRequests": [_gpu(request) for request in spec.gpus] + _cdi(spec) or None,
        "MemoryReservation": spec.memory_reservation,
        "MemorySwap": spec.memory_swap,
        "MemorySwappiness": spec.memory_swappiness,
        "OomKillDisable": spec.oom_kill_disable,
        "PidsLimit": spec.pids_limit,
        "Ulimits": [
            {"Name": name, "Hard": limit.hard, "Soft": limit.soft}
            for name, limit in sorted({limit.name: limit for limit in spec.ulimit}.items())
        ],
        "CpuCount": spec.cpu_count,
        "CpuPercent": spec.cpu_percent,
        "IOMaximumIOps": spec.io_maxiops,
        "IOMaximumBandwidth": spec.io_maxbandwidth,
    }


def _rates(values: tuple[DeviceValue, ...]) -> list[dict[str, Any]]:
    return [{"Path": item.device, "Rate": item.value} for item in values]


def _gpu(request: GpuRequest) -> dict[str, Any]:
    return {
        "Driver": request.driver,
        "Count": request.count,
        "DeviceIDs": list(request.devices) or None,
        "Capabilities": [list(request.capabilities)],
        "Options": dict(request.options),
    }


def _cdi(spec: RunSpec) -> list[dict[str, Any]]:
    names = [device.host for device in spec.device if is_cdi(device)]
    request = {"Driver": "cdi", "Count": 0, "DeviceIDs": names, "Capabilities": None, "Options": None}
    return [request] if names else []


def _endpoints(spec: RunSpec, with_mac: bool) -> dict[str, Any]:
    """What the networks are told. A single one that is told nothing is not in it: its mode says it."""
    networks = spec.networks or (NetworkAttachment(),)
    found = {network.name: endpoint(network, spec, index == 0, with_mac) for index, network in enumerate(networks)}
    if len(spec.networks) == 1 and not any(found[networks[0].name].values()):
        return {}
    return found


def endpoint(network: NetworkAttachment, spec: RunSpec, first: bool, with_mac: bool) -> dict[str, Any]:
    """Return what one network is told of the container; ``first``: the one of its mode."""
    ipam: dict[str, Any] = _given(
        IPv4Address=network.ip, IPv6Address=network.ip6, LinkLocalIPs=list(network.link_local_ips)
    )
    return {
        "IPAMConfig": ipam or None,
        "Links": list(spec.link) if first and spec.link and user_defined(network.name) else None,
        "Aliases": list(network.aliases) or None,
        "MacAddress": network.mac_address if with_mac else "",
        "DriverOpts": dict(network.driver_opts) or None,
        "GwPriority": network.gw_priority,
    }
