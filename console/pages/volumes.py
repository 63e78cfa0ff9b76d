"""The list of volumes. A constant number of queries for any length; sizes only when somebody asks."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, ClassVar, Final

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Lower

from console import access, filters
from console.docker_words import size_words
from console.engine.risk import risk_of
from console.filters import Key
from console.models import Mount, Volume
from console.pages import links
from console.pages.container_keys import public_label
from console.pages.links import Link
from console.pages.listing import Listing, numbers_of

MOST_USERS: Final = 2
ANONYMOUS_LABEL: Final = "com.docker.volume.anonymous"
_DOCKER_FILTERS: Final = ("name", "driver", "label")


@dataclass(frozen=True, slots=True)
class Row:
    """What ``volumes/_row.html`` prints. ``places``: where it is mounted inside the containers, each once."""

    volume: Volume
    key: str
    url: str
    created_at: datetime | None
    users: tuple[Link, ...]
    users_left: int
    users_url: str
    places: tuple[str, ...]
    places_left: int
    read_only: bool
    risk: str = ""  # why a folder of the host behind it is risky

    @property
    def gone(self) -> bool:
        """Whether no container uses it."""
        return not self.users


def _risk(volume: Volume) -> str:
    """Why the folder of the host that it shows is risky, "" for nothing known."""
    options = volume.options if isinstance(volume.options, Mapping) else {}
    bound = "bind" in str(options.get("o", "")).split(",")
    return risk_of(str(options.get("device", ""))) if bound and volume.driver == "local" else ""


def key(name: str) -> str:
    """A volume's part of element ids: a name may hold anything, an id may not."""
    return sha256(name.encode()).hexdigest()[:12]


def mounts_for(user: access.Actor, engine: Any) -> QuerySet[Mount]:
    """The mounts of volumes that the person may see."""
    return Mount.objects.filter(container__in=access.containers_for(user, engine), type="volume")


class VolumeList(Listing):
    """The volumes of an engine: those with names first."""

    view = "volumes"
    what = "volumes"
    title = "Volumes"
    template = "volumes/_region.html"
    switch = "volumes/_ways.html"
    actions = "volumes/_tools.html"
    after = "volumes/_sizes_button.html"
    region = "volume-table"
    placeholder = "Filter: name, used:no, anonymous:yes, driver:local, container:postgres"
    kinds = frozenset({"volume", "container", "engine"})
    shows = {"all": "All", "used": "In use", "unused": "Unused", "anonymous": "Anonymous"}
    sorts: ClassVar[Mapping[str, tuple[OrderBy, ...]]] = {
        "name": (F("anonymous").asc(), Lower("name").asc()),
        "created": (F("created_at").desc(nulls_last=True),),
        "driver": (Lower("driver").asc(), Lower("name").asc()),
    }
    titles = (
        ("name", "Name", ""),
        ("", "Used by", ""),
        ("", "Mounted at", ""),
        ("", "Mountpoint on the host", ""),
        ("created", "Created", ""),
        ("driver", "Driver", ""),
    )

    def keys(self) -> Mapping[str, Key]:
        used, anonymous = Q(Exists(self._mounts())), Q(anonymous=True)
        return {
            "name": filters.contains("name", example="name:data"),
            "driver": filters.like("driver", "driver:local"),
            "label": filters.label("labels", "label:tier=web", lambda n: self.secrets or public_label(n)),
            "created": filters.age("created_at", "created<30d"),
            "used": filters.flag({"yes": used, "no": ~used}, "used:no"),
            "anonymous": filters.flag({"yes": anonymous, "no": ~anonymous}, "anonymous:yes"),
            "container": Key(
                lambda operator, value: Q(Exists(self._mounts().filter(container__name__icontains=value))),
                "container:postgres",
            ),
            "mounted": Key(
                lambda operator, value: Q(Exists(self._mounts().filter(destination__icontains=value))), "mounted:/data"
            ),
        }

    def word(self, value: str) -> Q:
        return Q(name__icontains=value)

    @cached_property
    def secrets(self) -> bool:
        """Whether the person may see values of labels."""
        return access.can(self.user, "shell")

    def _mounts(self) -> QuerySet[Mount]:
        return mounts_for(self.user, self.engine).filter(volume_name=OuterRef("name"))

    def visible(self) -> QuerySet[Volume]:
        assert self.engine is not None
        return access.volumes_for(self.user, self.engine)

    def shown(self, show: str) -> Q:
        used = Q(Exists(self._mounts()))
        return {"used": used, "unused": ~used, "anonymous": Q(anonymous=True)}.get(show, Q())

    @cached_property
    def numbers(self) -> dict[str, int]:
        ways = {show: self.shown(show) for show in self.shows}
        return numbers_of(self.visible(), ways, self.condition & self.shown(self.show))

    def rows_of(self, found: Sequence[Any]) -> list[Row]:
        """Volumes as rows, with who uses them and where: one query."""
        assert self.engine is not None
        slug = self.engine.slug
        uses: dict[str, list[tuple[str, str, str, bool]]] = defaultdict(list)
        mounts = mounts_for(self.user, self.engine).filter(volume_name__in=[volume.name for volume in found])
        for volume_name, *use in mounts.order_by("container__name", "destination").values_list(
            "volume_name", "container__name", "container__container_id", "destination", "read_only"
        ):
            uses[volume_name].append((str(use[0]), str(use[1]), str(use[2]), bool(use[3])))
        rows = []
        for volume in found:
            users = list(dict.fromkeys((name, id_) for name, id_, _, _ in uses[volume.name]))
            places = list(dict.fromkeys(place for _, _, place, _ in uses[volume.name]))
            shown = users if len(users) <= MOST_USERS else users[:1]
            rows.append(
                Row(
                    volume=volume,
                    key=key(volume.name),
                    url=links.volume_url(slug, volume.name),
                    created_at=volume.created_at,
                    users=tuple(Link(name, links.container_url(slug, name, id_)) for name, id_ in shown),
                    users_left=len(users) - len(shown),
                    users_url=links.filtered("containers", slug, "volume", volume.name),
                    places=tuple(places[:1]),
                    places_left=max(0, len(places) - 1),
                    read_only=bool(uses[volume.name]) and all(only for _, _, _, only in uses[volume.name]),
                    risk=_risk(volume) if self.secrets else "",
                )
            )
        return rows

    @property
    def may_create(self) -> bool:
        """Whether the person may make volumes."""
        return access.can(self.user, "deploy")

    @property
    def command(self) -> str:
        parts = ["docker", "volume", "ls"]
        for term in self.terms:
            if term.negated or term.operator != ":":
                continue
            if (term.key or "name") in _DOCKER_FILTERS:
                parts += ["--filter", f"{term.key or 'name'}={term.value}"]
            elif term.key == "used":
                parts += ["--filter", f"dangling={'true' if term.value.lower() == 'no' else 'false'}"]
        return shlex.join(parts)


def size_of(name: str, sizes: Mapping[str, int]) -> str:
    """The measured size of one volume in words."""
    return size_words(sizes[name]) if name in sizes else "the engine does not know"


def size_rows(user: access.Actor, engine: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
    """The measured sizes of the volumes that the person may see, largest first: for ``volumes/_sizes.html``."""
    names = set(access.volumes_for(user, engine).values_list("name", flat=True)) & set(sizes)
    rows = sorted(((sizes[name], name) for name in names), key=lambda row: (-row[0], row[1]))
    total = sum(size for size, _ in rows)
    return {
        "total": size_words(total),
        "sizes": [
            {
                "name": name,
                "url": links.volume_url(engine.slug, name),
                "size": size_words(size),
                "share": size / total * 100 if total else 0,
            }
            for size, name in rows
        ],
    }
