"""Changing networks: the calls of ``/networks``. What they raise is the tree of ``engine.errors``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from console.engine.command.network import ConnectNetwork, CreateNetwork, pools
from console.engine.text import text

if TYPE_CHECKING:
    from console.engine.client import EngineClient

SLOW = 60.0  # seconds: a driver of another machine takes its time


def create(client: EngineClient, spec: CreateNetwork) -> tuple[str, str]:
    """``POST /networks/create``: the new id, and what the engine warns of."""
    body: dict[str, Any] = {
        "Name": spec.name,
        "CheckDuplicate": True,
        "Driver": spec.driver,
        "EnableIPv6": spec.ipv6,
        "Internal": spec.internal,
        "Attachable": spec.attachable,
        "Ingress": spec.ingress,
        "IPAM": {"Driver": spec.ipam_driver, "Config": pools(spec), "Options": dict(spec.ipam_opt)},
        "Options": dict(spec.opt),
        "Labels": dict(spec.label),
    }
    if spec.scope:
        body["Scope"] = spec.scope
    answer = client.send("POST", "/networks/create", body, seconds=SLOW)
    return text(str(answer.get("Id") or ""), 64), text(str(answer.get("Warning") or ""), 2048)


def connect(client: EngineClient, network_id: str, spec: ConnectNetwork) -> None:
    """``POST /networks/{id}/connect``. The container may run or not."""
    ipam = {
        name: value
        for name, value in (("IPv4Address", spec.ip), ("IPv6Address", spec.ip6), ("LinkLocalIPs", spec.link_local_ip))
        if value
    }
    settings: dict[str, Any] = {"Aliases": list(spec.alias), "Links": list(spec.link)}
    if ipam:
        settings["IPAMConfig"] = ipam
    if spec.driver_opt:
        settings["DriverOpts"] = dict(spec.driver_opt)
    body = {"Container": spec.container, "EndpointConfig": settings}
    client.send("POST", f"/networks/{quote(network_id, safe='')}/connect", body, seconds=SLOW)


def disconnect(client: EngineClient, network_id: str, container: str, force: bool = False) -> None:
    """``POST /networks/{id}/disconnect``."""
    body = {"Container": container, "Force": force}
    client.send("POST", f"/networks/{quote(network_id, safe='')}/disconnect", body, seconds=SLOW)


def remove(client: EngineClient, network_id: str) -> None:
    """``DELETE /networks/{id}``. ``Forbidden`` while a container is on it."""
    client.send("DELETE", f"/networks/{quote(network_id, safe='')}", seconds=SLOW)


def named(client: EngineClient, name: str) -> list[str]:
    """The ids of the networks of exactly this name."""
    filters = json.dumps({"name": [name]})
    found = client.send("GET", "/networks", params={"filters": filters}, many=True)
    return [str(entry.get("Id")) for entry in found if isinstance(entry, dict) and entry.get("Name") == name]


def exists(client: EngineClient, network_id: str) -> bool:
    """Whether there is a network of this id."""
    filters = json.dumps({"id": [network_id]})
    return bool(client.send("GET", "/networks", params={"filters": filters}, many=True))


def is_on(client: EngineClient, container_id: str, network_id: str, name: str) -> bool:
    """Whether a container, running or not, belongs to a network. Raises ``NotFound`` without the container."""
    answer = client.send("GET", f"/containers/{quote(container_id, safe='')}/json")
    settings = answer.get("NetworkSettings")
    found = settings.get("Networks") if isinstance(settings, dict) else None
    entries = found.items() if isinstance(found, dict) else ()
    return any(key == name or (isinstance(e, dict) and e.get("NetworkID") == network_id) for key, e in entries)


def members(client: EngineClient, network_id: str) -> list[str]:
    """The names of the containers that are connected to a network now."""
    answer = client.send("GET", f"/networks/{quote(network_id, safe='')}")
    found = answer.get("Containers")
    entries = found.values() if isinstance(found, dict) else ()
    return sorted(text(str(entry.get("Name") or ""), 300) for entry in entries if isinstance(entry, dict))
