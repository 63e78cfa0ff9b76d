"""From an engine's raw JSON to the dataclasses of ``types``: the one place where state is derived.

Every function takes what ``text.decode`` made of an answer. Optional fields that are missing or of another type become
their defaults; only a missing or impossible identity raises ``Malformed``. Ports, mounts, endpoints, tags and mappings
come sorted, so that equal objects are equal whatever order the engine chose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from console.engine.canonical import digest, to_json
from console.engine.errors import Malformed
from console.engine.fields import (
    INT32,
    NAME,
    boolean,
    child,
    identity,
    integer,
    mapping,
    moment,
    objects,
    string,
    strings,
)
from console.engine.lists import (
    CONTAINER_ID,
    IMAGE_ID,
    container_summary,
    image_id,
    image_summary,
    references,
    summary_digest,
)
from console.engine.text import text
from console.engine.types import (
    Container,
    ContainerState,
    EndpointSettings,
    EngineInfo,
    Event,
    Health,
    Image,
    IpamConfig,
    MountPoint,
    Network,
    Port,
    Raw,
    Unparsed,
    Volume,
)

__all__ = [
    "container",
    "container_summary",
    "digest",
    "event",
    "image",
    "image_summary",
    "info",
    "network",
    "summary_digest",
    "text",
    "to_json",
    "unparsed",
    "volume",
]

MAX_PORTS = 2048
MAX_PARTS = 1024  # mounts, endpoints, address pools of one object: more is no real object

_NETWORK_ID = re.compile(r"[0-9a-f]{64}|[0-9a-z]{25}")  # the second is a swarm network's
_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
_STATES = {
    "initialized": ContainerState.CREATED,  # Podman's words
    "configured": ContainerState.CREATED,
    "stopped": ContainerState.EXITED,
    "stopping": ContainerState.RUNNING,
}


def container(raw: Raw) -> Container:
    """Parse ``GET /containers/{id}/json``."""
    container_id = identity(raw, "Id", CONTAINER_ID, "a container")
    config, host, state = child(raw, "Config"), child(raw, "HostConfig"), child(raw, "State")
    health = child(state, "Health") or child(state, "Healthcheck")
    return Container(
        id=container_id,
        name=string(raw, "Name", NAME).removeprefix("/"),
        image=string(config, "Image"),
        image_id=image_id(raw.get("Image")),
        created_at=moment(raw.get("Created")),
        state=_state(state),
        health=_health(health),
        exit_code=integer(state, "ExitCode", INT32),
        oom_killed=boolean(state, "OOMKilled"),
        error=string(state, "Error"),
        started_at=moment(state.get("StartedAt")),
        finished_at=moment(state.get("FinishedAt")),
        pid=integer(state, "Pid", INT32),
        restart_count=integer(raw, "RestartCount", INT32),
        restart_policy=_restart_policy(child(host, "RestartPolicy")),
        entrypoint=strings(config, "Entrypoint"),
        command=strings(config, "Cmd"),
        env=_environment(config),
        labels=mapping(config, "Labels"),
        working_dir=string(config, "WorkingDir"),
        user=string(config, "User"),
        hostname=string(config, "Hostname", NAME),
        tty=boolean(config, "Tty"),
        open_stdin=boolean(config, "OpenStdin"),
        stop_signal=string(config, "StopSignal", NAME),
        stop_timeout=integer(config, "StopTimeout", INT32) if config.get("StopTimeout") is not None else None,
        platform=string(raw, "Platform", NAME),
        log_driver=string(child(host, "LogConfig"), "Type", NAME),
        network_mode=string(host, "NetworkMode"),
        pid_mode=string(host, "PidMode"),
        ipc_mode=string(host, "IpcMode"),
        privileged=boolean(host, "Privileged"),
        read_only=boolean(host, "ReadonlyRootfs"),
        auto_remove=boolean(host, "AutoRemove"),
        init=boolean(host, "Init"),
        memory_limit=integer(host, "Memory"),
        memory_reservation=integer(host, "MemoryReservation"),
        memory_swap=integer(host, "MemorySwap"),
        nano_cpus=_nano_cpus(host),
        cpu_shares=integer(host, "CpuShares"),
        cpuset_cpus=string(host, "CpusetCpus"),
        pids_limit=integer(host, "PidsLimit"),
        cap_add=strings(host, "CapAdd"),
        cap_drop=strings(host, "CapDrop"),
        security_opt=strings(host, "SecurityOpt"),
        devices=_devices(host),
        dns=strings(host, "Dns"),
        extra_hosts=strings(host, "ExtraHosts"),
        healthcheck=strings(child(config, "Healthcheck"), "Test"),
        volumes_from=strings(host, "VolumesFrom"),
        ports=_ports(child(raw, "NetworkSettings", "Ports"), child(config, "ExposedPorts")),
        mounts=_mounts(raw),
        endpoints=_endpoints(child(raw, "NetworkSettings", "Networks")),
    )


def image(raw: Raw, intermediate: bool = False) -> Image:
    """Parse ``GET /images/{name}/json``. ``intermediate`` is known from comparing the two lists only."""
    own_id = image_id(identity(raw, "Id", IMAGE_ID, "an image"))
    config = child(raw, "Config")
    return Image(
        id=own_id,
        parent_id=image_id(raw.get("Parent")),
        tags=references(raw, "RepoTags"),
        digests=references(raw, "RepoDigests"),
        created_at=moment(raw.get("Created")),
        size=max(0, integer(raw, "Size")),
        os=string(raw, "Os", NAME),
        architecture=string(raw, "Architecture", NAME),
        variant=string(raw, "Variant", NAME),
        author=string(raw, "Author"),
        comment=string(raw, "Comment"),
        entrypoint=strings(config, "Entrypoint"),
        command=strings(config, "Cmd"),
        env=_environment(config),
        labels=mapping(config, "Labels"),
        exposed_ports=tuple(sorted(strings(config, "ExposedPorts", NAME))),
        volumes=tuple(sorted(strings(config, "Volumes"))),
        working_dir=string(config, "WorkingDir"),
        user=string(config, "User"),
        stop_signal=string(config, "StopSignal", NAME),
        healthcheck=strings(child(config, "Healthcheck"), "Test"),
        layers=strings(child(raw, "RootFS"), "Layers"),
        intermediate=intermediate,
    )


def network(raw: Raw) -> Network:
    """Parse ``GET /networks/{id}`` or one entry of ``GET /networks``, which says the same."""
    network_id = identity(raw, "Id", _NETWORK_ID, "a network")
    ipam = child(raw, "IPAM")
    pools = [
        IpamConfig(
            subnet=string(pool, "Subnet", NAME),
            gateway=string(pool, "Gateway", NAME),
            ip_range=string(pool, "IPRange", NAME),
            aux_addresses=mapping(pool, "AuxiliaryAddresses"),
        )
        for pool in objects(ipam, "Config")
    ]
    _bound(len(pools), "address pools")
    return Network(
        id=network_id,
        name=string(raw, "Name", NAME),
        driver=string(raw, "Driver", NAME),
        scope=string(raw, "Scope", NAME),
        created_at=moment(raw.get("Created")),
        internal=boolean(raw, "Internal"),
        attachable=boolean(raw, "Attachable"),
        ingress=boolean(raw, "Ingress"),
        ipv6=boolean(raw, "EnableIPv6"),
        ipam_driver=string(ipam, "Driver", NAME),
        ipam=tuple(sorted(pools, key=lambda pool: (pool.subnet, pool.gateway, pool.ip_range))),
        options=mapping(raw, "Options"),
        labels=mapping(raw, "Labels"),
    )


def volume(raw: Raw) -> Volume:
    """Parse ``GET /volumes/{name}`` or one entry of ``GET /volumes``, which says the same.

    A volume's name is its key, so a name that ``text`` would have to change is ``Malformed``.
    """
    name = raw.get("Name") if isinstance(raw, Mapping) else None
    if not isinstance(name, str) or not name or text(name, NAME) != name:
        raise Malformed(f"The engine described a volume without a valid Name ({text(name, 96) or 'none'}).")
    return Volume(
        name=name,
        driver=string(raw, "Driver", NAME),
        mountpoint=string(raw, "Mountpoint"),
        scope=string(raw, "Scope", NAME),
        created_at=moment(raw.get("CreatedAt")),
        options=mapping(raw, "Options"),
        labels=mapping(raw, "Labels"),
    )


def info(info: Raw, version: Raw, negotiated: str) -> EngineInfo:
    """Parse ``GET /info`` and ``GET /version``; ``negotiated`` is the API version that the client speaks."""
    components = tuple(
        (string(part, "Name", NAME), string(part, "Version", NAME)) for part in objects(version, "Components")
    )[:MAX_PARTS]
    registries, plugins = child(info, "RegistryConfig"), child(info, "Plugins")
    security = strings(info, "SecurityOptions")
    return EngineInfo(
        id=string(info, "ID", NAME),
        name=string(info, "Name", NAME),
        server_version=string(info, "ServerVersion", NAME) or string(version, "Version", NAME),
        api_version=api_version(version, "ApiVersion"),
        min_api_version=api_version(version, "MinAPIVersion"),
        negotiated_api_version=negotiated,
        product=_product(version, components),
        os=string(info, "OperatingSystem", NAME),
        os_type=string(info, "OSType", NAME),
        architecture=string(info, "Architecture", NAME),
        kernel=string(info, "KernelVersion", NAME),
        cpus=max(0, integer(info, "NCPU", INT32)),
        memory=max(0, integer(info, "MemTotal")),
        storage_driver=string(info, "Driver", NAME),
        logging_driver=string(info, "LoggingDriver", NAME),
        cgroup_driver=string(info, "CgroupDriver", NAME),
        cgroup_version=string(info, "CgroupVersion", NAME),
        root_dir=string(info, "DockerRootDir"),
        swarm_state=string(child(info, "Swarm"), "LocalNodeState", NAME),
        rootless=any(option == "rootless" or "name=rootless" in option.split(",") for option in security),
        warnings=strings(info, "Warnings"),
        runtimes=tuple(sorted(strings(info, "Runtimes", NAME))),
        plugins={text(kind, NAME): strings(plugins, kind, NAME) for kind in sorted(plugins)[:32] if plugins[kind]},
        security_options=security,
        registry_mirrors=strings(registries, "Mirrors"),
        insecure_registries=tuple(sorted({*strings(registries, "InsecureRegistryCIDRs"), *_insecure(registries)})),
        components=components,
    )


def event(raw: Raw) -> Event:
    """Parse one line of ``GET /events``. What stands after ": " goes to ``detail``, except an exec's command line."""
    if not isinstance(raw, Mapping):
        raise Malformed("The engine sent an event that is no object.")
    actor = child(raw, "Actor")
    action, _, detail = string(raw, "Action", NAME).partition(":")
    return Event(
        time_ns=max(0, integer(raw, "timeNano") or integer(raw, "time", INT32) * 1_000_000_000),
        type=string(raw, "Type", NAME),
        action=action.strip(),
        actor_id=string(actor, "ID", NAME) or string(raw, "id", NAME),
        attributes=mapping(actor, "Attributes", 1024),
        scope=string(raw, "scope", NAME) or "local",
        detail="" if action.startswith("exec_") else detail.strip(),
    )


def unparsed(raw: object, key: str, error: Malformed, name: str = "") -> Unparsed:
    """Return the mark for an object that could not be understood: ``key`` if it has one, and why."""
    said = text(raw.get("Name"), NAME).removeprefix("/") if isinstance(raw, Mapping) else ""
    return Unparsed(id=text(key, NAME), name=said or text(name, NAME), error=error.message)


def api_version(raw: Raw, key: str) -> str:
    """Return the API version ("1.41") at ``key``, or the empty string."""
    value = raw.get(key) if isinstance(raw, Mapping) else None
    return value if isinstance(value, str) and _VERSION.fullmatch(value) else ""


def _state(state: Raw) -> ContainerState:
    status = string(state, "Status", NAME).lower()
    if status in _STATES:
        return _STATES[status]
    try:
        return ContainerState(status)
    except ValueError:
        pass
    for flag, known in (
        ("Paused", ContainerState.PAUSED),
        ("Restarting", ContainerState.RESTARTING),
        ("Running", ContainerState.RUNNING),
        ("Dead", ContainerState.DEAD),
    ):
        if boolean(state, flag):
            return known
    return ContainerState.UNKNOWN


def _health(health: Raw) -> Health:
    try:
        return Health(string(health, "Status", NAME).lower())
    except ValueError:
        return Health.NONE


def _restart_policy(policy: Raw) -> str:
    name = string(policy, "Name", NAME) or "no"
    retries = integer(policy, "MaximumRetryCount", INT32)
    return f"{name}:{retries}" if name == "on-failure" and retries > 0 else name


def _environment(config: Raw) -> tuple[tuple[str, str], ...]:
    pairs = (item.partition("=") for item in strings(config, "Env"))
    return tuple((name, value) for name, _, value in pairs)


def _nano_cpus(host: Raw) -> int:
    nano = integer(host, "NanoCpus")
    quota, period = integer(host, "CpuQuota"), integer(host, "CpuPeriod") or 100_000
    return nano or (min(quota * 1_000_000_000 // period, 2**62) if quota > 0 and period > 0 else 0)


def _devices(host: Raw) -> tuple[str, ...]:
    keys = ("PathOnHost", "PathInContainer", "CgroupPermissions")
    devices = list(objects(host, "Devices"))
    _bound(len(devices), "devices")
    return tuple(":".join(string(device, key) for key in keys) for device in devices)


def _ports(bound: Raw, exposed: Raw) -> tuple[Port, ...]:
    found: set[Port] = set()
    for spec in {**exposed, **bound}:
        number, _, protocol = spec.partition("/")
        if not re.fullmatch(r"[0-9]{1,5}", number) or int(number) > 65535:
            continue
        port = Port(int(number), text(protocol or "tcp", 64))
        bindings = list(objects(bound, spec))
        found.update(
            Port(
                port.container_port,
                port.protocol,
                string(binding, "HostIp", NAME),
                _port_number(binding),
            )
            for binding in bindings
        )
        if not bindings:
            found.add(port)
    ports = sorted(found, key=lambda port: (port.container_port, port.protocol, port.host_ip, port.host_port or 0))
    if len(ports) <= MAX_PORTS:
        return tuple(ports)
    return (*ports[:MAX_PORTS], Port(len(ports) - MAX_PORTS, "more"))


def _port_number(binding: Raw) -> int | None:
    number = integer(binding, "HostPort", 65535)
    return number if number > 0 else None


def _mounts(raw: Raw) -> tuple[MountPoint, ...]:
    """``Mounts``, and those of ``--tmpfs``, which the engine leaves out there. The mode of a tmpfs is its options."""
    memory = _memory(child(raw, "HostConfig"))
    mounts = [
        MountPoint(
            type=string(mount, "Type", NAME),
            destination=string(mount, "Destination"),
            name=string(mount, "Name", NAME),
            source=string(mount, "Source"),
            driver=string(mount, "Driver", NAME),
            mode=string(mount, "Mode", NAME) or memory.pop(string(mount, "Destination"), ""),
            read_only=not boolean(mount, "RW", True),
            propagation=string(mount, "Propagation", NAME),
        )
        for mount in objects(raw, "Mounts")
    ]
    mounts += [MountPoint("tmpfs", target, "", "", "", told, False, "") for target, told in memory.items()]
    _bound(len(mounts), "mounts")
    return tuple(sorted(mounts, key=lambda mount: (mount.destination, mount.type, mount.name, mount.source)))


def _memory(config: Raw) -> dict[str, str]:
    """What is mounted from memory: the path and its options."""
    found = {text(target): text(told, NAME) for target, told in child(config, "Tmpfs").items() if isinstance(told, str)}
    for mount in objects(config, "Mounts"):
        if string(mount, "Type", NAME) == "tmpfs":
            options = child(mount, "TmpfsOptions")
            size, mode = integer(options, "SizeBytes"), integer(options, "Mode")
            told = [f"size={size}"] * (size > 0) + [f"mode={mode:o}"] * (mode > 0)
            found[string(mount, "Target")] = ",".join(told)
    return found


def _endpoints(networks: Raw) -> tuple[EndpointSettings, ...]:
    _bound(len(networks), "networks")
    endpoints = [
        EndpointSettings(
            network_name=text(name, NAME),
            network_id=string(raw, "NetworkID", NAME),
            endpoint_id=string(raw, "EndpointID", NAME),
            mac_address=string(raw, "MacAddress", NAME),
            ipv4_address=string(raw, "IPAddress", NAME),
            ipv4_prefix=integer(raw, "IPPrefixLen", 128),
            ipv4_gateway=string(raw, "Gateway", NAME),
            ipv6_address=string(raw, "GlobalIPv6Address", NAME),
            ipv6_prefix=integer(raw, "GlobalIPv6PrefixLen", 128),
            ipv6_gateway=string(raw, "IPv6Gateway", NAME),
            aliases=tuple(sorted(set(strings(raw, "Aliases", NAME)))),
        )
        for name, raw in networks.items()
        if isinstance(raw, Mapping)
    ]
    return tuple(sorted(endpoints, key=lambda endpoint: (endpoint.network_name, endpoint.network_id)))


def _product(version: Raw, components: tuple[tuple[str, str], ...]) -> str:
    if any(name.lower().startswith("podman") for name, _ in components):
        return "Podman Engine"
    return string(child(version, "Platform"), "Name", NAME) or "Docker Engine"


def _insecure(registries: Raw) -> list[str]:
    indexes = child(registries, "IndexConfigs")
    return [text(name, NAME) for name in list(indexes)[:MAX_PARTS] if child(indexes, name).get("Secure") is False]


def _bound(count: int, what: str) -> None:
    if count > MAX_PARTS:
        raise Malformed(f"The engine described an object with {count:,} {what}.")
