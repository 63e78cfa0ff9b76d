"""What is asked of the engine when somebody looks: a container's raw document, its health log. After ``access``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from console.engine.client import EngineClient
from console.engine.command.update import present
from console.engine.errors import NotFound, Unreachable
from console.engine.fields import child
from console.engine.types import HealthProbe
from console.models import Container, Engine

DEADLINE: Final = 5.0  # seconds
T = TypeVar("T")


def raw(engine: Engine, container: Container) -> dict[str, Any]:
    """``GET /containers/{id}/json``, every string fit to be shown, nothing masked. Raises ``EngineError``."""
    return _ask(engine, lambda client: client.raw_container(container.container_id))


def limits(engine: Engine, container: Container) -> dict[str, str]:
    """What ``docker container update`` can change, as it is now. Raises ``EngineError``."""
    return present(child(raw(engine, container), "HostConfig"))


def health_log(engine: Engine, container: Container) -> tuple[HealthProbe, ...]:
    """The last probes of the health check, newest first. Raises ``EngineError``."""
    return tuple(reversed(_ask(engine, lambda client: client.health_log(container.container_id))))


SHELLS: Final = ("/bin/bash", "/bin/zsh", "/usr/bin/fish", "/bin/ash", "/bin/sh")


def shells(engine: Engine, container: Container) -> list[str]:
    """The shells that the container has, best first; no process is started to find out. Raises ``EngineError``."""
    return _ask(engine, lambda client: [path for path in SHELLS if client.has_path(container.container_id, path)])


def _ask(engine: Engine, question: Callable[[EngineClient], T]) -> T:
    if engine.state == Engine.State.SWAPPED:
        raise NotFound("Another engine answers at this address: it is not asked about this engine's containers.")
    try:
        address = engine.address
    except ValueError as error:
        raise Unreachable(str(error), "wrong-address") from error
    with EngineClient(address, timeout=DEADLINE) as client:
        return question(client)
