"""What Docker's network drivers mean, in a line each, and what a network's options say. Pure functions.

Sources: Docker documentation, "Networking / Network drivers"; libnetwork ``drivers/bridge/labels.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

BUILT_IN: Final = ("bridge", "host", "none")  # made by the engine, cannot be removed
DRIVERS: Final[dict[str, str]] = {
    "bridge": "A switch inside the engine's host: members reach each other, ports are published through the host.",
    "host": "No network of its own: a container uses the host's addresses and ports as they are.",
    "null": "No network at all: a container has only its own loopback.",
    "overlay": "One network over several engines of a swarm, by VXLAN between the hosts.",
    "macvlan": "Every member has a MAC address of its own on the network of the host's interface.",
    "ipvlan": "Every member has an address of its own on the host's interface and shares its MAC address.",
}
BRIDGE_NAME: Final = "com.docker.network.bridge.name"
ICC: Final = "com.docker.network.bridge.enable_icc"
MASQUERADE: Final = "com.docker.network.bridge.enable_ip_masquerade"
HOST_BINDING: Final = "com.docker.network.bridge.host_binding_ipv4"
MTU: Final = "com.docker.network.driver.mtu"
OPTIONS: Final[dict[str, str]] = {
    BRIDGE_NAME: "the bridge's interface on the host",
    ICC: "whether members may reach each other",
    MASQUERADE: "whether members reach the outside under the host's address",
    HOST_BINDING: "address at which ports are published when none is given",
    "com.docker.network.bridge.default_bridge": "the engine's own bridge",
    "com.docker.network.bridge.trusted_host_interfaces": "interfaces that reach members without a published port",
    "com.docker.network.container_iface_prefix": "first letters of the interface inside a member",
    MTU: "largest packet in bytes",
    "parent": "the host's interface under it",
    "macvlan_mode": "how members reach each other",
    "ipvlan_mode": "l2 switches, l3 routes",
    "encrypted": "traffic between the hosts is encrypted",
}


def driver_words(driver: str) -> str:
    """What a driver means, in a line."""
    return DRIVERS.get(driver, f"A plug-in of the engine: {driver} decides what members reach.")


def has_names(name: str, driver: str, scope: str = "local") -> bool:
    """Whether members find each other by name: on every network with members of its own but the default bridge."""
    return driver not in {"host", "null"} and not (name == "bridge" and driver == "bridge" and scope == "local")


def names_words(name: str, driver: str, scope: str = "local") -> str:
    """What names mean on this network, in a sentence."""
    if driver == "host":
        return "No names of Docker: members resolve as the host does."
    if driver == "null":
        return "No names: members reach nothing."
    if not has_names(name, driver, scope):
        return (
            "No names: on the default bridge members reach each other by address only. "
            "On a network of your own they reach each other by name as well."
        )
    return "Members reach each other by container name, by short id and by their aliases; Docker's DNS is 127.0.0.11."


def interface(network_id: str, driver: str, options: Mapping[str, str]) -> str:
    """The bridge's interface on the host; "" for other drivers."""
    if driver != "bridge":
        return ""
    return str(options.get(BRIDGE_NAME) or f"br-{network_id[:12]}")


def reach(internal: bool, options: Mapping[str, str]) -> list[str]:
    """What a network cuts off, in words."""
    words = []
    if internal:
        words.append("internal: no way out of this network, and none in from published ports")
    if str(options.get(ICC, "true")).lower() == "false":
        words.append("members cannot reach each other (enable_icc is false)")
    if str(options.get(MASQUERADE, "true")).lower() == "false":
        words.append("no address translation: the outside must know a way back to the members")
    return words
