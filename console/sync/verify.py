"""Is the mirror exact? A fresh inspect of every object of every kind, compared with the rows in both directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from console.changes import Kind
from console.engine.canonical import to_json
from console.engine.client import EngineClient
from console.engine.errors import Malformed, NotFound
from console.engine.types import Unparsed
from console.models import Engine
from console.sync.columns import MIRRORS, Mirror, Object, Row, child_names, column_names, row

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
    with EngineClient(engine.address) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        found = {kind: list(pool.map(lambda look: look(), looks)) for kind, looks in _looks(client).items()}
        extra = _rows_without(engine, found)
        for kind, looks in extra.items():
            found[kind] += list(pool.map(lambda look: look(), [_inspect(client, kind, key) for key in looks]))
    return [
        difference
        for kind, mirror in MIRRORS.items()
        for difference in _compare(mirror, [item for item in found[kind] if item is not None], _stored(engine, mirror))
    ]


def _looks(client: EngineClient) -> dict[Kind, list[Callable[[], Object | None]]]:
    """Return one question for each object that the engine lists."""
    images = client.images()
    intermediate = {summary.id for summary in images if summary.intermediate}
    networks, volumes = client.networks(), client.volumes()
    looks: dict[Kind, list[Callable[[], Object | None]]] = {
        "container": [_inspect(client, "container", summary.id) for summary in client.containers()],
        "image": [_inspect(client, "image", image.id, image.id in intermediate) for image in images],
        "network": [],
        "volume": [],
    }
    for network in networks:
        looks["network"].append(_said(network) or _inspect(client, "network", network.id))
    for volume in volumes:
        key = volume.id if isinstance(volume, Unparsed) else volume.name
        looks["volume"].append(_said(volume) or _inspect(client, "volume", key))
    return looks


def _said(entry: Object) -> Callable[[], Object | None] | None:
    """Return the entry itself where no inspect could say more."""
    return (lambda: entry) if isinstance(entry, Unparsed) else None


def _inspect(client: EngineClient, kind: Kind, key: str, intermediate: bool = False) -> Callable[[], Object | None]:
    def look() -> Object | None:
        try:
            match kind:
                case "container":
                    return client.container(key)
                case "image":
                    return client.image(key, intermediate)
                case "network":
                    return client.network(key)
                case _:
                    return client.volume(key)
        except NotFound:
            return None
        except Malformed as error:
            return Unparsed(key, "", error.message)

    return look


def _rows_without(engine: Engine, found: dict[Kind, list[Object | None]]) -> dict[Kind, list[str]]:
    """Return the ids of rows that no list named: the lists are stale for a moment after an event, inspects are not."""
    missing: dict[Kind, list[str]] = {}
    for kind, mirror in MIRRORS.items():
        known = {row(kind, item).key for item in found[kind] if item is not None}
        stored = mirror.model._base_manager.filter(engine=engine).values_list(mirror.key, flat=True)
        missing[kind] = [key for key in stored if key not in known]
    return missing


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
                yield Difference(kind, key, name, field, _plain(mirrored), _plain(value))
    for key, kept in stored.items():
        if key not in actual:
            name = str(kept.columns.get("name", key))
            yield Difference(kind, key, name, "", name, None)


def _plain(value: Any) -> Any:
    return to_json(value)
