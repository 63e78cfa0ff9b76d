"""What could be removed from an engine, and why: the list that a person ticks before anything is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Final

from django.db.models import Exists, OuterRef
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from console import access, docker_words
from console.engine.types import ContainerState, DiskUsage
from console.models import Container, Endpoint, Engine, Mount
from console.operations.prune_params import (
    LONGEST,
    MOST,
    Item,
    PruneCacheParams,
    PruneParams,
    container_mark,
    image_mark,
    mark_of,
    volume_mark,
)
from console.operations.verbs import VERBS
from console.pages.users import dense
from console.reads.disk import Measured

_ID: Final = re.compile(r"[0-9a-f]{64}")
AGES: Final = (("", "any age"), ("1", "1 hour"), ("24", "24 hours"), ("168", "7 days"), ("720", "30 days"))
BUILT_IN: Final = ("bridge", "host", "none", "docker_gwbridge", "ingress")
RESTING: Final = (ContainerState.CREATED.value, ContainerState.EXITED.value, ContainerState.DEAD.value)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One object that nothing needs. ``size``: bytes that go with it, None where the engine did not tell."""

    item: Item
    reason: str
    at: datetime | None
    size: int | None
    lost: bool  # what it holds cannot be pulled or made again
    ticked: bool  # at first
    way: str = ""  # of the kind's ``WAYS``, the narrowest that shows it

    @property
    def value(self) -> str:
        """Of its tick: which, and how it was seen."""
        return f"{self.item.mark}:{self.item.id}"

    @property
    def label(self) -> str:
        """What it is called where there is little room."""
        return f"{self.item.name[:12]}…" if _ID.fullmatch(self.item.name) else self.item.name


class Prune:
    """The preview for one kind of objects.

    Parameters: ``which`` of the kind's ``WAYS`` (the last one shows all), ``older`` hours, ``item`` the ticks (once
    ``chosen`` is there), ``typed`` the engine's name. ``measured`` None: sizes are not known.
    """

    KIND: ClassVar[str]  # of the verb
    NOUN: ClassVar[str]
    DOCKER: ClassVar[str]  # the command that decides by itself
    WAYS: ClassVar[tuple[tuple[str, str], ...]] = ()
    NOTHING: ClassVar[str]
    NOTE: ClassVar[str] = ""
    PLURAL: ClassVar[str] = ""

    def __init__(
        self,
        user: access.Actor,
        engine: Engine,
        data: QueryDict,
        measured: Measured | None,
        problem: str = "",
    ) -> None:
        self.user, self.engine, self.measured, self.problem = user, engine, measured, problem
        self.verb = VERBS[f"{self.KIND}.prune"]
        ways = [way for way, _ in self.WAYS] or [""]
        self.which = data.get("which", "") if data.get("which", "") in ways else ways[0]
        self.older = data.get("older", "") if data.get("older", "") in dict(AGES) else ""
        self.typed = data.get("typed", "")[:300]
        self.ticked = set(data.getlist("item")) if "chosen" in data else None

    # ── which ──

    def rows(self) -> Iterable[Candidate]:
        """All candidates, in the order in which they can be removed."""
        raise NotImplementedError

    def visible(self, ids: set[str]) -> Iterable[tuple[str, str]]:
        """Those of ``ids`` that the person may see, needed or not, with their names."""
        raise NotImplementedError

    @property
    def usage(self) -> DiskUsage | None:
        """What the engine told of sizes."""
        return self.measured.usage if self.measured else None

    @cached_property
    def all(self) -> list[Candidate]:
        """Everything that nothing needs."""
        return list(self.rows())

    @cached_property
    def matching(self) -> list[Candidate]:
        """Those that are asked for and old enough."""
        newest = timezone.now() - timedelta(hours=int(self.older)) if self.older else None
        every = not self.WAYS or self.which == self.WAYS[-1][0]
        return [
            row
            for row in self.all
            if (every or row.way == self.which) and (newest is None or (row.at is not None and row.at <= newest))
        ]

    @property
    def unmeasured(self) -> bool:
        """Whether one is newer than the measurement."""
        return self.measured is not None and self.KIND != "network" and any(row.size is None for row in self.matching)

    @property
    def more(self) -> int:
        """How many are not shown, as one operation takes no more."""
        return max(0, len(self.matching) - MOST)

    @cached_property
    def shown(self) -> list[tuple[Candidate, bool]]:
        """At most as many as one operation takes, with whether each is ticked."""
        if self.ticked is None:
            return [(row, row.ticked) for row in self.matching[:MOST]]
        return [(row, row.value in self.ticked) for row in self.matching[:MOST]]

    @cached_property
    def chosen(self) -> list[Candidate]:
        """The ticked ones."""
        if self.ticked is None:
            return [row for row, ticked in self.shown if ticked]
        return [row for row in self.all if row.value in self.ticked]

    @cached_property
    def changed(self) -> list[Item]:
        """What is ticked and still there, but not as it was shown: whoever does the work says why each is left."""
        ticks = (self.ticked or set()) - {row.value for row in self.chosen}
        marks = {id_: mark for mark, _, id_ in (tick.partition(":") for tick in ticks)}
        return [Item(id_, name or id_, marks[id_][:LONGEST]) for id_, name in self.visible(set(marks))]

    @property
    def lost(self) -> bool:
        """Whether something ticked could not be brought back."""
        return any(row.lost for row in self.chosen)

    @property
    def freed(self) -> int | None:
        """Bytes of the ticked ones; None when no size is known."""
        sizes = [row.size for row in self.chosen if row.size is not None]
        return sum(sizes) if sizes else None

    def errors(self) -> dict[str, str]:
        """What is wrong with what was chosen, by field."""
        number = len(self.params.items)
        if not number:
            gone = " What was ticked is gone." if self.ticked else ""
            return {"items": f"Tick at least one.{gone}"}
        if number > MOST:
            return {"items": f"At most {MOST} at once."}
        if self.lost and self.typed != str(self.engine):
            return {"typed": f"Type {self.engine} to confirm: some of this cannot be brought back."}
        return {}

    # ── words ──

    def counted(self, number: int) -> str:
        """ "3 containers"."""
        return f"{number} {self.NOUN if number == 1 else self.PLURAL or f'{self.NOUN}s'}"

    @property
    def params(self) -> PruneParams:
        """Of the operation."""
        kind = PruneCacheParams if self.KIND == "cache" else PruneParams
        return kind((*(row.item for row in self.chosen), *self.changed))

    @property
    def command(self) -> str:
        """What it stands for."""
        return self.verb.command(self.target[1], self.params)

    @property
    def target(self) -> tuple[str, str]:
        """Of the operation: no object, but how many."""
        words = self.counted(len(self.params.items))
        return words, words

    def context(self, errors: Mapping[str, str]) -> dict[str, Any]:
        """For ``prune/_dialog.html``."""
        return {
            "engine": self.engine,
            "prune": self,
            "verb": self.verb,
            "errors": errors,
            "action": reverse("prune", args=[self.engine.slug, WHATS[type(self)]]),
            "title": f"Clean up {self.PLURAL or f'{self.NOUN}s'}",
            "danger": True,
            "command": self.command,
            "ages": AGES,
            "must": str(self.engine),
        }


class PruneContainers(Prune):
    """Containers that do not run."""

    KIND, NOUN, DOCKER = "container", "container", "docker container prune"
    NOTHING = "Every container runs."
    NOTE = "What they wrote outside of volumes is lost. Their volumes stay."

    def rows(self) -> Iterable[Candidate]:
        """Created, exited and dead ones, the oldest first."""
        sizes = self.usage.container_sizes if self.usage else {}
        found = access.containers_for(self.user, self.engine).filter(state__in=RESTING).order_by("created_at", "pk")
        for row in found.defer("env", "labels", "ports"):
            status = dense(row)
            mark = container_mark(row.state, row.started_at, row.finished_at)
            size = sizes.get(row.container_id)
            item = Item(row.container_id, row.name or row.short_id, mark, size or 0)
            yield Candidate(item, status.word.capitalize(), row.finished_at or row.created_at, size, False, True)

    def visible(self, ids: set[str]) -> Iterable[tuple[str, str]]:
        """By name."""
        found = access.containers_for(self.user, self.engine).filter(container_id__in=ids)
        return found.order_by("pk").values_list("container_id", "name")


class PruneImages(Prune):
    """Images from which no container was made."""

    KIND, NOUN, DOCKER = "image", "image", "docker image prune"
    WAYS = (("dangling", "without a tag"), ("all", "all without a container"))
    NOTHING = "No such image: every one is used."
    NOTE = "Removed images must be pulled or built again."

    def rows(self) -> Iterable[Candidate]:
        """The newest first: what was built on another goes before it."""
        sizes = self.usage.image_sizes if self.usage else {}
        used = Container.objects.filter(engine=self.engine, image_id=OuterRef("image_id"))
        found = access.images_for(self.user, self.engine).filter(~Exists(used), intermediate=False)
        for row in found.prefetch_related("tags").order_by("-created_at", "-pk"):
            tags = tuple(sorted(tag.reference for tag in row.tags.all()))
            size = sizes.get(row.image_id)  # not the row's own: that counts what other images hold as well
            name = ", ".join(tags) or row.short_id
            item = Item(row.image_id, name[:600], image_mark(tags), size or 0, tags)
            way, reason = ("all", "no container") if tags else ("dangling", "dangling")
            yield Candidate(item, reason, row.created_at, size, not row.digests, True, way)

    def visible(self, ids: set[str]) -> Iterable[tuple[str, str]]:
        """By the digits of their ids: their tags may be others now."""
        found = access.images_for(self.user, self.engine).filter(image_id__in=ids).order_by("pk")
        return [(row.image_id, row.short_id) for row in found]


class PruneNetworks(Prune):
    """Networks that no container is on."""

    KIND, NOUN, DOCKER = "network", "network", "docker network prune"
    NOTHING = "Every network that somebody made has a container."

    def rows(self) -> Iterable[Candidate]:
        """Those that somebody made, local ones."""
        endpoints = Endpoint.objects.filter(container__engine=self.engine, network_id=OuterRef("network_id"))
        named = Endpoint.objects.filter(container__engine=self.engine, network_id="", network_name=OuterRef("name"))
        found = access.networks_for(self.user, self.engine).exclude(name__in=BUILT_IN).filter(ingress=False)
        for row in found.filter(~Exists(endpoints), ~Exists(named), scope="local").order_by("name", "pk"):
            item = Item(row.network_id, row.name or row.short_id, mark_of("network", row.network_id))
            yield Candidate(item, "no container", row.created_at, None, False, True)

    def visible(self, ids: set[str]) -> Iterable[tuple[str, str]]:
        """By name."""
        found = access.networks_for(self.user, self.engine).filter(network_id__in=ids)
        return found.order_by("pk").values_list("network_id", "name")


class PruneVolumes(Prune):
    """Volumes that no container uses."""

    KIND, NOUN, DOCKER = "volume", "volume", "docker volume prune"
    WAYS = (("anonymous", "anonymous"), ("all", "all without a container"))
    NOTHING = "No such volume: every one is used."
    NOTE = (
        "What is in a volume is lost, and nothing brings it back. Named volumes are not ticked: choose them one by one."
    )

    def rows(self) -> Iterable[Candidate]:
        """Anonymous ones first."""
        sizes = self.usage.volume_sizes if self.usage else {}
        used = Mount.objects.filter(container__engine=self.engine, volume_name=OuterRef("name"))
        found = access.volumes_for(self.user, self.engine).filter(~Exists(used))
        for row in found.order_by("-anonymous", "name"):
            size = sizes.get(row.name)
            item = Item(row.name, row.name, volume_mark(row.created_at), size or 0)
            way = "anonymous" if row.anonymous else "all"
            reason = "anonymous, no container" if row.anonymous else "named, no container"
            yield Candidate(item, reason, row.created_at, size, True, row.anonymous, way)

    def visible(self, ids: set[str]) -> Iterable[tuple[str, str]]:
        """By name."""
        found = access.volumes_for(self.user, self.engine).filter(name__in=ids)
        return found.order_by("pk").values_list("name", "name")


class PruneCache(Prune):
    """Records of the build cache that no build uses now."""

    KIND, NOUN, DOCKER, PLURAL = "cache", "build cache record", "docker builder prune", ""
    NOTHING = "The build cache is empty, or in use."
    NOTE = "The next build does these steps again."

    def rows(self) -> Iterable[Candidate]:
        """The newest first: what was made of another one goes before it."""
        records = self.usage.cache if self.usage else ()
        newest = sorted(records, key=lambda record: record.created_at or timezone.now(), reverse=True)
        for row in newest:
            if row.in_use or not row.id:
                continue
            item = Item(row.id, docker_words.short_id(row.id), mark_of("cache", row.id), row.size)
            reason = (row.description or row.type)[:200]
            yield Candidate(item, reason, row.used_at or row.created_at, row.size, False, True)

    def visible(self, ids: set[str]) -> Iterable[tuple[str, str]]:
        """Those that the engine told of."""
        records = self.usage.cache if self.usage else ()
        return [(row.id, docker_words.short_id(row.id)) for row in records if row.id in ids]


KINDS: Final[Mapping[str, type[Prune]]] = {
    "containers": PruneContainers,
    "images": PruneImages,
    "networks": PruneNetworks,
    "volumes": PruneVolumes,
    "cache": PruneCache,
}
WHATS: Final[Mapping[type[Prune], str]] = {kind: what for what, kind in KINDS.items()}
