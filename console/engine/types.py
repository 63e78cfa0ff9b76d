"""The engine's objects as the console knows them: frozen, decoded, bounded.

Only ``parse.py`` makes these, from inspect (never from event names). Every string in them went through
``parse.text``: valid Unicode, no control or bidirectional format characters left unmarked, bounded in length.
Times are aware UTC datetimes, or None for the engine's zero time. Sizes are bytes. Source of the fields: Docker
Engine API, ``GET /containers/{id}/json``, ``/images/{name}/json``, ``/networks/{id}``, ``/volumes/{name}``, ``/info``,
``/version``, ``/events``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ContainerState(StrEnum):
    """``State.Status`` of a container inspect."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"
    UNKNOWN = "unknown"


class Health(StrEnum):
    """``State.Health.Status``; NONE where the container has no health check."""

    NONE = "none"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Port:
    """One port of a container: exposed only (``host_port`` None) or published.

    Protocol "more" is no port but a mark: so many (``container_port``) more ports than are kept.
    """

    container_port: int
    protocol: str
    host_ip: str = ""
    host_port: int | None = None


@dataclass(frozen=True, slots=True)
class MountPoint:
    """One entry of ``Mounts``. ``name`` is the volume's name for type volume, else empty."""

    type: str
    destination: str
    name: str = ""
    source: str = ""
    driver: str = ""
    mode: str = ""
    read_only: bool = False
    propagation: str = ""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """One entry of a container's ``NetworkSettings.Networks``."""

    network_name: str
    network_id: str
    endpoint_id: str = ""
    mac_address: str = ""
    ipv4_address: str = ""
    ipv4_prefix: int = 0
    ipv4_gateway: str = ""
    ipv6_address: str = ""
    ipv6_prefix: int = 0
    ipv6_gateway: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Container:
    """A container, from ``GET /containers/{id}/json``."""

    id: str
    name: str
    image: str  # the reference it was created from, Config.Image
    image_id: str  # sha256:…
    created_at: datetime | None
    state: ContainerState
    health: Health
    exit_code: int
    oom_killed: bool
    error: str
    started_at: datetime | None
    finished_at: datetime | None
    pid: int
    restart_count: int
    restart_policy: str  # no, always, unless-stopped, on-failure or on-failure:3
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    labels: Mapping[str, str]
    working_dir: str
    user: str
    hostname: str
    tty: bool
    open_stdin: bool
    stop_signal: str
    stop_timeout: int | None  # seconds
    platform: str
    log_driver: str
    network_mode: str
    pid_mode: str
    ipc_mode: str
    privileged: bool
    read_only: bool
    auto_remove: bool
    init: bool
    memory_limit: int  # bytes, 0 = none
    memory_reservation: int
    memory_swap: int
    nano_cpus: int  # 1e9 = one core, 0 = none
    cpu_shares: int
    cpuset_cpus: str
    pids_limit: int
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    security_opt: tuple[str, ...]
    devices: tuple[str, ...]
    dns: tuple[str, ...]
    extra_hosts: tuple[str, ...]
    healthcheck: tuple[str, ...]  # Config.Healthcheck.Test
    volumes_from: tuple[str, ...]
    ports: tuple[Port, ...]
    mounts: tuple[MountPoint, ...]
    endpoints: tuple[EndpointSettings, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """An image, from ``GET /images/{name}/json`` (and ``intermediate`` from comparing the two image lists)."""

    id: str  # sha256:…
    parent_id: str
    tags: tuple[str, ...]  # RepoTags, sorted, without <none>:<none>
    digests: tuple[str, ...]  # RepoDigests, sorted
    created_at: datetime | None
    size: int  # bytes
    os: str
    architecture: str
    variant: str
    author: str
    comment: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    labels: Mapping[str, str]
    exposed_ports: tuple[str, ...]
    volumes: tuple[str, ...]
    working_dir: str
    user: str
    stop_signal: str
    healthcheck: tuple[str, ...]
    layers: tuple[str, ...]  # RootFS.Layers (diff ids)
    intermediate: bool = False


@dataclass(frozen=True, slots=True)
class IpamConfig:
    """One address pool of a network."""

    subnet: str
    gateway: str = ""
    ip_range: str = ""
    aux_addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Network:
    """A network, from ``GET /networks/{id}``. Members come from the containers' endpoints, not from here."""

    id: str
    name: str
    driver: str
    scope: str
    created_at: datetime | None
    internal: bool
    attachable: bool
    ingress: bool
    ipv6: bool
    ipam_driver: str
    ipam: tuple[IpamConfig, ...]
    options: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume, from ``GET /volumes/{name}``. Its key is its name."""

    name: str
    driver: str
    mountpoint: str
    scope: str
    created_at: datetime | None
    options: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Unparsed:
    """An object that could not be understood: shown as such, never stops the others."""

    id: str
    name: str
    error: str


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine says of itself (``GET /info`` and ``GET /version``)."""

    id: str  # changes when another engine answers at the same address
    name: str
    server_version: str
    api_version: str  # the engine's newest
    min_api_version: str
    negotiated_api_version: str  # the one that the client speaks
    product: str  # "Docker Engine", "Podman Engine"
    os: str
    os_type: str
    architecture: str
    kernel: str
    cpus: int
    memory: int  # bytes
    storage_driver: str
    logging_driver: str
    cgroup_driver: str
    cgroup_version: str
    root_dir: str
    swarm_state: str
    rootless: bool
    warnings: tuple[str, ...]
    runtimes: tuple[str, ...]
    plugins: Mapping[str, tuple[str, ...]]
    security_options: tuple[str, ...]
    registry_mirrors: tuple[str, ...]
    insecure_registries: tuple[str, ...]
    components: tuple[tuple[str, str], ...]  # name and version: Engine, containerd, runc


@dataclass(frozen=True, slots=True)
class Event:
    """One line of ``GET /events``: a hint that an object changed."""

    time_ns: int
    type: str  # container, image, network, volume, daemon, …
    action: str  # start, die, health_status, … (what stands after ": " is in ``detail``)
    actor_id: str
    attributes: Mapping[str, str]
    scope: str = "local"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ContainerSummary:
    """One entry of ``GET /containers/json?all=1``: enough to see that a container came, went or changed."""

    id: str
    name: str
    digest: str  # of the stable parts: two equal digests, nothing that the list shows has changed
    running: bool  # or paused, or restarting


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """One entry of ``GET /images/json?all=1``. ``intermediate``: not in the list without ``all``."""

    id: str
    digest: str
    intermediate: bool = False


@dataclass(frozen=True, slots=True)
class HealthProbe:
    """One entry of ``State.Health.Log``."""

    start: datetime | None
    end: datetime | None
    exit_code: int
    output: str  # at most 4 KiB


@dataclass(frozen=True, slots=True)
class Top:
    """The processes of a container (``GET /containers/{id}/top``): column titles and rows as wide."""

    titles: tuple[str, ...]
    processes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class FilesystemChange:
    """One path that a container changed against its image (``GET /containers/{id}/changes``)."""

    path: str
    kind: str  # modified, added, deleted


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step of an image's history (``GET /images/{name}/history``), newest first. ``id`` is empty where unknown."""

    id: str
    created_at: datetime | None
    created_by: str
    size: int  # bytes
    comment: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsageLine:
    """One line of ``docker system df``."""

    count: int
    active: int
    size: int  # bytes
    reclaimable: int  # bytes


@dataclass(frozen=True, slots=True)
class CacheRecord:
    """A record of the build cache. ``id``: of BuildKit; ``size`` in bytes."""

    id: str
    type: str
    description: str
    size: int
    in_use: bool
    shared: bool
    created_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """``GET /system/df``, summed up as ``docker system df`` does."""

    images: UsageLine
    containers: UsageLine
    volumes: UsageLine
    build_cache: UsageLine
    volume_sizes: Mapping[str, int]  # by name, bytes, where the engine knows it
    image_sizes: Mapping[str, int]  # by id, bytes that no other image has
    container_sizes: Mapping[str, int]  # by id, bytes of the writable layer
    cache: tuple[CacheRecord, ...]


Raw = Mapping[str, Any]  # decoded JSON of the engine, inside ``console.engine`` and ``console.reads`` only
