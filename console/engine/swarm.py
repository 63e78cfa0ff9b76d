"""An engine's swarm: begin one, leave it, who is in it. What these raise is the tree of ``engine.errors``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.engine.text import text

if TYPE_CHECKING:
    from console.engine.client import EngineClient

SLOW = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Node:
    """One engine of a swarm (``GET /nodes``)."""

    id: str
    hostname: str
    address: str
    role: str  # manager, worker
    state: str  # ready, down, disconnected
    availability: str  # active, pause, drain
    leader: bool
    version: str


@dataclass(frozen=True, slots=True)
class JoinTokens:
    """What makes another engine a worker or a manager: secrets. ``address``: where it asks (host:port)."""

    worker: str
    manager: str
    address: str


def state(client: EngineClient) -> str:
    """``Swarm.LocalNodeState`` of ``GET /info``: inactive, pending, active, error, locked."""
    return _text(_child(client.send("GET", "/info", seconds=20.0), "Swarm"), "LocalNodeState")


def init(client: EngineClient, advertise: str = "", data_path_port: int = 0) -> str:
    """``POST /swarm/init``: the new node's id. ``advertise``: an address or an interface of the engine's host."""
    body: dict[str, Any] = {"ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": advertise, "Spec": {}}
    if data_path_port:
        body["DataPathPort"] = data_path_port
    answer = client.send("POST", "/swarm/init", body, seconds=SLOW, any_json=True)
    return text(str(answer), 64)


def leave(client: EngineClient, force: bool = False) -> None:
    """``POST /swarm/leave``. A manager leaves by ``force`` only."""
    client.send("POST", "/swarm/leave", params={"force": str(int(force))}, seconds=SLOW)


def nodes(client: EngineClient) -> list[Node]:
    """``GET /nodes``: of a manager only."""
    found = client.send("GET", "/nodes", many=True)
    rows = [_node(entry) for entry in found if isinstance(entry, dict)]
    return sorted(rows, key=lambda node: (node.role != "manager", node.hostname))


def tokens(client: EngineClient) -> JoinTokens:
    """``GET /swarm`` and ``GET /info``: of a manager only."""
    found = _child(client.send("GET", "/swarm"), "JoinTokens")
    swarm = _child(client.send("GET", "/info", seconds=20.0), "Swarm")
    managers = swarm.get("RemoteManagers")
    first = managers[0] if isinstance(managers, list) and managers and isinstance(managers[0], dict) else {}
    address = _text(first, "Addr") or f"{_text(swarm, 'NodeAddr')}:2377"
    return JoinTokens(_text(found, "Worker"), _text(found, "Manager"), address)


def _node(entry: dict[str, Any]) -> Node:
    spec, description, status = _child(entry, "Spec"), _child(entry, "Description"), _child(entry, "Status")
    manager = _child(entry, "ManagerStatus")
    return Node(
        id=_text(entry, "ID"),
        hostname=_text(description, "Hostname"),
        address=_text(status, "Addr"),
        role=_text(spec, "Role"),
        state=_text(status, "State"),
        availability=_text(spec, "Availability"),
        leader=manager.get("Leader") is True,
        version=_text(_child(description, "Engine"), "EngineVersion"),
    )


def _child(entry: Any, name: str) -> dict[str, Any]:
    value = entry.get(name) if isinstance(entry, dict) else None
    return value if isinstance(value, dict) else {}


def _text(entry: dict[str, Any], name: str) -> str:
    return text(str(entry.get(name) or ""), 300)
