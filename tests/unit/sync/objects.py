"""Objects of an engine for tests: recorded answers of a real one, with what a test wants changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from console.engine import parse
from console.engine.types import Container, EndpointSettings, Event, Image, MountPoint, Network, Volume
from console.models import Engine

RECORDED = Path(__file__).parents[2] / "payloads" / "docker-20.10"


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


def container_id(number: int) -> str:
    return f"{number:064x}"


def container(number: int = 1, **changes: Any) -> Container:
    found = parse.container(recorded("container_running"))
    return replace(found, **{"id": container_id(number), "name": f"name-{number}", **changes})


def image(number: int = 1, **changes: Any) -> Image:
    return replace(parse.image(recorded("image")), **{"id": f"sha256:{number:064x}", **changes})


def network(number: int = 1, **changes: Any) -> Network:
    return replace(parse.network(recorded("network")), **{"id": container_id(number), **changes})


def volume(name: str = "data", **changes: Any) -> Volume:
    return replace(parse.volume(recorded("volume")), **{"name": name, **changes})


def mount(destination: str = "/data", **changes: Any) -> MountPoint:
    return replace(MountPoint("volume", destination, "data", "/var/lib/x", "local"), **changes)


def endpoint(name: str = "net", **changes: Any) -> EndpointSettings:
    return replace(EndpointSettings(name, container_id(99), "e" * 64, "02:42:ac:11:00:02", "172.17.0.2", 16), **changes)


def event(action: str, actor: str = "", kind: str = "container", time_ns: int = 1, **attributes: str) -> Event:
    return Event(time_ns, kind, action, actor or container_id(1), attributes)


def engine(**columns: Any) -> Engine:
    """A row that the lease ``fence`` 1 may write."""
    return Engine.objects.create(**{"slug": "e1", "url": "unix:///nowhere", "lease_fence": 1, **columns})
