"""Building an image, by the engine's classic builder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

from console.docker_words import size_words
from console.engine import images
from console.engine.errors import EngineError, Unreachable
from console.engine.messages import error_of
from console.operations import contexts
from console.operations.build_params import BuildParams
from console.operations.kinds.building import Steps, public_error
from console.operations.verb import Verb
from console.operations.work import Work, WorkFailed, WorkKind

PIECE: Final = 1024 * 1024  # bytes
GONE: Final = "Its context is no longer kept: build it again from the form."


def build(work: Work) -> Mapping[str, Any]:
    """Build from the context in the spool, and remove that."""
    params: BuildParams = work.params
    try:
        return _built(work, params)
    finally:
        if not work.stopped or work.cancelled_by:  # else the worker stops, and the next one needs it
            contexts.forget(params.context)


def rebuild(work: Work) -> Mapping[str, Any]:
    """After a crash: the steps that were done come from the cache."""
    if done := work.kept.get("result"):
        contexts.forget(work.params.context)
        return dict(done)
    if work.operation.result.get("secrets"):
        contexts.forget(work.params.context)
        raise WorkFailed("The console stopped while it was built, and did not keep its secrets: build it again.")
    return build(work)


def give_up(work: Work) -> Mapping[str, Any]:
    """When it may not go on after a crash."""
    contexts.forget(work.params.context)
    if done := work.kept.get("result"):
        return dict(done)
    raise WorkFailed(f"{work.refused} It was not built again.")


def _built(work: Work, params: BuildParams) -> Mapping[str, Any]:
    work.remains = "The tag is what it was. Steps that were done may stay in the engine's cache."
    context = contexts.opened(params.context)
    if context is None:
        raise WorkFailed(GONE)
    steps = Steps()
    with context:
        call = images.build(
            work.client,
            _sent(work, context),
            tag=params.tag,
            args=dict(arg.partition("=")[::2] for arg in params.args),
            target=params.target,
            platform=params.platform,
            no_cache=params.no_cache,
            pull=params.pull,
        )
        work.on_cancel(call.close)
        try:
            for message in call:
                work.check()
                if said := error_of(message):
                    raise _failed(work, steps, said)
                steps.take(message)
                work.progress(**steps.shown())
        except Unreachable:
            raise
        except EngineError as error:
            raise _failed(work, steps, error.message) from error
    work.check()
    steps.end(failed=False)
    work.progress(**steps.shown())
    found = images.identity(work.client, params.tag)
    if found is None:
        raise WorkFailed("The engine ended without an image.")
    result = {"note": f"built, {found[0][:19]}", "object_id": found[0]}
    work.keep(result=result)  # before the context goes, without which it cannot be built again
    return result


def _sent(work: Work, context: IO[bytes]) -> Iterator[bytes]:
    """The context in pieces, telling how far it is."""
    size, sent = max(1, os.fstat(context.fileno()).st_size), 0
    while piece := context.read(PIECE):
        work.check()
        yield piece
        sent += len(piece)
        if size > PIECE:
            work.progress(text=f"{size_words(sent)} of {size_words(size)} sent to the engine")


def _failed(work: Work, steps: Steps, said: str) -> WorkFailed:
    steps.end(failed=True)
    work.progress(**steps.shown())
    sentence = f"{steps.words[:1].upper()}{steps.words[1:]} failed." if steps.steps else "It could not begin."
    return WorkFailed(sentence, public_error(said))


VERBS: Final = (
    Verb("image.build", "deploy", "Build", "Building", "built", "build", "docker image build", params=BuildParams,
         again=False, part="operations/_build.html"),
)  # fmt: skip
WORKS: Final[Mapping[str, WorkKind]] = {"image.build": WorkKind(build, recover=rebuild, undo=give_up, cancellable=True)}
