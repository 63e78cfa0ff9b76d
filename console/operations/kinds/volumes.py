"""What can be asked of volumes: remove.

The name is all the identity that a volume has. After a crash one of the same name that was made later is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from console.engine.client import EngineClient
from console.engine.errors import NotFound
from console.engine.types import Unparsed
from console.operations.verb import Verb
from console.operations.work import Result, Work, WorkKind

VERBS: Final[tuple[Verb, ...]] = (
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


WORKS: Final[Mapping[str, WorkKind]] = {"volume.remove": WorkKind(_remove, recover=_removed)}
