"""Storage that is no volume: bind mounts and tmpfs of all containers. A folder of the host is one row for all.

Where a folder of the host is mounted from is shown to those who may see secrets, as on a container's page: for others
it is neither shown nor searched, and its risk is not told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Lower

from console import access, filters
from console.engine import risk
from console.filters import Key
from console.models import Mount
from console.pages import links
from console.pages.listing import Listing, Segment, numbers_of

MOST_USES: Final = 3


@dataclass(frozen=True, slots=True)
class Use:
    """One container that has it. ``mode``: "read only", "read and write"."""

    name: str
    url: str
    destination: str
    mode: str


@dataclass(frozen=True, slots=True)
class Row:
    """What ``volumes/_storage_row.html`` prints. ``risk``: why its source is risky, "" for nothing known."""

    key: str
    type: str
    source: str
    hidden: bool
    risk: str
    options: str
    uses: tuple[Use, ...]
    uses_left: int


def risky() -> Q:
    """The mounts of which ``risk.risk_of`` has something to say."""
    found = _within(*risk.WITHIN) & ~_within(*risk.HARMLESS) | Q(source__in=list(risk.EXACT))
    for socket in risk.SOCKETS:
        found |= Q(source__endswith=f"/{socket}")
    return Q(type="bind") & found


def _within(*folders: str) -> Q:
    found = Q(source__in=folders)
    for folder in folders:
        found |= Q(source__startswith=f"{folder}/")
    return found


class StorageList(Listing):
    """The bind mounts and tmpfs of an engine's containers, by their source."""

    view = "volume-mounts"
    what = "mounts"
    title = "Volumes"
    switch = "volumes/_ways.html"
    actions = "volumes/_tools.html"
    template = "volumes/_storage.html"
    region = "storage-table"
    placeholder = "Filter: source:/srv, container:web, at:/data, ro:yes, risky:yes"
    kinds = frozenset({"container", "engine"})
    shows = {"all": "All", "bind": "Bind mounts", "tmpfs": "tmpfs", "risky": "Risky"}
    sorts: ClassVar[Mapping[str, tuple[OrderBy, ...]]] = {
        "source": (F("source").asc(), Lower("container__name").asc()),
        "type": (F("type").asc(), F("source").asc()),
    }
    titles = (
        ("source", "Source on the host", ""),
        ("type", "Type", ""),
        ("", "Used by", ""),
        ("", "Mounted at", ""),
        ("", "Mode", ""),
    )
    binds = True  # for the switch

    @cached_property
    def secrets(self) -> bool:
        """Whether the person may see where folders of the host are mounted from."""
        return access.can(self.user, "shell")

    @property
    def may_create(self) -> bool:
        """Whether the person may make volumes."""
        return access.can(self.user, "deploy")

    def keys(self) -> Mapping[str, Key]:
        read_only, hidden = self._same(read_only=True), Q(pk__in=[])
        found = {
            "container": Key(lambda operator, value: self._same(container__name__icontains=value), "container:web"),
            "at": Key(lambda operator, value: self._same(destination__icontains=value), "at:/data"),
            "ro": filters.flag({"yes": read_only, "no": ~read_only}, "ro:yes"),
            "source": filters.contains("source", example="source:/srv"),
            "risky": filters.flag({"yes": risky(), "no": ~risky()}, "risky:yes"),
        }
        if not self.secrets:
            found |= {name: Key(lambda operator, value: hidden, found[name].example) for name in ("source", "risky")}
        return found

    def word(self, value: str) -> Q:
        found = self._same(container__name__icontains=value) | self._same(destination__icontains=value)
        return found | Q(source__icontains=value) if self.secrets else found

    def _all(self) -> QuerySet[Mount]:
        mounts = Mount.objects.filter(container__in=access.containers_for(self.user, self.engine))  # type: ignore[arg-type]
        return mounts.exclude(type="volume")

    def _same(self, **of: Any) -> Q:
        """The rows one of whose mounts is so."""
        others = self._all().filter(type="bind", source=OuterRef("source"), **of)
        return Q(Exists(others), type="bind") | Q(~Q(type="bind"), **of)

    def visible(self) -> QuerySet[Mount]:
        """One mount of each folder of the host; every other one."""
        before = self._all().filter(type="bind", source=OuterRef("source"), pk__lt=OuterRef("pk"))
        return self._all().exclude(Q(Exists(before), type="bind"))

    def shown(self, show: str) -> Q:
        hidden = Q(pk__in=[])
        return {
            "bind": Q(type="bind"),
            "tmpfs": Q(type="tmpfs"),
            "risky": risky() if self.secrets else hidden,
        }.get(show, Q())

    @cached_property
    def segments(self) -> list[Segment]:
        """The ways to see the list; who sees no sources is not told which are risky."""
        found = zip(self.shows, super().segments, strict=True)
        return [segment for show, segment in found if show != "risky" or self.secrets]

    @cached_property
    def numbers(self) -> dict[str, int]:
        ways = {show: self.shown(show) for show in self.shows}
        return numbers_of(self.visible(), ways, self.condition & self.shown(self.show))

    def rows_of(self, found: Sequence[Any]) -> list[Row]:
        """Mounts as rows, with all who have the same: one query."""
        assert self.engine is not None
        sources = [mount.source for mount in found if mount.type == "bind"]
        uses: dict[str, list[Use]] = defaultdict(list)
        mounts = self._all().filter(Q(type="bind", source__in=sources) | Q(pk__in=[mount.pk for mount in found]))
        for mount in mounts.select_related("container").only(
            "type", "source", "destination", "read_only", "container__name", "container__container_id"
        ).order_by("container__name", "destination"):  # fmt: skip
            name, id_ = mount.container.name, mount.container.container_id
            mode = "read only" if mount.read_only else "read and write"
            url = links.container_url(self.engine.slug, name, id_)
            uses[_key(mount)].append(Use(name or id_[:12], url, mount.destination, mode))
        return [self._row(mount, uses[_key(mount)]) for mount in found]

    def _row(self, mount: Mount, uses: list[Use]) -> Row:
        bound = mount.type == "bind"
        return Row(
            key=str(mount.pk),
            type=mount.type,
            source=mount.source if bound and self.secrets else "",
            hidden=bound and not self.secrets,
            risk=risk.risk_of(mount.source) if bound and self.secrets else "",
            options="" if bound else mount.mode,
            uses=tuple(uses[:MOST_USES]),
            uses_left=max(0, len(uses) - MOST_USES),
        )

    @property
    def command(self) -> str:
        return "docker container inspect --format '{{.Name}} {{json .Mounts}}' $(docker container ls --all --quiet)"


def _key(mount: Mount) -> str:
    return f"s{mount.source}" if mount.type == "bind" else f"i{mount.pk}"
