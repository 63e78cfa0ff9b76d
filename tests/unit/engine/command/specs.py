"""Strategies: any ``RunSpec`` that a command line can say."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from console.engine.command.spec import (
    Device,
    DeviceValue,
    ExposedPort,
    GpuRequest,
    Mount,
    NetworkAttachment,
    PublishedPort,
    RestartPolicy,
    RunSpec,
    Tmpfs,
    Ulimit,
    Variable,
    Volume,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "a", "$HOME", "it's", '"', "a b", "-x", "--rm", "a\nb", "\\", "`x`", "#c", "~", "ü", ";", "a=b", "\r", "a,b"]
)
FILLED = TEXT.filter(bool)
WORD = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,10}", fullmatch=True)
LOWER = WORD.map(str.lower)
PATH = st.from_regex(r"/[a-zA-Z0-9_.@ ,\"'$-]{0,9}[a-z]", fullmatch=True)
CLEAN = st.from_regex(r"/[a-z0-9]{1,5}(/[a-z0-9]{1,5})?", fullmatch=True)
INT = st.integers(-(2**63), 2**63 - 1)
SIZE = st.integers(0, 2**53) | st.sampled_from([1024, 512 << 20, 3 << 30, 1 << 50])
DURATION = st.integers(0, 2**63 - 1) | st.sampled_from([10**9, 90 * 10**9, 500 * 10**6, 3600 * 10**9])
IPV4, IPV6 = st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str)
IP = IPV4 | IPV6
PROTOCOL = st.sampled_from(["tcp", "udp", "sctp"])
MAC = st.just("02:42:ac:11:00:02") | st.just("")
NAME = TEXT.map(lambda text: text.replace("=", "")).filter(bool)
LABEL = st.tuples(NAME.map(lambda t: "".join(t.split(" "))).map(lambda t: "".join(t.split("\t"))).filter(bool), TEXT)


def many(item: st.SearchStrategy[Any], size: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    """Up to ``size`` of them."""
    return st.lists(item, max_size=size).map(tuple)


def pairs(name: st.SearchStrategy[str], value: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Up to three pairs of different names, as options that are kept in a mapping."""
    return st.dictionaries(name, value, max_size=3).map(lambda found: tuple(found.items()))


@st.composite
def port_ranges(draw: st.DrawFn) -> tuple[str, str]:
    """A range of ports inside and one outside that fit."""
    first, length, outer = draw(st.integers(1, 60000)), draw(st.integers(0, 5)), draw(st.integers(1, 60000))
    inside = f"{first}-{first + length}" if length else str(first)
    outside = f"{outer}-{outer + length}" if length else draw(st.sampled_from([str(outer), f"{outer}-{outer + 9}"]))
    return inside, draw(st.sampled_from(["", outside]))


PUBLISHED = st.builds(
    lambda ports, ip, protocol: PublishedPort(ports[0], ports[1], ip, protocol),
    port_ranges(),
    st.just("") | IP,
    PROTOCOL,
)
EXPOSED = st.builds(lambda ports, protocol: ExposedPort(ports[0], protocol), port_ranges(), PROTOCOL)
VOLUME_PATH = st.from_regex(r"/[a-z0-9 ',$\"@-]{1,8}", fullmatch=True)
VOLUMES = st.builds(Volume, VOLUME_PATH) | st.builds(
    Volume, VOLUME_PATH, WORD | VOLUME_PATH, st.sampled_from(["", "ro", "rw,z", "nocopy", "rslave,ro"])
)
DEVICES = (
    st.builds(Device, CLEAN, st.just(""), st.sampled_from(["rwm", "r", "mw"]))
    | st.builds(Device, CLEAN, CLEAN.map(lambda p: f"/dev{p}"), st.sampled_from(["rwm", "rw", "m"]))
    | st.just(Device("vendor.com/gpu=0"))
)
RATE = st.builds(DeviceValue, CLEAN.map(lambda path: f"/dev{path}"), SIZE)
COUNT = st.builds(DeviceValue, CLEAN.map(lambda path: f"/dev{path}"), st.integers(0, 2**53))
WEIGHT = st.builds(DeviceValue, CLEAN.map(lambda path: f"/dev{path}"), st.integers(10, 1000) | st.just(0))
LIMITS = st.builds(
    lambda name, soft, more: Ulimit(name, soft, soft if soft == -1 else soft + more),
    st.sampled_from(["nofile", "core", "memlock", "nproc"]),
    st.integers(-1, 2**40),
    st.integers(0, 2**40),
)
EDGELESS = TEXT.map(str.strip).filter(bool)
OPTION = pairs(EDGELESS.map(lambda t: t.replace("=", "")).map(str.strip).filter(bool), TEXT.map(str.rstrip))
BINDS = st.builds(
    Mount,
    type=st.just("bind"),
    source=PATH,
    target=PATH,
    read_only=st.booleans(),
    consistency=st.sampled_from(["", "cached"]),
    bind_propagation=st.sampled_from(["", "rslave", "rprivate"]),
    bind_recursive=st.sampled_from(["", "disabled"]),
    bind_create_src=st.booleans(),
)
MOUNTS = (
    BINDS
    | st.builds(
        Mount,
        source=st.just("") | WORD,
        target=PATH,
        read_only=st.booleans(),
        volume_subpath=st.just("") | PATH,
        volume_nocopy=st.booleans(),
        volume_labels=OPTION,
        volume_driver=st.just("") | WORD,
        volume_opts=OPTION,
    )
    | st.builds(
        Mount,
        type=st.just("tmpfs"),
        target=PATH,
        tmpfs_size=st.none() | SIZE,
        tmpfs_mode=st.none() | st.integers(0, 0o7777),
    )
    | st.builds(Mount, type=st.just("image"), source=WORD, target=PATH, image_subpath=st.just("") | WORD)
)
GPUS = st.builds(
    GpuRequest,
    count=st.integers(-1, 8),
    driver=st.just("") | WORD,
    capabilities=st.just(("gpu",)) | st.just(("utility", "compute", "gpu")),
    options=pairs(WORD, WORD),
) | st.builds(GpuRequest, devices=many(WORD).filter(bool))


def networks(name: st.SearchStrategy[str], classic: bool) -> st.SearchStrategy[NetworkAttachment]:
    """Networks; ``classic``: what belongs to the first alone may have capitals."""
    own = {
        "aliases": many(NAME if classic else LOWER),
        "ip": st.just("") | IPV4,
        "ip6": st.just("") | IPV6,
        "mac_address": MAC,
        "link_local_ips": many(IP, 2),
    }
    return st.builds(NetworkAttachment, name, **own)


NETWORKS = st.one_of(
    st.just(()),
    networks(WORD, True).map(lambda network: (network,)),
    st.tuples(
        st.builds(NetworkAttachment, LOWER, driver_opts=pairs(LOWER, LOWER), gw_priority=st.integers(-5, 5)),
        networks(LOWER, False),
    ),
)

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXT,
    "interactive": st.booleans(),
    "tty": st.booleans(),
    "rm": st.booleans(),
    "init": st.none() | st.booleans(),
    "restart": st.sampled_from([RestartPolicy(n) for n in ("no", "always", "unless-stopped", "on-failure")])
    | st.integers(1, 99).map(lambda n: RestartPolicy("on-failure", n)),
    "hostname": TEXT,
    "domainname": TEXT,
    "user": TEXT,
    "group_add": many(TEXT),
    "workdir": TEXT,
    "entrypoint": st.none() | TEXT,
    "platform": st.sampled_from(["", "linux/amd64"]),
    "pull": st.sampled_from(["missing", "always", "never", ""]),
    "quiet": st.booleans(),
    "stop_signal": TEXT,
    "stop_timeout": st.none() | st.integers(-(2**31), 2**31 - 1),
    "attach": many(st.sampled_from(["stdin", "stdout", "stderr"])),
    "env": many(st.builds(Variable, NAME, st.none() | TEXT), 5),
    "env_file": many(TEXT),
    "label": many(LABEL),
    "label_file": many(TEXT),
    "annotation": many(st.tuples(NAME, TEXT)),
    "networks": NETWORKS,
    "publish": many(PUBLISHED),
    "publish_all": st.booleans(),
    "expose": many(EXPOSED),
    "link": many(st.sampled_from(["db", "db:data", "a:b"])),
    "add_host": many(st.tuples(WORD, IP | st.just("host-gateway"))),
    "dns": many(IP),
    "dns_option": many(TEXT),
    "dns_search": many(st.sampled_from([".", "example.com", "a"])),
    "volume": many(VOLUMES),
    "mount": many(MOUNTS),
    "tmpfs": many(st.builds(Tmpfs, VOLUME_PATH, st.sampled_from(["", "size=1m", "rw,noexec:x"]))),
    "volumes_from": many(TEXT),
    "volume_driver": TEXT,
    "storage_opt": many(st.tuples(NAME, TEXT)),
    "read_only": st.booleans(),
    "shm_size": SIZE,
    "health_cmd": TEXT,
    "health_interval": DURATION,
    "health_timeout": DURATION,
    "health_retries": st.integers(0, 2**31 - 1),
    "health_start_period": DURATION,
    "health_start_interval": DURATION,
    "no_healthcheck": st.booleans(),
    "memory": SIZE,
    "memory_reservation": SIZE,
    "memory_swap": SIZE | st.just(-1),
    "memory_swappiness": st.integers(-1, 100),
    "kernel_memory": SIZE,
    "cpus": st.integers(-(2**63) + 1, 2**63 - 1) | st.sampled_from([1_500_000_000, 10**9]),
    **dict.fromkeys(("cpu_shares", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "pids_limit"), INT),
    "cpuset_cpus": TEXT,
    "cpuset_mems": TEXT,
    "oom_kill_disable": st.booleans(),
    "oom_score_adj": st.integers(-1000, 1000),
    "ulimit": many(LIMITS),
    "blkio_weight": st.integers(0, 65535),
    "blkio_weight_device": many(WEIGHT),
    "device_read_bps": many(RATE),
    "device_write_bps": many(RATE),
    "device_read_iops": many(COUNT),
    "device_write_iops": many(COUNT),
    "cgroup_parent": TEXT,
    "device": many(DEVICES),
    "device_cgroup_rule": many(st.sampled_from(["c 1:3 mr", "a *:* rwm", "b 8:0 r"])),
    "gpus": many(GPUS, 2),
    "privileged": st.booleans(),
    "cap_add": many(TEXT),
    "cap_drop": many(TEXT),
    "security_opt": many(st.sampled_from(["no-new-privileges", "seccomp=unconfined", "label:disable", "apparmor=x y"])),
    "sysctl": many(st.tuples(WORD.map(lambda name: f"net.{name}"), TEXT)),
    "userns": st.sampled_from(["", "host"]),
    "cgroupns": st.sampled_from(["", "host", "private"]),
    "pid": st.sampled_from(["", "host", "container:db"]),
    "ipc": st.sampled_from(["", "host", "none", "private", "shareable", "container:db"]),
    "uts": st.sampled_from(["", "host"]),
    "runtime": TEXT,
    "use_api_socket": st.booleans(),
    "log_driver": TEXT,
    "log_opt": many(st.tuples(NAME, TEXT)),
    "cidfile": TEXT,
    "disable_content_trust": st.booleans(),
    "isolation": TEXT,
    "cpu_count": INT,
    "cpu_percent": INT,
    "io_maxbandwidth": SIZE,
    "io_maxiops": st.integers(0, 2**63 - 1),
}
RUN_ONLY: dict[str, st.SearchStrategy[Any]] = {
    "detach": st.booleans(),
    "detach_keys": TEXT,
    "sig_proxy": st.booleans(),
}
ALWAYS = {"image", "command", "start"}


@st.composite
def run_specs(draw: st.DrawFn) -> RunSpec:
    """Any spec; mostly a few options, so that each meets each other sooner or later."""
    start = draw(st.booleans())
    names = draw(st.sets(st.sampled_from([*FIELDS, *(RUN_ONLY if start else ())]), max_size=12))
    values = {name: draw((FIELDS | RUN_ONLY)[name]) for name in sorted(names)}
    return RunSpec(image=draw(FILLED), command=draw(many(TEXT, 4)), start=start, **values)
