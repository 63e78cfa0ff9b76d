"""The log of an engine's events: bounded rows, written in batches, joined to the operations that caused them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from console import changes
from console.engine.text import text
from console.engine.types import Event as Heard
from console.models import Event, Operation
from console.sync.reconcile import next_version

ATTRIBUTES: Final = 40  # kept of one event; a container's event carries all its labels
VALUE: Final = 256  # characters
RECENT: Final = timedelta(seconds=5)  # after its end, events may still tell of an operation
LONGEST: Final = timedelta(hours=1)  # an operation that began before that explains nothing
TRIM: Final = 2_000  # rows removed at once
_FIRST: Final = ("name", "image", "container", "exitCode", "signal", "type", "driver", "oldName", "destination")

# What an operation makes the engine say of the same object. Nothing else is claimed.
_CAUSES: Final[dict[str, frozenset[str]]] = {
    "container.start": frozenset(("start",)),
    "container.stop": frozenset(("kill", "die", "stop")),
    "container.restart": frozenset(("kill", "die", "stop", "start", "restart")),
    "container.kill": frozenset(("kill", "die")),
    "container.pause": frozenset(("pause",)),
    "container.unpause": frozenset(("unpause",)),
    "container.rename": frozenset(("rename",)),
    "container.remove": frozenset(("kill", "die", "destroy", "remove")),
    "container.update": frozenset(("update",)),
    "image.remove": frozenset(("untag", "delete")),
    "image.tag": frozenset(("tag",)),
    "network.remove": frozenset(("destroy", "remove")),
    "volume.remove": frozenset(("destroy", "remove")),
}


class Backlog:
    """Events that were heard and not written yet. At the bound the oldest fall out, and ``missed`` counts them.

    An event that comes again after a reconnect is known by its time, object and words.
    """

    def __init__(self, size: int = 5_000) -> None:
        self.missed = 0
        self._events: deque[Heard] = deque()
        self._size = size
        self._known: set[tuple[int, str, str, str]] = set()
        self._order: deque[tuple[int, str, str, str]] = deque()

    def __len__(self) -> int:
        return len(self._events)

    def know(self, keys: Iterable[tuple[int, str, str, str]]) -> None:
        """Remember events that are in the log already."""
        for key in keys:
            self._remember(key)

    def add(self, event: Heard) -> bool:
        """Take an event; return whether it is a new one."""
        key = (event.time_ns, event.type, event.action, event.actor_id)
        if key in self._known:
            return False
        self._remember(key)
        if len(self._events) >= self._size:
            self._events.popleft()
            self.missed += 1
        self._events.append(event)
        return True

    def take(self, most: int = 500) -> list[Heard]:
        """Return the oldest events and forget them."""
        return [self._events.popleft() for _ in range(min(most, len(self._events)))]

    def _remember(self, key: tuple[int, str, str, str]) -> None:
        if key not in self._known:
            self._known.add(key)
            self._order.append(key)
            if len(self._order) > 2_048:
                self._known.discard(self._order.popleft())


def recent(engine_pk: int) -> list[tuple[int, str, str, str]]:
    """Return what tells the last events in the log from new ones; an engine repeats 256 at most."""
    rows = Event.objects.filter(engine_id=engine_pk).values_list("time_ns", "type", "action", "actor_id")
    return list(rows[:512])


def record(engine_pk: int, events: Sequence[Heard], fence: int) -> int:
    """Write events to the log and return how many. Raises ``LeaseLost``."""
    if not events:
        return 0
    causes = _operations(engine_pk, {event.actor_id for event in events})
    rows = [_row(engine_pk, event) for event in events]
    for made in rows:
        made.operation_id = _cause(made, causes)
    with transaction.atomic():
        version = next_version(engine_pk, fence)
        made_rows = Event.objects.bulk_create(rows)
        changes.objects_changed(engine_pk, "event", [str(made.pk) for made in made_rows], version)
    return len(rows)


def trim(engine_pk: int) -> int:
    """Remove what is older than ``EVENTS_KEPT_DAYS`` or beyond ``EVENTS_KEPT`` rows, in steps; return how many rows."""
    rows = Event.objects.filter(engine_id=engine_pk)
    removed = 0
    edge = rows.order_by("-time_ns", "-id").values_list("time_ns", flat=True)[settings.EVENTS_KEPT :].first()
    limit = int((timezone.now() - timedelta(days=settings.EVENTS_KEPT_DAYS)).timestamp()) * 1_000_000_000
    if edge is not None:
        limit = max(limit, edge + 1)
    while some := list(rows.filter(time_ns__lt=limit).order_by("time_ns").values_list("pk", flat=True)[:TRIM]):
        removed += Event.objects.filter(pk__in=some).delete()[0]
    return removed


def _row(engine_pk: int, event: Heard) -> Event:
    return Event(
        engine_id=engine_pk,
        time=_time(event.time_ns),
        time_ns=event.time_ns,
        type=event.type[:30],
        action=event.action[:60],
        detail=event.detail,
        actor_id=event.actor_id,
        actor_name=text(event.attributes.get("name", ""), 300),
        attributes=_bounded(event),
    )


def _bounded(event: Heard) -> dict[str, str]:
    names = [name for name in _FIRST if name in event.attributes]
    names += [name for name in event.attributes if name not in _FIRST]
    kept = {name: text(event.attributes[name], VALUE) for name in names[:ATTRIBUTES]}
    if len(names) > ATTRIBUTES:
        kept["…"] = f"{len(names) - ATTRIBUTES:,} more"
    return kept


def _time(time_ns: int) -> datetime:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1000)
    except OverflowError:
        return timezone.now()


def _operations(engine_pk: int, actors: set[str]) -> list[dict[str, Any]]:
    """Return the operations on these objects that run, or ended a moment ago, the latest first."""
    now = timezone.now()
    rows = Operation.objects.filter(
        engine_id=engine_pk, object_id__in=sorted(actors)[:500], verb__in=list(_CAUSES), started_at__gt=now - LONGEST
    ).order_by("-started_at")
    columns = ("id", "verb", "kind", "object_id", "state", "finished_at")
    return [
        found
        for found in rows.values(*columns)[:500]
        if found["state"] == Operation.State.RUNNING or (found["finished_at"] and found["finished_at"] > now - RECENT)
    ]


def _cause(event: Event, operations: list[dict[str, Any]]) -> Any:
    for operation in operations:
        if (
            operation["object_id"] == event.actor_id
            and operation["kind"] == event.type
            and event.action in _CAUSES[operation["verb"]]
        ):
            return operation["id"]
    return None
