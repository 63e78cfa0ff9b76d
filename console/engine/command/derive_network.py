"""Ports and networks of an existing container as options of the command. See ``derive``."""

from __future__ import annotations

from typing import Any, Final

from console.engine.command.check import lowered, user_defined
from console.engine.command.raw import pairs, string, strings
from console.engine.command.spec import ExposedPort, NetworkAttachment, PublishedPort
from console.engine.fields import boolean, child, integer, objects
from console.engine.types import Raw

# Since this major version an engine says "bridge" where it said "default" before.
_BRIDGE: Final = 26


def port_options(config: Raw, image: Raw, host: Raw) -> dict[str, Any]:
    """Published and exposed ports, without those that the image exposes."""
    bindings = child(host, "PortBindings")
    published = [
        PublishedPort(port, string(binding, "HostPort"), string(binding, "HostIp"), protocol or "tcp")
        for key in bindings
        for port, _, protocol in [key.partition("/")]
        for binding in objects(bindings, key)
    ]
    exposed = [
        ExposedPort(port, protocol or "tcp")
        for key in child(config, "ExposedPorts")
        if key not in bindings and key not in child(image, "ExposedPorts")
        for port, _, protocol in [key.partition("/")]
    ]
    return {
        "publish": tuple(sorted(published, key=_order)),
        "expose": tuple(sorted(exposed, key=lambda port: (port.port.zfill(5), port.protocol))),
        "publish_all": boolean(host, "PublishAllPorts"),
    }


def _order(port: PublishedPort) -> tuple[str, str]:
    """By the port inside; several of one keep their order, as the engine does."""
    return port.container_port.zfill(5), port.protocol


def network_options(container: Raw, notes: list[str], info: Raw, whole: bool = False) -> dict[str, Any]:
    """The networks, the one of the mode first; links. ``whole``: also those that only a further command joins."""
    mode = string(child(container, "HostConfig"), "NetworkMode") or "default"
    known = child(container, "NetworkSettings", "Networks")
    first = next((name for name in known if _is(name, child(known, name), mode)), None)
    main = _attachment(mode, child(known, first) if first else {}, container)
    mac = string(child(container, "Config"), "MacAddress")
    if mac:
        main = _with_mac(main, mac)
    others = [_attachment(name, child(known, name), container) for name in known if name != first]
    if mode.startswith("container:"):
        others = []
    if others and not user_defined(mode) and not whole:
        notes.append(f"It was also connected to {', '.join(n.name for n in others)}: docker network connect does that.")
        others = []
    if any(lowered(network) for network in others) and not whole:
        notes.append("The command makes names and aliases of further networks lower case.")
    links = _links(container, child(known, first) if first else {})
    if _implied(mode, info) and main == NetworkAttachment(mode) and not others:
        return {"link": links}
    if _implied(mode, info):
        mode = "default"
        main = NetworkAttachment(mode, main.aliases, main.ip, main.ip6, main.mac_address, main.link_local_ips)
    return {"networks": (main, *others), "link": links}


def _implied(mode: str, info: Raw) -> bool:
    """Whether it is the network of a command that names none."""
    major = string(info, "ServerVersion").partition(".")[0]
    return mode == "default" or (mode == "bridge" and major.isdigit() and int(major) >= _BRIDGE)


def _is(name: str, endpoint: Raw, mode: str) -> bool:
    """Whether it is the network of the mode, which may name it by its id."""
    own_id = string(endpoint, "NetworkID")
    return name == mode or (mode == "default" and name == "bridge") or (len(mode) >= 12 and own_id.startswith(mode))


def _with_mac(network: NetworkAttachment, mac: str) -> NetworkAttachment:
    return NetworkAttachment(
        network.name,
        network.aliases,
        network.ip,
        network.ip6,
        mac,
        network.link_local_ips,
        network.driver_opts,
        network.gw_priority,
    )


def _attachment(name: str, endpoint: Raw, container: Raw) -> NetworkAttachment:
    """What was asked for; addresses that the engine chose are not."""
    ipam, own_id = child(endpoint, "IPAMConfig"), string(container, "Id")
    aliases = tuple(dict.fromkeys(alias for alias in strings(endpoint, "Aliases") if alias != own_id[:12]))
    return NetworkAttachment(
        name,
        aliases if user_defined(name) else (),
        string(ipam, "IPv4Address"),
        string(ipam, "IPv6Address"),
        "",
        strings(ipam, "LinkLocalIPs"),
        pairs(child(endpoint, "DriverOpts")),
        integer(endpoint, "GwPriority"),
    )


def _links(container: Raw, endpoint: Raw) -> tuple[str, ...]:
    """``/db:/web/database`` of an inspect is ``db:database`` of a command."""
    found = []
    for link in strings(endpoint, "Links") or strings(child(container, "HostConfig"), "Links"):
        source, _, alias = link.partition(":")
        found.append(f"{source.removeprefix('/')}:{alias.rpartition('/')[2]}" if alias else source)
    return tuple(found)
