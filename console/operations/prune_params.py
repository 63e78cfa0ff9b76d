"""What a clean-up is told: exactly which objects, and how each of them was when the person saw it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, Self

from console.operations.params import InvalidParams, Params

MOST: Final = 500  # objects of one clean-up
LONGEST: Final = 600  # characters of an id or a name


@dataclass(frozen=True, slots=True)
class Item:
    """``id``: the engine's; ``name``: what it is called; ``mark``: how it was (``mark_of``); ``size``: bytes.

    ``tags``: of an image: its names, and the command names them all.
    """

    id: str
    name: str
    mark: str
    size: int = 0
    tags: tuple[str, ...] = ()


def mark_of(*facts: object) -> str:
    """Twelve digits for what must not have changed. Times count to the microsecond, in UTC."""
    said = [f"{fact.astimezone(UTC):%Y%m%dT%H%M%S.%f}" if isinstance(fact, datetime) else str(fact) for fact in facts]
    return sha256("\0".join(said).encode("utf-8", "replace")).hexdigest()[:12]


def container_mark(state: str, started_at: datetime | None, finished_at: datetime | None) -> str:
    """Of a container: one that ran in between is another one, for it may have written something."""
    return mark_of("container", state, started_at, finished_at)


def image_mark(tags: Iterable[str]) -> str:
    """Of an image: its names."""
    return mark_of("image", *sorted(tags))


def volume_mark(created_at: datetime | None) -> str:
    """Of a volume: its name alone may be another one's by now."""
    return mark_of("volume", created_at)


@dataclass(frozen=True, slots=True)
class PruneParams(Params):
    """``items``: what is removed, in this order."""

    items: tuple[Item, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        given = data.get("items")
        if not isinstance(given, list | tuple) or not 0 < len(given) <= MOST:
            raise InvalidParams({"items": f"Tick at least one, at most {MOST}."})
        return cls(tuple(_item(one) for one in given))

    def command(self, base: str, name: str) -> str:
        names = (word for item in self.items for word in item.tags or (item.name,))
        return " ".join([base, *(shlex.quote(word) for word in names)])


@dataclass(frozen=True, slots=True)
class PruneCacheParams(PruneParams):
    """Records of the build cache: the engine takes one at a time."""

    def command(self, base: str, name: str) -> str:
        return " && ".join(f"{base} --filter {shlex.quote(f'id={item.id}')}" for item in self.items) or base


def _item(raw: object) -> Item:
    fields = raw if isinstance(raw, Mapping) else {}
    id_, name, mark, size = (fields.get(key) for key in ("id", "name", "mark", "size"))
    tags = fields.get("tags", ())
    texts = (id_, name, mark, *(tags if isinstance(tags, list | tuple) else (None,)))
    if not all(isinstance(text, str) and len(text) <= LONGEST for text in texts) or not id_ or not name:
        raise InvalidParams({"items": "One of them has no id."})
    return Item(str(id_), str(name), str(mark), size if isinstance(size, int) and size > 0 else 0, tuple(tags))
