"""The events of all engines, newest first: the same cost however many are kept, for they are read from a place on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar, Final

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import OrderBy
from django.http import QueryDict

from console import access, filters
from console.filters import FilterError, Key
from console.models import Container, Event
from console.pages.event_rows import CONSOLE, EITHER, ENGINE, OUTSIDE, Row, detail, named, rows
from console.pages.event_rows import who as made
from console.pages.listing import Listing

PAGE_ROWS: Final = 100
READ: Final = 400  # events read for one page: folds take the rest
RESTART_WITHIN: Final = timedelta(seconds=120)  # the engine waits at most a minute before it starts one again
BY_ITSELF: Final = ("die", "oom", "health_status", "reload", "shutdown")
WITH_CONTAINER: Final = ("connect", "disconnect", "mount", "unmount")
# What the console does for its pages, with an entry in the audit log or none, but without an operation.
WITHOUT_OPERATION: Final = ("attach", "detach", "resize", "top", "export", "save", "archive-path", "extract-to-dir")
TYPES: Final = (
    "container",
    "image",
    "network",
    "volume",
    "daemon",
    "plugin",
    "builder",
    "service",
    "node",
    "secret",
    "config",
)


class EventList(Listing):
    """``q`` filter, ``show`` all, console, outside or engine, ``before`` a place, ``fold`` 0: each on its row."""

    view = "events"
    what = "events"
    title = "Events"
    template = "events/_region.html"
    actions = "events/_newer.html"
    region = "event-table"
    placeholder = "Filter: type:container, action:die, name:shop, by:admin, by:outside, exit:137, time<1h"
    kinds = frozenset({"event"})
    shows = {"all": "All", CONSOLE: "Console", OUTSIDE: "Outside", ENGINE: "Engine"}
    sorts: ClassVar[Mapping[str, tuple[OrderBy, ...]]] = {"time": (F("time_ns").desc(),)}

    csv_titles = ("Time", "Engine", "Kind", "Action", "Object", "Object id", "Who", "Detail")

    def read(self, params: QueryDict) -> None:
        self.fold = params.get("fold", "1") != "0"
        self.before = params.get("before", "")
        time_ns, _, pk = self.before.partition(".")
        self.place: tuple[int, int] | None = None
        if self.before:
            if all(part.isascii() and part.isdigit() and len(part) < 20 for part in (time_ns, pk)):
                self.place = (int(time_ns), int(pk))
            else:
                self.error = f"“{self.before[:40]}” is no place in the list."

    @property
    def own(self) -> list[tuple[str, str]]:
        return [] if self.fold else [("fold", "0")]

    def keys(self) -> Mapping[str, Key]:
        return {
            "type": filters.choice("type", TYPES, "type:container"),
            "action": filters.like("action", "action:die"),
            "name": Key(
                lambda operator, value: Q(actor_name__icontains=value) | Q(type="volume", actor_id__icontains=value),
                "name:shop",
            ),
            "id": Key(_id, "id:2a42e67572a6"),
            "by": Key(_by, "by:admin"),
            "exit": Key(_exit, "exit:137"),
            "engine": filters.like("engine__slug", "engine:local"),
            "time": filters.age("time", "time<1h"),
        }

    def word(self, value: str) -> Q:
        return Q(actor_name__icontains=value) | Q(action__istartswith=value) | Q(actor_id__istartswith=value)

    def visible(self) -> QuerySet[Event]:
        return access.events_for(self.user).annotate(made_by=made_by(self.user))

    def shown(self, show: str) -> Q:
        return Q() if show == "all" else Q(made_by=show)

    @cached_property
    def read_rows(self) -> tuple[list[Row], Any]:
        """The rows of the page and the last event that they cover: one query."""
        found = self.matching()
        if self.place is not None:
            time_ns, pk = self.place
            found = found.filter(Q(time_ns__lt=time_ns) | Q(time_ns=time_ns, pk__lt=pk))
        found = found.order_by("-time_ns", "-pk").select_related("engine", "operation")
        read = list(found[:READ])
        shown, last = rows(read, PAGE_ROWS, self.fold)
        more = last is not None and (len(read) == READ or last.pk != read[-1].pk)
        return shown, last if more else None

    def csv_places(self, most: int) -> Sequence[Any]:
        """The newest that fit, wherever the page begins; repeats are not folded."""
        return list(self.matching().order_by("-time_ns", "-pk").values_list("pk", flat=True)[:most])

    def csv_rows(self, places: Sequence[Any]) -> Iterator[Sequence[object]]:
        found = self.visible().filter(pk__in=places).order_by("-time_ns", "-pk").select_related("engine", "operation")
        for event in found:
            name, who = named(event)[0], made(event).text
            yield event.time, event.engine, event.type, event.action, name, event.actor_id, who, detail(event)

    @property
    def days(self) -> list[tuple[str, list[Row]]]:
        """The rows by day."""
        found: dict[str, list[Row]] = {}
        for row in self.read_rows[0]:
            found.setdefault(row.day, []).append(row)
        return list(found.items())

    @property
    def older(self) -> str:
        """The query string of the next page, or ""."""
        last = self.read_rows[1]
        return self.query(before=f"{last.time_ns}.{last.pk}") if last is not None else ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.read_rows[0]

    @property
    def narrowed(self) -> bool:
        """Whether a filter or a way to see it leaves events out."""
        return bool(self.text or self.show != "all" or self.before)

    @property
    def several_engines(self) -> bool:
        """Whether rows say which engine."""
        return len({row.engine for row in self.read_rows[0] if row.engine}) > 1

    @property
    def nothing(self) -> str:
        return f"No event that was heard fits {self.text or 'this choice'}."

    @property
    def command(self) -> str:
        parts = ["docker", "system", "events"]
        names = {"type": "type", "action": "event", "id": "container"}
        for term in self.terms:
            if term.key in names and not term.negated:
                parts += ["--filter", f"{names[term.key]}={term.value}"]
            elif term.key == "time" and not term.negated:
                parts += ["--since", term.value]
        return shlex.join(parts)


def made_by(user: access.Actor) -> Case:
    """Who made an event, as far as that can be told: an operation of the console, the engine itself, others, or either.

    A start soon after an end that nobody asked for is the restart policy's, where the container has one.
    """
    ended = Event.objects.filter(
        engine=OuterRef("engine"),
        actor_id=OuterRef("actor_id"),
        type="container",
        action="die",
        operation=None,
        time__lte=OuterRef("time"),
        time__gte=OuterRef("time") - RESTART_WITHIN,
    )
    restarts = (
        Container.objects.filter(engine__in=access.engines_for(user), engine=OuterRef("engine"))
        .filter(container_id=OuterRef("actor_id"))
        .exclude(restart_policy__in=("", "no"))
    )
    by_itself = Q(action__in=BY_ITSELF) | Q(type__in=("network", "volume"), action__in=WITH_CONTAINER)
    return Case(
        When(operation__isnull=False, then=Value(CONSOLE)),
        When(by_itself, then=Value(ENGINE)),
        When(Q(type="container", action="start") & Exists(restarts) & Exists(ended), then=Value(ENGINE)),
        When(Q(action__in=WITHOUT_OPERATION) | Q(action__startswith="exec_"), then=Value(EITHER)),
        default=Value(OUTSIDE),
        output_field=CharField(),
    )


def _id(operator: str, value: str) -> Q:
    digits = value.lower()
    with_container = filters.in_json("attributes", f'"container": "{digits}') if digits.isalnum() else Q(pk__in=[])
    plain = Q(actor_id__istartswith=digits) | Q(actor_id__istartswith=f"sha256:{digits}")
    return plain | (Q(type__in=("network", "volume")) & with_container)


def _by(operator: str, value: str) -> Q:
    if value.lower() in {OUTSIDE, ENGINE, CONSOLE}:
        return Q(made_by=value.lower())
    return Q(operation__user_name__iexact=value)


def _exit(operator: str, value: str) -> Q:
    if not value.isascii() or not value.isdigit() or len(value) > 10:
        raise FilterError(f"“{value}” is not an exit code.")
    return Q(action="die") & filters.in_json("attributes", f'"exitCode": "{int(value)}"')
