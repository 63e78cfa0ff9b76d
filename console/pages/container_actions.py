"""What the action buttons and dialogs of containers show. Nothing here asks the engine."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.template.loader import render_to_string

from console import access
from console.engine.types import ContainerState as S
from console.models import Container, Endpoint, Engine
from console.operations.exec_params import shell_signs
from console.operations.params import SIGNALS, InvalidParams, Params, RemoveParams, RenameParams
from console.operations.status import busy_verbs
from console.operations.verbs import CONTAINER_VERBS, VERBS, Action, Verb, action_of, action_url, rights_of

ANONYMOUS: Final = re.compile(r"[0-9a-f]{64}")  # the name that an engine gives a volume without one
ALIVE: Final = frozenset({S.RUNNING.value, S.PAUSED.value, S.RESTARTING.value})
MOST_LISTED: Final = 50  # dependants named in a dialog


@dataclass(frozen=True, slots=True)
class Shape:
    """All that the buttons of a container depend on besides its name and id."""

    slug: str
    state: str
    rights: frozenset[str]  # those of the table of verbs that the person has
    busy: str  # the verb of an open operation, "container.stop", or ""

    def actions(self, container_id: str, name: str) -> Actions:
        """The buttons of one container of this shape."""
        return Actions(container_id, name, self)


class Actions:
    """The buttons of one container: ``main`` stand in the row, ``menu`` behind "more"."""

    __slots__ = ("container_id", "name", "shape")

    def __init__(self, container_id: str, name: str, shape: Shape) -> None:
        self.container_id, self.name, self.shape = container_id, name, shape

    @property
    def id12(self) -> str:
        """For the ids of elements."""
        return self.container_id[:12]

    @property
    def can(self) -> str:
        """The verbs that fit now, for ``data-can`` of the row: "stop restart pause"."""
        return _fitting(self.shape.state, self.shape.rights)

    @property
    def busy(self) -> str:
        """What is under way: "Stopping", or ""."""
        main, menu = _shown(self.shape.state, self.shape.rights)
        return next((verb.busy for verb in (*main, *menu) if verb.name == self.shape.busy), "")

    @property
    def may_deploy(self) -> bool:
        """Whether the person may recreate it and make an image of it."""
        return "deploy" in self.shape.rights

    @property
    def main(self) -> tuple[Action, ...]:
        """Those that stand in the row."""
        return self._actions(_shown(self.shape.state, self.shape.rights)[0])

    @property
    def menu(self) -> tuple[Action, ...]:
        """All others that can make sense."""
        return self._actions(_shown(self.shape.state, self.shape.rights)[1])

    def _actions(self, verbs: Sequence[Verb]) -> tuple[Action, ...]:
        shape = self.shape
        return tuple(
            action_of(verb, shape.slug, self.container_id, self.name, shape.state, shape.busy) for verb in verbs
        )


@lru_cache(maxsize=64)
def _shown(state: str, rights: frozenset[str]) -> tuple[tuple[Verb, ...], tuple[Verb, ...]]:
    """The verbs in the row and those in its menu."""
    found = {verb.short: verb for verb in CONTAINER_VERBS if verb.right in rights}
    main = ["unpause", "stop"] if state == S.PAUSED else ["stop" if state in ALIVE else "start", "restart"]
    hidden = {"start", "stop", "pause" if state == S.PAUSED else "unpause"} - set(main)
    rest = [verb for short, verb in found.items() if short not in main and short not in hidden]
    return tuple(found[short] for short in main if short in found), tuple(rest)


@lru_cache(maxsize=64)
def _fitting(state: str, rights: frozenset[str]) -> str:
    main, menu = _shown(state, rights)
    return " ".join(verb.short for verb in (*main, *menu) if not verb.refusal(state))


def actions_of(container: Container, user: access.Actor, engine: Engine, busy: str = "") -> Actions:
    """The buttons for ``templates/containers/_actions.html``. ``busy``: the verb of an open operation or ""."""
    return Shape(engine.slug, container.state, rights_of(user), busy).actions(container.container_id, container.name)


def rendered(container: Container, user: access.Actor, engine: Engine) -> str:
    """The container's buttons, out of band, wherever they stand on a page: in a row, in the head of its own page."""
    busy = busy_verbs(user, engine, [container.container_id]).get(container.container_id, "")
    context = {"acts": actions_of(container, user, engine, busy), "oob": True}
    return render_to_string("containers/_actions.html", context) + render_to_string(
        "containers/_head_actions.html", context
    )


def state_words(container: Container) -> str:
    """ "running", "exited (137)"."""
    return f"exited ({container.exit_code})" if container.state == S.EXITED else container.state


# ── the dialog of one ──


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that a removal takes, keeps or touches."""

    name: str
    detail: str
    lost: bool


def losses(user: access.Actor, engine: Engine, container: Container, volumes: bool) -> list[Loss]:
    """What removing ``container`` loses and keeps: writable layer, volumes by name, networks, who builds on it."""
    found = [Loss("Writable layer", "every file that it wrote outside of volumes", True)]
    for mount in container.mounts.all():
        if mount.type == "volume":
            anonymous = bool(ANONYMOUS.fullmatch(mount.volume_name))
            kind = "anonymous volume" if anonymous else "named volume"
            what = "removed with it" if anonymous and volumes else "stays"
            found.append(Loss(mount.volume_name, f"{kind} at {mount.destination}, {what}", anonymous and volumes))
        elif mount.type == "bind":
            found.append(Loss(mount.source, f"folder of the host at {mount.destination}, stays", False))
    found += [
        Loss(endpoint.network_name, f"network that it leaves{_address(endpoint)}", False)
        for endpoint in container.endpoints.all()
    ]
    return found


def _address(endpoint: Endpoint) -> str:
    address = endpoint.ipv4_address or endpoint.ipv6_address
    return f", and its address {address}" if address else ""


def dependants(user: access.Actor, engine: Engine, container: Container) -> list[tuple[str, str]]:
    """Containers that use this one's network or volumes, with how: they lose it."""
    references = {container.container_id, container.short_id, container.name}
    found = []
    rows = access.containers_for(user, engine).exclude(pk=container.pk)
    for other in rows.only("name", "network_mode", "details").iterator(200):
        uses = []
        if other.network_mode.partition(":")[2] in references and other.network_mode.startswith("container:"):
            uses.append("uses its network and cannot start again without it")
        if {str(source).partition(":")[0] for source in other.details.get("volumes_from", ())} & references:
            uses.append("takes its volumes from it")
        if uses:
            found.append((other.name, " and ".join(uses)))
            if len(found) == MOST_LISTED:
                break
    return found


@dataclass(frozen=True, slots=True)
class Read:
    """What a form said: ``params`` as far as they can be understood, and a sentence for each field that is wrong."""

    params: Params
    errors: Mapping[str, str]


def read(
    user: access.Actor,
    engine: Engine,
    verb: Verb,
    data: Mapping[str, Any],
    containers: Sequence[Container],
    check: bool = True,
) -> Read:
    """Read a form's parameters. ``check``: also refuse what the containers' states forbid."""
    try:
        params = verb.params.read(data)
    except InvalidParams as error:
        return Read(verb.params(), error.errors)
    errors: dict[str, str] = {}
    if check and isinstance(params, RemoveParams) and not params.force:
        alive = [container.name for container in containers if container.state in ALIVE]
        if alive:
            names = ", ".join(alive[:5]) + (f" and {len(alive) - 5} more" if len(alive) > 5 else "")
            are = "is" if len(alive) == 1 else "are"
            them = "it" if len(alive) == 1 else "them"
            errors["force"] = f"{names} {are} not stopped: stop {them} first, or tick this."
    if check and isinstance(params, RenameParams):
        taken = access.containers_for(user, engine).filter(name=params.name).first()
        if taken is not None:
            errors["name"] = f"{params.name} is the name of {'this' if taken in containers else 'another'} container."
    return Read(params, errors)


def dialog(
    user: access.Actor, engine: Engine, container: Container, verb: Verb, data: Mapping[str, Any], read_: Read
) -> dict[str, Any]:
    """The context of ``containers/_dialog_<verb>.html``. ``data``: what was typed, kept as it is."""
    volumes = isinstance(read_.params, RemoveParams) and read_.params.volumes
    removing = verb.name == "container.remove"
    return {
        "engine": engine,
        "container": container,
        "verb": verb,
        "action": action_url(engine.slug, container.container_id, verb.short),
        "danger": verb.danger,
        "title": f"{verb.title(container.name)}?",
        "typed": data,
        "errors": read_.errors,
        "command": verb.command(container.name, read_.params),
        "signals": SIGNALS,
        "for_a_shell": verb.name == "container.exec" and shell_signs(str(data.get("command") or "")),
        "alive": container.state in ALIVE,
        "state": state_words(container),
        "losses": losses(user, engine, container, volumes) if removing else [],
        "dependants": dependants(user, engine, container) if removing else [],
        "reason": verb.possible(container),
    }


# ── several at once ──


@dataclass(frozen=True, slots=True)
class Chosen:
    """The ticked containers: those that the verb fits, and the others with why not (or that they are gone)."""

    fit: tuple[Container, ...]
    left: tuple[tuple[str, str], ...]
    gone: int

    @property
    def count(self) -> int:
        """How many were ticked."""
        return len(self.fit) + len(self.left) + self.gone

    @property
    def left_out(self) -> str:
        """A sentence about those that it does not fit, or ""."""
        parts = [f"{name}: {reason}" for name, reason in self.left[:5]]
        if len(self.left) > 5:
            parts.append(f"{len(self.left) - 5} more do not fit")
        if self.gone:
            parts.append("1 no longer exists" if self.gone == 1 else f"{self.gone} no longer exist")
        return f"Left out: {'; '.join(parts)}." if parts else ""


def choose(user: access.Actor, engine: Engine, verb: Verb, ids: Sequence[str]) -> Chosen:
    """Sort the ticked ids. Foreign and missing ones look the same."""
    rows = list(access.containers_for(user, engine).filter(container_id__in=ids).order_by("name", "container_id"))
    fit = [row for row in rows if not verb.possible(row)]
    left = [(row.name, reason) for row in rows if (reason := verb.possible(row))]
    return Chosen(tuple(fit), tuple(left), len(set(ids)) - len(rows))


def many_dialog(
    engine: Engine, verb: Verb, chosen: Chosen, action: str, data: Mapping[str, Any], read_: Read
) -> dict[str, Any]:
    """The context of ``containers/_dialog_many.html``."""
    count = len(chosen.fit)
    things = "1 container" if count == 1 else f"{count} containers"
    flags = read_.params.command(verb.base, "NAME").removesuffix(" NAME")
    names = [shlex.quote(container.name) for container in chosen.fit]
    return {
        "engine": engine,
        "verb": verb,
        "action": action,
        "danger": verb.danger,
        "title": f"{verb.label} {things}?",
        "button": f"{verb.label} {things}",
        "chosen": chosen,
        "rows": [(container, state_words(container)) for container in chosen.fit],
        "typed": data,
        "errors": read_.errors,
        "command": " ".join([flags, *names]),
        "signals": SIGNALS,
        "alive": any(container.state in ALIVE for container in chosen.fit),
    }


def bulk_verbs(user: access.Actor) -> list[Verb]:
    """The verbs of ``containers/_bulk.html`` that this person may use, destructive ones last."""
    order = ("start", "stop", "restart", "pause", "unpause", "kill", "remove")
    return [verb for short in order if (verb := VERBS[f"container.{short}"]) and access.can(user, verb.right)]


def verb_for(short: str) -> Verb | None:
    """The container verb of an address's last part; those with forms of their own have addresses of their own."""
    return next((verb for verb in CONTAINER_VERBS if verb.short == short), None)
