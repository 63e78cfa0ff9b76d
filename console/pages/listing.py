"""What the lists of images, networks, volumes and events have in common: filter, order, pages of 100, and what is kept.

A list is made anew for every request and every batch of changes. Whatever is wrong in its address becomes ``error`` and
an empty list, never an exception.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final

from django.core.paginator import Page, Paginator
from django.db.models import Count, IntegerField, Q, QuerySet, Subquery, Value
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce
from django.http import QueryDict

from console import access, filters
from console.filters import FilterError, Key, Term
from console.models import Engine
from console.pages.live import RESYNC

PAGE_ROWS: Final = 100


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head. ``sort``: "", "ascending" or "descending"; ``query``: the query string that sorts by it."""

    title: str
    css: str = ""
    sort: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """One of the ways to see the list: how many there are without the filter (None: nobody counted)."""

    label: str
    count: int | None
    query: str
    current: bool


@dataclass(frozen=True, slots=True)
class Toggle:
    """A link in the toolbar that turns something of the list on or off."""

    label: str
    title: str
    icon: str
    query: str


class Listing:
    """A list for one person and query string: ``q`` filter, ``show``, ``sort`` ("-" in front: other way), ``page``."""

    view: ClassVar[str]  # name of the route and in the page socket's address
    what: ClassVar[str]  # "images"
    title: ClassVar[str]
    template: ClassVar[str]  # of the region
    switch: ClassVar[str] = ""  # template of what stands in the toolbar before the filter
    actions: ClassVar[str] = ""  # template of what can be asked for, at the end of the toolbar
    bulk: ClassVar[str] = ""  # template of the bar that takes the toolbar's place while rows are ticked
    after: ClassVar[str] = ""  # template of what stands after it
    region: ClassVar[str]  # id of the element that is swapped
    placeholder: ClassVar[str]  # in the filter's field
    kinds: frozenset[str] = frozenset()  # of changes.Kind, that the list shows
    shows: ClassVar[Mapping[str, str]] = {"all": "All"}  # value in the address → label
    sorts: ClassVar[Mapping[str, tuple[OrderBy, ...]]] = {}  # the first is the usual one
    titles: ClassVar[Sequence[tuple[str, str, str]]] = ()  # sort or "", words, class of the column
    csv_titles: ClassVar[Sequence[str]] = ()  # of the columns of its CSV; none: it is not downloaded

    def __init__(self, user: access.Actor, engine: Engine | None, params: QueryDict) -> None:
        self.user, self.engine = user, engine
        self.text = " ".join(part.strip() for part in params.getlist("q") if part.strip())
        self.error = ""
        self.terms: tuple[Term, ...] = ()
        self.condition = Q()
        self.show = self._choice(params.get("show", ""), "show", tuple(self.shows))
        sort = params.get("sort") or next(iter(self.sorts))
        self.sort = self._choice(sort.removeprefix("-"), "sort", tuple(self.sorts))
        self.descending = sort.startswith("-") and not self.error
        self.page_number = params.get("page") or "1"
        if not self.page_number.isascii() or not self.page_number.isdigit() or len(self.page_number) > 9:
            self.error = f"“{self.page_number[:40]}” is not a page number."
        self.read(params)
        if not self.error:
            try:
                self.terms = filters.parse(self.text)
                self.condition = filters.build(self.terms, self.keys(), self.word)
            except FilterError as error:
                self.error = error.message

    def _choice(self, value: str, name: str, allowed: Sequence[str]) -> str:
        if value and value not in allowed:
            self.error = f"“{value[:40]}” is no way to {name} {self.what}. Possible: {', '.join(allowed)}."
        return value if value in allowed else allowed[0]

    # ── what each list gives ──

    def read(self, params: QueryDict) -> None:
        """Read parameters of its own; before the filter."""

    def keys(self) -> Mapping[str, Key]:
        """The keys of the filter."""
        raise NotImplementedError

    def word(self, value: str) -> Q:
        """What a bare word means."""
        raise NotImplementedError

    def visible(self) -> QuerySet[Any]:
        """All rows that the person may see, without the filter."""
        raise NotImplementedError

    def shown(self, show: str) -> Q:
        """The rows of one way to see the list."""
        return Q()

    def rows_of(self, found: Sequence[Any]) -> Sequence[Any]:
        """Rows of the page, ready for the template."""
        return found

    def csv_places(self, most: int) -> Sequence[Any]:
        """Where the rows of its CSV are found, in their order, at most so many."""
        raise NotImplementedError

    def csv_rows(self, places: Sequence[Any]) -> Iterable[Sequence[object]]:
        """The cells of some of ``csv_places``; what is gone or may not be seen any more is left out."""
        raise NotImplementedError

    @property
    def own(self) -> list[tuple[str, str]]:
        """Parameters of its own that differ from the usual."""
        return []

    @property
    def picks(self) -> bool:
        """Whether its rows can be ticked."""
        return False

    # ── rows ──

    @property
    def status(self) -> int:
        """The HTTP status of a page that shows this list."""
        return 422 if self.error else 200

    def matching(self) -> QuerySet[Any]:
        """The rows that fit, in their order."""
        if self.error:
            return self.visible().none()
        order = [_turned(key) if self.descending else key for key in self.sorts[self.sort]]
        return self.visible().filter(self.condition & self.shown(self.show)).order_by(*self.first, *order, "pk")

    @property
    def first(self) -> list[OrderBy]:
        """What comes before the chosen order: groups."""
        return []

    @cached_property
    def numbers(self) -> dict[str, int]:
        """How many there are in each way to see the list (without the filter), and under "fit" how many fit it."""
        return {}

    @property
    def total(self) -> int:
        """How many there are without the filter."""
        return self.numbers.get(next(iter(self.shows)), 0)

    @property
    def count(self) -> int:
        """How many fit."""
        return 0 if self.error else self.numbers.get("fit", 0)

    @cached_property
    def page(self) -> Page[Any]:
        """The page of rows; a number beyond the last is the last."""
        paginator = Paginator(self.matching(), PAGE_ROWS)
        paginator.count = self.count  # known already: one query less
        return paginator.get_page(self.page_number)

    @cached_property
    def rows(self) -> Sequence[Any]:
        """The rows of the page."""
        return self.rows_of(list(self.page))

    # ── what stands around the rows ──

    @cached_property
    def chips(self) -> tuple[list[str], str]:
        """The filter's terms with a key, and its words; a filter that is wrong stays text as it was typed."""
        return ([], self.text) if self.error else filters.chips(self.terms)

    @cached_property
    def columns(self) -> list[Column]:
        """The heads of the columns."""
        found = []
        for key, title, css in self.titles:
            sort = ("descending" if self.descending else "ascending") if key and key == self.sort else ""
            target = f"-{key}" if sort == "ascending" else key
            found.append(Column(title, css, sort, self.query(sort=target) if key else ""))
        return found

    @cached_property
    def segments(self) -> list[Segment]:
        """The ways to see the list."""
        return [
            Segment(label, self.numbers.get(show), self.query(show=show), show == self.show)
            for show, label in self.shows.items()
        ]

    @property
    def keep(self) -> list[tuple[str, str]]:
        """The parameters besides the filter that differ from the usual, to keep when it changes."""
        sort = f"-{self.sort}" if self.descending else self.sort
        pairs = [("show", self.show, next(iter(self.shows))), ("sort", sort, next(iter(self.sorts)))]
        return [*((name, value) for name, value, usual in pairs if value != usual), *self.own]

    def query(self, **changes: str) -> str:
        """The query string of this list with changes, "?…"; usual values are left out."""
        usual = {"show": next(iter(self.shows)), "sort": next(iter(self.sorts)), "page": "1"}
        found = QueryDict(mutable=True)
        for name, value in ({"q": self.text} | dict(self.keep) | changes).items():
            if value != usual.get(name, ""):
                found[name] = value
        return f"?{found.urlencode()}"

    @property
    def pager_query(self) -> str:
        """The query string before ``page=``, for the pager."""
        query = self.query().removeprefix("?")
        return f"{query}&" if query else ""

    @property
    def csv_query(self) -> str:
        """The query string of its CSV, with the filter; "" where there is none."""
        return self.query(download="csv") if self.csv_titles and not self.error else ""

    @property
    def stale(self) -> bool:
        """Whether the engine does not answer: the list is what was last known."""
        return self.engine is not None and self.engine.stale

    @property
    def command(self) -> str:
        """The docker command that lists the same."""
        raise NotImplementedError

    @property
    def filter_label(self) -> str:
        """What the filter's field is called."""
        return f"Filter {self.what}"

    @property
    def no_match(self) -> str:
        """The title when the filter leaves nothing."""
        return f"No {self.what.removesuffix('s')} matches"

    @property
    def toggle(self) -> Toggle | None:
        """One more way to change the list."""
        return None

    @property
    def nothing(self) -> str:
        """Why the filter leaves nothing."""
        return f"{self.text or 'This choice'} fits none of the {self.total} {self.what}."

    @property
    def context(self) -> dict[str, Any]:
        """For the list's templates."""
        return {"list": self, "default_command": self.command} | ({"engine": self.engine} if self.engine else {})

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        """For the page's socket: the list is read again, so that order, groups, counts and filter stay right."""
        return RESYNC


def numbers_of(rows: QuerySet[Any], ways: Mapping[str, Q], fit: Q) -> dict[str, int]:
    """How many of ``rows`` there are in each way, and under "fit" how many fit: one query."""
    counts = {f"way_{way}": Count("pk", filter=condition or None) for way, condition in ways.items()}
    found = rows.order_by().aggregate(**counts, way_fit=Count("pk", filter=fit or None))
    return {name.removeprefix("way_"): number for name, number in found.items()}


def counted(rows: QuerySet[Any]) -> Coalesce:
    """The number of ``rows`` (which name the outer row) as a column."""
    found = rows.order_by().annotate(one=Value(1)).values("one").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(found, output_field=IntegerField()), 0)


def _turned(key: OrderBy) -> OrderBy:
    turned = copy.copy(key)
    turned.reverse_ordering()
    return turned
