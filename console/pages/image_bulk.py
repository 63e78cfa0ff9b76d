"""Removing several images at once: the dialog, with what happens to each."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse

from console import access
from console.docker_words import size_words
from console.models import Engine, Image
from console.operations.image_params import RemoveImageParams
from console.operations.verbs import VERBS
from console.pages.image_actions import RUNNING

VERB: Final = VERBS["image.remove"]
MOST_NAMED: Final = 3  # containers in one row


@dataclass(frozen=True, slots=True)
class Row:
    """One image of the dialog. ``users``: (name, runs) of the containers made from it."""

    image: Image
    tags: tuple[str, ...]
    users: tuple[tuple[str, bool], ...]
    ticked: bool

    @property
    def name(self) -> str:
        """Its first tag, or the short id."""
        return self.tags[0] if self.tags else self.image.short_id

    @property
    def size(self) -> str:
        """As the list has it."""
        return size_words(self.image.size)

    @property
    def words(self) -> str:
        """What happens to it."""
        if self.users:
            names = ", ".join(name for name, _ in self.users[:MOST_NAMED])
            more = f" and {len(self.users) - MOST_NAMED} more" if len(self.users) > MOST_NAMED else ""
            how = "in use" if any(runs for _, runs in self.users) else "used, stopped"
            return f"{how}: {names}{more}"
        if not self.tags:
            return "deleted"
        return "untagged and deleted" if len(self.tags) == 1 else f"{len(self.tags)} tags, then deleted"

    def params(self, force: bool) -> RemoveImageParams:
        """What is asked for: all of its tags, or the image by its id."""
        return RemoveImageParams(self.tags, force)


class ManyDialog:
    """The ticked images. ``data``: the posted form."""

    def __init__(self, user: access.Actor, engine: Engine, ids: Sequence[str], data: Mapping[str, Any]) -> None:
        self.engine, self.data = engine, data
        self.confirmed = data.get("confirmed") == "1"
        rows = list(access.images_for(user, engine).filter(image_id__in=ids).prefetch_related("tags"))
        users: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        containers = access.containers_for(user, engine).filter(image_id__in=[row.image_id for row in rows])
        for image_id, name, state in containers.order_by("name").values_list("image_id", "name", "state"):
            users[image_id].append((name, state in RUNNING))
        self.rows = []
        for row in rows:
            used = tuple(users[row.image_id])
            tags = tuple(tag.reference for tag in row.tags.all())
            self.rows.append(Row(row, tags, used, self.confirmed or not used))
        self.rows.sort(key=lambda row: row.name)
        self.left = len(set(ids)) - len(rows)

    @property
    def force(self) -> bool:
        """Whether also what stopped containers use."""
        return self.data.get("force") == "1"

    @property
    def context(self) -> dict[str, Any]:
        """Of ``images/_dialog_many.html``."""
        count = len(self.rows)
        things = "1 image" if count == 1 else f"{count} images"
        names = [shlex.quote(word) for row in self.rows if row.ticked for word in (row.tags or (row.image.short_id,))]
        return {
            "engine": self.engine,
            "verb": VERB,
            "action": reverse("images-bulk", args=[self.engine.slug]),
            "danger": True,
            "live_command": True,
            "posts": True,
            "title": f"Remove {things}?",
            "button": "Remove the ticked ones",
            "rows": self.rows,
            "used": any(row.users for row in self.rows),
            "typed": self.data,
            "gone": f"{self.left} of them no longer exist." if self.left else "",
            "command": " ".join([VERB.base, *["--force"] * self.force, *(names or ["IMAGE"])]),
        }
