"""Pushing an image to its registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from console.engine import images
from console.engine.errors import EngineError, Unreachable
from console.engine.messages import error_of
from console.operations.credentials import credentials_for
from console.operations.image_params import PushParams, Reference
from console.operations.kinds.images import reason_of
from console.operations.kinds.pulling import Layers
from console.operations.verb import Verb
from console.operations.work import Work, WorkFailed, WorkKind

FAILED: Final = "The push failed."


def push(work: Work) -> Mapping[str, Any]:
    """Push, tagging first where the image does not have the name. Doing it twice does no harm: the layers are there."""
    params: PushParams = work.params
    image_id = work.operation.object_id
    reference = Reference.read(params.reference)
    found = images.identity(work.client, params.reference)
    if found is not None and found[0] != image_id:
        raise WorkFailed(f"{reference} names another image now: it was not pushed.")
    if found is None:
        if not params.tag:
            raise WorkFailed(f"The image is no longer called {reference}.")
        images.tag(work.client, image_id, reference.repository, reference.tag)
    layers = _sent(work, reference)
    work.check()
    pinned = f"{reference.repository}@{layers.digest}" if layers.digest else ""
    return {"note": f"pushed, {layers.digest}" if layers.digest else "pushed", "object_id": image_id, "pinned": pinned}


def _sent(work: Work, reference: Reference) -> Layers:
    work.remains = f"{reference} in the registry is what it was. Layers that were complete are used by the next push."
    auth = work.ask(credentials_for, work.engine, reference.host)
    layers = Layers()
    try:
        call = images.push(work.client, reference.repository, reference.tag, auth)
        work.on_cancel(call.close)
        for message in call:
            work.check()
            if said := error_of(message):
                raise WorkFailed(reason_of(said, FAILED), said)
            layers.take(message)
            work.progress(**layers.shown())
    except Unreachable:
        raise
    except EngineError as error:
        raise WorkFailed(reason_of(error.message, FAILED), error.message) from error
    return layers


VERBS: Final = (
    Verb("image.push", "deploy", "Push", "Pushing", "pushed", "upload", "docker image push", params=PushParams,
         dialog=True, part="operations/_pull.html"),
)  # fmt: skip
WORKS: Final[Mapping[str, WorkKind]] = {"image.push": WorkKind(push, recover=push, cancellable=True)}
