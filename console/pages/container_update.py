"""The dialog that changes limits and restart policy: what there is, what is typed, what the engine refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from console.engine.command import update
from console.engine.command.values import SECOND, write_cpus
from console.models import Container, Engine, Operation
from console.operations.params import InvalidParams
from console.operations.update_params import UpdateParams
from console.operations.verbs import VERBS
from console.pages.container_actions import state_words
from console.templatetags.qd import size

VERB: Final = VERBS["container.update"]
WAS: Final = "was-"  # what stood in a field when the form was made
POLICIES: Final = ("no", "on-failure", "unless-stopped", "always")
LABELS: Final[Mapping[str, tuple[str, str, str]]] = {  # label, placeholder, help
    "memory": ("Memory", "no limit", "256m, 1g; at least 6m"),
    "memory-swap": ("Memory and swap", "no limit", "Both together; -1: as much swap as there is"),
    "memory-reservation": ("Memory reservation", "none", "What it keeps when memory is short"),
    "cpus": ("CPUs", "no limit", "0.5, 2"),
    "cpu-shares": ("CPU shares", "1024, the usual", "Its weight beside others"),
    "cpuset-cpus": ("On these CPUs", "all", "0-2, 3"),
    "cpuset-mems": ("On these memory nodes", "all", "0, 1; hosts with NUMA only"),
    "pids-limit": ("Processes", "no limit", "-1: no limit"),
    "blkio-weight": ("Block IO weight", "of the engine", "10 to 1000"),
}
SWAP_TOO: Final = "Fill in “Memory and swap” as well: -1 lets it use as much swap as there is."
# Words of an engine's refusal, and the option that it is about: the first that is found.
_REFUSALS: Final = (
    ("memoryswap", "memory-swap"),
    ("memory+swap", "memory-swap"),
    ("soft limit", "memory-reservation"),
    ("reservation", "memory-reservation"),
    ("memory nodes", "cpuset-mems"),
    ("cpuset.mems", "cpuset-mems"),
    ("memory", "memory"),
    ("cpu-shares", "cpu-shares"),
    ("shares", "cpu-shares"),
    ("cpuset", "cpuset-cpus"),
    ("requested cpus", "cpuset-cpus"),
    ("cpu", "cpus"),
    ("pids", "pids-limit"),
    ("blkio", "blkio-weight"),
    ("weight", "blkio-weight"),
    ("restart", "restart"),
)


@dataclass(frozen=True, slots=True)
class Limit:
    """One field. ``was``: what stood in it when the form was made."""

    name: str
    label: str
    placeholder: str
    help: str
    value: str
    was: str
    error: str


@dataclass(slots=True)
class UpdateDialog:
    """The dialog for one container. ``typed``, ``was``: texts by option; ``unread``: why the present is not known."""

    engine: Engine
    container: Container
    typed: dict[str, str]
    was: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    unread: str = ""
    params: UpdateParams | None = None

    @classmethod
    def posted(cls, engine: Engine, container: Container, data: Mapping[str, Any]) -> UpdateDialog:
        """The dialog as it was typed."""
        was = {name: str(data.get(WAS + name, "")) for name in update.KEYS}
        typed = {name: str(data.get(name, was[name])) for name in update.KEYS}
        if typed["restart"] == "on-failure" and (retries := str(data.get("retries", "")).strip()):
            typed["restart"] = f"on-failure:{retries}"
        return cls(engine, container, typed, was)

    def refill(self, operation: Operation) -> None:
        """Show what an operation asked for, and the engine's words at the field that they are about."""
        asked = {name: str(operation.params[name]) for name in update.KEYS if name in operation.params}
        self.typed |= asked
        said = operation.error or str(operation.result.get("reason", ""))
        hint = SWAP_TOO if "update the memoryswap" in said else ""
        self.errors = {refused_field(said, asked): f"{said} {hint}".strip()} if said else {}

    def read(self) -> None:
        """Read the form into ``params`` or ``errors``."""
        try:
            self.params = UpdateParams.changed(self.typed, self.was)
        except InvalidParams as error:
            self.errors = error.errors

    @property
    def limits(self) -> list[Limit]:
        """The fields, apart from the restart policy."""
        return [
            Limit(name, *words, self.typed.get(name, ""), self.was.get(name, ""), self.errors.get(name, ""))
            for name, words in LABELS.items()
        ]

    @property
    def command(self) -> str:
        """The docker command as the fields stand."""
        return VERB.command(self.container.name, self.params or UpdateParams())

    @property
    def host(self) -> str:
        """What the engine's host has of what is shared."""
        memory, cpus = int(self.engine.info.get("memory") or 0), int(self.engine.info.get("cpus") or 0)
        parts = [size(memory) if memory else "", f"{write_cpus(cpus * SECOND)} CPUs" if cpus else ""]
        return " and ".join(part for part in parts if part)

    def context(self, action: str) -> dict[str, Any]:
        """For ``containers/_dialog_update.html``."""
        policy, _, retries = (self.typed.get("restart") or "no").partition(":")
        return {
            "engine": self.engine,
            "container": self.container,
            "verb": VERB,
            "action": action,
            "danger": False,
            "title": f"Change limits of {self.container.name}",
            "limits": self.limits,
            "policies": POLICIES if policy in POLICIES else (*POLICIES, policy),
            "policy": policy,
            "retries": retries,
            "was_restart": self.was.get("restart", "") or "no",
            "host": self.host,
            "state": state_words(self.container),
            "errors": self.errors,
            "unread": self.unread,
            "reason": VERB.possible(self.container),
            "command": self.command,
        }


def refused_field(said: str, asked: Mapping[str, str]) -> str:
    """The option that a refusal is about; "" for the whole."""
    if len(asked) == 1:
        return next(iter(asked))
    low = said.lower()
    return next((name for words, name in _REFUSALS if words in low and name in asked), "")
