"""Doing it: the table from verb to engine call, and looking at an object. Blocking; no database in here."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Final

from console.engine.client import EngineClient
from console.engine.errors import NotFound
from console.engine.types import Unparsed
from console.models import Engine
from console.operations import execute
from console.operations.exec_params import ExecParams
from console.operations.execute import Ran
from console.operations.facts import Facts
from console.operations.params import KillParams, Params, RemoveParams, RenameParams, StopParams

Call = Callable[[EngineClient, str, Params], Ran | None]  # what a command printed


def _stop(client: EngineClient, container_id: str, params: Params) -> None:
    client.stop(container_id, params.timeout if isinstance(params, StopParams) else None)


def _restart(client: EngineClient, container_id: str, params: Params) -> None:
    client.restart(container_id, params.timeout if isinstance(params, StopParams) else None)


def _kill(client: EngineClient, container_id: str, params: Params) -> None:
    client.kill(container_id, params.signal if isinstance(params, KillParams) else "SIGKILL")


def _rename(client: EngineClient, container_id: str, params: Params) -> None:
    if isinstance(params, RenameParams):
        client.rename(container_id, params.name)


def _remove(client: EngineClient, container_id: str, params: Params) -> None:
    asked = params if isinstance(params, RemoveParams) else RemoveParams()
    client.remove(container_id, asked.force, asked.volumes)


def _exec(client: EngineClient, container_id: str, params: Params) -> Ran | None:
    return execute.run(client, container_id, params, secrets.token_hex(12)) if isinstance(params, ExecParams) else None


CALLS: Final[Mapping[str, Call]] = {
    "container.start": lambda client, container_id, params: client.start(container_id),
    "container.stop": _stop,
    "container.restart": _restart,
    "container.pause": lambda client, container_id, params: client.pause(container_id),
    "container.unpause": lambda client, container_id, params: client.unpause(container_id),
    "container.kill": _kill,
    "container.rename": _rename,
    "container.remove": _remove,
    "container.exec": _exec,
}


class Clients:
    """One client per engine, made anew when its address changes. For many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[int, EngineClient] = {}

    def of(self, engine: Engine) -> EngineClient:
        """The client of this engine. Raises ``ValueError`` with a sentence if its address is none."""
        address = engine.address
        with self._lock:
            known = self._made.get(engine.pk)
            if known is None or known.address != address:
                if known is not None:
                    known.close()
                known = self._made[engine.pk] = EngineClient(address)
            return known

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            for client in self._made.values():
                client.close()
            self._made.clear()


def look(client: EngineClient, container_id: str) -> Facts | None:
    """A container as it is now (``exists`` False: it is gone); None if its inspect cannot be read.

    Raises ``EngineError`` when the engine does not say.
    """
    try:
        found = client.container(container_id)
    except NotFound:
        return Facts()
    return None if isinstance(found, Unparsed) else Facts.of(found)


def same_engine(client: EngineClient, engine_id: str) -> bool:
    """Whether the engine that answers is the one whose id the mirror knows. Raises ``EngineError``."""
    return not engine_id or client.info().id == engine_id
