"""Verbs of images: pull, tag, remove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from console.engine import images
from console.engine.errors import EngineError, NotFound, Unreachable
from console.engine.messages import error_of
from console.operations.credentials import credentials_for
from console.operations.image_params import PullParams, Reference, RemoveImageParams, TagParams
from console.operations.kinds.pulling import Layers
from console.operations.verb import Verb
from console.operations.work import Work, WorkFailed, WorkKind

# What a pull's refusal means, by a piece of the engine's text.
REASONS: Final = (
    ("no matching manifest", "The registry has no such image for this platform."),
    ("does not match the specified platform", "The registry has no such image for this platform."),
    ("manifest unknown", "The registry has no such image or tag."),
    ("not found", "The registry has no such image or tag."),
    ("denied", "The registry wants credentials for it, or has no such repository."),
    ("unauthorized", "The registry wants credentials for it."),
    ("no basic auth", "The registry wants credentials for it."),
    ("no space left", "The engine has no space left."),
    ("timeout", "The registry did not answer in time."),
    ("deadline exceeded", "The registry did not answer in time."),
    ("connection refused", "The registry does not answer."),
    ("network is unreachable", "The registry cannot be reached."),
    ("no route to host", "The registry cannot be reached."),
    ("no such host", "There is no registry of that name."),
    ("server gave http response to https", "The registry speaks plain HTTP, which the engine does not allow for it."),
    ("x509", "The engine does not trust the registry's certificate."),
)


def pull(work: Work) -> Mapping[str, Any]:
    """Pull an image. Doing it twice does no harm: after a crash it is done again, and finds what is there."""
    params: PullParams = work.params
    reference = Reference.read(params.reference)
    layers = fetch(work, reference, params.platform)
    work.check()
    found = images.identity(work.client, params.reference)
    if found is None:
        raise WorkFailed("The engine said that it was pulled, but has no image of that name.")
    digest = layers.digest or reference.digest
    words = "pulled" if layers.fresh else "up to date"
    pinned = f"{reference.repository}@{digest}" if digest else ""
    return {"note": f"{words}, {digest}" if digest else words, "object_id": found[0], "pinned": pinned}


def fetch(work: Work, reference: Reference, platform: str) -> Layers:
    """Pull with progress, to the end. Raises ``WorkFailed`` with a reason, ``Unreachable``, ``Cancelled``."""
    work.remains = "No image was changed. Layers that were complete may be used by the next pull."
    auth = work.ask(credentials_for, work.engine, reference.host)
    layers = Layers()
    try:
        call = images.pull(work.client, reference.repository, reference.digest or reference.tag, platform, auth)
        work.on_cancel(call.close)
        for message in call:
            work.check()
            if said := error_of(message):
                raise WorkFailed(reason_of(said), said)
            layers.take(message)
            work.progress(**layers.shown())
    except Unreachable:
        raise
    except EngineError as error:
        raise WorkFailed(reason_of(error.message), error.message) from error
    return layers


def reason_of(said: str, otherwise: str = "The pull failed.") -> str:
    """A sentence for what the engine said of a pull or a push."""
    lower = said.lower()
    return next((reason for part, reason in REASONS if part in lower), otherwise)


def tag(work: Work) -> Mapping[str, Any]:
    """Give an image one more name. The engine moves a name that another image has."""
    reference = Reference.read(work.params.reference)
    images.tag(work.client, work.operation.object_id, reference.repository, reference.tag)
    return {"note": f"tagged as {reference}"}


def remove(work: Work) -> Mapping[str, Any]:
    """Remove tags, or the image by its id. A tag that names another image by now is left alone."""
    params: RemoveImageParams = work.params
    image_id = work.operation.object_id
    untagged: list[str] = []
    deleted: list[str] = []
    moved: list[str] = []
    for reference in params.references or (image_id,):
        found = images.identity(work.client, reference)
        if found is None:
            continue
        if found[0] != image_id:
            moved.append(reference)
            continue
        try:
            names, ids = images.remove(work.client, reference, params.force)
        except NotFound:
            continue
        untagged += names
        deleted += ids
    if moved and not (untagged or deleted):
        raise WorkFailed(f"{', '.join(moved)} names another image now: it was left alone.")
    if deleted:
        return {"note": f"removed, {len(deleted)} layer{'' if len(deleted) == 1 else 's'} deleted"}
    return {"note": f"untagged: {', '.join(untagged)}" if untagged else "already gone"}


VERBS: Final = (
    Verb("image.pull", "deploy", "Pull", "Pulling", "pulled", "down", "docker image pull", params=PullParams,
         part="operations/_pull.html"),
    Verb("image.tag", "deploy", "Tag", "Tagging", "tagged", "tag", "docker image tag", params=TagParams, dialog=True),
    Verb("image.remove", "deploy", "Remove", "Removing", "removed", "trash", "docker image rm",
         params=RemoveImageParams, dialog=True, danger=True),
)  # fmt: skip
# Every one may be done again: what is done already is found so.
WORKS: Final[Mapping[str, WorkKind]] = {
    "image.pull": WorkKind(pull, recover=pull, cancellable=True),
    "image.tag": WorkKind(tag, recover=tag),
    "image.remove": WorkKind(remove, recover=remove),
}
