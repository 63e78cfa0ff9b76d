"""The palette: what fits some words among pages, objects and actions, best first. Everything through ``access``.

Words fit in any order and anywhere in a name ("alp 02" fits alpine-linux02). Words may also name an action: "stop ngi".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from django.db.models import Case, Model, Q, QuerySet, Value, When
from django.db.models.functions import Length
from django.urls import reverse

from console import access, docker_words
from console.engine.types import ContainerState, Health
from console.models import Container, Endpoint, Engine, Image, ImageTag
from console.operations.status import busy_verbs
from console.operations.verb import Verb
from console.operations.verbs import CONTAINER_VERBS, VERBS, actions_for

MOST: Final = 30  # answers in all
LOOKED_AT: Final = 60  # rows of one kind that are ranked
LONGEST: Final = 100  # characters of a question that are read
RECENT: Final = 5
# Answers of one kind, when nothing else takes the room
CONTAINERS, ACTIONS, OTHERS, PAGES = 8, 8, 4, 10

# Verbs of a container with forms of their own: a dialog, a page
FORMS: Final = (VERBS["container.update"], VERBS["container.recreate"])

Row = TypeVar("Row", bound=Model)
_HEX: Final = re.compile(r"[0-9a-f]{4,64}")
_EDGE: Final = " -_./:"


@dataclass(frozen=True, slots=True)
class Item:
    """One answer, as ``ui/_palette_group.html`` prints it: a link, a form or a dialog."""

    label: str
    href: str = ""
    action: str = ""
    dialog: str = ""
    state: str = ""
    icon: str = ""
    detail: str = ""
    command: str = ""
    parts: Sequence[tuple[str, bool]] = ()


@dataclass(slots=True)
class Group:
    """Answers under one heading."""

    title: str
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the console. ``engine``: whether its address names one."""

    name: str
    icon: str
    view: str
    keys: str = ""
    engine: bool = True
    also: str = ""  # other words for it
    right: str = "observe"


PAGES_OF_THE_CONSOLE: Final = (
    Page("Dashboard", "dash", "dashboard", "g d", engine=False, also="home overview"),
    Page("Containers", "box", "containers", "g c", also="ps"),
    Page("Create container", "plus", "container-create", also="new run docker", right="deploy"),
    Page("Images", "image", "images", "g i"),
    Page("Load images", "upload", "image-load", also="docker load tar restore", right="deploy"),
    Page("Import an image", "upload", "image-import", also="docker import rootfs tar", right="deploy"),
    Page("Volumes", "vol", "volumes", "g v"),
    Page("Bind mounts", "vol", "volume-mounts", also="storage tmpfs host folders risky"),
    Page("Create volume", "plus", "volume-create", also="new nfs cifs smb tmpfs", right="deploy"),
    Page("Networks", "net", "networks", "g n"),
    Page("Network map", "net", "network-map", also="topology reach picture"),
    Page("Create network", "plus", "network-create", also="new bridge macvlan ipvlan overlay", right="deploy"),
    Page("Published ports", "ext", "network-ports", also="host port conflicts open"),
    Page("Disk usage", "server", "disk", also="system df space reclaim prune clean up"),
    Page("Operations", "ops", "operations", "g o", engine=False, also="history"),
    Page("Events", "events", "events", "g e", engine=False),
    Page("Audit", "audit", "audit", "g a", engine=False, also="who log history", right="admin"),
    Page("Registries", "reg", "registries", engine=False, also="login credentials hub", right="admin"),
    Page("Add registry", "plus", "registry-add", engine=False, also="login credentials new", right="admin"),
    Page("Engine", "server", "engine", also="info version system"),
    Page("Keys", "keyboard", "keys", "?", engine=False, also="keyboard shortcuts help"),
    Page("Change password", "key", "account_change_password", engine=False),
)


def words_of(question: str) -> tuple[str, ...]:
    """What was typed as words in lower case, without control characters, at most eight."""
    printable = "".join(c if c.isprintable() else " " for c in question[:LONGEST])
    return tuple(printable.lower().split()[:8])


def marked(text: str, words: Iterable[str]) -> list[tuple[str, bool]]:
    """``text`` in parts, with whether a word stands there."""
    lower = text.lower()
    hit = [False] * len(text)
    if len(lower) == len(text):  # some letters change their length with their case
        for word in words:
            at = lower.find(word)
            if at >= 0:
                hit[at : at + len(word)] = [True] * len(word)
    parts: list[tuple[str, bool]] = []
    for character, marks in zip(text, hit, strict=True):
        if parts and parts[-1][1] == marks:
            parts[-1] = (parts[-1][0] + character, marks)
        else:
            parts.append((character, marks))
    return parts


def rank(name: str, words: Sequence[str]) -> tuple[int, int, str]:
    """How well a name fits, smaller is better: the same, begins so, a part begins so, somewhere, not by its name."""
    lower = name.lower()
    if lower == " ".join(words):
        return (0, len(name), lower)
    worst = 1
    for word in words:
        at = lower.find(word)
        if at < 0:
            return (4, len(name), lower)
        worst = max(worst, 1 if at == 0 else 2 if lower[at - 1] in _EDGE else 3)
    return (worst, len(name), lower)


class Palette:
    """The answers for one person. ``engine``: the slug of the one that the person looks at, searched first."""

    def __init__(self, user: access.Actor, question: str, engine: str = "") -> None:
        self.user = user
        self.question = " ".join("".join(c if c.isprintable() else " " for c in question[:LONGEST]).split())
        self.words = words_of(question)
        self.engines = sorted(access.engines_for(user), key=lambda row: (row.slug != engine, row.slug))

    @property
    def groups(self) -> list[Group]:
        """What fits, best kind first, never more than ``MOST`` answers; without words what was worked on, and pages."""
        found = self._found() if self.words else [Group("Recent", self._recent()), Group("Go to", self._pages())]
        left = MOST
        for group in found:
            del group.items[left:]
            left -= len(group.items)
        return [group for group in found if group.items]

    # ── what fits ──

    def _found(self) -> list[Group]:
        groups: list[Group] = []
        containers = self._containers(self.words)
        acting = self._acting() if len(self.words) > 1 else None
        if acting is not None:
            groups.append(acting)
        groups.append(
            Group("Containers", [self._container(row, self.words, addresses) for row, addresses in containers])
        )
        if containers and acting is None:
            first = containers[0][0]
            groups.append(Group(f"Actions on {first.name}", self._actions(first)))
        groups.append(Group("Images", self._images()))
        groups.append(Group("Networks", self._named(access.networks_for, "net", self._network_url)))
        groups.append(Group("Volumes", self._named(access.volumes_for, "vol", self._volume_url)))
        pages = self._pages()
        better = pages and rank(pages[0].label, self.words)[0] <= 1
        groups.insert(0 if better and not self._exact(containers) else len(groups), Group("Go to", pages))
        return groups

    def _exact(self, containers: Sequence[tuple[Container, str]]) -> bool:
        return bool(containers) and rank(containers[0][0].name, self.words)[0] == 0

    def _acting(self) -> Group | None:
        """Answers to the name of an action and words of an object: "stop ngi", "ngi stop"."""
        items: list[Item] = []
        for said, rest in ((self.words[0], self.words[1:]), (self.words[-1], self.words[:-1])):
            verbs = [verb for verb in (*CONTAINER_VERBS, *FORMS) if len(said) > 1 and verb.short.startswith(said)]
            verbs = [verb for verb in verbs if access.can(self.user, verb.right)]
            if verbs and not items:
                rows = [row for row, _ in self._containers(rest, by_name=True)]
                items = [item for verb in verbs for row in rows for item in self._asking(row, verb)]
        return Group("Run", items[:ACTIONS]) if items else None

    def _asking(self, row: Container, verb: Verb) -> list[Item]:
        """One verb for one container, by its whole name, if it makes sense now."""
        if verb not in FORMS:
            return self._actions(row, verb.short, name=True)
        url = reverse(f"container-{verb.short}", args=[row.engine.slug, row.container_id])
        command = verb.command(row.name)
        item = Item(
            f"{verb.title(row.name)}…",
            href=url if verb.short == "recreate" else "",
            dialog=url if verb.short == "update" else "",
            icon=verb.icon,
            detail=self._where(row.engine, command),
            command=command,
        )
        return [] if verb.possible(row) else [item]

    def _containers(self, words: Sequence[str], by_name: bool = False) -> list[tuple[Container, str]]:
        """The best containers with where they are reached. ``by_name``: not by their image or project."""
        fits = Q()
        for word in words:
            one = Q(name__icontains=word)
            if not by_name:
                one |= Q(image__icontains=word) | Q(project__icontains=word)
            fits &= one | Q(container_id__startswith=word) if _HEX.fullmatch(word) else one
        columns = ("engine", "container_id", "name", "image", "image_id", "state", "health", "exit_code", "started_at")
        rows: list[Container] = []
        for engine in self.engines:
            visible = access.containers_for(self.user, engine).filter(fits).only(*columns)
            for row in _nearest(visible, "name", words):
                row.engine = engine
                rows.append(row)
        rows = sorted(rows, key=lambda row: rank(row.name, words))[:CONTAINERS]
        places: dict[int, str] = {}
        for place in Endpoint.objects.filter(container__in=[row.pk for row in rows]).order_by("-network_name"):
            places[place.container_id] = ", ".join(filter(None, (place.ipv4_address, place.network_name)))
        return [(row, places.get(row.pk, "")) for row in rows]

    def _container(self, row: Container, words: Sequence[str], place: str) -> Item:
        return Item(
            row.name,
            href=reverse("container", args=[row.engine.slug, row.container_id]),
            state=lamp_of(row),
            detail=self._where(row.engine, place or docker_words.image_reference(row.image, row.image_id)),
            parts=marked(row.name, words),
        )

    def _actions(self, container: Container, only: str = "", name: bool = False) -> list[Item]:
        """What can be asked of one container now."""
        busy = busy_verbs(self.user, container.engine, [container.container_id]).get(container.container_id, "")
        found = []
        for action in actions_for(container, self.user, container.engine, busy):
            if action.reason or action.busy or (only and action.verb != only):
                continue
            label = f"{action.name}…" if name and action.dialog else action.name if name else action.label
            found.append(
                Item(
                    label,
                    action="" if action.dialog else action.url,
                    dialog=action.url if action.dialog else "",
                    icon=action.icon,
                    detail=self._where(container.engine, action.command),
                    command=action.command,
                )
            )
        return found

    def _images(self) -> list[Item]:
        found: list[tuple[tuple[int, int, str], Item]] = []
        for engine in self.engines:
            visible = access.images_for(self.user, engine)
            tags = ImageTag.objects.filter(image__in=visible).select_related("image")
            for tag in _nearest(tags.filter(_all("reference", self.words)), "reference", self.words):
                found.append((rank(tag.reference, self.words), self._image(engine, tag.image, tag.reference)))
            if len(self.words) == 1 and _HEX.fullmatch(self.words[0].removeprefix("sha256:")):
                digits = self.words[0].removeprefix("sha256:")
                for image in visible.filter(image_id__startswith=f"sha256:{digits}")[:OTHERS]:
                    found.append(((1, 0, image.image_id), self._image(engine, image, image.short_id)))
        return [item for _, item in sorted(found, key=lambda pair: pair[0])][:OTHERS]

    def _image(self, engine: Engine, image: Image, label: str) -> Item:
        return Item(
            label,
            href=reverse("image", args=[engine.slug, image.short_id]),
            icon="image",
            detail=self._where(engine, docker_words.size(image.size)),
            parts=marked(label, self.words),
        )

    def _named(
        self, rows_for: Callable[[access.Actor, Engine], QuerySet[Any]], icon: str, url: Callable[[Engine, Any], str]
    ) -> list[Item]:
        """Networks or volumes by their names."""
        found = []
        for engine in self.engines:
            for row in _nearest(rows_for(self.user, engine).filter(_all("name", self.words)), "name", self.words):
                detail = self._where(engine, row.driver)
                item = Item(row.name, url(engine, row), icon=icon, detail=detail, parts=marked(row.name, self.words))
                found.append((rank(row.name, self.words), item))
        return [item for _, item in sorted(found, key=lambda pair: pair[0])][:OTHERS]

    @staticmethod
    def _network_url(engine: Engine, row: Any) -> str:
        return reverse("network", args=[engine.slug, row.network_id])

    @staticmethod
    def _volume_url(engine: Engine, row: Any) -> str:
        return reverse("volume", args=[engine.slug, row.name])

    def _pages(self) -> list[Item]:
        engine = self.engines[0] if self.engines else None
        found = []
        for page in PAGES_OF_THE_CONSOLE:
            if (page.engine and engine is None) or not access.can(self.user, page.right):
                continue
            if not all(word in f"{page.name} {page.also}".lower() for word in self.words):
                continue
            href = reverse(page.view, args=[engine.slug] if page.engine and engine else [])
            found.append(Item(page.name, href, icon=page.icon, detail=page.keys, parts=marked(page.name, self.words)))
        if self.words:
            found.sort(key=lambda item: rank(item.label, self.words))
        return found[:PAGES]

    # ── without words ──

    def _recent(self) -> list[Item]:
        """The containers that this person worked on last, as far as they are still there."""
        asked = access.operations_for(self.user).filter(user=self.user.pk, kind="container", engine__in=self.engines)
        keys = dict.fromkeys(asked.order_by("-created_at").values_list("engine_id", "object_id")[:LOOKED_AT])
        by_pk = {engine.pk: engine for engine in self.engines}
        found = []
        for engine_pk, object_id in list(keys)[: 2 * RECENT]:
            engine = by_pk[engine_pk]
            row = access.containers_for(self.user, engine).filter(container_id=object_id).first()
            if row is not None:
                row.engine = engine
                found.append(self._container(row, (), ""))
        return found[:RECENT]

    def _where(self, engine: Engine, text: str) -> str:
        """``text``, and the engine where there are several."""
        return f"{text} · {engine}" if len(self.engines) > 1 else text


def _all(column: str, words: Iterable[str]) -> Q:
    fits = Q()
    for word in words:
        fits &= Q(**{f"{column}__icontains": word})
    return fits


def _nearest(rows: QuerySet[Row], column: str, words: Sequence[str]) -> Iterable[Row]:
    """The rows worth ranking: those that begin with the first word, then the shortest."""
    begins = Case(When(**{f"{column}__istartswith": words[0]}, then=Value(0)), default=Value(1))
    return rows.order_by(begins, Length(column), column)[:LOOKED_AT]


def lamp_of(row: Container) -> str:
    """The word of a container's lamp: its health where that is known, else its state."""
    if row.state == ContainerState.RUNNING and row.health in {Health.HEALTHY, Health.UNHEALTHY}:
        return row.health
    return "failed" if row.state == ContainerState.EXITED and row.exit_code else row.state
