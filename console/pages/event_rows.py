"""Events of an engine as rows: what happened, to whom, who did it as far as that is known, repeats folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from django.urls import reverse

from console.docker_words import short_id
from console.models import Event
from console.pages import links

FOLD_FROM: Final = 6  # events of one object in a row
SHOWN_OF_FOLD: Final = 2
CONSOLE, OUTSIDE, ENGINE, EITHER = "console", "outside", "engine", "either"

_LAMPS: Final[dict[str, str]] = {
    "start": "running",
    "unpause": "running",
    "restart": "running",
    "create": "created",
    "pause": "paused",
    "die": "exited",
    "stop": "exited",
    "kill": "exited",
    "oom": "failed",
    "destroy": "exited",
    "delete": "exited",
    "remove": "exited",
    "prune": "exited",
    "pull": "done",
    "tag": "done",
    "connect": "done",
    "disconnect": "exited",
}
_ENGINE_WORDS: Final[dict[str, str]] = {
    "die": "process ended",
    "oom": "kernel: out of memory",
    "health_status": "health check",
    "connect": "with its container",
    "disconnect": "with its container",
    "mount": "with its container",
    "unmount": "with its container",
    "start": "restart policy",
    "reload": "the engine itself",
    "shutdown": "the engine itself",
}
PAST: Final[dict[str, str]] = {
    "start": "started",
    "die": "died",
    "stop": "stopped",
    "kill": "was signalled",
    "pause": "was paused",
    "unpause": "was unpaused",
    "restart": "restarted",
    "create": "was created",
    "destroy": "was removed",
    "remove": "was removed",
    "rename": "was renamed",
    "oom": "ran out of memory",
    "health_status": "health check",
    "pull": "was pulled",
    "push": "was pushed",
    "save": "was saved",
    "load": "was loaded",
    "import": "was imported",
    "export": "was exported",
    "commit": "was committed",
    "attach": "was attached to",
    "detach": "was detached from",
    "top": "told its processes",
    "archive-path": "was read",
    "extract-to-dir": "was written to",
    "update": "was updated",
    "resize": "was resized",
    "tag": "was tagged",
    "untag": "lost a tag",
    "delete": "was deleted",
    "connect": "joined",
    "disconnect": "left",
    "mount": "was mounted",
    "unmount": "was unmounted",
}


@dataclass(frozen=True, slots=True)
class Who:
    """Who did it: ``made_by`` of the constants, words, the operation's address where there is one."""

    made_by: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One event, or a fold: ``folded`` more of the same with ``text`` and ``url`` to show them."""

    key: str
    day: str
    time: datetime | None = None
    lamp: str = ""
    kind: str = ""
    action: str = ""
    name: str = ""
    name_url: str = ""
    who: Who | None = None
    detail: str = ""
    folded: int = 0
    url: str = ""
    engine: str = ""
    words: str = ""


def subject(event: Event) -> str:
    """Whose story it belongs to: a network's or a volume's event with a container belongs to the container."""
    attributes = _attributes(event)
    return str(attributes.get("container") or event.actor_id) if event.type in {"network", "volume"} else event.actor_id


def rows(events: Sequence[Any], most: int, fold: bool = True) -> tuple[list[Row], Any]:
    """Rows of events (newest first, with ``made_by`` and the operation) and the last event that they cover.

    A run of events about one object that repeats itself becomes its newest two and one line that counts the rest.
    """
    found: list[Row] = []
    last: Any = None
    for key, group in groupby(events, key=lambda event: (event.engine_id, subject(event), f"{event.time:%Y-%m-%d}")):
        run = list(group)
        kinds = Counter((event.type, event.action, event.detail) for event in run)
        folds = fold and bool(key[1]) and len(run) >= FOLD_FROM and len(kinds) * 2 <= len(run)
        shown = run[:SHOWN_OF_FOLD] if folds else run
        for event in shown:
            if len(found) >= most:
                return found, last
            found.append(row(event))
            last = event
        if folds:
            found.append(_fold(run[SHOWN_OF_FOLD:]))
            last = run[-1]
    return found, last


def row(event: Any) -> Row:
    """One event."""
    name, url = named(event)
    return Row(
        key=f"ev-{event.pk}",
        day=_day(event.time),
        time=event.time,
        lamp=lamp(event),
        kind=event.type,
        action=event.action,
        name=name,
        name_url=url,
        who=who(event),
        detail=detail(event),
        engine=str(event.engine),
        words=PAST.get(event.action, event.action),
    )


def _fold(rest: Sequence[Any]) -> Row:
    counted = Counter(event.action for event in rest if event.type == rest[0].type)
    words = ", ".join(f"{PAST.get(action, action)} {n} times" for action, n in counted.most_common(3) if n > 1)
    minutes = max(1, round((rest[0].time - rest[-1].time).total_seconds() / 60))
    name, _ = named(rest[0])
    query = links.query_of("id", subject(rest[0]))
    return Row(
        key=f"ev-{rest[0].pk}-fold",
        day=_day(rest[0].time),
        folded=len(rest),
        detail=f"{len(rest)} more of the same in {minutes} min: {name} {words}".rstrip(),
        url=f"{reverse('events')}?{query}&fold=0",
    )


def named(event: Any) -> tuple[str, str]:
    """The object's name and its page; a container that an event of a network names comes with the network."""
    attributes, slug = _attributes(event), event.engine.slug
    name = event.actor_name or short_id(event.actor_id)
    match event.type:
        case "container":
            return name, links.container_url(slug, "", event.actor_id) if event.actor_id else ""
        case "image":
            if event.actor_id.startswith("sha256:"):
                return name, links.image_url(slug, event.actor_id)
            return name or event.actor_id, ""
        case "network":
            return name, links.network_url(slug, "", event.actor_id) if event.actor_id else ""
        case "volume":
            return event.actor_id, links.volume_url(slug, event.actor_id)
    return name or str(attributes.get("name", "")), ""


def lamp(event: Any) -> str:
    """The lamp that fits what happened."""
    if event.action == "health_status":
        return event.detail if event.detail in {"healthy", "unhealthy"} else "running"
    if event.action == "die":
        code = _attributes(event).get("exitCode", "0")
        return "exited" if str(code) == "0" else "failed"
    return _LAMPS.get(event.action, "created")


def who(event: Any) -> Who:
    """Who did it. The engine does not say who used the CLI: nothing more than "outside the console" is claimed."""
    operation = event.operation
    if operation is not None:
        return Who(CONSOLE, f"by {operation.user_name}, console", reverse("operation", args=[operation.pk]))
    if event.made_by == ENGINE:
        return Who(ENGINE, _ENGINE_WORDS.get(event.action, "the engine itself"))
    if event.made_by == EITHER:
        return Who(EITHER, "in the console or outside")
    return Who(OUTSIDE, "outside the console")


def detail(event: Any) -> str:
    """What else the event tells, in words."""
    attributes = _attributes(event)
    parts: list[str] = []
    if event.action == "die" and "exitCode" in attributes:
        parts.append(f"exit code {attributes['exitCode']}")
    if event.action == "kill" and "signal" in attributes:
        parts.append(f"signal {attributes['signal']}")
    if event.action == "rename" and "oldName" in attributes:
        parts.append(f"was {str(attributes['oldName']).removeprefix('/')}")
    if event.action in {"connect", "disconnect", "mount", "unmount"} and attributes.get("container"):
        parts.append(f"container {short_id(str(attributes['container']))}")
        if attributes.get("destination"):
            parts.append(f"at {attributes['destination']}")
    if event.detail and event.action == "health_status":
        parts.append(event.detail)
    if event.type == "container" and attributes.get("image"):
        parts.append(str(attributes["image"]))
    if event.type in {"network", "volume"} and attributes.get("type" if event.type == "network" else "driver"):
        parts.append(str(attributes["type" if event.type == "network" else "driver"]))
    return ", ".join(parts)


def _attributes(event: Any) -> Mapping[str, Any]:
    return event.attributes if isinstance(event.attributes, dict) else {}


def _day(moment: datetime) -> str:
    return f"{moment:%-d %B %Y}"
