"""What people looked at and opened: logs, shells, secrets, sign-ins. Two tables in one order, for admins."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Final
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.expressions import OrderBy
from django.db.models.functions import Cast
from django.http import QueryDict

from console import access, filters, masks
from console.filters import Key
from console.models import AuditEntry, Engine, Shell
from console.pages import links
from console.pages.listing import PAGE_ROWS, Listing
from console.pages.operation_rows import day_of, length

SHELL, ATTACH = "container.shell", "container.attach"
ENTRY, SESSION = "entry", "shell"  # which table a row comes from
PEOPLE: Final = Q(action__startswith="session.") | Q(action__startswith="password.")
WAYS: Final[Mapping[str, Q]] = {
    "all": Q(),
    "logs": Q(action__startswith="container.logs"),
    "shells": Q(action__in=(SHELL, ATTACH)),
    "files": Q(action__contains=".files."),
    "secrets": Q(action__endswith=".reveal"),
    "people": PEOPLE,
}


@dataclass(frozen=True, slots=True)
class Row:
    """What ``audit/_region.html`` prints."""

    key: str
    day: str
    time: datetime
    lamp: str
    word: str
    user: str
    action: str
    name: str
    url: str
    engine: str
    text: str
    address: str


class AuditList(Listing):
    """``q`` filter, ``show`` all, logs, shells, files, secrets or people, ``page``."""

    view = "audit"
    what = "entries"
    title = "Audit"
    template = "audit/_region.html"
    region = "audit-table"
    placeholder = "Filter: user:admin, action:container.shell, object:web, from:192.168, time<7d"
    shows: ClassVar[Mapping[str, str]] = {
        "all": "All",
        "logs": "Logs",
        "shells": "Shells",
        "files": "Files",
        "secrets": "Secrets",
        "people": "People",
    }
    sorts: ClassVar[Mapping[str, tuple[OrderBy, ...]]] = {"time": (F("time").desc(),)}

    csv_titles = ("Time", "Who", "Action", "Object", "Engine", "How long, why it ended", "From")

    def __init__(self, user: access.Actor, engine: Engine | None, params: QueryDict) -> None:
        access.require(user, "admin")
        super().__init__(user, None, params)

    def keys(self) -> Mapping[str, Key]:
        return {
            "user": filters.contains("user_name", example="user:admin"),
            "action": filters.like("action", "action:container.shell"),
            "object": filters.contains("object_name", example="object:web"),
            "id": filters.starts("object_id", example="id:2a42e67572a6"),
            "engine": filters.like("engine__slug", "engine:local"),
            "from": filters.starts("address", example="from:192.168"),
            "time": filters.age("time", "time<7d"),
        }

    def word(self, value: str) -> Q:
        return Q(object_name__icontains=value) | Q(user_name__icontains=value) | Q(action__icontains=value)

    def _tables(self) -> tuple[QuerySet[AuditEntry], QuerySet[Shell]]:
        """Both tables with the same columns."""
        shells = access.shells_for(self.user).annotate(
            time=F("started_at"),
            action=Case(
                When(kind=Shell.Kind.ATTACH, then=Value(ATTACH)), default=Value(SHELL), output_field=CharField()
            ),
            object_name=F("container_name"),
            object_id=F("container_id"),
        )
        return access.audit_for(self.user), shells

    def _fitting(self) -> tuple[QuerySet[AuditEntry], QuerySet[Shell]]:
        entries, shells = self._tables()
        condition = self.condition & WAYS[self.show]
        return entries.filter(condition), shells.filter(condition)

    @cached_property
    def numbers(self) -> dict[str, int]:
        total = sum(rows.count() for rows in self._tables())
        return {"all": total, "fit": 0 if self.error else sum(rows.count() for rows in self._fitting())}

    def places(self) -> QuerySet[Any]:
        """The places of all rows: (time, table, key)."""
        entries, shells = (
            rows.order_by()
            .annotate(table=Value(table, CharField()), ref=Cast("pk", CharField()))
            .values_list("time", "table", "ref")
            for rows, table in zip(self._fitting(), (ENTRY, SESSION), strict=True)
        )
        both: QuerySet[Any] = entries.union(shells, all=True).order_by("-time", "-ref")
        return both

    @cached_property
    def page(self) -> Page[Any]:
        """The places of the page's rows."""
        paginator: Paginator[Any] = Paginator(self.places(), PAGE_ROWS)
        paginator.count = self.count
        return paginator.get_page(self.page_number)

    def rows_of(self, found: Sequence[Any]) -> list[Row]:
        """The rows themselves: one query a table."""
        if self.error:
            return []
        entries = access.audit_for(self.user).select_related("engine")
        shells = access.shells_for(self.user).select_related("engine")
        known_entries = entries.in_bulk([int(ref) for _, table, ref in found if table == ENTRY])
        known_shells = shells.in_bulk([UUID(ref) for _, table, ref in found if table == SESSION])
        rows = []
        for _, table, ref in found:
            if table == ENTRY and (entry := known_entries.get(int(ref))):
                rows.append(entry_row(entry))
            elif table == SESSION and (shell := known_shells.get(UUID(ref))):
                rows.append(shell_row(shell))
        return rows

    def csv_places(self, most: int) -> Sequence[Any]:
        return list(self.places()[:most])

    def csv_rows(self, places: Sequence[Any]) -> Iterator[Sequence[object]]:
        for row in self.rows_of(places):
            yield row.time, row.user, row.action, row.name, row.engine, row.text, row.address

    @property
    def days(self) -> list[tuple[str, list[Row]]]:
        """The rows by day."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.day, []).append(row)
        return list(found.items())

    @property
    def no_match(self) -> str:
        return "No entry matches"

    @property
    def command(self) -> str:
        return ""  # docker keeps no such record


def shell_row(shell: Shell) -> Row:
    """A terminal session: what was run, how long, why it ended."""
    attach = shell.kind == Shell.Kind.ATTACH
    command = "" if attach else shlex.join(masks.masked_words([str(word) for word in shell.command]))
    parts = [command, f"as {shell.run_as}" if shell.run_as else ""]
    if shell.ended_at is None:
        parts.append("open")
    else:
        parts += [length(shell.ended_at - shell.started_at), shell.reason]
    return Row(
        key=f"s-{shell.pk}",
        day=day_of(shell.started_at),
        time=shell.started_at,
        lamp="running" if shell.ended_at is None else "done",
        word="open" if shell.ended_at is None else "ended",
        user=shell.user_name,
        action=ATTACH if attach else SHELL,
        name=shell.container_name,
        url=_url(shell.engine, "container", shell.container_id),
        engine=str(shell.engine or ""),
        text=", ".join(part for part in parts if part),
        address=shell.address,
    )


def entry_row(entry: AuditEntry) -> Row:
    """Something that was looked at."""
    return Row(
        key=f"a-{entry.pk}",
        day=day_of(entry.time),
        time=entry.time,
        lamp="done",
        word="done",
        user=entry.user_name,
        action=entry.action,
        name=entry.object_name,
        url=_url(entry.engine, entry.kind, entry.object_id),
        engine=str(entry.engine or ""),
        text=detail(entry.detail),
        address=entry.address,
    )


def detail(values: Mapping[str, Any]) -> str:
    """The details of an entry in words: "open for 12 s, 300 lines"."""
    parts = []
    for name, value in values.items():
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        if name == "seconds" and number is not None:
            parts.append(f"open for {number:g} s")
        elif name == "key":
            parts.append(f"variable {value}")
        elif number is not None:
            parts.append(f"{number:,} {name}")
        elif value not in ("", None):
            parts.append(f"{name} {value}")
    return ", ".join(parts)


def _url(engine: Engine | None, kind: str, object_id: str) -> str:
    if engine is None or not object_id:
        return ""
    if kind == "container":
        return links.container_url(engine.slug, "", object_id)
    if kind == "volume":
        return links.volume_url(engine.slug, object_id)
    return links.image_url(engine.slug, object_id) if kind == "image" and object_id.startswith("sha256:") else ""
