"""The sole writer of mirrored rows: from what the engine said to the rows, by difference of digests.

Everything here runs in a thread, never asks the engine, and writes in one transaction that begins with the engine's
row: its version grows by one, on condition that the fence is still the caller's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from console import changes
from console.changes import Kind
from console.models import Engine
from console.models.engines import Mirrored
from console.sync.columns import MIRRORS, Mirror, Object, Row, child_names, column_names, key, object_digest, row
from console.sync.lease import LeaseLost

CHUNK: Final = 500  # ids in one query


def apply(
    engine_pk: int, kind: Kind, objects: Iterable[Object], gone: Collection[str] = (), *, fence: int
) -> list[str]:
    """Bring the rows of these objects to what they are now, and remove those that are gone; return the changed ids.

    ``objects`` come from inspects that began after the last ones applied for the same ids began. Nothing is written,
    and the version stays, when every digest is the stored one. Raises ``LeaseLost`` for a fence that is not current.
    """
    mirror = MIRRORS[kind]
    found = {key(kind, item): item for item in objects}
    stored = digests(engine_pk, kind, {*found, *gone})
    fresh = {own: object_digest(item) for own, item in found.items()}
    changed = [row(kind, item, fresh[own]) for own, item in found.items() if stored.get(own) != fresh[own]]
    removed = [own for own in gone if own in stored and own not in found]
    if not changed and not removed:
        return []
    with transaction.atomic():
        version = next_version(engine_pk, fence)
        if changed:
            _store(engine_pk, mirror, changed, version, {made.key for made in changed if made.key in stored})
        for some in _chunks(removed):
            mirror.model._base_manager.filter(engine_id=engine_pk, **{f"{mirror.key}__in": some}).delete()
        touched = [*(made.key for made in changed), *removed]
        changes.objects_changed(engine_pk, kind, touched, version)
    return touched


def digests(engine_pk: int, kind: Kind, keys: Collection[str] | None = None) -> dict[str, str]:
    """Return the stored digests by the engine's ids: of ``keys`` (or of more than these), or of all."""
    mirror = MIRRORS[kind]
    rows = mirror.model._base_manager.filter(engine_id=engine_pk)
    if keys is not None and len(keys) <= CHUNK:
        rows = rows.filter(**{f"{mirror.key}__in": list(keys)})
    return dict(rows.values_list(mirror.key, "digest"))


def next_version(engine_pk: int, fence: int) -> int:
    """Raise the engine's version inside the caller's transaction and return it. Raises ``LeaseLost``."""
    if not Engine.objects.filter(pk=engine_pk, lease_fence=fence).update(version=F("version") + 1):
        raise LeaseLost(f"fence {fence}")
    return Engine.objects.values_list("version", flat=True).get(pk=engine_pk)


def _store(engine_pk: int, mirror: Mirror, rows: list[Row], version: int, existing: set[str]) -> None:
    """Insert or update rows in bulk, then the children of those whose children differ."""
    manager = mirror.model._base_manager
    made: list[Mirrored] = [
        mirror.model(engine_id=engine_pk, version=version, **{mirror.key: item.key}, **item.columns) for item in rows
    ]
    made = manager.bulk_create(
        made,
        update_conflicts=True,
        unique_fields=["engine", mirror.key],
        update_fields=[*column_names(mirror), "version"],
    )
    parents = {getattr(instance, mirror.key): instance.pk for instance in made}
    for name, (model, parent) in mirror.children.items():
        wanted = {parents[item.key]: item.children[name] for item in rows}
        stored: dict[Any, list[dict[str, Any]]] = {}
        columns = child_names(model, parent)
        for some in _chunks([parents[own] for own in existing]):
            of_these = model._base_manager.filter(**{f"{parent}__in": some}).order_by("pk")
            for child in of_these.values(f"{parent}_id", *columns):
                stored.setdefault(child.pop(f"{parent}_id"), []).append(child)
        stale = [pk for pk, children in wanted.items() if stored.get(pk, []) != children]
        for some in _chunks([pk for pk in stale if pk in stored]):
            model._base_manager.filter(**{f"{parent}__in": some}).delete()
        model._base_manager.bulk_create(
            [model(**{f"{parent}_id": pk}, **child) for pk in stale for child in wanted[pk]]
        )


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
