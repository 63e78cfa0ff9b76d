"""Cleaning up: containers, images, networks, volumes, build cache, exactly those that somebody ticked.

The engine's own prune end points decide for themselves what is unused, at a time of their own; here every object is
looked at once more, and one that changed since it was shown is left alone. (Build cache has no other end point: there a
filter names the one record.) What is done is noted, so that a crash in the middle goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from console.docker_words import size as size_words
from console.engine import cache, images, networks
from console.engine.client import EngineClient
from console.engine.errors import EngineError, NotFound, Unreachable
from console.engine.types import ContainerState, Unparsed
from console.operations.prune_params import (
    Item,
    PruneCacheParams,
    PruneParams,
    container_mark,
    image_mark,
    volume_mark,
)
from console.operations.verb import Verb
from console.operations.work import Result, Work, WorkFailed, WorkKind

# Removes one, or goes on (True) where a crash interrupted it; bytes that it freed, None: as many as it was shown with.
Freed = int | None
Remove = Callable[[EngineClient, Item, bool], Freed]
RESTING: Final = frozenset({ContainerState.CREATED, ContainerState.EXITED, ContainerState.DEAD})
WAITING: Final = ("refused", "busy")  # outcomes that may be others when more is gone
CHANGED: Final = "it changed since the list was made"


class Left(Exception):
    """It is left alone; the text says why."""


class Busy(Exception):
    """It cannot go now, perhaps when another one is gone; the text says why."""


class Untagged(Exception):
    """An image lost its names only: another one is built on it."""


def _users(client: EngineClient, key: str, value: str) -> list[str]:
    """Names of the containers, also stopped ones, that ``GET /containers/json`` finds by a filter."""
    params = {"all": "1", "filters": json.dumps({key: [value]})}
    rows = client.send("GET", "/containers/json", params=params, many=True)
    found = []
    for row in rows:
        if not isinstance(row, dict) or (key == "ancestor" and row.get("ImageID") != value):
            continue  # "ancestor" finds those of images built on it as well
        names = row.get("Names")
        found.append(str(names[0]).removeprefix("/") if isinstance(names, list) and names else str(row.get("Id"))[:12])
    return found


def _unused(client: EngineClient, key: str, value: str) -> None:
    if users := _users(client, key, value):
        raise Left(f"{users[0]} uses it now")


def _container(client: EngineClient, item: Item, again: bool) -> Freed:
    found = client.container(item.id)
    if isinstance(found, Unparsed):
        raise Left("its state could not be read")
    if found.state not in RESTING:
        raise Left(f"it is {found.state.value} now")
    if container_mark(found.state.value, found.started_at, found.finished_at) != item.mark:
        raise Left(CHANGED)
    client.remove(item.id)
    return None


def _image(client: EngineClient, item: Item, again: bool) -> Freed:
    found = client.image(item.id)
    if isinstance(found, Unparsed):
        raise Left("it could not be read")
    if image_mark(found.tags) != item.mark and not (again and set(found.tags) < set(item.tags)):
        raise Left("its tags changed since the list was made")
    _unused(client, "ancestor", item.id)
    deleted: list[str] = []
    for reference in found.tags or (item.id,):
        named = images.identity(client, reference)
        if named is not None and named[0] == item.id:  # else the tag went elsewhere just now
            deleted += images.remove(client, reference)[1]
    if item.id not in deleted and images.identity(client, item.id) is not None:
        raise Untagged
    return None


def _network(client: EngineClient, item: Item, again: bool) -> Freed:
    found = client.network(item.id)
    if isinstance(found, Unparsed):
        raise Left("it could not be read")
    _unused(client, "network", item.id)
    _unused(client, "network", found.name)  # one that never started knows its name only
    networks.remove(client, item.id)
    return 0


def _volume(client: EngineClient, item: Item, again: bool) -> Freed:
    found = client.volume(item.id)
    if isinstance(found, Unparsed) or volume_mark(found.created_at) != item.mark:
        raise Left(CHANGED)
    _unused(client, "volume", item.id)
    client.remove_volume(item.id)
    return None


def _record(client: EngineClient, item: Item, again: bool) -> Freed:
    freed = cache.remove(client, item.id)
    if freed is None:
        raise Busy("it is in use, or gone")
    return freed


def prune(work: Work, remove: Remove) -> Result:
    """Remove the items one by one; those that another one may be in the way of again, as long as that helps."""
    params: PruneParams = work.params
    outcomes: dict[str, list[Any]] = dict(work.kept.get("outcomes", {}))  # by id: state, words, bytes
    interrupted = work.kept.get("doing", "")  # when the console stopped
    todo = [item for item in params.items if item.id not in outcomes]
    work.remains = "What was removed until then stays removed."
    last = False
    while todo:
        waiting = []
        for item in todo:
            work.check()
            work.keep(outcomes=outcomes, doing=item.id)
            outcome = _one(work.client, item, remove, item.id == interrupted)
            if outcome[0] in WAITING and not last:
                waiting.append(item)
                continue
            outcomes[item.id] = outcome
            _tell(work, params, outcomes)
        last = last or len(waiting) == len(todo)
        todo = waiting
    work.keep(outcomes=outcomes)
    return _result(params, outcomes)


def _one(client: EngineClient, item: Item, remove: Remove, again: bool) -> list[Any]:
    try:
        freed = remove(client, item, again)
    except Left as error:
        return ["left", str(error), 0]
    except Busy as error:
        return ["busy", str(error), 0]
    except Untagged:
        return ["removed", "its names only, for another image is built on it", 0]
    except NotFound:
        return ["removed", "", item.size] if again else ["gone", "somebody else removed it", 0]
    except Unreachable:
        raise
    except EngineError as error:
        return ["refused", error.message, 0]
    return ["removed", "", item.size if freed is None else freed]


def _tell(work: Work, params: PruneParams, outcomes: Mapping[str, list[Any]]) -> None:
    done = len(outcomes)
    rows = [[item.name, *outcomes[item.id]] for item in params.items if item.id in outcomes]
    work.progress(percent=round(100 * done / len(params.items)), text=f"{done} of {len(params.items)}", rows=rows)


def _result(params: PruneParams, outcomes: Mapping[str, list[Any]]) -> Result:
    removed = [outcome for outcome in outcomes.values() if outcome[0] in ("removed", "gone")]
    freed = sum(outcome[2] for outcome in removed)
    rows = [[item.name, *outcomes[item.id]] for item in params.items]
    left = len(rows) - len(removed)
    note = f"{len(removed)} removed" + (f", {size_words(freed)} freed" if freed else "")
    note += f", {left} left" if left else ""
    result = {"note": note, "rows": rows, "freed": freed}
    if not removed:
        raise WorkFailed("None was removed.", "; ".join(f"{row[0]}: {row[2]}" for row in rows)[:2000], result)
    return result


_TABLE: Final[tuple[tuple[str, str, str, type[PruneParams], Remove], ...]] = (
    ("container", "box", "docker container rm", PruneParams, _container),
    ("image", "image", "docker image rm", PruneParams, _image),
    ("network", "net", "docker network rm", PruneParams, _network),
    ("volume", "vol", "docker volume rm", PruneParams, _volume),
    ("cache", "trash", "docker builder prune --all --force", PruneCacheParams, _record),
)
VERBS: Final[tuple[Verb, ...]] = tuple(
    Verb(f"{kind}.prune", "deploy", "Remove", "Removing", "removed", icon, base, params=params, dialog=True,
         danger=True, part="prune/_operation.html")
    for kind, icon, base, params, _ in _TABLE
)  # fmt: skip
WORKS: Final[Mapping[str, WorkKind]] = {
    f"{kind}.prune": WorkKind(partial(prune, remove=remove), recover=partial(prune, remove=remove), cancellable=True)
    for kind, _, _, _, remove in _TABLE
}
