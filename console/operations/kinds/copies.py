"""Copies of a volume: a download while its users are stopped, a clone, a restore from a file that was sent.

All go through a container that never runs (``engine.looking``). After a crash it is removed, whoever was
stopped is started again, a half-filled clone is removed; then a clone and a restore are done anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Final

from console import access
from console.docker_words import size_words
from console.engine import copies, volumes
from console.engine.command.table import Pairs
from console.engine.command.volume import CreateVolume
from console.engine.errors import EngineError, NotFound
from console.engine.looking import TRANSFER_LIFE, Looking, looking, sweep
from console.engine.marks import OPERATION
from console.engine.members import BadArchive, Told, rewritten
from console.engine.types import Volume
from console.models import User
from console.operations import transfers, uploads
from console.operations.copy_params import BackupParams, CloneParams, RestoreParams
from console.operations.kinds.quiet import quiet, resume
from console.operations.verb import Verb
from console.operations.volume_params import shows_host
from console.operations.work import Result, Work, WorkFailed, WorkKind

BEGINS_WITHIN: Final = 600.0  # seconds that stopped containers wait for somebody to download
SILENT_FOR: Final = 150.0  # seconds without a word of the download after which it is taken for dead
LOOK_EVERY: Final = 1.0
NOT_COPIED: Final = ("com.docker.", OPERATION)  # labels that say whose a volume is


def _volume(work: Work) -> Volume:
    """The volume. Raises ``WorkFailed`` where the person may not reach what it shows."""
    try:
        found = work.client.volume(work.operation.object_id)
    except NotFound as error:
        raise WorkFailed("The volume does not exist any more.", error.message) from error
    if not isinstance(found, Volume):
        raise WorkFailed("The volume cannot be read.", found.error)
    user = work.operation.user
    may = isinstance(user, User) and access.can(user, "host")
    if shows_host(found.driver, found.options) and not may:
        raise WorkFailed("What is in it is of the engine's host: this needs the right “host”.")
    return found


def _quiet(work: Work, volume: str, stop: bool) -> AbstractContextManager[list[str]]:
    return quiet(work, volume) if stop else nullcontext([])


def _unstarted(failed: list[str]) -> str:
    return f"; these do not start again: {'; '.join(failed)}" if failed else ""


def _looking(work: Work, volume: str, *, write: bool = False) -> AbstractContextManager[Looking]:
    work.progress(text="preparing")
    return looking(work.client, volume, write=write, top=write, life=TRANSFER_LIFE)


def _counted(work: Work, parts: Iterable[bytes], words: str) -> Iterator[bytes]:
    """``parts``, with how far it is; ends when somebody cancels."""
    sent, began = 0, time.monotonic()
    for part in parts:
        work.check()
        sent += len(part)
        rate = sent / max(0.5, time.monotonic() - began)
        work.progress(text=f"{words}: {size_words(sent)}", speed=f"{size_words(int(rate))}/s")
        yield part


# ── backup ──


def _backup(work: Work) -> Result:
    found = _volume(work)
    work.remains = "The containers run again."
    with quiet(work, found.name) as unstarted:
        work.progress(ready=True, text="waiting for the download")
        sent = _downloaded(work)
    return {"note": f"downloaded, {size_words(sent)}{_unstarted(unstarted)}"}


def _downloaded(work: Work) -> int:
    """Wait for the request that streams it. Raises ``WorkFailed``, ``Cancelled``."""
    began = time.time()
    while True:
        work.wait(LOOK_EVERY)
        now = work.ask(transfers.read, work.operation.pk)
        if now.state == transfers.ENDED:
            return now.sent
        if now.state == transfers.CUT:
            raise WorkFailed("The download was cut: what came is not whole. The containers run again.")
        if now.state:
            work.progress(text=f"downloading: {size_words(now.sent)}")
        if time.time() - (now.at or began) > (SILENT_FOR if now.state else BEGINS_WITHIN):
            raise WorkFailed("Nobody downloaded it in time. The containers run again.")


def _backup_cut(work: Work) -> Result | None:
    raise WorkFailed(f"The console stopped in the middle, and the download with it{_unstarted(resume(work))}.")


# ── clone ──


def _clone(work: Work) -> Result:
    params: CloneParams = work.params
    found = _volume(work)
    labels = tuple((name, value) for name, value in found.labels.items() if not name.startswith(NOT_COPIED))
    _make(work, params.target, labels)
    try:
        with (
            _quiet(work, found.name, params.stop) as unstarted,
            _looking(work, found.name) as source,
        ):
            reading = copies.Reading(work.client, source.container_id)
            work.on_cancel(reading.close)
            with _looking(work, params.target, write=True) as target:
                copies.write(work.client, target.container_id, _counted(work, reading, "copied"))
    except BaseException:
        _undo(work)
        raise
    result = {"note": f"cloned to {params.target}{_unstarted(unstarted)}", "object_id": params.target}
    work.keep(result=result)
    return result


def _make(work: Work, name: str, labels: Pairs = ()) -> None:
    """A new local volume. Raises ``WorkFailed`` for a name that is taken, also by somebody who was quicker.

    For a name that is there the engine says yes and makes nothing: the label tells whose it is.
    """
    with suppress(NotFound):
        work.client.volume(name)
        raise _taken(name)
    work.keep(target=name)
    volumes.create(work.client, CreateVolume(name, label=(*labels, (OPERATION, str(work.operation.pk)))))
    if not _is_ours(work, work.client.volume(name)):
        raise _taken(name)
    work.remains = "The new volume was removed again."


def _taken(name: str) -> WorkFailed:
    return WorkFailed("The name is taken.", f"a volume named {name} already exists")


def _is_ours(work: Work, found: object) -> bool:
    """Whether this operation made a volume: its label says so, which nobody can give to one that is there."""
    return isinstance(found, Volume) and found.labels.get(OPERATION) == str(work.operation.pk)


def _undo(work: Work) -> None:
    """Remove the new volume, which is not whole. Raises ``WorkFailed`` when it is somebody else's."""
    target = str(work.kept.get("target", ""))
    if not target:
        return
    with suppress(NotFound):
        if not _is_ours(work, work.client.volume(target)):
            raise WorkFailed(f"Nothing was copied: somebody else made a volume {target}.")
        work.client.remove_volume(target)


def _clone_again(work: Work) -> Result | None:
    if done := work.kept.get("result"):
        return dict(done)
    sweep(work.client)
    _undo(work)
    resume(work)
    return _clone(work)


# ── restore ──


def _restore(work: Work) -> Result:
    with _sent(work):
        return _restored(work, work.params)


@contextmanager
def _sent(work: Work) -> Iterator[None]:
    """The file that was sent is forgotten at the end, unless the worker stops: then the next one needs it."""
    try:
        yield
    finally:
        if not work.stopped or work.cancelled_by:
            uploads.forget(work.params.by, work.params.upload)


def _restored(work: Work, params: RestoreParams) -> Result:
    found = _volume(work)
    size = max(1, uploads.size_of(params.by, params.upload))
    for _ in _read(work, params, size, Told(), "checking", 0):
        pass  # all of it before the first file changes
    work.remains = "Some of its files may be in the volume."
    if params.target:
        _make(work, params.target)
    try:
        with (
            _quiet(work, found.name, params.stop and not params.target) as unstarted,
            _looking(work, params.target or found.name, write=True) as target,
        ):
            told = _filled(work, params, size, target)
    except BaseException:
        _undo(work)
        raise
    left_out = f", {told.left_out} devices left out" if told.left_out else ""
    note = f"restored, {told.members:,} entries, {size_words(told.size)}{left_out}{_unstarted(unstarted)}"
    result = {"note": note, "object_id": params.target or found.name}
    work.keep(result=result)
    return result


def _filled(work: Work, params: RestoreParams, size: int, target: Looking) -> Told:
    """Write the file into the volume of ``target``. Raises ``WorkFailed``."""
    told = Told()
    try:
        copies.write(work.client, target.container_id, _read(work, params, size, told, "restoring", 50))
    except EngineError as error:
        left = "the new volume was removed again." if params.target else "some files may be restored."
        raise WorkFailed(f"The engine did not take all of it: {left}", error.message) from error
    return told


def _read(work: Work, params: RestoreParams, size: int, told: Told, words: str, base: int) -> Iterator[bytes]:
    """The file as a tar for the helper. Raises ``WorkFailed`` for what is none."""
    file = uploads.opened(params.by, params.upload)
    if file is None:
        raise WorkFailed("The file is no longer kept: send it anew.")
    with file:
        try:
            for part in rewritten(file, copies.TOP, told):
                work.check()
                percent = base + min(50, 50 * file.tell() // size)
                work.progress(percent=percent, text=f"{words}: {size_words(told.size)}")
                yield part
        except BadArchive as error:
            raise WorkFailed("The archive cannot be used.", str(error)) from error


def _restore_again(work: Work) -> Result | None:
    """The same files once more: what was written is written over, a new volume made anew."""
    sweep(work.client)
    resume(work)
    with _sent(work):
        if done := work.kept.get("result"):
            return dict(done)
        _undo(work)
        return _restored(work, work.params)


# ── who may no longer ──


def _given_up(work: Work) -> Result:
    """When it may not go on after a crash: a new volume is removed, who was stopped runs again."""
    sweep(work.client)
    again = _unstarted(resume(work))
    if isinstance(work.params, RestoreParams):
        uploads.forget(work.params.by, work.params.upload)
    if done := work.kept.get("result"):
        return dict(done)
    _undo(work)
    remains = "The new volume is removed." if work.kept.get("target") else "It was stopped in the middle."
    raise WorkFailed(f"{work.refused} {remains}{again}")


VERBS: Final[tuple[Verb, ...]] = (
    Verb("volume.backup", "shell", "Back up", "Downloading", "downloaded", "down", "docker run",
         params=BackupParams, joined=" volume ", again=False, part="volumes/_copying.html"),
    Verb("volume.clone", "deploy", "Clone", "Cloning", "cloned", "copy", "docker volume create",
         params=CloneParams, joined=" volume ", part="volumes/_copying.html"),
    Verb("volume.restore", "deploy", "Restore", "Restoring", "restored", "upload", "docker run",
         params=RestoreParams, joined=" volume ", again=False, part="volumes/_copying.html"),
)  # fmt: skip
WORKS: Final[Mapping[str, WorkKind]] = {
    "volume.backup": WorkKind(_backup, recover=_backup_cut, undo=_given_up, cancellable=True),
    "volume.clone": WorkKind(_clone, recover=_clone_again, undo=_given_up, cancellable=True),
    "volume.restore": WorkKind(_restore, recover=_restore_again, undo=_given_up, cancellable=True),
}
