"""What a verb is: words, right, docker command, parameters. The tables are in ``verbs`` and ``kinds``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from console import own
from console.engine.types import ContainerState
from console.models import Container
from console.operations.params import Params


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be asked. ``name`` is what ``Operation.verb`` holds, "container.stop"."""

    name: str
    right: str  # of access.VERBS
    label: str  # on the button: "Stop"
    busy: str  # while it runs: "Stopping"
    past: str  # when it is done: "stopped"
    icon: str
    base: str  # the docker command without flags and object
    refuse: Mapping[str, str] = field(default_factory=dict)  # by a container's state: why not now
    params: type[Params] = Params
    dialog: bool = False  # the button opens one
    danger: bool = False  # something is lost
    asks_many: bool = False  # for several at once a dialog lists them
    key: str = ""  # of the keyboard map
    joined: str = " "  # between label and name
    again: bool = True  # it can be asked for once more from its row
    part: str = ""  # a template that the operation's page includes; it gets operation, row, engine

    @property
    def kind(self) -> str:
        """What it is done to: container, image, engine."""
        return self.name.partition(".")[0]

    @property
    def short(self) -> str:
        """The last part of its address: stop."""
        return self.name.partition(".")[2]

    def command(self, name: str, params: Params | None = None) -> str:
        """The docker command that this stands for, quoted for a shell."""
        return (params or self.params()).command(self.base, name) if name else self.base

    def possible(self, container: Container) -> str:
        """Why this cannot be done to ``container`` as the mirror knows it, or ""; an unreadable one may be tried."""
        return own.refusal(self.name, container.container_id) or self.refusal(container.state)

    def refusal(self, state: str) -> str:
        """Why this cannot be done to a container in ``state``, or ""."""
        return "" if state == ContainerState.UNKNOWN else self.refuse.get(state, "")

    def rights(self, params: Params) -> tuple[str, ...]:
        """All rights that asking for it with ``params`` needs."""
        more = params.needs()
        return (self.right, more) if more else (self.right,)

    def title(self, name: str) -> str:
        """What an operation is called: "Stop nginx"."""
        return f"{self.label}{self.joined}{name}".strip()
