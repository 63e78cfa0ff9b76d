"""Facts about images, networks and volumes that are not mirrored. All raise ``EngineError``; see ``ask``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from console.engine.types import HistoryEntry
from console.models import Engine
from console.reads.ask import ask

SIZES_DEADLINE: Final = 25.0  # seconds: the engine walks through every volume


def image_history(engine: Engine, image_id: str) -> tuple[HistoryEntry, ...]:
    """``GET /images/{name}/history``, newest first."""
    return ask(engine, lambda client: client.image_history(image_id))


def raw_image(engine: Engine, image_id: str) -> dict[str, Any]:
    """``GET /images/{name}/json``."""
    return ask(engine, lambda client: client.raw_image(image_id))


def raw_network(engine: Engine, network_id: str) -> dict[str, Any]:
    """``GET /networks/{id}``."""
    return ask(engine, lambda client: client.raw_network(network_id))


def raw_volume(engine: Engine, name: str) -> dict[str, Any]:
    """``GET /volumes/{name}``."""
    return ask(engine, lambda client: client.raw_volume(name))


def volume_sizes(engine: Engine) -> Mapping[str, int]:
    """``GET /system/df`` of volumes: bytes by name."""
    return ask(engine, lambda client: client.volume_sizes(timeout=SIZES_DEADLINE), seconds=SIZES_DEADLINE)
