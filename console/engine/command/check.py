"""Options that contradict each other: what the CLI itself refuses before it asks the engine."""

from __future__ import annotations

from typing import Final

from console.engine.command.parts import ports
from console.engine.command.spec import NetworkAttachment, RunSpec

MOST_PORTS: Final = 65_536  # of all ranges together: each is an entry of its own in what the engine is sent
_BUILT_IN: Final = frozenset({"default", "bridge", "host", "none"})


def user_defined(name: str) -> bool:
    """Whether a network is one that somebody made."""
    return name not in _BUILT_IN and not name.startswith("container:")


def contradictions(spec: RunSpec) -> list[str]:
    """Return one sentence for each pair of options that cannot stand together."""
    found: list[str] = []
    if not spec.image:
        found.append("The image is missing.")
    if spec.rm and spec.restart.name != "no":
        found.append("--rm and --restart exclude each other: what is removed cannot be started again.")
    if spec.detach and spec.attach:
        found.append("--detach and --attach exclude each other.")
    if spec.no_healthcheck and _health(spec):
        found.append("--no-healthcheck and the other --health options exclude each other.")
    if spec.log_driver == "none" and spec.log_opt:
        found.append("The log driver none has no options.")
    if too_many_ports(spec):
        found.append(f"More than {MOST_PORTS:,} ports are published or exposed.")
    return found + _networks(spec)


def too_many_ports(spec: RunSpec) -> bool:
    """Whether the ranges of ports are too many to be counted one by one."""
    ranges = [ports(port.container_port) for port in spec.publish] + [ports(port.port) for port in spec.expose]
    return sum(last - first + 1 for first, last in ranges) > MOST_PORTS


def _health(spec: RunSpec) -> bool:
    return bool(
        spec.health_cmd
        or spec.health_interval
        or spec.health_timeout
        or spec.health_retries
        or spec.health_start_period
        or spec.health_start_interval
    )


def _networks(spec: RunSpec) -> list[str]:
    found: list[str] = []
    names = [network.name for network in spec.networks]
    found += [
        f"The network {name} is given more than once." for name in sorted({n for n in names if names.count(n) > 1})
    ]
    kinds = {user_defined(name) for name in names}
    if len(kinds) > 1:
        found.append("Own networks and those of the engine (bridge, host, none, container:…) exclude each other.")
    found += [
        f"The network {network.name} has no aliases; only own networks have."
        for network in spec.networks
        if network.aliases and not user_defined(network.name)
    ]
    return found


def lowered(network: NetworkAttachment) -> bool:
    """Whether the command line cannot say it: what is given as ``key=value`` becomes lower case."""
    words = (network.name, *network.aliases, *(word for pair in network.driver_opts for word in pair))
    return any(word != word.lower() for word in words)


def unsupported(spec: RunSpec, api_version: str) -> list[str]:
    """Return one sentence for each option that an engine spoken to in ``api_version`` does not know."""
    major, _, minor = api_version.partition(".")
    known = (int(major), int(minor or 0))
    return [
        f"{what} needs an engine with API {wanted[0]}.{wanted[1]} or newer; this one has {api_version}."
        for used, what, wanted in (
            (len(spec.networks) > 1, "More than one --network", (1, 44)),
            (any(network.mac_address for network in spec.networks[1:]), "A MAC address for each network", (1, 44)),
            (any(network.gw_priority for network in spec.networks), "gw-priority", (1, 48)),
            (spec.health_start_interval, "--health-start-interval", (1, 44)),
            (spec.annotation, "--annotation", (1, 43)),
            (any(mount.bind_recursive == "readonly" for mount in spec.mount), "bind-recursive=readonly", (1, 44)),
            (any(mount.bind_recursive == "writable" for mount in spec.mount), "bind-recursive=writable", (1, 44)),
            (any(mount.volume_subpath for mount in spec.mount), "volume-subpath", (1, 45)),
            (any(mount.type == "image" for mount in spec.mount), "A mount of type image", (1, 48)),
        )
        if used and known < wanted
    ]
