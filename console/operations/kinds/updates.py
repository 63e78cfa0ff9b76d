"""Looking whether registries have newer images than an engine: only when asked, and nothing is pulled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from console.engine import images
from console.engine.errors import EngineError, Forbidden, NotFound, Unreachable
from console.operations import remote_tags
from console.operations.credentials import credentials_for
from console.operations.image_params import CheckParams, Reference
from console.operations.kinds.images import reason_of
from console.operations.verb import Verb
from console.operations.work import Work, WorkKind

SILENT: Final = "The registry did not answer in time."
UNANSWERED: Final = (
    "did not answer",
    "does not answer",
    "no registry of that name",
    "plain HTTP",
    "certificate",
    "cannot be reached",
)


def check(work: Work) -> Mapping[str, Any]:
    """Ask for every tag. A registry that does not answer is asked once. Doing it twice does no harm."""
    params: CheckParams = work.params
    work.remains = "What was found until then is kept."
    rows: list[dict[str, str]] = []
    silent: dict[str, str] = {}
    for number, text in enumerate(params.references):
        work.check()
        work.progress(percent=100 * number // len(params.references), text=text, rows=rows)
        reference = Reference.read(text)
        why = silent.get(reference.host, "")
        row = {"reference": text, "state": "unknown", "said": why} if why else _look(work, reference)
        if row["state"] == "unknown" and any(part in row["said"] for part in UNANSWERED):
            silent[reference.host] = row["said"]
        rows = [*rows, row]
    work.progress(percent=100, text="", rows=rows)
    work.ask(remote_tags.sweep, work.engine)
    newer = sum(row["state"] == "newer" for row in rows)
    unknown = sum(row["state"] == "unknown" for row in rows)
    words = f"looked at, {newer or 'none'} newer in {'its registry' if len(rows) == 1 else 'their registries'}"
    return {"note": f"{words}, {unknown} could not be asked" if unknown else words}


def _look(work: Work, reference: Reference) -> dict[str, str]:
    here = images.identity(work.client, str(reference))
    if here is None:
        return {"reference": str(reference), "state": "unknown", "said": "The engine no longer has it."}
    try:
        auth = work.ask(credentials_for, work.engine, reference.host)
        digest = images.remote_digest(work.client, str(reference), auth)
    except Unreachable as error:
        if error.problem != "timeout":
            raise
        return {"reference": str(reference), "state": "unknown", "said": SILENT}
    except (NotFound, Forbidden) as error:
        work.ask(remote_tags.note, work.engine, str(reference), "")
        return {"reference": str(reference), "state": "unknown", "said": reason_of(error.message, error.message)}
    except EngineError as error:
        return {"reference": str(reference), "state": "unknown", "said": reason_of(error.message, error.message)}
    work.ask(remote_tags.note, work.engine, str(reference), digest)
    same = any(held.partition("@")[2] == digest for held in here[1])
    return {"reference": str(reference), "state": "same" if same else "newer", "said": digest}


VERBS: Final = (
    Verb("image.check", "deploy", "Look for newer images of", "Looking", "looked", "search", "docker manifest inspect",
         params=CheckParams, part="operations/_updates.html"),
)  # fmt: skip
WORKS: Final[Mapping[str, WorkKind]] = {"image.check": WorkKind(check, recover=check, cancellable=True)}
