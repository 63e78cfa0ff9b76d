"""Copies of a volume: its download, the dialogs of backup and clone, the page of a restore."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, Final
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from console import access, people
from console.engine.errors import EngineError
from console.models import Engine, Operation, User, Volume
from console.operations import transfers, uploads
from console.operations.copy_params import RestoreParams, download_command
from console.operations.params import InvalidParams
from console.operations.verbs import VERBS
from console.pages.volume import VolumeDetail
from console.reads import volumes as reads
from console.views.asking import ask, dialog
from console.views.lists import found

TOLD_EVERY: Final = 2.0  # seconds between words of how far a download is


@require_http_methods(["GET", "HEAD", "POST"])
def backup(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """``/e/<slug>/volumes/<name>/backup``: GET the dialog; POST stops its users until it was downloaded."""
    detail = _detail(request, slug, ref, "volume.backup")
    context = _context(request, detail, "volume.backup", f"Back up {detail.title}")
    if request.method != "POST":
        return dialog(request, "volumes/_dialog_backup.html", context | {"command": download_command(detail.key)})

    def show(errors: Mapping[str, str]) -> HttpResponse:
        return dialog(request, "volumes/_dialog_backup.html", context | {"errors": errors}, 422)

    return ask(request, detail.engine, "volume.backup", (detail.key, detail.key), show)


@require_http_methods(["GET", "HEAD", "POST"])
def clone(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """``/e/<slug>/volumes/<name>/clone``: GET the dialog, POST asks; ``part=command`` the command as it is typed."""
    row = VERBS["volume.clone"]
    detail = _detail(request, slug, ref, row.name)
    given = request.POST if request.method == "POST" else {"target": f"{detail.key[:60]}-copy"}
    errors: dict[str, str] = {}
    try:
        params = row.params.read(given)
    except InvalidParams as error:
        params, errors = row.params(), error.errors
    context = _context(request, detail, row.name, f"Clone {detail.title}") | {"typed": given}
    context["command"] = row.command(detail.key, params)
    if request.GET.get("part") == "command":
        return render(request, "containers/_dialog_part.html", context)

    def show(errors: Mapping[str, str]) -> HttpResponse:
        return dialog(request, "volumes/_dialog_clone.html", context | {"errors": errors}, 422 if errors else 200)

    if request.method != "POST":
        return show({})
    target = str(given.get("target", "")).strip()
    if "target" not in errors and access.volumes_for(request.user, detail.engine).filter(name=target).exists():
        errors["target"] = f"There is a volume “{target}” on {detail.engine} already."
    return show(errors) if errors else ask(request, detail.engine, row.name, (detail.key, detail.key), show)


@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """``/e/<slug>/volumes/<name>/restore``: GET the form, POST asks, with a file or the token of one that was sent."""
    row = VERBS["volume.restore"]
    detail = _detail(request, slug, ref, row.name)
    user = request.user
    assert isinstance(user, User)

    token, name = request.POST.get("upload", ""), _printable(request.POST.get("file", ""))

    def show(errors: Mapping[str, str]) -> HttpResponse:
        context = _context(request, detail, row.name, f"Restore {detail.title}") | {
            "errors": errors,
            "typed": request.POST,
            "upload": token,  # what was sent is kept, also when something else is wrong
            "file": name,
            "command": row.command(detail.key, RestoreParams()),
        }
        return render(request, "volumes/restore.html", context, status=422 if errors else 200)

    if request.method != "POST":
        return show({})
    if (file := request.FILES.get("archive")) is not None and file.file is not None:
        try:
            token, name = uploads.whole(user, file.file, file.size or 0), _printable(file.name or "")
        except uploads.NotKept as error:
            return show({"archive": str(error)})
    if not token or not uploads.size_of(user.pk, token):
        uploads.forget(user.pk, token)  # an empty file
        token, name = "", ""
        return show({"archive": "Choose a tar or tar.gz of the files."})
    target = request.POST.get("target", "").strip()
    if target and access.volumes_for(user, detail.engine).filter(name=target).exists():
        return show({"target": f"There is a volume “{target}” on {detail.engine} already."})
    stop = request.POST.get("stop", "")
    data = {"upload": token, "by": str(user.pk), "file": name, "target": target, "stop": stop}
    return ask(request, detail.engine, row.name, (detail.key, detail.key), show, data=data)


def _printable(name: str) -> str:
    return "".join(letter for letter in name.replace("\\", "/").rpartition("/")[2] if letter.isprintable())


def _detail(request: HttpRequest, slug: str, ref: str, verb: str) -> VolumeDetail:
    """The volume, if the person may do this to it. Raises ``PermissionDenied``, ``Http404``."""
    detail = found(VolumeDetail, request, slug, ref)
    access.require(request.user, VERBS[verb].right)
    access.require(request.user, detail.right)
    return detail


def _context(request: HttpRequest, detail: VolumeDetail, verb: str, title: str) -> dict[str, Any]:
    return {
        "engine": detail.engine,
        "detail": detail,
        "volume": detail.volume,
        "verb": VERBS[verb],
        "action": request.path,
        "danger": False,
        "live_command": verb == "volume.clone",
        "title": title,
        "command": VERBS[verb].command(detail.key),
        "default_command": VERBS[verb].command(detail.key),
    }


# ── the download ──


@require_safe
async def download(request: HttpRequest, slug: str, ref: str) -> HttpResponseBase:
    """``/e/<slug>/volumes/<name>/download``: its files as tar.gz, as they come; ``operation``: one that waits for it.

    Streamed with back-pressure. When the engine is lost on the way the connection is cut (``console.server``), so that
    no browser takes what it has for the whole.
    """
    engine, volume, waits = await sync_to_async(_downloadable)(request, slug, ref)
    headers = _headers(volume)
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    stream = reads.volume_archive(engine, volume.name)
    try:
        first = await anext(stream, b"")
    except EngineError as error:
        await stream.aclose()
        if waits:
            await sync_to_async(transfers.note)(waits, transfers.CUT, 0)
        context = {"engine": engine, "volume": volume, "message": error.message}
        return await sync_to_async(render)(request, "volumes/not_read.html", context, status=502)
    await sync_to_async(_record)(request, engine, volume)
    return StreamingHttpResponse(_told(_whole(first, stream), waits), headers=headers)


def _downloadable(request: HttpRequest, slug: str, ref: str) -> tuple[Engine, Volume, UUID | None]:
    detail = _detail(request, slug, ref, "volume.backup")
    reference = request.GET.get("operation", "")
    if not reference:
        return detail.engine, detail.volume, None
    try:
        operation = access.operation_for(request.user, reference)
    except ValidationError as error:
        raise Http404("operation") from error
    fits = operation.verb == "volume.backup" and operation.object_id == detail.key
    if not fits or operation.engine_id != detail.engine.pk or operation.state != Operation.State.RUNNING:
        raise Http404("operation")
    return detail.engine, detail.volume, operation.pk


def _headers(volume: Volume) -> dict[str, str]:
    disposition = content_disposition_header(True, f"{volume.name}.tar.gz")
    return {"Content-Type": "application/gzip", "Content-Disposition": disposition or "attachment"}


def _record(request: HttpRequest, engine: Engine, volume: Volume) -> None:
    assert isinstance(request.user, User)
    people.record(
        request.user,
        "volume.download",
        address=people.address_of(request),
        engine=engine,
        kind="volume",
        object_id=volume.name,
        object_name=volume.name,
    )


async def _whole(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        if first:
            yield first
        async for data in rest:
            yield data


async def _told(parts: AsyncGenerator[bytes, None], waits: UUID | None) -> AsyncIterator[bytes]:
    """``parts``; the operation that waits for them is told how far they are."""
    note, sent, at, state = sync_to_async(transfers.note), 0, 0.0, transfers.CUT
    try:
        async with aclosing(parts):
            async for data in parts:
                sent += len(data)
                if waits and time.monotonic() - at > TOLD_EVERY:
                    at = time.monotonic()
                    await note(waits, transfers.BEGUN, sent)
                yield data
        state = transfers.ENDED
    finally:
        if waits:
            await note(waits, state, sent)
