"""From an object of the engine to the columns of its row: pure functions, one a kind.

``reconcile`` stores what they say and ``verify`` compares with it, so a mirrored row is exact when its columns equal
those of a fresh inspect. ``details`` holds the fields of the dataclass that have no column of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from django.db import models

from console.changes import Kind
from console.engine import types
from console.engine.canonical import digest, to_json
from console.engine.text import text
from console.models import Container, Endpoint, Image, ImageTag, Mount, Network, Volume
from console.models.engines import Mirrored

# Raise it when the same object is to be stored otherwise: every row is then written again.
SHAPE: Final = 2

Object: TypeAlias = types.Container | types.Image | types.Network | types.Volume | types.Unparsed
Columns: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One object as it is stored: ``key`` is the engine's id, ``children`` rows of other tables by related name.

    ``columns`` has neither the engine nor the key nor the version.
    """

    key: str
    columns: Columns
    children: Mapping[str, list[Columns]]


@dataclass(frozen=True, slots=True)
class Mirror:
    """Where the objects of a kind are stored. ``children``: related name → (model, its foreign key)."""

    kind: Kind
    model: type[Mirrored]
    key: str  # the column that holds the engine's id
    children: Mapping[str, tuple[type[models.Model], str]]


MIRRORS: Final[dict[Kind, Mirror]] = {
    "container": Mirror(
        "container",
        Container,
        "container_id",
        {"mounts": (Mount, "container"), "endpoints": (Endpoint, "container")},
    ),
    "image": Mirror("image", Image, "image_id", {"tags": (ImageTag, "image")}),
    "network": Mirror("network", Network, "network_id", {}),
    "volume": Mirror("volume", Volume, "name", {}),
}


def row(kind: Kind, found: Object, known_digest: str | None = None) -> Row:
    """Return the row of an object of ``kind``, or of the mark that stands for one that could not be parsed.

    ``known_digest``: what ``object_digest`` said of it, if it was asked.
    """
    mirror = MIRRORS[kind]
    made = unparsed_row(mirror, found) if isinstance(found, types.Unparsed) else _ROWS[kind](found)
    limits = _LIMITS[mirror.model]
    columns = {name: _fit(value, limits.get(name)) for name, value in made.columns.items()}
    columns["digest"] = known_digest or object_digest(found)
    columns.setdefault("problem", "")
    children = {
        name: [
            {column: _fit(value, _LIMITS[model].get(column)) for column, value in child.items()}
            for child in made.children.get(name, [])
        ]
        for name, (model, _) in mirror.children.items()
    }
    return Row(_fit(made.key, limits[mirror.key]), columns, children)


def object_digest(found: Object) -> str:
    """Return the digest of an object's row: equal digests, equal rows."""
    return digest((SHAPE, found))


def key(kind: Kind, found: Object) -> str:
    """Return the key of an object's row."""
    mirror, own = MIRRORS[kind], found.name if isinstance(found, types.Volume) else found.id
    limit = _LIMITS[mirror.model][mirror.key]
    return own if len(own) <= limit else text(own, limit)[:limit]


def container_row(found: types.Container) -> Row:
    """A container with its mounts and endpoints; project and service come from Compose's labels."""
    columns, details = _split(found, Container, {"id", "mounts", "endpoints"})
    columns |= {
        "details": details,
        "project": found.labels.get("com.docker.compose.project", ""),
        "service": found.labels.get("com.docker.compose.service", ""),
    }
    mounts = [{**to_json(mount), "volume_name": mount.name} for mount in found.mounts]
    for mount in mounts:
        del mount["name"]
    return Row(found.id, columns, {"mounts": mounts, "endpoints": to_json(found.endpoints)})


def image_row(found: types.Image) -> Row:
    """An image with its tags."""
    columns, details = _split(found, Image, {"id", "tags"})
    return Row(found.id, {**columns, "details": details}, {"tags": [_tag(name) for name in found.tags]})


def network_row(found: types.Network) -> Row:
    """A network. It has a column for every field."""
    columns, _ = _split(found, Network, {"id"})
    return Row(found.id, columns, {})


def volume_row(found: types.Volume) -> Row:
    """A volume. Anonymous ones bear a name that the engine made: 64 hexadecimal digits."""
    columns, _ = _split(found, Volume, {"name"})
    anonymous = len(found.name) == 64 and set(found.name) <= set("0123456789abcdef")
    return Row(found.name, {**columns, "anonymous": anonymous}, {})


def unparsed_row(mirror: Mirror, found: types.Unparsed) -> Row:
    """The row of an object in quarantine: what is known of it, why it is there, and defaults for all else."""
    columns: Columns = {}
    for field in _columns(mirror.model):
        if field.has_default():
            columns[field.name] = field.get_default()
        elif isinstance(field, models.CharField | models.TextField):
            columns[field.name] = ""
        else:
            columns[field.name] = None
    if "state" in columns:
        columns["state"] = types.ContainerState.UNKNOWN.value
    if mirror.key == "name":
        del columns["name"]
    elif "name" in columns:
        columns["name"] = found.name
    return Row(found.id, {**columns, "problem": found.error or "The engine's answer could not be understood."}, {})


_ROWS: Final[dict[Kind, Callable[[Any], Row]]] = {
    "container": container_row,
    "image": image_row,
    "network": network_row,
    "volume": volume_row,
}


def _columns(model: type[Mirrored]) -> list[models.Field[Any, Any]]:
    """Return the fields of a mirrored model that describe the object itself."""
    key = next(mirror.key for mirror in MIRRORS.values() if mirror.model is model)
    others = {"id", "engine", "version", "digest", "problem", *({key} - {"name"})}
    return [field for field in model._meta.concrete_fields if field.name not in others]


def column_names(mirror: Mirror) -> list[str]:
    """Return the columns of ``Row.columns`` for a kind, by name."""
    names = [field.name for field in _columns(mirror.model) if field.name != mirror.key]
    return [*names, "digest", "problem"]


def child_names(model: type[models.Model], parent: str) -> list[str]:
    """Return the columns of a child row."""
    return [field.name for field in model._meta.concrete_fields if field.name not in ("id", parent)]


def _split(found: Any, model: type[Mirrored], skip: set[str]) -> tuple[Columns, Columns]:
    """Return the fields of a dataclass that are columns of ``model``, and the others as plain JSON values."""
    own = _COLUMN_NAMES[model]
    columns: Columns = {}
    details: Columns = {}
    for name in found.__dataclass_fields__:
        if name in skip:
            continue
        value = getattr(found, name)
        if name not in own:
            details[name] = to_json(value)
        elif name.endswith("_at"):
            columns[name] = value
        else:
            columns[name] = to_json(value)
    return columns, details


def _tag(reference: str) -> Columns:
    repository, _, tag = reference.rpartition(":")
    if not repository or "/" in tag:  # a port, no tag
        repository, tag = reference, ""
    return {"reference": reference, "repository": repository, "tag": tag}


def _fit(value: Any, limit: int | None) -> Any:
    """Cut a string that is longer than its column, with a mark; PostgreSQL would refuse it."""
    if limit is None or not isinstance(value, str) or len(value) <= limit:
        return value
    return text(value, limit)[:limit]


_MODELS: Final[tuple[type[models.Model], ...]] = (Container, Mount, Endpoint, Image, ImageTag, Network, Volume)
_LIMITS: Final[dict[type[models.Model], dict[str, int]]] = {
    model: {f.name: f.max_length for f in model._meta.concrete_fields if f.max_length} for model in _MODELS
}
_COLUMN_NAMES: Final = {m.model: frozenset(field.name for field in _columns(m.model)) for m in MIRRORS.values()}
