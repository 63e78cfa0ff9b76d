"""What can be done to files of a volume or a container: make a folder, upload, edit, rename, delete.

Content goes in through the archive API, which needs no program and no running container. The API has neither rename
nor delete: those are ``mv`` and ``rm`` with fixed arguments, in the container itself while it runs, for a volume in a
short-lived container. In a container they need ``shell`` (a shell could do the same); in a volume ``deploy``, for they
change what other containers will find there.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, Final

from console.engine import archive, paths, tar
from console.engine.archive import IsLink, Stat
from console.engine.errors import NotFound
from console.engine.looking import NoImage, NoPrograms, looking, working
from console.engine.tar import Entry
from console.engine.types import Container, ContainerState
from console.operations import execute, uploads
from console.operations.exec_params import ExecParams
from console.operations.file_params import (
    DeleteParams,
    EditParams,
    FileParams,
    MakeParams,
    RenameParams,
    UploadParams,
)
from console.operations.params import Params
from console.operations.verb import Verb
from console.operations.work import Result, Work, WorkFailed, WorkKind

PART: Final = "files/_operation.html"
SECONDS: Final = 600  # that mv and rm may take
PIECE: Final = 256 * 1024
FOUND_DONE: Final = "found done after a restart of the console"
STOPPED: Final = (
    "The container does not run, and the engine itself neither renames nor deletes: start it, and ask again. "
    "What is in its volumes can be renamed and deleted while it is stopped."
)
CHANGED: Final = "Somebody changed the file since it was opened: open it again, and edit what is there now."


def _verbs(kind: str, right: str, run: str) -> tuple[Verb, ...]:
    """``right`` and the docker command that the verbs of a kind have in common."""

    def verb(short: str, label: str, busy: str, past: str, icon: str, params: type[Params], **more: Any) -> Verb:
        return Verb(
            f"{kind}.{short}", right, label, busy, past, icon, run, params=params, joined=" in ", part=PART, **more
        )

    return (
        verb("folder-make", "New folder", "Making", "made", "plus", MakeParams),
        verb("file-upload", "Upload file", "Uploading", "uploaded", "upload", UploadParams, again=False),
        verb("file-edit", "Edit file", "Saving", "saved", "edit", EditParams, again=False),
        verb("file-rename", "Rename file", "Renaming", "renamed", "rename", RenameParams, dialog=True),
        verb("file-delete", "Delete file", "Deleting", "deleted", "trash", DeleteParams, dialog=True, danger=True),
    )


VERBS: Final[tuple[Verb, ...]] = (
    *_verbs("volume", "deploy", "docker container run"),
    *_verbs("container", "shell", "docker container exec"),
)


@contextmanager
def _tree(work: Work) -> Iterator[tuple[str, str]]:
    """A container's id and where the tree begins in it, to be written."""
    if work.operation.kind == "container":
        yield work.operation.object_id, "/"
        return
    try:
        with looking(work.client, work.operation.object_id, write=True, life=_life(work)) as found:
            yield found.container_id, found.base
    except NoImage as error:
        raise WorkFailed("There is no image on this engine to reach the volume through: pull any.") from error


def _life(work: Work) -> float:
    """Seconds that reaching the volume may take."""
    return 12 * 3600.0 if isinstance(work.params, UploadParams) else 600.0


def _looked(work: Work, at: tuple[str, str], path: str) -> Stat | None:
    """What stands at ``path``, None for nothing. A link on the way fails the work."""
    try:
        return archive.look(work.client, at[0], path, at[1])
    except NotFound:
        return None
    except IsLink as error:
        raise WorkFailed(f"“{paths.shown(error.path)}” is a link: links on the way are not followed.") from error


def _folder_of(work: Work, at: tuple[str, str], path: str) -> tuple[str, Entry]:
    """The folder that ``path`` is in, as the engine knows it, and whose it is."""
    folder = paths.parent(path)
    found = _looked(work, at, folder)
    if found is not None and found.kind == tar.LINK:
        raise WorkFailed(f"“{paths.shown(folder)}” is a link: links on the way are not followed.")
    if found is None or found.kind != tar.FOLDER:
        raise WorkFailed("The folder is no longer there.")
    inside = paths.joined(at[1], folder)
    return inside, archive.entry_of(work.client, at[0], inside)


def _result(work: Work, note: str) -> Result:
    """``folder``: where to look at it, quoted."""
    return {"note": note, "folder": paths.quoted(paths.parent(work.params.real))}


def _make(work: Work) -> Result:
    params: MakeParams = work.params
    with _tree(work) as at:
        folder, owner = _folder_of(work, at, params.real)
        if _looked(work, at, params.real) is not None:
            raise WorkFailed("There is something of this name already.")
        work.keep(asked=True)
        name = paths.name_of(params.real)
        entry = Entry(name, tar.FOLDER, 0, 0o755, owner.uid, owner.gid, float(int(time.time())))
        archive.put(work.client, at[0], folder, tar.archive(entry))
    return _result(work, "made")


def _made(work: Work) -> Result | None:
    if work.kept.get("asked"):
        with _tree(work) as at:
            found = _looked(work, at, work.params.real)
        if found is not None:
            return _result(work, f"made, {FOUND_DONE}") if found.kind == tar.FOLDER else None
    return _make(work)


def _edit(work: Work) -> Result:
    params: EditParams = work.params
    content = (params.text or "").encode("utf-8", "replace")
    with _tree(work) as at:
        found = _looked(work, at, params.real)
        if found is None or found.kind != tar.FILE or found.seal != params.seal:
            raise WorkFailed(CHANGED)
        folder, _ = _folder_of(work, at, params.real)
        before = archive.entry_of(work.client, at[0], paths.joined(at[1], params.real))
        work.keep(asked=True)
        _put_file(work, at[0], folder, _like(before, params.real, len(content)), iter([content]))
    return _result(work, f"saved, {len(content):,} bytes")


def _edited(work: Work) -> Result:
    """Its text was not kept: only what is there tells."""
    with _tree(work) as at:
        found = _looked(work, at, work.params.real)
        if found is not None and found.kind == tar.FILE:
            _, content = archive.read_file(work.client, at[0], paths.joined(at[1], work.params.real), 1024 * 1024)
            if hashlib.sha256(content).hexdigest() == work.params.digest:
                return _result(work, f"saved, {FOUND_DONE}")
    raise WorkFailed("The console stopped before it was saved, and did not keep the text: the file is as it was.")


def _like(before: Entry, path: str, size: int) -> Entry:
    """A file in the place of another: owner and mode stay."""
    now = float(int(time.time()))
    return Entry(paths.name_of(path), tar.FILE, size, before.mode, before.uid, before.gid, now)


def _upload(work: Work) -> Result:
    params: UploadParams = work.params
    if work.kept.get("done"):
        uploads.forget(int(params.by), params.upload)
        return _result(work, f"uploaded, {FOUND_DONE}")
    content = uploads.opened(int(params.by), params.upload)
    if content is None:
        raise WorkFailed("What was uploaded is no longer kept: upload it again.")
    try:
        with content, _tree(work) as at:
            folder, owner = _folder_of(work, at, params.real)
            there = _looked(work, at, params.real)
            if there is not None and (there.kind != tar.FILE or not (params.over or work.kept.get("asked"))):
                raise WorkFailed("There is something of this name already.")
            before = _replaced(work, at, params.real) if there is not None else None
            archive.put(work.client, at[0], folder, iter([tar.END]))  # who refuses while it is sent to is not heard
            work.keep(asked=True)
            new = Entry("", tar.FILE, 0, 0o644, owner.uid, owner.gid, 0.0)
            _put_file(work, at[0], folder, _like(before or new, params.real, params.size), _pieces(work, content))
            work.keep(done=True)
    finally:
        if not work.stopped or work.cancelled_by:  # else the worker stops, and the next one needs it
            uploads.forget(int(params.by), params.upload)
    return _result(work, f"uploaded, {params.size:,} bytes")


def _replaced(work: Work, at: tuple[str, str], path: str) -> Entry:
    """The file that is in the way."""
    return archive.entry_of(work.client, at[0], paths.joined(at[1], path))


def _pieces(work: Work, content: IO[bytes]) -> Iterator[bytes]:
    sent, size = 0, max(1, work.params.size)
    while piece := content.read(PIECE):
        work.check()
        yield piece
        sent += len(piece)
        work.progress(percent=min(100, 100 * sent // size), text=f"{sent:,} of {size:,} bytes")


def _put_file(work: Work, container: str, folder: str, entry: Entry, content: Iterator[bytes]) -> None:
    try:
        archive.put(work.client, container, folder, tar.archive(entry, content))
    except ValueError as error:
        raise WorkFailed("What was uploaded is not whole: upload it again.") from error


def _rename(work: Work) -> Result:
    params: RenameParams = work.params
    old, new = params.inside(), params.inside(params.to)
    with _runner(work) as at:
        if _looked(work, at, old) is None:
            raise WorkFailed("It is no longer there.")
        if _looked(work, at, new) is not None:
            raise WorkFailed("There is something of the new name already.")
        work.keep(asked=True)
        _run(work, at, "mv", "-n", "--", paths.joined(at[1], old), paths.joined(at[1], new))
        if _looked(work, at, new) is None:
            raise WorkFailed("It was not renamed.")
    return _result(work, "renamed")


def _to(params: RenameParams) -> str:
    return MakeParams(params.to).real


def _renamed(work: Work) -> Result | None:
    """By what is there now: moved, not moved, or nobody can tell."""
    if not work.kept.get("asked"):
        return _rename(work)
    with _tree(work) as at:
        old, new = _looked(work, at, work.params.real), _looked(work, at, _to(work.params))
    if old is None and new is not None:
        return _result(work, f"renamed, {FOUND_DONE}")
    return _rename(work) if old is not None and new is None else None


def _delete(work: Work) -> Result:
    params: DeleteParams = work.params
    path = params.inside()
    with _runner(work) as at:
        found = _looked(work, at, path)
        if found is None:
            return _result(work, "deleted, already gone")
        work.keep(seal=found.seal)
        _run(work, at, "rm", "-rf", "--", paths.joined(at[1], path))
        if _looked(work, at, path) is not None:
            raise WorkFailed("Something of it is still there.")
    return _result(work, "deleted")


def _deleted(work: Work) -> Result | None:
    """Gone is done. A file that is the same is deleted now; a folder changes while it is deleted, and counts as it."""
    if "seal" not in work.kept:
        return _delete(work)
    with _tree(work) as at:
        found = _looked(work, at, work.params.real)
    if found is None:
        return _result(work, f"deleted, {FOUND_DONE}")
    return _delete(work) if found.seal == work.kept["seal"] else None


@contextmanager
def _runner(work: Work) -> Iterator[tuple[str, str]]:
    """As ``_tree``, in a container that runs: of a volume, or of a stopped container's volume, a short-lived one."""
    volume = _volume_of(work) if work.operation.kind == "container" else work.operation.object_id
    if not volume:
        yield work.operation.object_id, "/"
        return
    try:
        with working(work.client, volume, ("sleep", "mv", "rm")) as found:
            yield found.container_id, found.base
    except NoPrograms as error:
        raise WorkFailed(error.message) from error


def _volume_of(work: Work) -> str:
    """The volume of a container that is to be changed; "" when it runs, and does it itself. Raises ``WorkFailed``."""
    params: FileParams = work.params
    found = work.client.container(work.operation.object_id)
    if not isinstance(found, Container):
        raise WorkFailed("The container cannot be read.")
    if not params.volume:
        if found.state in (ContainerState.CREATED, ContainerState.EXITED, ContainerState.DEAD):
            raise WorkFailed(STOPPED)
        return ""
    at = paths.mount_of([mount.destination for mount in found.mounts], params.real)
    mounted = next((mount for mount in found.mounts if mount.destination == at), None)
    if mounted is None or mounted.name != params.volume or mounted.read_only:
        raise WorkFailed("The container has no such volume to be written any more.")
    return params.volume


def _run(work: Work, at: tuple[str, str], *words: str) -> None:
    """One program with fixed arguments, as root of the container. Raises ``WorkFailed`` unless it ends well."""
    if not all(paths.is_text(word) for word in words):
        raise WorkFailed("Its name is no UTF-8: the engine can tell it to no program. Its folder can be deleted.")
    ran = execute.run(work.client, at[0], ExecParams(words, user="0", timeout=SECONDS), secrets.token_hex(12))
    said = "".join(text for _, text in ran.output).strip()
    if ran.exit_code in (126, 127):
        raise WorkFailed(f"The container has no program “{words[0]}”.", said)
    if ran.exit_code != 0:
        raise WorkFailed(ran.reason or f"“{words[0]}” refused.", said)


def _upload_given_up(work: Work) -> Result | None:
    """When it may not go on after a crash: the file goes."""
    uploads.forget(int(work.params.by), work.params.upload)
    return _result(work, f"uploaded, {FOUND_DONE}") if work.kept.get("done") else None


_DOES: Final = {
    "folder-make": WorkKind(_make, recover=_made),
    "file-upload": WorkKind(_upload, recover=_upload, undo=_upload_given_up, cancellable=True),
    "file-edit": WorkKind(_edit, recover=_edited),
    "file-rename": WorkKind(_rename, recover=_renamed),
    "file-delete": WorkKind(_delete, recover=_deleted),
}
WORKS: Final[Mapping[str, WorkKind]] = {verb.name: _DOES[verb.short] for verb in VERBS}
