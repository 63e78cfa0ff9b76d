"""What ``docker container run`` and ``docker container create`` can be told, as one value.

A field is named as its option; one that may be repeated is a tuple in the order of the command line. Sizes are bytes,
durations nanoseconds, CPUs billionths. The default of a field is what the command does without the option.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Pairs: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """``-p [IP:][HOST:]CONTAINER[/PROTOCOL]``; ports are numbers or ranges ("8000-8010"); no ``host_port``: any."""

    container_port: str
    host_port: str = ""
    host_ip: str = ""
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class ExposedPort:
    """``--expose PORT[-PORT][/PROTOCOL]``."""

    port: str
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Variable:
    """``-e NAME=VALUE``; without a value it is the one that ``NAME`` has where the command is typed."""

    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """``-v [SOURCE:]TARGET[:MODE]``; no source: an anonymous volume; a source that is a path: a bind mount."""

    target: str
    source: str = ""
    mode: str = ""

    @property
    def bind(self) -> bool:
        """Whether the source is a path of the engine's host."""
        return self.source[:1] in {"/", ".", "~"} or self.source.startswith("\\\\") or self.source[1:2] == ":"


@dataclass(frozen=True, slots=True)
class Tmpfs:
    """``--tmpfs TARGET[:OPTIONS]``."""

    target: str
    options: str = ""


@dataclass(frozen=True, slots=True)
class Mount:
    """``--mount type=…,source=…,target=…``. ``tmpfs_size``: bytes; ``tmpfs_mode``: a file mode."""

    type: str = "volume"
    source: str = ""
    target: str = ""
    read_only: bool = False
    consistency: str = ""
    bind_propagation: str = ""
    bind_recursive: str = ""  # disabled, writable or readonly
    bind_create_src: bool = False
    volume_subpath: str = ""
    volume_nocopy: bool = False
    volume_labels: Pairs = ()
    volume_driver: str = ""
    volume_opts: Pairs = ()
    image_subpath: str = ""
    tmpfs_size: int | None = None
    tmpfs_mode: int | None = None


@dataclass(frozen=True, slots=True)
class Ulimit:
    """``--ulimit NAME=SOFT[:HARD]``; -1: no limit."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class Device:
    """``--device HOST[:CONTAINER][:PERMISSIONS]``, or the name of a CDI device (``vendor.com/class=name``)."""

    host: str
    container: str = ""  # the same path
    permissions: str = "rwm"


@dataclass(frozen=True, slots=True)
class DeviceValue:
    """``DEVICE:VALUE``: a weight, bytes or operations per second."""

    device: str
    value: int


@dataclass(frozen=True, slots=True)
class GpuRequest:
    """``--gpus``. ``count``: -1 for all, 0 where the devices are named."""

    count: int = 0
    driver: str = ""
    devices: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ("gpu",)
    options: Pairs = ()


@dataclass(frozen=True, slots=True)
class NetworkAttachment:
    """``--network`` with what belongs to it; the first one also has ``--network-alias``, ``--ip``, ``--mac-address`` …

    ``name`` "default" is the network that the engine chooses.
    """

    name: str = "default"
    aliases: tuple[str, ...] = ()
    ip: str = ""
    ip6: str = ""
    mac_address: str = ""
    link_local_ips: tuple[str, ...] = ()
    driver_opts: Pairs = ()
    gw_priority: int = 0


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """``--restart NAME[:RETRIES]``."""

    name: str = "no"
    retries: int = 0


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One ``docker container run`` (``start``) or ``docker container create``."""

    image: str = ""
    command: tuple[str, ...] = ()
    start: bool = True

    # the container
    name: str = ""
    detach: bool = False
    interactive: bool = False
    tty: bool = False
    rm: bool = False
    init: bool | None = None
    restart: RestartPolicy = RestartPolicy()
    hostname: str = ""
    domainname: str = ""
    user: str = ""
    group_add: tuple[str, ...] = ()
    workdir: str = ""
    entrypoint: str | None = None  # "": none, not even the image's
    platform: str = ""
    pull: str = "missing"
    quiet: bool = False
    stop_signal: str = ""
    stop_timeout: int | None = None  # seconds
    attach: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()
    env_file: tuple[str, ...] = ()
    label: Pairs = ()
    label_file: tuple[str, ...] = ()
    annotation: Pairs = ()

    # networks
    networks: tuple[NetworkAttachment, ...] = ()
    publish: tuple[PublishedPort, ...] = ()
    publish_all: bool = False
    expose: tuple[ExposedPort, ...] = ()
    link: tuple[str, ...] = ()
    add_host: Pairs = ()
    dns: tuple[str, ...] = ()
    dns_option: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()

    # storage
    volume: tuple[Volume, ...] = ()
    mount: tuple[Mount, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    volumes_from: tuple[str, ...] = ()
    volume_driver: str = ""
    storage_opt: Pairs = ()
    read_only: bool = False
    shm_size: int = 0

    # health
    health_cmd: str = ""
    health_interval: int = 0
    health_timeout: int = 0
    health_retries: int = 0
    health_start_period: int = 0
    health_start_interval: int = 0
    no_healthcheck: bool = False

    # limits
    memory: int = 0
    memory_reservation: int = 0
    memory_swap: int = 0  # -1: no limit
    memory_swappiness: int = -1
    kernel_memory: int = 0
    cpus: int = 0
    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_rt_period: int = 0
    cpu_rt_runtime: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    pids_limit: int = 0
    oom_kill_disable: bool = False
    oom_score_adj: int = 0
    ulimit: tuple[Ulimit, ...] = ()
    blkio_weight: int = 0
    blkio_weight_device: tuple[DeviceValue, ...] = ()
    device_read_bps: tuple[DeviceValue, ...] = ()
    device_write_bps: tuple[DeviceValue, ...] = ()
    device_read_iops: tuple[DeviceValue, ...] = ()
    device_write_iops: tuple[DeviceValue, ...] = ()
    cgroup_parent: str = ""

    # devices
    device: tuple[Device, ...] = ()
    device_cgroup_rule: tuple[str, ...] = ()
    gpus: tuple[GpuRequest, ...] = ()

    # security, namespaces
    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    sysctl: Pairs = ()
    userns: str = ""
    cgroupns: str = ""
    pid: str = ""
    ipc: str = ""
    uts: str = ""
    runtime: str = ""
    use_api_socket: bool = False

    # log
    log_driver: str = ""
    log_opt: Pairs = ()

    # the terminal in which it is typed
    detach_keys: str = ""
    sig_proxy: bool = True
    cidfile: str = ""
    disable_content_trust: bool = True

    # Windows
    isolation: str = ""
    cpu_count: int = 0
    cpu_percent: int = 0
    io_maxbandwidth: int = 0
    io_maxiops: int = 0
