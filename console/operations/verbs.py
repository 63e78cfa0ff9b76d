"""The one table of what can be asked of an engine: words, right, docker command, parameters, when it makes sense.

A new verb of a container is a row here and a function in ``perform.py``; those of other objects, and works that take
long, are in ``kinds``. The engine decides in the end: ``possible`` looks at the mirror, which may be a second old, and
serves buttons and early answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.urls import reverse

from console import access
from console.engine.types import ContainerState as S
from console.models import Container, Engine, Operation
from console.operations.exec_params import ExecParams
from console.operations.kinds import all_kinds
from console.operations.params import KillParams, RemoveParams, RenameParams, StopParams
from console.operations.verb import Verb as Verb
from console.operations.work import WorkKind

ALIVE: Final = frozenset({S.RUNNING.value, S.PAUSED.value, S.RESTARTING.value})


# By a container's state: why a verb cannot be done now.
_ENDED: Final = {S.REMOVING.value: "being removed", S.DEAD.value: "dead: it can only be removed"}
_NOT_ALIVE: Final = dict.fromkeys((S.CREATED.value, S.EXITED.value, S.DEAD.value), "not running") | {
    S.REMOVING.value: "being removed"
}
_START: Final = _ENDED | {
    S.RUNNING.value: "already running",
    S.PAUSED.value: "paused: unpause it",
    S.RESTARTING.value: "restarting by itself",
}
_EXEC: Final = _NOT_ALIVE | {S.PAUSED.value: "paused: unpause it", S.RESTARTING.value: "restarting by itself"}
_PAUSE: Final = _NOT_ALIVE | {S.PAUSED.value: "already paused", S.RESTARTING.value: "restarting by itself"}
_UNPAUSE: Final = {state.value: "not paused" for state in S if state is not S.PAUSED}
_REMOVE: Final = {S.REMOVING.value: "already being removed"}
_NEVER: Final[Mapping[str, str]] = {}

_ALL: Final = (
    Verb("container.start", "operate", "Start", "Starting", "started", "play", "docker container start",
         _START, key="S"),
    Verb("container.stop", "operate", "Stop", "Stopping", "stopped", "stop", "docker container stop", _NOT_ALIVE,
         StopParams, key="S"),
    Verb("container.restart", "operate", "Restart", "Restarting", "restarted", "restart", "docker container restart",
         _ENDED, StopParams, asks_many=True, key="r"),
    Verb("container.pause", "operate", "Pause", "Pausing", "paused", "pause", "docker container pause", _PAUSE),
    Verb("container.unpause", "operate", "Unpause", "Unpausing", "unpaused", "play", "docker container unpause",
         _UNPAUSE),
    Verb("container.kill", "operate", "Kill", "Killing", "killed", "kill", "docker container kill", _NOT_ALIVE,
         KillParams, dialog=True, danger=True, asks_many=True),
    Verb("container.exec", "shell", "Run a command", "Running", "done", "term", "docker container exec", _EXEC,
         ExecParams, dialog=True, joined=" in "),
    Verb("container.rename", "operate", "Rename", "Renaming", "renamed", "rename", "docker container rename", _ENDED,
         RenameParams, dialog=True),
    Verb("container.remove", "operate", "Remove", "Removing", "removed", "trash", "docker container rm", _REMOVE,
         RemoveParams, dialog=True, danger=True, asks_many=True, key="Delete"),
    Verb("engine.refresh", "operate", "Refresh", "Refreshing", "refreshed", "restart",
         "docker container ls --all && docker image ls --all && docker network ls && docker volume ls", _NEVER),
    Verb("engine.verify", "operate", "Verify", "Verifying", "verified", "check",
         "docker container inspect $(docker container ls --all --quiet)", _NEVER),
)  # fmt: skip
_KINDS, _WORKS = all_kinds()
WORKS: Final[Mapping[str, WorkKind]] = _WORKS  # for those that are not done by ``perform``
VERBS: Final[Mapping[str, Verb]] = {verb.name: verb for verb in (*_ALL, *_KINDS)}
BESIDE: Final = ("container.exec",)  # verbs that change nothing the console knows of: others need not wait for them
GUARDED: Final = (
    *BESIDE,
    "container.create",
    "container.recreate",
)  # whose commands may tell more than everybody may see
PRINTS: Final = (*BESIDE, "container.recreate")  # that may keep what something printed
LONG: Final = tuple(name for name, work in WORKS.items() if work.cancellable)  # they may take minutes
CONTAINER_VERBS: Final = tuple(verb for verb in _ALL if verb.kind == "container")  # with a button in lists
_RIGHTS: Final = frozenset(verb.right for verb in CONTAINER_VERBS) | {"deploy"}  # recreate, commit


def verb_of(operation: Operation) -> Verb | None:
    """The verb of an operation; None for one of another version of the console."""
    return VERBS.get(operation.verb)


def right_for(verb: Verb, container: Container) -> str:
    """The right that ``verb`` needs on ``container``: who runs commands in some rules their host.

    Buttons do not know it (lists do not read that much): the view and the worker refuse.
    """
    return access.shell_right(container) if verb.right == "shell" else verb.right


@dataclass(frozen=True, slots=True)
class Action:
    """A verb for one container, as a button shows it."""

    verb: str  # stop
    label: str  # "Stop", with "…" where a dialog follows
    name: str  # "Stop nginx", for a button without words
    icon: str
    command: str
    url: str  # POST asks; GET is the dialog
    dialog: bool
    danger: bool
    reason: str  # why not now, or ""
    busy: str  # "Stopping" while such an operation is open, else ""
    key: str


@lru_cache(maxsize=64)
def _address(slug: str) -> tuple[str, str, str]:
    """What stands before the id, between id and verb, and after it."""
    digits = "0" * 64
    before, _, rest = reverse("container-action", args=[slug, digits, "start"]).partition(digits)
    between, _, after = rest.rpartition("start")
    return before, between, after


def action_url(slug: str, container_id: str, short: str) -> str:
    """Where the verb ``short`` (stop) is asked of a container. As ``reverse``, fast enough for 1,000 rows."""
    before, between, after = _address(slug)
    return f"{before}{container_id}{between}{short}{after}"


def actions_for(container: Container, user: access.Actor, engine: Engine | None = None, busy: str = "") -> list[Action]:
    """Every verb that ``user`` may ask of ``container``, in the order of the table; those that do not fit say why.

    ``busy``: the verb ("container.stop") of an open operation on it (``status.busy_verbs``). ``engine``: give it for
    lists, else it is read from the row. While something runs, only what can come between stays possible.
    """
    slug = (engine or container.engine).slug
    rights = rights_of(user)
    return [
        action_of(verb, slug, container.container_id, container.name, container.state, busy)
        for verb in CONTAINER_VERBS
        if verb.right in rights
    ]


def rights_of(user: access.Actor) -> frozenset[str]:
    """The rights that ``user`` has among those that the buttons of a container want."""
    return frozenset(right for right in _RIGHTS if access.can(user, right))


def action_of(verb: Verb, slug: str, container_id: str, name: str, state: str, busy: str) -> Action:
    """One verb for the container of that id, name and state; ``busy`` as for ``actions_for``."""
    return Action(
        verb=verb.short,
        label=f"{verb.label}…" if verb.dialog else verb.label,
        name=verb.title(name),
        icon=verb.icon,
        command=verb.command(name),
        url=action_url(slug, container_id, verb.short),
        dialog=verb.dialog,
        danger=verb.danger,
        reason=verb.refusal(state),
        busy=verb.busy if busy == verb.name else "",
        key=verb.key,
    )
