"""Images from a file: load what was saved, import a root file system. The console does not unpack: the engine does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from console.docker_words import size_words
from console.engine import images
from console.engine.errors import EngineError, Unreachable
from console.engine.messages import Messages, error_of
from console.engine.text import text
from console.operations import uploads
from console.operations.image_params import Reference
from console.operations.load_params import ImportParams, LoadParams
from console.operations.verb import Verb
from console.operations.work import Work, WorkFailed, WorkKind

PIECE: Final = 1024 * 1024
MOST_NAMES: Final = 50
GONE: Final = "The file is no longer kept: send it anew."
_LOADED: Final = re.compile(r"Loaded image(?: ID)?: (\S+)")
_MADE: Final = re.compile(r"sha256:[0-9a-f]{64}")


def load(work: Work) -> Mapping[str, Any]:
    """Load. Doing it twice does no harm: what is there is found so."""
    work.remains = "Images that were complete may have been loaded."
    return _with_file(work, _loaded)


def import_(work: Work) -> Mapping[str, Any]:
    """Import. Before that the notes say which image had the name until then."""
    params: ImportParams = work.params
    had = images.identity(work.client, params.reference) if params.reference else None
    work.keep(had=had[0] if had else "")
    work.remains = "No image was made."
    return _with_file(work, _imported)


def import_again(work: Work) -> Mapping[str, Any] | None:
    """After a crash: another image of that name is the one that was asked for."""
    params: ImportParams = work.params
    found = images.identity(work.client, params.reference) if params.reference and "had" in work.kept else None
    if found is not None and found[0] != work.kept["had"]:
        uploads.forget(params.by, params.upload)
        return _made(params, found[0])
    if "had" in work.kept and not params.reference:
        uploads.forget(params.by, params.upload)
        return None
    if work.operation.result.get("secrets"):
        uploads.forget(params.by, params.upload)
        raise WorkFailed("The console stopped while it was imported, and did not keep its secrets: no image was made.")
    return import_(work)


def give_up(work: Work) -> None:
    """When it may not go on after a crash: the file goes, what the engine took of it is not known."""
    uploads.forget(work.params.by, work.params.upload)


def _with_file(work: Work, use: Callable[[Work, Any], Mapping[str, Any]]) -> Mapping[str, Any]:
    params: LoadParams | ImportParams = work.params
    try:
        done = use(work, params)
    except Unreachable:  # it is done again, with the file
        raise
    except BaseException:
        if not work.stopped or work.cancelled_by:  # else the worker stops, and the next one needs it
            uploads.forget(params.by, params.upload)
        raise
    uploads.forget(params.by, params.upload)
    return done


def _loaded(work: Work, params: LoadParams) -> Mapping[str, Any]:
    names: list[str] = []
    with _Parts(work, params) as parts:
        for message in _messages(work, images.load(work.client, parts)):
            for name in _LOADED.findall(text(message.get("stream") or "", 4096, multiline=True)):
                names = [*names, name][:MOST_NAMES]
    if not names:
        raise WorkFailed("The engine found no image in it.")
    found = images.identity(work.client, names[0])
    more = {"object_id": found[0]} if found and len(names) == 1 else {}
    return {"note": f"loaded {', '.join(names)}"[:1000]} | more


def _imported(work: Work, params: ImportParams) -> Mapping[str, Any]:
    reference = Reference.read(params.reference) if params.reference else None
    asked = {
        "repo": reference.repository if reference else "",
        "tag": reference.tag if reference else "",
        "message": params.message,
        "changes": "\n".join(params.changes),
    }
    made = ""
    with _Parts(work, params) as parts:
        for message in _messages(work, images.import_tar(work.client, parts, asked)):
            if found := _MADE.search(str(message.get("status") or "")):
                made = found[0]
    if not made:
        raise WorkFailed("The engine did not say which image it made.")
    return _made(params, made)


def _made(params: ImportParams, image_id: str) -> Mapping[str, Any]:
    named = f" as {params.reference}" if params.reference else ", without a name"
    return {"note": f"imported{named}", "object_id": image_id}


def _messages(work: Work, call: Messages) -> Iterator[Mapping[str, Any]]:
    work.on_cancel(call.close)
    try:
        for message in call:
            work.check()
            if said := error_of(message):
                raise WorkFailed("The engine did not take it.", said)
            yield message
    except Unreachable:
        work.check()
        raise
    except EngineError as error:
        raise WorkFailed("The engine did not take it.", error.message) from error


class _Parts:
    """The kept file in pieces, telling how far the engine has read."""

    def __init__(self, work: Work, params: LoadParams | ImportParams) -> None:
        file = uploads.opened(params.by, params.upload)
        if file is None:
            raise WorkFailed(GONE)
        self.file, self.work = file, work
        self.size = max(1, uploads.size_of(params.by, params.upload))

    def __enter__(self) -> Iterator[bytes]:
        return self._pieces()

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def _pieces(self) -> Iterator[bytes]:
        sent = 0
        while piece := self.file.read(PIECE):
            self.work.check()
            yield piece
            sent += len(piece)
            words = f"{size_words(sent)} of {size_words(self.size)} sent to the engine"
            self.work.progress(percent=min(99, 100 * sent // self.size), text=words)


VERBS: Final = (
    Verb("image.load", "deploy", "Load", "Loading", "loaded", "upload", "docker image load", params=LoadParams,
         again=False),
    Verb("image.import", "deploy", "Import", "Importing", "imported", "upload", "docker image import",
         params=ImportParams, again=False),
)  # fmt: skip
WORKS: Final[Mapping[str, WorkKind]] = {
    "image.load": WorkKind(load, recover=load, undo=give_up, cancellable=True),
    "image.import": WorkKind(import_, recover=import_again, undo=give_up, cancellable=True),
}
