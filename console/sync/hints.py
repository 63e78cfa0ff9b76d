"""What an event means for the mirror: which objects to look at again, and which lists. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from console.changes import Kind
from console.engine.types import Event

Key: TypeAlias = tuple[Kind, str]
KINDS: Final[tuple[Kind, ...]] = ("container", "image", "network", "volume")

_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
_IDLE = frozenset(("attach", "detach"))  # say nothing about the container itself


@dataclass(slots=True)
class Hint:
    """Objects to inspect, kinds to list; ``info``: the engine's own configuration may have changed."""

    objects: set[Key] = field(default_factory=set)
    lists: set[Kind] = field(default_factory=set)
    info: bool = False


def hint(event: Event) -> Hint:
    """Return what to look at after ``event``. Its words never become state: an inspect says what is."""
    found = Hint()
    match event.type:
        case "container":
            _container(event, found)
        case "image":
            found.lists.add("image")  # a tag that moves away from an image makes no event for that image
        case "network":
            _named(event, "network", found)
            container = event.attributes.get("container", "")
            if _CONTAINER_ID.fullmatch(container):
                found.objects.add(("container", container))
        case "volume":
            _named(event, "volume", found)
        case "daemon":
            found.info = True
    return found


def _container(event: Event, found: Hint) -> None:
    if event.action in _IDLE:
        return
    if _CONTAINER_ID.fullmatch(event.actor_id):
        found.objects.add(("container", event.actor_id))
    else:
        found.lists.add("container")  # prune, or an engine with words of its own
    # A commit without a name and the steps of a build make images without an event of their own. The containers of
    # build steps are made from image ids.
    step = event.action in ("create", "destroy", "remove") and event.attributes.get("image", "").startswith("sha256:")
    if event.action == "commit" or step:
        found.lists.add("image")


def _named(event: Event, kind: Kind, found: Hint) -> None:
    if event.actor_id and event.action != "prune":
        found.objects.add((kind, event.actor_id))
    else:
        found.lists.add(kind)


class Marks:
    """The objects that have to be inspected again, each once however many events named it.

    Urgent marks come from events, and ``at_once`` of them are looked at at once; the backlog comes from comparing
    lists. An object is never looked at
    twice at the same time, and one that events keep naming no more often than every ``pause`` seconds: the first look
    is at once. Times are those of ``clock``, in seconds.
    """

    def __init__(self, clock: Callable[[], float], pause: float = 0.05, at_once: int = 8) -> None:
        self._clock, self._pause, self._at_once = clock, pause, at_once
        self._urgent: dict[Key, float] = {}  # since when
        self._backlog: dict[Key, float] = {}
        self._looking: dict[Key, tuple[float | None, bool]] = {}  # urgent since when, of the backlog
        self._last: dict[Key, float] = {}  # looks that began less than a pause ago

    def __len__(self) -> int:
        return len(self._urgent) + len(self._backlog) + len(self._looking)

    @property
    def backlog(self) -> int:
        """How many objects of the backlog are still to be seen."""
        return len(self._backlog) + sum(1 for _, late in self._looking.values() if late)

    def add(self, key: Key, urgent: bool = True) -> None:
        """Mark an object. A mark that comes while it is being looked at leads to a second look."""
        if urgent:
            self._urgent.setdefault(key, self._clock())
        elif key not in self._urgent:
            self._backlog.setdefault(key, self._clock())

    def take(self) -> list[Key]:
        """Return the urgent objects to look at now; each has to be given to ``done`` afterwards."""
        now = self._clock()
        self._last = {key: began for key, began in self._last.items() if now - began < self._pause}
        busy = sum(1 for since, _ in self._looking.values() if since is not None)
        taken = self._ready(self._urgent, self._at_once - busy, self._last)
        for key in taken:
            # A look for an event is as good for the backlog.
            self._looking[key] = (self._urgent.pop(key), self._backlog.pop(key, None) is not None)
            self._last[key] = now
        return taken

    def take_late(self, most: int) -> list[Key]:
        """Return objects of the backlog to look at now; each has to be given to ``done`` afterwards."""
        taken = self._ready(self._backlog, most, self._urgent)
        for key in taken:
            self._backlog.pop(key)
            self._looking[key] = (None, True)
        return taken

    def done(self, key: Key) -> None:
        """Say that the look at an object is over and its outcome noted."""
        self._looking.pop(key, None)

    def wait(self) -> float | None:
        """Return how long until a mark that is held back may be taken, None if none is."""
        held = [self._last[key] for key in self._urgent if key in self._last and key not in self._looking]
        return max(0.0, min(held) + self._pause - self._clock()) if held else None

    def oldest(self) -> float | None:
        """Return since when something is known to have changed that was not looked at, None if all is seen."""
        looking = (since for since, _ in self._looking.values() if since is not None)
        return min((*self._urgent.values(), *looking), default=None)

    def clear(self) -> None:
        """Forget all marks: a full comparison will find what they stood for."""
        self._urgent.clear()
        self._backlog.clear()

    def _ready(self, marks: Mapping[Key, float], free: int, held: Container[Key]) -> list[Key]:
        """Return up to ``free`` of the marked objects, the oldest first, that may be looked at now."""
        found: list[Key] = []
        for key in marks:
            if len(found) >= free:
                break
            if key not in self._looking and key not in held:
                found.append(key)
        return found
