"""Is the mirror exact? A fresh inspect of every object of every kind, compared with the rows in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from console.changes import Kind
from console.engine.canonical import to_json
from console.engine.client import EngineClient
from console.engine.errors import EngineError, NotFound, Unreachable
from console.engine.types import Unparsed
from console.models import Engine
from console.sync.columns import MIRRORS, Mirror, Object, Row, child_names, column_names, row
from console.sync.looks import inspect, take_list

AT_ONCE: Final = 8  # inspects


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one object in which the mirror and the engine differ.

    ``field`` is empty for an object that only one side knows: the other side's value is then None. Values are plain
    JSON values.
    """

    kind: Kind
    id: str
    name: str
    field: str
    mirrored: Any
    actual: Any


def verify(engine: Engine) -> list[Difference]:
    """Compare the mirror with the engine now, waiting for nothing. Blocks; raises ``EngineError``, ``ValueError``.

    What changes meanwhile may show as a difference: ask again before you believe it.
    """
    differences: list[Difference] = []
    with EngineClient(engine.address) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        for kind, mirror in MIRRORS.items():
            stored = _stored(engine, mirror)
            found = _found(client, pool, kind, stored)
            differences += _compare(mirror, found, _stored(engine, mirror))
    return differences


def _found(client: EngineClient, pool: ThreadPoolExecutor, kind: Kind, stored: Iterable[str]) -> list[Object]:
    """Inspect whatever a list names or a row stands for: lists are stale just after an event, inspects are not."""
    listed = take_list(client, kind)

    def look(object_id: str) -> Object | None:
        try:
            return inspect(client, kind, object_id, object_id in listed.intermediate)
        except NotFound:
            return None
        except Unreachable:
            raise
        except EngineError as error:
            return Unparsed(object_id, "", error.message)  # as the mirror marks what the engine cannot tell

    ids = [object_id for object_id in {**listed.digests, **dict.fromkeys(stored)} if object_id not in listed.unusable]
    return [*listed.unusable.values(), *(found for found in pool.map(look, ids) if found is not None)]


def _stored(engine: Engine, mirror: Mirror) -> dict[str, Row]:
    """Return the rows of a kind as ``columns.row`` would make them."""
    instances = mirror.model._base_manager.filter(engine=engine)
    columns = column_names(mirror)
    rows: dict[Any, Row] = {}
    for stored in instances.values("pk", mirror.key, *columns):
        rows[stored["pk"]] = Row(
            stored[mirror.key], {name: stored[name] for name in columns}, {name: [] for name in mirror.children}
        )
    for name, (model, parent) in mirror.children.items():
        children = model._base_manager.filter(**{f"{parent}__engine": engine}).order_by("pk")
        for child in children.values(f"{parent}_id", *child_names(model, parent)):
            rows[child.pop(f"{parent}_id")].children[name].append(child)
    return {made.key: made for made in rows.values()}


def _compare(mirror: Mirror, found: list[Object], stored: dict[str, Row]) -> Iterator[Difference]:
    kind, actual = mirror.kind, {made.key: made for made in (row(mirror.kind, item) for item in found)}
    for key, made in actual.items():
        name = str(made.columns.get("name", key))
        kept = stored.get(key)
        if kept is None:
            yield Difference(kind, key, name, "", None, name)
            continue
        pairs = [(column, kept.columns[column], value) for column, value in made.columns.items()]
        pairs += [(child, kept.children[child], children) for child, children in made.children.items()]
        for field, mirrored, value in pairs:
            if mirrored != value:
                yield Difference(kind, key, name, field, to_json(mirrored), to_json(value))
    for key, kept in stored.items():
        if key not in actual:
            name = str(kept.columns.get("name", key))
            yield Difference(kind, key, name, "", name, None)
