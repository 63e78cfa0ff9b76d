"""The ``docker container run`` that makes an existing container again, derived when somebody looks.

What was derived is kept for as long as the container and the engine stay as they are in the mirror: secrets are masked
before it is kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from console import masks
from console.engine.command.again import Source
from console.engine.command.derive import derive
from console.engine.command.mask import Mask
from console.engine.command.render import render
from console.engine.text import text
from console.models import Container, Engine
from console.reads.ask import ask

MOST_KEPT: Final = 500
LONGEST: Final = 128 * 1024  # characters of a command that are shown
MASK: Final = Mask(lambda name, value: masks.masked(name, value, masks.PLAIN_MASK), masks.masked_words)

Key = tuple[int, str, str, str]


@dataclass(frozen=True, slots=True)
class RunCommand:
    """``text``: the command on one line, its secrets masked; ``notes``: what it cannot say."""

    text: str
    notes: tuple[str, ...] = ()


_lock = threading.Lock()
_kept: OrderedDict[Key, RunCommand] = OrderedDict()


def known(engine: Engine, container: Container) -> RunCommand | None:
    """The command as it was derived before, if nothing changed since."""
    with _lock:
        return _kept.get(_key(engine, container))


def run_command(engine: Engine, container: Container) -> RunCommand:
    """Derive the command from ``GET /containers/{id}/json``, its image's and ``GET /info``. Raises ``EngineError``."""
    derived = derive(*ask(engine, lambda client: client.run_sources(container.container_id)))
    found = RunCommand(text(render(derived.spec, MASK), LONGEST, multiline=True), derived.notes)
    with _lock:
        _kept[_key(engine, container)] = found
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return found


def source(engine: Engine, container: Container) -> Source:
    """The container with all that making it again needs, secrets included. Raises ``EngineError``."""
    return Source(*ask(engine, lambda client: client.run_sources(container.container_id)))


def _key(engine: Engine, container: Container) -> Key:
    return engine.pk, container.container_id, container.digest, engine.server_version
