"""The list of containers, for the page and its socket. A constant number of queries for any length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import BooleanField, Case, Count, ExpressionWrapper, F, Max, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable, OrderBy
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Lower
from django.http import Http404, QueryDict
from django.template.loader import render_to_string

from console import access, docker_words, filters
from console.engine.types import ContainerState
from console.filters import FilterError, Term
from console.models import Container, Endpoint, Engine, ImageTag
from console.operations.status import busy_verbs, objects_of
from console.operations.verbs import rights_of
from console.pages import container_keys
from console.pages.container_actions import Shape, bulk_verbs
from console.pages.container_rows import COLUMNS, Address, Listed, Row, clean_host, link_host
from console.pages.listing import PAGE_ROWS, Column, Segment
from console.pages.live import RESYNC

SHOWS: Final = ("all", "running", "exited")
GROUPS: Final = ("project", "none")
SORTS: Final[dict[str, tuple[str | Combinable, ...]]] = {
    "name": (Lower("name"),),
    "image": (Lower("image"), Lower("name")),
    "status": (
        Case(
            *(When(state__in=[s.value for s in states], then=Value(rank)) for rank, states in enumerate(
                (docker_words.RUNNING, (ContainerState.CREATED,), docker_words.STOPPED)
            )),
            default=Value(9),
        ),
        "-started_at",
        Lower("name"),
    ),
    "created": ("created_at", Lower("name")),
}  # fmt: skip
COLUMN_TITLES: Final = (  # sort key, title, class: x0 to x2 give way where it is narrow
    ("name", "Name", ""),
    ("image", "Image", ""),
    ("", "Command", "x2"),
    ("status", "Status", ""),
    ("", "Ports", ""),
    ("", "CPU", ""),
    ("", "Memory", ""),
    ("created", "Created", "x1"),
    ("", "ID", "x0"),
    ("", "Address", ""),
)
COMPOSE_FILES: Final = "com.docker.compose.project.config_files"


@dataclass(slots=True)
class Group:
    """The containers of one compose project (or of none) that stand on this page, and what the whole project has."""

    key: str  # of the element ids
    name: str
    total: int = 0
    running: int = 0
    shown: int = 0  # that fit the filter
    files: str = ""
    rows: list[Row] = field(default_factory=list)


class ContainerList:
    """The list for one person, engine and query string.

    Parameters: ``q`` filter, ``show`` all, running or exited, ``group`` project or none, ``sort`` a key of ``SORTS``
    (with "-" in front: the other way round), ``page``. ``host`` is the host name under which the browser reaches the
    console: published ports of a local engine open there (the page's socket gets it as the parameter ``host``). A wrong
    parameter makes ``error`` and an empty list.
    """

    kinds = frozenset({"container", "image", "operation"})

    def __init__(self, user: access.Actor, engine: Engine | None, params: QueryDict, host: str = "") -> None:
        if engine is None:
            raise Http404("engine")
        self.user, self.engine = user, engine
        self.host = host or clean_host(params.get("host", ""))
        self.text = " ".join(part.strip() for part in params.getlist("q") if part.strip())
        self.error = ""
        self.error_at = 0
        self.terms: tuple[Term, ...] = ()
        self.secrets = access.can(user, "shell")
        self.show = self._choice(params, "show", SHOWS)
        self.group_by = self._choice(params, "group", GROUPS)
        sort = params.get("sort") or "name"
        self.sort = self._choice({"sort": sort.removeprefix("-")}, "sort", tuple(SORTS))
        self.descending = sort.startswith("-") and not self.error
        self.page_number = params.get("page") or "1"
        if not self.page_number.isascii() or not self.page_number.isdigit() or len(self.page_number) > 9:
            self.error = f"“{self.page_number}” is not a page number."
        self.condition = Q()
        if not self.error:
            self._read_filter()

    def _choice(self, params: Mapping[str, Any], name: str, allowed: Sequence[str]) -> str:
        value = str(params.get(name) or allowed[0])
        if value in allowed:
            return value
        self.error = f"“{value}” is no way to {name} containers. Possible: {', '.join(allowed)}."
        return allowed[0]

    def _read_filter(self) -> None:
        try:
            self.terms = filters.parse(self.text)
            self.condition = filters.build(self.terms, container_keys.keys_for(self.user), container_keys.word)
        except FilterError as error:
            self.error, self.error_at = error.message, error.at
        if self.show != "all":
            states = docker_words.RUNNING if self.show == "running" else docker_words.STOPPED
            self.condition &= Q(state__in=[state.value for state in states])

    # ── rows ──

    @property
    def status(self) -> int:
        """The HTTP status of a page that shows this list."""
        return 422 if self.error else 200

    def _visible(self) -> QuerySet[Container]:
        return access.containers_for(self.user, self.engine)

    def _matching(self) -> QuerySet[Container]:
        rows = self._visible().filter(self.condition) if not self.error else Container.objects.none()
        order: list[OrderBy | Combinable | str] = []
        if self.group_by == "project":
            order = [ExpressionWrapper(Q(project=""), output_field=BooleanField()).asc(), Lower("project")]
        keys = [(_reverse(key) if self.descending else key) for key in SORTS[self.sort]]
        return rows.order_by(*order, *keys, "container_id")

    @cached_property
    def projects(self) -> dict[str, dict[str, Any]]:
        """What every compose project has, by name: the one query that all counts come from."""
        running = [state.value for state in docker_words.RUNNING]
        stopped = [state.value for state in docker_words.STOPPED]
        rows = (
            self._visible()
            .order_by()
            .values("project")
            .annotate(
                total=Count("pk"),
                running=Count("pk", filter=Q(state__in=running)),
                exited=Count("pk", filter=Q(state__in=stopped)),
                shown=Count("pk", filter=self.condition or None),
                files=Max(KeyTextTransform(COMPOSE_FILES, "labels")),
            )
        )
        return {row["project"]: dict(row) for row in rows}

    def _sum(self, name: str) -> int:
        return sum(row[name] for row in self.projects.values())

    @cached_property
    def total(self) -> int:
        """How many containers the engine has, as far as this person sees."""
        return self._sum("total")

    @cached_property
    def count(self) -> int:
        """How many fit."""
        return 0 if self.error else self._sum("shown")

    @cached_property
    def page(self) -> Page[tuple[Any, ...]]:
        """The page of rows; a number beyond the last is the last."""
        paginator = Paginator(self._matching().values_list(*COLUMNS), PAGE_ROWS)
        paginator.count = self.count  # known already
        return paginator.get_page(self.page_number)

    @cached_property
    def groups(self) -> list[Group]:
        """The rows of the page, by project in their order, or in one group without a name."""
        found: dict[str, Group] = {}
        for row in self.rows_of(self.page):
            name = row.container.project if self.group_by == "project" else ""
            if name not in found:
                found[name] = self.group(name)
            found[name].rows.append(row)
        return list(found.values())

    def group(self, name: str) -> Group:
        """The head of one group, without rows."""
        if self.group_by == "none":
            return Group("all", "", self.total, self._sum("running"), self.count)
        known = self.projects.get(name)
        if known is None:
            return Group(group_key(name), name)
        return Group(
            group_key(name), name, known["total"], known["running"], known["shown"], (known["files"] or "")[:200]
        )

    def rows_of(self, containers: Iterable[tuple[Any, ...]]) -> list[Row]:
        """Containers (``COLUMNS``) as rows, with their addresses, what is under way, newer images: three queries."""
        found = [Listed(*columns) for columns in containers]
        if not found:
            return []
        addresses: dict[int, list[Address]] = defaultdict(list)
        endpoints = Endpoint.objects.filter(container__in=[c.pk for c in found])
        for pk, *address in endpoints.values_list("container_id", *Address._fields):
            addresses[pk].append(Address(*address))
        busy = busy_verbs(self.user, self.engine, [c.container_id for c in found])
        names = {c.image: docker_words.normal_reference(c.image) for c in found}
        tags = self._tags(names.values())
        rights, published_at = rights_of(self.user), link_host(self.engine, self.host)
        rows = []
        for container in found:
            image_id = tags.get(names[container.image])
            rows.append(
                Row(
                    container,
                    tuple(addresses.get(container.pk, ())),
                    Shape(self.engine.slug, container.state, rights, busy.get(container.container_id, "")),
                    published_at,
                    self.host,
                    newer_image=bool(image_id and container.image_id and image_id != container.image_id),
                    secrets=self.secrets,
                )
            )
        return rows

    def _tags(self, references: Iterable[str]) -> dict[str, str]:
        """Which image each reference stands for now."""
        images = access.images_for(self.user, self.engine)
        found = ImageTag.objects.filter(image__in=images, reference__in=list(references))
        return dict(found.values_list("reference", "image__image_id"))

    # ── what stands around the rows ──

    @cached_property
    def chips(self) -> tuple[list[str], str]:
        """The filter's terms with a key, and its words; a filter that is wrong stays text as it was typed."""
        return ([], self.text) if self.error else filters.chips(self.terms)

    @cached_property
    def columns(self) -> list[Column]:
        """The heads of the columns."""
        found = []
        for key, title, css in COLUMN_TITLES:
            sort = ("descending" if self.descending else "ascending") if key and key == self.sort else ""
            target = f"-{key}" if sort == "ascending" else key
            found.append(Column(title, css=css, sort=sort, query=self.query(sort=target) if key else ""))
        return found

    @cached_property
    def segments(self) -> list[Segment]:
        """All, running, exited."""
        counts = {"all": self.total, "running": self._sum("running"), "exited": self._sum("exited")}
        return [
            Segment("All" if show == "all" else show, counts[show], self.query(show=show), show == self.show)
            for show in SHOWS
        ]

    @property
    def keep(self) -> list[tuple[str, str]]:
        """The parameters besides the filter, to keep when it changes."""
        sort = f"-{self.sort}" if self.descending else self.sort
        pairs = [("show", self.show, "all"), ("group", self.group_by, "project"), ("sort", sort, "name")]
        return [(name, value) for name, value, usual in pairs if value != usual]

    def query(self, **changes: str) -> str:
        """The query string of this list with changes, "?…"; usual values are left out."""
        found = QueryDict(mutable=True)
        usual = {"q": "", "show": "all", "group": "project", "sort": "name", "page": "1"}
        for name, value in ({"q": self.text} | dict(self.keep) | changes).items():
            if value != usual[name]:
                found[name] = value
        return f"?{found.urlencode()}"

    @property
    def own_query(self) -> str:
        """The query string of this very page, without "?": for the address of its socket."""
        return self.query(page=self.page_number).removeprefix("?")

    @property
    def other_grouping(self) -> str:
        """The query string of the list grouped the other way."""
        return self.query(group="none" if self.group_by == "project" else "project")

    @property
    def pager_query(self) -> str:
        """The query string before ``page=``, for the pager."""
        query = self.query().removeprefix("?")
        return f"{query}&" if query else ""

    @property
    def nothing(self) -> str:
        """Why the list is empty though there are containers."""
        which = "" if self.show == "all" else f"{self.show} "
        if not self.text:
            return f"None of the {self.total} containers is {self.show}."
        return f"{self.text} fits none of the {which}containers. There are {self.total} in all."

    @property
    def command(self) -> str:
        """The docker command that lists the same."""
        return container_keys.command(self.terms, self.show)

    @cached_property
    def as_of(self) -> str:
        """Since when the list is no longer true ("21:04"), or ""."""
        return f"{self.engine.shown_since:%H:%M}" if self.stale and self.engine.shown_since else ""

    @cached_property
    def stale(self) -> bool:
        """Whether the engine does not answer: the list is what was last known, and nothing can be done."""
        return self.engine.stale

    @property
    def context(self) -> dict[str, Any]:
        """For ``containers/list.html`` and its parts."""
        return {
            "engine": self.engine,
            "list": self,
            "default_command": self.command,
            "bulk_verbs": bulk_verbs(self.user),
        }

    # ── the page's socket ──

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        """What to push when objects changed (``LiveView``): rows in place, added, removed, or the whole region."""
        if self.error:
            return ""
        if kind == "operation":
            ids = None if ids is None else objects_of(self.user, self.engine, ids)
        elif kind == "image":
            ids = self._made_from(ids)
        if ids is None or len(ids) > PAGE_ROWS:
            return RESYNC
        if not ids:
            return ""
        rows = self.rows_of(self._matching().filter(container_id__in=list(ids)).values_list(*COLUMNS))
        found = {row.container.container_id for row in rows}
        here = self._page_ids() if self.count > PAGE_ROWS else found
        touched = {row.container.project for row in rows}
        gone = [id_ for id_ in ids if id_ not in found]
        if self.count <= len(rows) or any(self._is_new(name, rows) for name in touched):
            return self.region()
        heads = list(self.projects) if gone else list(touched)
        return render_to_string(
            "containers/_changed.html",
            self.context
            | {
                "user": self.user,
                "rows": [
                    (row, self.group(row.container.project).key, row.container.container_id in here) for row in rows
                ],
                "heads": [self.group(name) for name in heads[:PAGE_ROWS]] if self.group_by == "project" else [],
                "gone": [id_[:12] for id_ in gone],
            },
        )

    def _made_from(self, ids: Sequence[str] | None) -> Sequence[str] | None:
        """The containers whose image, or whose reference, is one of these images: one may be newer than the other."""
        if ids is None:
            return None
        images = access.images_for(self.user, self.engine).filter(image_id__in=ids)
        names = set(ImageTag.objects.filter(image__in=images).values_list("reference", flat=True))
        names |= {name.removesuffix(":latest") for name in names}
        found = self._visible().filter(Q(image_id__in=ids) | Q(image__in=names)).order_by()
        return list(found.values_list("container_id", flat=True)[: PAGE_ROWS + 1])

    def _is_new(self, project: str, rows: Sequence[Row]) -> bool:
        """Whether this project's group may not be on the page yet: all that it shows is among the changed rows."""
        if self.group_by == "none":
            return False
        return self.group(project).shown <= sum(row.container.project == project for row in rows)

    def region(self) -> str:
        """The whole list, to be swapped in place, and what stands beside the filter."""
        return render_to_string("containers/_region.html", self.context | {"user": self.user, "oob": True})

    def _page_ids(self) -> set[str]:
        start = (self.page.number - 1) * PAGE_ROWS
        return set(self._matching().values_list("container_id", flat=True)[start : start + PAGE_ROWS])


def group_key(name: str) -> str:
    """A project's part of element ids: a name may hold anything, an id may not."""
    return sha256(name.encode()).hexdigest()[:10] if name else "none"


def _reverse(key: str | Combinable) -> str | OrderBy:
    if isinstance(key, str):
        return key.removeprefix("-") if key.startswith("-") else f"-{key}"
    return key.desc() if hasattr(key, "desc") else F("pk").desc()
