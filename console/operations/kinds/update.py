"""Changing the limits and the restart policy of a container that exists. Asked twice it is the same: safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from console.engine.command import update
from console.engine.errors import NotFound
from console.operations.update_params import UpdateParams
from console.operations.verb import Verb
from console.operations.work import Result, Work, WorkFailed, WorkKind

VERBS: Final[tuple[Verb, ...]] = (
    Verb("container.update", "deploy", "Change", "Changing", "changed", "edit", "docker container update",
         {"removing": "being removed", "dead": "dead: it can only be removed"}, UpdateParams, dialog=True,
         joined=" limits of ", part="containers/_operation_update.html"),
)  # fmt: skip


def _update(work: Work) -> Result:
    params: UpdateParams = work.params
    work.keep(asked=True)
    try:
        warnings = work.client.update(work.operation.object_id, update.body(params.options))
    except NotFound as error:
        raise WorkFailed("It no longer exists.", error.message) from error
    return {"note": f"changed. {' '.join(warnings)}".rstrip(" .") if warnings else "changed"}


WORKS: Final[Mapping[str, WorkKind]] = {"container.update": WorkKind(_update, recover=_update)}
