"""One image: what it is, who uses it, its layers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.http import Http404
from django.urls import reverse

from console import access, docker_words, masks
from console.docker_words import size_words
from console.engine.types import HistoryEntry
from console.models import ImageTag
from console.pages import links
from console.pages.detail import Detail, Tab, Value
from console.pages.image_actions import Button, buttons
from console.pages.users import COLUMNS, UsedBy, used_by

COLOURS: Final = ("f1", "f2", "f3", "f4", "f5", "f6", "f7")
MOST_USERS: Final = 200
_NOP = re.compile(r"/bin/sh -c #\(nop\)\s*")
_SHELL = re.compile(r"(?:RUN )?(?:\|\d+ .*? )?/bin/sh -c ", re.DOTALL)
_INSTRUCTION = re.compile(r"([A-Z]{3,11})\s+", re.DOTALL)
_INSTRUCTIONS: Final = frozenset(
    {
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
    }
    | {"RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the history. ``number``: of the layers, 0 for a step without files; ``share``: percent."""

    number: int
    instruction: str
    text: str
    size: str
    share: float
    css: str
    created_at: datetime | None
    comment: str
    tags: tuple[str, ...]


class ImageDetail(Detail):
    """One image."""

    view = "image"
    kinds = frozenset({"image", "container", "engine"})
    seen = frozenset({"image"})

    def find(self) -> None:
        self.image = access.image_for(self.user, self.engine, self.reference)
        self.details: dict[str, Any] = self.image.details if isinstance(self.image.details, dict) else {}

    @property
    def key(self) -> str:
        return self.image.image_id

    @cached_property
    def tags(self) -> list[ImageTag]:
        """Its tags."""
        return list(self.image.tags.all())

    @property
    def title(self) -> str:
        """The first tag's repository, or the short id."""
        return self.tags[0].repository if self.tags else self.image.short_id

    @property
    def labelled(self) -> list[str]:
        """Tags for the header: those of the first repository without it."""
        return [tag.tag if tag.repository == self.title else tag.reference for tag in self.tags]

    @property
    def buttons(self) -> list[Button]:
        """What can be asked for, for those who may."""
        return buttons(self.user, self.engine, self.image, [tag.reference for tag in self.tags])

    @cached_property
    def users(self) -> list[UsedBy]:
        """The containers made from it, at most ``MOST_USERS``."""
        rows = access.containers_for(self.user, self.engine).filter(image_id=self.image.image_id)
        return used_by(self.engine, rows.only(*COLUMNS).order_by("name", "container_id")[:MOST_USERS])

    @property
    def users_url(self) -> str:
        """The list of those containers."""
        return links.filtered("containers", self.engine.slug, "image", self.image.short_id)

    @property
    def size(self) -> str:
        """As ``docker image ls`` prints it."""
        return size_words(self.image.size)

    @property
    def created(self) -> str:
        """The day and time in words."""
        return docker_words.moment(self.image.created_at)

    @property
    def platform(self) -> str:
        """linux/amd64, linux/arm/v7."""
        parts = (self.image.os, self.image.architecture, str(self.details.get("variant") or ""))
        return "/".join(part for part in parts if part)

    @property
    def use(self) -> str:
        """What it is, where that is not plain: dangling, intermediate."""
        if self.image.intermediate:
            return "intermediate"
        return "" if self.tags or self.users else "dangling"

    def words(self, name: str) -> list[str]:
        """A list of strings among the details."""
        found = self.details.get(name)
        return [str(word) for word in found] if isinstance(found, list) else []

    def _command(self, name: str) -> str:
        words = self.words(name)
        if not words:
            return ""
        return docker_words.plain_command(masks.masked_words(words), ()) if self.secrets else "hidden from viewers"

    @property
    def config(self) -> list[tuple[str, str, str]]:
        """What a container of it starts with: (label, value, class)."""
        text = {name: str(self.details.get(name) or "") for name in ("working_dir", "user", "stop_signal", "author")}
        return [
            ("Entrypoint", self._command("entrypoint"), "mono"),
            ("Command", self._command("command"), "mono"),
            ("Working dir", text["working_dir"], "mono"),
            ("User", text["user"] or "root (none given)", "mono" if text["user"] else ""),
            ("Exposed ports", ", ".join(self.words("exposed_ports")), "mono"),
            ("Volumes", ", ".join(self.words("volumes")), "mono"),
            ("Stop signal", text["stop_signal"] or "SIGTERM (none given)", "mono" if text["stop_signal"] else ""),
            ("Healthcheck", self._command("healthcheck"), "mono"),
            ("Author", text["author"], ""),
            ("Comment", str(self.details.get("comment") or ""), ""),
        ]

    @property
    def identity(self) -> list[tuple[str, str, str]]:
        """Tags and digests."""
        digests = self.image.digests if isinstance(self.image.digests, list) else []
        return [
            ("Image ID", self.image.image_id, "mono"),
            ("Tags", ", ".join(tag.reference for tag in self.tags), "mono"),
            *(("Repo digest", str(digest), "mono") for digest in digests[:20]),
            *([("Parent", self.image.parent_id, "mono")] if self.image.parent_id else []),
            ("Platform", self.platform, ""),
            ("Created", self.created, ""),
            ("Size", f"{self.size} ({self.image.size:,} bytes)", ""),
        ]

    @property
    def env(self) -> list[Value]:
        """The environment that it gives its containers."""
        return self.values(self.details.get("env"))

    @property
    def label_rows(self) -> list[Value]:
        """Its labels."""
        return self.labels(self.image.labels)

    def tabs(self, current: str) -> list[Tab]:
        """The tabs of the page."""
        layers = len(self.image.layers) if isinstance(self.image.layers, list) else None
        rows = (("image", "Overview", None), ("image-layers", "Layers", layers), ("image-inspect", "Inspect", None))
        return [
            Tab(label, links.image_url(self.engine.slug, self.image.image_id, name), n, name == current)
            for name, label, n in rows
        ]

    def context(self, current: str) -> dict[str, Any]:
        """For ``images/detail.html`` and its tabs."""
        return {
            "engine": self.engine,
            "detail": self,
            "image": self.image,
            "tabs": self.tabs(current),
            "list_view": "images",
            "list_title": "Images",
            "heading": self.title,
            "default_command": self.command(current),
            "run_url": self.run_url,
            "run_command": f"docker container run --detach {shlex.quote(self.run_reference)}",
        }

    @property
    def run_reference(self) -> str:
        """The first tag, or the short id: what a command names it by."""
        return self.tags[0].reference if self.tags else self.image.short_id

    @property
    def run_url(self) -> str:
        """The form for a container of this image; "" for those who may make none."""
        if not access.can(self.user, "deploy"):
            return ""
        return reverse("container-create", args=[self.engine.slug], query={"image": self.run_reference})

    def command(self, current: str) -> str:
        return f"docker image {'history' if current == 'image-layers' else 'inspect'} {shlex.quote(self.run_reference)}"

    @property
    def reveal_url(self) -> str:
        """Where one value of the environment is asked for."""
        return links.image_url(self.engine.slug, self.image.image_id, "image-reveal") if self.secrets else ""

    def value_of(self, name: str) -> str:
        """One value of the environment, whole. Raises ``Http404``."""
        pairs = self.details.get("env")
        for pair in pairs if isinstance(pairs, list) else []:
            if isinstance(pair, list) and len(pair) == 2 and pair[0] == name:
                return str(pair[1])
        raise Http404("variable")


def steps(history: Sequence[HistoryEntry], secrets: bool) -> list[Step]:
    """A history (newest first, as the engine gives it) as steps, oldest first."""
    total = sum(entry.size for entry in history) or 1
    found: list[Step] = []
    number = 0
    for entry in reversed(history):
        number += bool(entry.size)
        instruction, text = split_step(entry.created_by)
        found.append(
            Step(
                number=number if entry.size else 0,
                instruction=instruction,
                text=" ".join(masks.masked_words(text.split(" "))) if secrets else "",
                size=size_words(entry.size),
                share=entry.size / total * 100,
                css=COLOURS[(number - 1) % len(COLOURS)] if entry.size else "",
                created_at=entry.created_at,
                comment=entry.comment,
                tags=entry.tags,
            )
        )
    return found


def parts(found: Sequence[Step], history: Sequence[HistoryEntry]) -> list[tuple[str, int, str]]:
    """The bar of the layers' sizes."""
    sizes = [entry.size for entry in reversed(history)]
    return [
        (step.css, size, f"{step.number}: {step.instruction} {step.size}")
        for step, size in zip(found, sizes, strict=True)
        if size
    ]


def split_step(created_by: str) -> tuple[str, str]:
    """What made a layer, as instruction and the rest: classic builds and BuildKit write it in different ways."""
    text = created_by.removesuffix(" # buildkit").strip()
    if match := _NOP.match(text):
        text = text[match.end() :]
    elif match := _SHELL.match(text):
        return "RUN", text[match.end() :]
    match = _INSTRUCTION.match(text)
    if match and match[1] in _INSTRUCTIONS:
        return match[1], text[match.end() :]
    return "", text
