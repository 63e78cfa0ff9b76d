"""Making an image of what a container has written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from console.engine import images
from console.operations.commit_params import CommitParams
from console.operations.image_params import Reference
from console.operations.verb import Verb
from console.operations.work import Work, WorkFailed, WorkKind


def commit(work: Work) -> Mapping[str, Any]:
    """Commit. Before that the notes say which image had the name until then."""
    params: CommitParams = work.params
    had = images.identity(work.client, params.reference) if params.reference else None
    work.keep(had=had[0] if had else "")
    reference = Reference.read(params.reference) if params.reference else None
    made = images.commit(
        work.client,
        work.operation.object_id,
        {
            "repo": reference.repository if reference else "",
            "tag": reference.tag if reference else "",
            "author": params.author,
            "comment": params.message,
            "changes": "\n".join(params.changes),
            "pause": "1" if params.pause else "0",
        },
    )
    return _done(params.reference, made)


def look(work: Work) -> Mapping[str, Any] | None:
    """After a crash: another image of that name is the one that was asked for; without a name nobody can tell."""
    params: CommitParams = work.params
    if "had" not in work.kept:
        if work.operation.result.get("secrets"):
            raise WorkFailed("The console stopped before the engine was asked, and did not keep its secrets.")
        return commit(work)
    if not params.reference:
        return None
    found = images.identity(work.client, params.reference)
    if found is not None and found[0] != work.kept["had"]:
        return _done(params.reference, found[0])
    if work.operation.result.get("secrets"):
        raise WorkFailed("The console stopped while it was made, and did not keep its secrets: no image was made.")
    return commit(work)


def _done(reference: str, image_id: str) -> Mapping[str, Any]:
    return {"note": f"committed as {reference or image_id[:19]}", "image_id": image_id}


VERBS: Final = (
    Verb("container.commit", "deploy", "Commit", "Committing", "committed", "image", "docker container commit",
         params=CommitParams, dialog=True, part="operations/_commit.html"),
)  # fmt: skip
WORKS: Final[Mapping[str, WorkKind]] = {"container.commit": WorkKind(commit, recover=look)}
