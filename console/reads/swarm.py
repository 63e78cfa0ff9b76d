"""What an engine says of its swarm, asked now: it is not mirrored."""

from __future__ import annotations

from dataclasses import dataclass

from console.engine import swarm
from console.engine.client import EngineClient
from console.engine.errors import EngineError
from console.engine.swarm import Node
from console.models import Engine
from console.reads.ask import ask


@dataclass(frozen=True, slots=True)
class Swarm:
    """``state`` as the engine has it, "" when it does not answer; ``nodes``: of a manager; ``error``: why not."""

    state: str = ""
    nodes: tuple[Node, ...] = ()
    error: str = ""

    @property
    def active(self) -> bool:
        """Whether the engine is in a swarm."""
        return self.state == "active"

    @property
    def manager(self) -> bool:
        """Whether it may say who else is."""
        return bool(self.nodes)


def state(engine: Engine, seconds: float = 3.0) -> str:
    """The state alone; "" when the engine does not answer."""
    try:
        return ask(engine, swarm.state, seconds)
    except EngineError:
        return ""


def read(engine: Engine) -> Swarm:
    """State and nodes."""

    def question(client: EngineClient) -> Swarm:
        found = swarm.state(client)
        if found != "active":
            return Swarm(found)
        try:
            return Swarm(found, tuple(swarm.nodes(client)))
        except EngineError as error:  # a worker does not know
            return Swarm(found, (), error.message)

    try:
        return ask(engine, question)
    except EngineError as error:
        return Swarm("", (), error.message)


def token(engine: Engine, role: str) -> tuple[str, str]:
    """The join token for ``worker`` or ``manager``, and the address to join at. Raises ``EngineError``."""
    found = ask(engine, swarm.tokens)
    return (found.manager if role == "manager" else found.worker), found.address
