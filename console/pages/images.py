"""The list of images, grouped by use. A constant number of queries for any length."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from functools import cached_property
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.expressions import OrderBy
from django.http import QueryDict
from django.urls import reverse

from console import access, docker_words, filters
from console.docker_words import size_words
from console.filters import FilterError, Key
from console.models import Container, Image, ImageTag
from console.operations import remote_tags
from console.operations.verbs import VERBS
from console.pages import links
from console.pages.container_keys import public_label
from console.pages.links import Link
from console.pages.listing import Listing, Toggle

MOST_USERS: Final = 2  # containers named in one row; the rest is counted
MOST_TAGS: Final = 4  # further tags named in one row
_DOCKER_FILTERS: Final = {"label": "label", "dangling": "dangling"}


class Use(IntEnum):
    """What an image is good for, in the order of the list."""

    RUNNING = 0
    STOPPED = 1
    UNUSED = 2
    DANGLING = 3
    INTERMEDIATE = 4


TITLES: Final[dict[Use, tuple[str, str]]] = {
    Use.RUNNING: ("Used by running containers", ""),
    Use.STOPPED: ("Used by stopped containers only", "they cannot start again without it"),
    Use.UNUSED: ("Not used by any container", ""),
    Use.DANGLING: ("Dangling", "no tag, no container, no other image needs it"),
    Use.INTERMEDIATE: ("Intermediate", "layers of other images, without a tag"),
}
_SHOWN: Final[dict[str, tuple[Use, ...]]] = {
    "all": tuple(Use),
    "used": (Use.RUNNING, Use.STOPPED),
    "unused": (Use.UNUSED, Use.DANGLING),
    "dangling": (Use.DANGLING,),
}


@dataclass(frozen=True, slots=True)
class Row:
    """What ``images/_row.html`` prints."""

    image: Image
    key: str
    url: str
    repository: str
    tag: str
    others: tuple[str, ...]
    others_left: int
    tags_title: str
    created_at: datetime | None
    size: str
    users: tuple[Link, ...]
    users_left: int
    users_url: str
    use: Use
    mark: str
    mark_title: str
    picks: bool
    newer: str  # the tag that is another image in its registry, or ""
    pull: str

    @property
    def image_ref(self) -> str:
        """The first tag whole."""
        return f"{self.repository}:{self.tag}"

    @property
    def gone(self) -> bool:
        """Whether no container needs it."""
        return self.use > Use.STOPPED


@dataclass(slots=True)
class Group:
    """The images of one use that stand on this page."""

    use: Use
    title: str
    text: str
    count: int
    size: str
    rows: list[Row] = field(default_factory=list)


def _used_by(containers: QuerySet[Container]) -> tuple[Q, Q]:
    """Whether an image is used by a container, and by a running one. Sets of ids: asked once, not for every image."""
    running = containers.filter(state__in=[state.value for state in docker_words.RUNNING])
    return (
        Q(image_id__in=containers.order_by().values("image_id")),
        Q(image_id__in=running.order_by().values("image_id")),
    )


def use_of(containers: QuerySet[Container]) -> Case:
    """``Use`` of an image as an expression, with the containers that the person may see."""
    used, runs = _used_by(containers)
    return Case(
        When(runs, then=Value(int(Use.RUNNING))),
        When(used, then=Value(int(Use.STOPPED))),
        When(intermediate=True, then=Value(int(Use.INTERMEDIATE))),
        When(~Exists(ImageTag.objects.filter(image=OuterRef("pk"))), then=Value(int(Use.DANGLING))),
        default=Value(int(Use.UNUSED)),
        output_field=IntegerField(),
    )


class ImageList(Listing):
    """The images of an engine. ``all=1``: with intermediate ones, as ``docker image ls --all``."""

    view = "images"
    what = "images"
    title = "Images"
    template = "images/_region.html"
    region = "image-table"
    actions = "images/_actions.html"
    bulk = "images/_bulk.html"
    placeholder = "Filter: name, used:no, dangling:yes, size>100MB, created<30d"
    kinds = frozenset({"image", "container", "engine"})
    shows = {"all": "All", "used": "In use", "unused": "Unused", "dangling": "Dangling"}
    sorts: ClassVar[Mapping[str, tuple[OrderBy, ...]]] = {
        "name": (F("first_tag").asc(nulls_last=True), F("created_at").desc()),
        "created": (F("created_at").desc(nulls_last=True),),
        "size": (F("size").desc(),),
    }
    titles = (
        ("name", "Repository and tags", ""),
        ("", "ID", ""),
        ("created", "Created", ""),
        ("size", "Size", "num"),
        ("", "Used by", ""),
    )

    def read(self, params: QueryDict) -> None:
        """``all``: 1 or nothing."""
        self.every = params.get("all", "") == "1"
        if params.get("all", "") not in {"", "0", "1"}:
            self.error = f"“{params.get('all', '')[:40]}” is not 0 or 1 (all)."

    @property
    def own(self) -> list[tuple[str, str]]:
        return [("all", "1")] if self.every else []

    def keys(self) -> Mapping[str, Key]:
        used, runs = _used_by(self._containers())
        tagged = Q(Exists(_tags()))
        dangling = ~tagged & Q(intermediate=False)
        return {
            "name": Key(lambda operator, value: _tagged(reference__icontains=value), "name:nginx"),
            "tag": Key(lambda operator, value: _tagged(tag__iexact=value), "tag:latest"),
            "id": Key(_id, "id:9bea9f2796e2"),
            "layer": Key(_layer, "layer:886d9f5be135"),
            "label": filters.label("labels", "label:maintainer", lambda n: self.secrets or public_label(n)),
            "size": filters.size("size", "size>100MB"),
            "created": filters.age("created_at", "created<30d"),
            "dangling": filters.flag({"yes": dangling, "no": ~dangling}, "dangling:yes"),
            "update": filters.flag(
                {"yes": Q(pk__in=list(self.behind)), "no": ~Q(pk__in=list(self.behind))}, "update:yes"
            ),
            "used": filters.flag({"yes": used, "no": ~used, "running": runs, "stopped": used & ~runs}, "used:no"),
        }

    def word(self, value: str) -> Q:
        return _tagged(reference__icontains=value) | _id(":", value)

    @cached_property
    def can_pull(self) -> bool:
        """Whether the person may ask for a pull."""
        return access.can(self.user, VERBS["image.pull"].right)

    @property
    def picks(self) -> bool:
        return self.can_pull

    @cached_property
    def behind(self) -> dict[int, str]:
        """Images that are another one in their registry by now, as far as somebody asked: the tag, by key."""
        return remote_tags.behind(self.engine) if self.engine is not None else {}

    @cached_property
    def secrets(self) -> bool:
        """Whether the person may see values of labels and variables."""
        return access.can(self.user, "shell")

    def _containers(self) -> QuerySet[Container]:
        assert self.engine is not None
        return access.containers_for(self.user, self.engine)

    def visible(self) -> QuerySet[Image]:
        assert self.engine is not None
        rows = access.images_for(self.user, self.engine)
        rows = rows if self.every else rows.filter(intermediate=False)
        return rows.annotate(
            use=use_of(self._containers()), first_tag=Subquery(_tags().order_by("reference").values("reference")[:1])
        )

    def shown(self, show: str) -> Q:
        return Q() if show == "all" else Q(use__in=[int(use) for use in _SHOWN[show]])

    @property
    def first(self) -> list[OrderBy]:
        return [F("use").asc()]

    @cached_property
    def by_use(self) -> dict[Use, dict[str, int]]:
        """Per use: how many, how many fit the filter, and their size: the one query that all counts come from."""
        rows = access.images_for(self.user, self.engine) if self.engine else Image.objects.none()
        rows = rows if self.every else rows.filter(intermediate=False)
        fit = Q() if self.error else self.condition
        found = (
            rows.order_by()
            .annotate(use=use_of(self._containers()))
            .values("use")
            .annotate(n=Count("pk"), fit=Count("pk", filter=fit or None), size_fit=Sum("size", filter=fit or None))
        )
        return {Use(row["use"]): {name: row[name] or 0 for name in ("n", "fit", "size_fit")} for row in found}

    @cached_property
    def numbers(self) -> dict[str, int]:
        counts = {show: sum(self.by_use.get(use, {}).get("n", 0) for use in uses) for show, uses in _SHOWN.items()}
        return counts | {"fit": sum(self.by_use.get(use, {}).get("fit", 0) for use in _SHOWN[self.show])}

    @cached_property
    def groups(self) -> list[Group]:
        """The rows of the page by use."""
        found: dict[Use, Group] = {}
        for row in self.rows:
            if row.use not in found:
                numbers = self.by_use.get(row.use, {})
                title, text = TITLES[row.use]
                found[row.use] = Group(
                    row.use, title, text, numbers.get("fit", 0), size_words(numbers.get("size_fit", 0))
                )
            found[row.use].rows.append(row)
        return list(found.values())

    def rows_of(self, found: Sequence[Any]) -> list[Row]:
        """Images as rows, with their tags and who uses them: two queries."""
        tags: dict[int, list[ImageTag]] = defaultdict(list)
        for tag in ImageTag.objects.filter(image__in=[image.pk for image in found]):
            tags[tag.image_id].append(tag)
        users = self._users({image.image_id for image in found})
        return [self._row(image, tags[image.pk], users[image.image_id]) for image in found]

    def _users(self, ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
        users: dict[str, list[tuple[str, str]]] = defaultdict(list)
        rows = self._containers().filter(image_id__in=list(ids)).order_by("name", "container_id")
        for image_id, name, container_id in rows.values_list("image_id", "name", "container_id"):
            users[image_id].append((name, container_id))
        return users

    def _pull(self, reference: str) -> str:
        if not reference or self.engine is None or not self.can_pull:
            return ""
        return f"{reverse('image-pull', args=[self.engine.slug])}?{urlencode({'reference': reference})}"

    def _row(self, image: Any, tags: Sequence[ImageTag], users: Sequence[tuple[str, str]]) -> Row:
        assert self.engine is not None
        slug = self.engine.slug
        repository, tag = (tags[0].repository, tags[0].tag) if tags else (_digest_repository(image), "<none>")
        others = [other.tag if other.repository == repository else other.reference for other in tags[1:]]
        shown = users if len(users) <= MOST_USERS else users[:1]
        mark, title = _mark(image, Use(image.use))
        return Row(
            image=image,
            key=docker_words.short_id(image.image_id),
            url=links.image_url(slug, image.image_id),
            repository=repository,
            tag=tag,
            others=tuple(others[:MOST_TAGS]),
            others_left=max(0, len(others) - MOST_TAGS),
            tags_title=", ".join(other.reference for other in tags) or "no tag",
            created_at=image.created_at,
            size=size_words(image.size),
            users=tuple(Link(name, links.container_url(slug, name, id_)) for name, id_ in shown),
            users_left=len(users) - len(shown),
            users_url=links.filtered("containers", slug, "image", docker_words.short_id(image.image_id)),
            use=Use(image.use),
            mark=mark,
            mark_title=title,
            picks=self.picks,
            newer=self.behind.get(image.pk, ""),
            pull=self._pull(self.behind.get(image.pk, "")),
        )

    @cached_property
    def parts(self) -> list[tuple[str, int, str]]:
        """The bar: how much of the sizes is in use."""
        css = {
            Use.RUNNING: "f1",
            Use.STOPPED: "f2",
            Use.UNUSED: "f-idle",
            Use.DANGLING: "f-warn",
            Use.INTERMEDIATE: "f4",
        }
        return [
            (css[use], numbers["size_fit"], f"{TITLES[use][0]}: {size_words(numbers['size_fit'])}")
            for use, numbers in sorted(self.by_use.items())
        ]

    @property
    def sizes(self) -> list[tuple[str, str, str]]:
        """The legend of the bar: class, words, size."""
        return [
            (css, title.partition(":")[0].lower(), size_words(amount)) for css, amount, title in self.parts if amount
        ]

    @property
    def size(self) -> str:
        """The sum of the sizes that ``docker image ls`` prints."""
        return size_words(sum(numbers["size_fit"] for numbers in self.by_use.values()))

    @property
    def toggle(self) -> Toggle:
        """With or without intermediate images."""
        title = (
            "Hide the layers of other images" if self.every else "Show intermediate images too (docker image ls --all)"
        )
        label = "Intermediate: shown" if self.every else "Intermediate: hidden"
        return Toggle(label, title, "stack", self.query(all="" if self.every else "1"))

    @property
    def command(self) -> str:
        parts = ["docker", "image", "ls", *(["--all"] if self.every else [])]
        for term in self.terms:
            if term.key in _DOCKER_FILTERS and not term.negated:
                value = (
                    {"yes": "true", "no": "false"}.get(term.value, term.value) if term.key == "dangling" else term.value
                )
                parts += ["--filter", f"{term.key}={value}"]
            elif term.key in {"name", ""} and term.operator == ":" and not term.negated:
                parts += ["--filter", f"reference=*{term.value}*"]
        return shlex.join(parts)


def _tags() -> QuerySet[ImageTag]:
    return ImageTag.objects.filter(image=OuterRef("pk"))


def _tagged(**lookup: str) -> Q:
    return Q(Exists(_tags().filter(**lookup)))


def _id(operator: str, value: str) -> Q:
    return Q(image_id__istartswith=f"sha256:{value.lower().removeprefix('sha256:')}")


def _layer(operator: str, value: str) -> Q:
    """Images that have a layer, by the first digits of its id (RootFS.Layers of the image's inspect)."""
    digits = value.lower().removeprefix("sha256:")
    if not digits or not set(digits) <= set("0123456789abcdef"):
        raise FilterError("A layer is named by the digits of its id, as an image's inspect tells them.")
    return filters.in_json("layers", f'"sha256:{digits}')


def _digest_repository(image: Image) -> str:
    """An image that has lost its tag keeps the repository of its digest, as docker shows it."""
    digests = image.digests if isinstance(image.digests, list) else []
    return next((str(digest).partition("@")[0] for digest in digests), "<none>")


def _mark(image: Image, use: Use) -> tuple[str, str]:
    if image.problem:
        return "unreadable", image.problem
    if use is Use.DANGLING:
        return "dangling", TITLES[use][1]
    return ("intermediate", TITLES[use][1]) if image.intermediate else ("", "")
