"""Making volumes: ``POST /volumes/create``. What is raised is the tree of ``engine.errors``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.engine.command.volume import CreateVolume
from console.engine.text import text

if TYPE_CHECKING:
    from console.engine.client import EngineClient

SLOW = 60.0  # seconds: a driver of another machine takes its time


def create(client: EngineClient, spec: CreateVolume) -> str:
    """Make one; its name. For a name that is there already the engine says yes and makes nothing: look first."""
    body = {"Name": spec.name, "Driver": spec.driver, "DriverOpts": dict(spec.opt), "Labels": dict(spec.label)}
    answer = client.send("POST", "/volumes/create", body, seconds=SLOW)
    return text(str(answer.get("Name") or spec.name), 300)
