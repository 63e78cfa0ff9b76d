"""The list of operations, the drawer, and the page of one: data for the views and for the socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, QueryDict
from django.urls import reverse

from console import access, filters
from console.filters import FilterError, Key, Term
from console.models import Container, Engine, Image, Network, Operation, User, Volume
from console.operations.verbs import GUARDED, PRINTS, verb_of
from console.pages.live import RESYNC
from console.pages.operation_rows import Row, day_of, make_row, took
from console.pages.refusals import advice

State = Operation.State
PAGE_ROWS: Final = 100
DRAWER_ROWS: Final = 12  # that have ended; open ones are all there, up to PAGE_ROWS
SHOWS: Final = ("all", "running", "failed", "mine")
KEYS: Final[dict[str, Key]] = {
    "state": filters.choice("state", [state.value for state in State], "state:failed"),
    "verb": filters.contains("verb", example="verb:stop"),
    "by": filters.contains("user_name", example="by:admin"),
    "object": filters.contains("object_name", example="object:nginx"),
    "engine": filters.contains("engine__slug", "engine__name", example="engine:local"),
    "id": filters.starts("id", "object_id", example="id:7f2c"),
    "batch": filters.starts("batch", example="batch:7f2c"),
    "command": filters.contains("command", example="command:rm"),
}


def _word(value: str) -> Q:
    return (
        Q(object_name__icontains=value)
        | Q(verb__icontains=value)
        | Q(user_name__icontains=value)
        | Q(object_id__istartswith=value)
    )


@dataclass(slots=True)
class Group:
    """Rows under one heading: "Now", then days."""

    name: str
    meta: str = ""
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Segment:
    """One of All, Running, Failed, Mine."""

    label: str
    query: str
    current: bool
    count: int | None = None


# How the object of an operation is found, by its kind.
FINDERS: Final[dict[str, Callable[[access.Actor, Engine, str], Container | Image | Network | Volume]]] = {
    "container": access.container_for,
    "image": access.image_for,
    "network": access.network_for,
    "volume": access.volume_for,
}


class OperationList:
    """The list for one person. Parameters: ``q`` filter, ``show`` of ``SHOWS``, ``page``."""

    kinds = frozenset({"operation"})

    def __init__(self, user: access.Actor, engine: Engine | None, params: QueryDict) -> None:
        access.require(user, "observe")
        self.user = user
        self.text = " ".join(part.strip() for part in params.getlist("q") if part.strip())
        self.error = ""
        self.terms: tuple[Term, ...] = ()
        self.show = params.get("show") or "all"
        self.condition = Q()
        if self.show not in SHOWS:
            self.error = f"“{self.show[:40]}” is no way to show operations. Possible: {', '.join(SHOWS)}."
            self.show = "all"
        self.page_number = params.get("page") or "1"
        if not self.page_number.isascii() or not self.page_number.isdigit() or len(self.page_number) > 9:
            self.error = f"“{self.page_number[:40]}” is not a page number."
            self.page_number = "1"
        try:
            self.terms = filters.parse(self.text)
            self.condition = filters.build(self.terms, KEYS, _word)
            if not access.can(user, "shell") and any(term.key == "command" for term in self.terms):
                self.condition &= ~Q(verb__in=GUARDED)  # their commands are not for everybody
        except FilterError as error:
            self.error = error.message
        if self.show == "running":
            self.condition &= Q(state__in=Operation.OPEN)
        elif self.show == "failed":
            self.condition &= Q(state__in=(State.FAILED, State.UNKNOWN))
        elif self.show == "mine":
            self.condition &= Q(user=user.pk)

    @property
    def status(self) -> int:
        """The HTTP status of a page that shows this list."""
        return 422 if self.error else 200

    def _matching(self) -> QuerySet[Operation]:
        rows = access.operations_for(self.user)
        return rows.none() if self.error else rows.filter(self.condition).select_related("engine")

    @cached_property
    def now(self) -> list[Row]:
        """What runs and waits, in the order of its turn."""
        rows = self._matching().filter(state__in=Operation.OPEN).order_by("created_at", "id")[:PAGE_ROWS]
        running_first = sorted(rows, key=lambda operation: operation.state != State.RUNNING)
        return [make_row(operation, self.user) for operation in running_first]

    @cached_property
    def page(self) -> Page[Operation]:
        """What has ended, newest first; a number beyond the last is the last."""
        ended = self._matching().exclude(state__in=Operation.OPEN).order_by("-created_at", "-id")
        return Paginator(ended, PAGE_ROWS).get_page(self.page_number)

    @cached_property
    def groups(self) -> list[Group]:
        """Now, then by day of asking."""
        found = []
        if self.now and self.page.number == 1:
            running = sum(row.operation.state == State.RUNNING for row in self.now)
            waiting = len(self.now) - running
            meta = ", ".join(f"{n} {word}" for n, word in ((running, "running"), (waiting, "queued")) if n)
            found.append(Group("Now", meta, self.now))
        for operation in self.page:
            day = day_of(operation.created_at)
            if not found or found[-1].name != day:
                found.append(Group(day, "UTC"))
            found[-1].rows.append(make_row(operation, self.user))
        return found

    @cached_property
    def chips(self) -> tuple[list[str], str]:
        """The filter's terms with a key, and its words; a wrong filter stays text."""
        return ([], self.text) if self.error else filters.chips(self.terms)

    @property
    def segments(self) -> list[Segment]:
        """All, Running, Failed, Mine."""
        return [Segment(show.capitalize(), self.query(show=show), show == self.show) for show in SHOWS]

    @property
    def keep(self) -> list[tuple[str, str]]:
        """The parameters besides the filter, to keep when it changes."""
        return [("show", self.show)] if self.show != "all" else []

    def query(self, **changes: str) -> str:
        """The query string of this list with changes, "?…"; usual values are left out."""
        made = QueryDict(mutable=True)
        for name, value in ({"q": self.text, "show": self.show} | changes).items():
            if value and (name, value) != ("show", "all"):
                made[name] = value
        return f"?{made.urlencode()}"

    @property
    def context(self) -> dict[str, Any]:
        """For ``operations/list.html`` and its parts."""
        terms, text = self.chips
        query = self.query().removeprefix("?")
        return {
            "list": self,
            "terms": terms,
            "text": text,
            "kept_days": settings.OPERATIONS_KEPT_DAYS,
            "pager_query": f"{query}&" if query else "",
            "default_command": "docker system events",
        }

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        """Operations move between the groups of the page: it reads its region again."""
        return RESYNC if kind in self.kinds else ""


def drawer(user: access.Actor) -> dict[str, Any]:
    """What runs, and the last that ended: the context of ``operations/_drawer.html``."""
    rows = access.operations_for(user).select_related("engine")
    now = rows.filter(state__in=Operation.OPEN).order_by("created_at")[:PAGE_ROWS]
    ended = rows.exclude(state__in=Operation.OPEN).order_by("-finished_at")[:DRAWER_ROWS]
    found = [make_row(operation, user) for operation in now]
    return {
        "now": found,
        "running": sum(row.operation.state == State.RUNNING for row in found),
        "queued": sum(row.operation.state == State.QUEUED for row in found),
        "ended": [make_row(operation, user) for operation in ended],
    }


@dataclass(frozen=True, slots=True)
class Step:
    """One line of what happened."""

    state: str  # the lamp
    title: str
    text: str
    time: datetime | None


class OperationPage:
    """The page of one operation. Parameter of the socket: ``id``."""

    kinds = frozenset({"operation", "container", "image", "network", "volume"})

    def __init__(self, user: User, engine: Engine | None, params: QueryDict) -> None:
        self.user = user
        self.id = params.get("id", "")
        self.operation = one(user, self.id)

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        """The page reads its region again when its operation or its object changed."""
        if kind == "operation":
            mine = {self.id}
        elif kind == self.operation.kind:
            mine = {self.operation.object_id, str(self.operation.result.get("object_id", ""))}
        else:
            return ""
        return RESYNC if ids is None or not mine.isdisjoint(ids) else ""


def one(user: access.Actor, reference: str) -> Operation:
    """One operation. Raises as ``access.operation_for``; what is no id is missing."""
    try:
        return access.operation_for(user, reference)
    except ValidationError as error:  # no id at all
        raise Http404("operation") from error


def page_of(user: access.Actor, operation: Operation) -> dict[str, Any]:
    """The context of ``operations/detail.html``."""
    verb = verb_of(operation)
    row = make_row(operation, user)
    object_url, object_label = object_of(user, operation)
    printed = access.output_for(user, operation) if operation.verb in PRINTS else None
    return {
        "operation": operation,
        "row": row,
        "output": printed.parts if printed else [],
        "dropped": operation.result.get("dropped", 0),
        "silent": "exit_code" in operation.result and access.can(user, "shell"),
        "verb": verb,
        "allowed": verb is not None and access.can(user, verb.right),
        "engine": operation.engine,
        "object_url": object_url,
        "object_label": object_label,
        "tag": {"failed": "bad", "succeeded": "ok", "unknown": "warn"}.get(operation.state, "busy" if row.open else ""),
        "headline": headline(operation, row),
        "change_url": _change_url(user, operation),
        "steps": steps(operation),
        "retry_of": operation.result.get("retry_of", ""),
        "kept_days": settings.OPERATIONS_KEPT_DAYS,
        "took": took(operation),
        "default_command": operation.command,
    }


def _change_url(user: access.Actor, operation: Operation) -> str:
    """The form of a container that could not be made, as it was filled in; "" where there is none."""
    ended = operation.state in {State.FAILED, State.CANCELLED}
    if operation.verb != "container.create" or not ended or operation.engine is None:
        return ""
    if not access.can(user, "deploy") or not operation.params.get("line"):
        return ""
    return reverse("container-create", args=[operation.engine.slug], query={"operation": operation.pk})


def headline(operation: Operation, row: Row) -> tuple[str, str, str]:
    """Kind of the note, one bold sentence, and the state of things as far as a look after the failure knows it."""
    name, reason = operation.object_name, str(operation.result.get("reason", ""))
    now, same = operation.result.get("now"), operation.result.get("same")
    things = ""
    if now:
        things = f"Nothing was changed: {name} is still “{now}”." if same else f"{name} is “{now}” now."
    if operation.state == State.FAILED:
        return (
            "bad",
            f"Could not {row.title[:1].lower()}{row.title[1:]}.",
            " ".join(part for part in (reason, things, advice(operation.error)) if part),
        )
    if operation.state == State.UNKNOWN:
        return "warn", "Nobody knows whether it was done.", " ".join(part for part in (reason, things) if part)
    if operation.state == State.CANCELLED:
        return (
            "",
            "It was not done." if operation.started_at is None else "It was cancelled.",
            _cancelled(operation),
        )
    if row.open:
        return (
            "",
            "This runs on the server.",
            "You can close or reload this page; it goes on, and this address shows it.",
        )
    if "exit_code" in operation.result:
        return "", f"{str(operation.result.get('note', '')).capitalize()}.", ""
    return "", f"{name} {operation.result.get('note', '')}.", ""


def steps(operation: Operation) -> list[Step]:
    """What happened, with times: asked, handed to the engine, how it ended."""
    who = operation.user_name
    found = [Step("done", "Accepted", f"asked by {who}", operation.created_at)]
    if operation.started_at is not None:
        tries = f"taken up {operation.attempt} times, the last" if operation.attempt > 1 else "taken up"
        found.append(Step("done", "Handed to the engine", f"{tries} by {operation.claimed_by}", operation.started_at))
    elif operation.state == State.QUEUED:
        found.append(Step("created", "Waiting", "for its turn", None))
    if operation.state == State.RUNNING:
        found.append(Step("busy", "The engine works on it", "", None))
    elif operation.finished_at is not None:
        words = {
            State.SUCCEEDED: ("done", "Done"),
            State.FAILED: ("failed", "Failed"),
            State.CANCELLED: ("exited", "Cancelled"),
            State.UNKNOWN: ("warning", "Not known"),
        }[State(operation.state)]
        text = str(operation.result.get("note") or operation.result.get("reason") or "")
        found.append(Step(words[0], words[1], text, operation.finished_at))
        if now := operation.result.get("now"):
            same = ", as before" if operation.result.get("same") else ""
            found.append(Step("done", "Looked again", f"{operation.object_name}: {now}{same}", operation.finished_at))
    return found


def _cancelled(operation: Operation) -> str:
    said = f"It was {operation.result.get('note', 'cancelled')}."
    remains = operation.result.get("remains", "" if operation.started_at else "The engine was never asked.")
    return f"{said} {remains}".strip()


def object_of(user: access.Actor, operation: Operation) -> tuple[str, str]:
    """The page and the name of what an operation was done to, or made; both "" where the mirror does not have it."""
    engine = operation.engine
    find = FINDERS.get(operation.kind)
    reference = str(operation.result.get("object_id") or operation.object_id)
    if engine is None or find is None or not reference:
        return "", ""
    try:
        found = find(user, engine, reference)
    except Http404:
        return "", ""
    if isinstance(found, Image):
        tag = found.tags.values_list("reference", flat=True).first()
        return reverse("image", args=[engine.slug, found.image_id]), str(tag or operation.object_name)
    key = {Container: "container_id", Network: "network_id", Volume: "name"}[type(found)]
    return reverse(operation.kind, args=[engine.slug, getattr(found, key)]), found.name
