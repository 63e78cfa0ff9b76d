"""Disk usage of an engine, as ``docker system df`` tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.urls import reverse

from console import access
from console.docker_words import short_id, size
from console.engine.types import UsageLine
from console.models import Engine
from console.pages import links
from console.reads.disk import Measured

DIGITS: Final = 4  # of sizes in docker system df
MOST_ROWS: Final = 100  # of each table of details
COMMAND: Final = "docker system df --verbose"
KINDS: Final = (  # name in the table, of the line, of the list, of the clean-up, colour
    ("Images", "images", "images", "images", "f1"),
    ("Containers", "containers", "containers", "containers", "f2"),
    ("Volumes", "volumes", "volumes", "volumes", "f3"),
    ("Build cache", "build_cache", "", "cache", "f4"),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One line of the table."""

    name: str
    url: str
    css: str
    line: UsageLine
    size: str  # as docker prints it
    reclaimable: str
    share: int  # percent of its size that could be freed
    clean_up: str  # the address of the preview, or ""


@dataclass(frozen=True, slots=True)
class Item:
    """One object that takes space."""

    name: str
    url: str
    size: int  # bytes
    detail: str
    at: datetime | None


class DiskPage:
    """What takes space. ``measured`` None: it was not asked yet, or ``problem`` says why it could not be told."""

    def __init__(self, user: access.Actor, engine: Engine, measured: Measured | None, problem: str = "") -> None:
        self.user, self.engine, self.measured, self.problem = user, engine, measured, problem

    @cached_property
    def kinds(self) -> list[Kind]:
        """Images, containers, volumes, build cache."""
        if self.measured is None:
            return []
        may = access.can(self.user, "deploy")
        found = []
        for name, field, view, what, css in KINDS:
            line: UsageLine = getattr(self.measured.usage, field)
            found.append(
                Kind(
                    name,
                    reverse(view, args=[self.engine.slug]) if view else "",
                    css,
                    line,
                    size(line.size, DIGITS),
                    size(line.reclaimable, DIGITS),
                    100 * line.reclaimable // line.size if line.size else 0,
                    reverse("prune", args=[self.engine.slug, what]) if may else "",
                )
            )
        return found

    @property
    def total(self) -> int:
        """Bytes of all kinds."""
        return sum(kind.line.size for kind in self.kinds)

    @property
    def reclaimable(self) -> int:
        """Bytes that nothing needs."""
        return sum(kind.line.reclaimable for kind in self.kinds)

    @property
    def parts(self) -> list[tuple[str, int, str]]:
        """For the bar: colour, bytes, what it is."""
        return [(kind.css, kind.line.size, f"{kind.name}: {size(kind.line.size)}") for kind in self.kinds]

    @cached_property
    def details(self) -> list[tuple[str, list[Item], int]]:
        """For each kind its largest objects that this person may see, and how many more there are."""
        if self.measured is None:
            return []
        usage = self.measured.usage
        records = usage.cache if access.can(self.user, "deploy") else ()  # the steps of a build may hold secrets
        tables = (
            ("Images", self._images(usage.image_sizes)),
            ("Containers, what they wrote", self._containers(usage.container_sizes)),
            ("Volumes", self._volumes(usage.volume_sizes)),
            (
                "Build cache",
                [
                    Item(record.description or short_id(record.id), "", record.size, record.type, record.used_at)
                    for record in records
                ],
            ),
        )
        found = []
        for title, items in tables:
            items.sort(key=lambda item: (-item.size, item.name))
            found.append((title, items[:MOST_ROWS], max(0, len(items) - MOST_ROWS)))
        return found

    def _images(self, sizes: Mapping[str, int]) -> list[Item]:
        rows = access.images_for(self.user, self.engine).filter(intermediate=False).prefetch_related("tags")
        return [
            Item(
                ", ".join(tag.reference for tag in row.tags.all()) or f"<none> {row.short_id}",
                links.image_url(self.engine.slug, row.image_id),
                sizes[row.image_id],
                "without layers that other images have",
                row.created_at,
            )
            for row in rows.only("image_id", "created_at", "engine_id")
            if row.image_id in sizes
        ]

    def _containers(self, sizes: Mapping[str, int]) -> list[Item]:
        rows = access.containers_for(self.user, self.engine).only("container_id", "name", "state", "created_at")
        return [
            Item(
                row.name or row.short_id,
                links.container_url(self.engine.slug, row.name, row.container_id),
                sizes[row.container_id],
                row.state,
                row.created_at,
            )
            for row in rows
            if row.container_id in sizes
        ]

    def _volumes(self, sizes: Mapping[str, int]) -> list[Item]:
        rows = access.volumes_for(self.user, self.engine).only("name", "driver", "anonymous", "created_at")
        return [
            Item(
                f"{row.name[:12]}…" if row.anonymous else row.name,
                links.volume_url(self.engine.slug, row.name),
                sizes[row.name],
                "anonymous" if row.anonymous else row.driver,
                row.created_at,
            )
            for row in rows
            if row.name in sizes
        ]

    @property
    def context(self) -> dict[str, Any]:
        """For ``disk/page.html`` and its parts."""
        return {"engine": self.engine, "page": self, "default_command": COMMAND}
