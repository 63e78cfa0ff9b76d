"""What can be asked of volumes: create, remove.

The name is all the identity that a volume has, and the engine answers "created" for one that is there. So each looks
first; after a crash a volume that is as it was asked for, where none was, is it; one that was made later is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from console.engine import volumes
from console.engine.client import EngineClient
from console.engine.command.volume import CreateVolume
from console.engine.errors import NotFound
from console.engine.types import Unparsed, Volume
from console.operations.verb import Verb
from console.operations.volume_params import CreateVolumeParams, masked
from console.operations.work import Result, Work, WorkFailed, WorkKind

VERBS: Final[tuple[Verb, ...]] = (
    Verb("volume.create", "deploy", "Create", "Creating", "created", "vol", "docker volume create",
         params=CreateVolumeParams, joined=" volume ", part="volumes/_operation.html"),
    Verb("volume.remove", "deploy", "Remove", "Removing", "removed", "trash", "docker volume rm", dialog=True,
         danger=True, joined=" volume "),
)  # fmt: skip


def _made(client: EngineClient, name: str) -> str:
    """When the volume was made, as text; "" when the engine does not tell. Raises ``NotFound``."""
    found = client.volume(name)
    return "" if isinstance(found, Unparsed) or found.created_at is None else found.created_at.isoformat()


def _remove(work: Work) -> Result:
    name = work.operation.object_id
    try:
        work.keep(made=_made(work.client, name))
        work.client.remove_volume(name)
    except NotFound:
        return {"note": "removed, already gone"}
    return {"note": "removed"}


def _removed(work: Work) -> Result | None:
    """Without a note nothing was asked, and gone is done.

    The very same one is asked for again; another of the name, or one without a time, tells nothing.
    """
    if "made" not in work.kept:
        return _remove(work)
    try:
        made = _made(work.client, work.operation.object_id)
    except NotFound:
        return {"note": "removed, found done after a restart of the console"}
    return _remove(work) if made and made == work.kept["made"] else None


def _create(work: Work) -> Result:
    spec: CreateVolume = work.params.spec
    try:
        work.client.volume(spec.name)
    except NotFound:
        pass
    else:
        raise WorkFailed("The name is taken.", f"a volume named {spec.name} already exists")
    work.keep(asked=True)
    return {"note": "created", "object_id": volumes.create(work.client, spec)}


def _created(work: Work) -> Result | None:
    """There was none of this name before it was asked for: one that is there now, and is like it, is it."""
    spec: CreateVolume = work.params.spec
    if work.kept.get("asked"):
        try:
            found = work.client.volume(spec.name)
        except NotFound:
            pass
        else:
            if not isinstance(found, Volume) or not _like(found, spec):
                raise WorkFailed(f"It was not created: somebody else made a volume {spec.name}.")
            return {"note": "created, found done after a restart of the console", "object_id": spec.name}
    if work.operation.result.get("secrets"):
        raise WorkFailed("The console stopped before it was created. Nothing is left of it: ask for it anew.")
    return _create(work)


def _like(found: Volume, spec: CreateVolume) -> bool:
    """Whether a volume is what was asked for; secrets are gone by now and do not count."""
    options, labels = (dict(masked(tuple(pairs.items()))) for pairs in (found.options, found.labels))
    drivers = {spec.driver, f"{spec.driver}:latest"}
    return found.driver in drivers and (options, labels) == (dict(masked(spec.opt)), dict(masked(spec.label)))


WORKS: Final[Mapping[str, WorkKind]] = {
    "volume.create": WorkKind(_create, recover=_created),
    "volume.remove": WorkKind(_remove, recover=_removed),
}
