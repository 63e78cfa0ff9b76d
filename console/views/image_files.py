"""Images and files: save (a download), load and import (what was sent, in pieces or whole)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Final

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from console import access, people
from console.engine.errors import EngineError
from console.models import Engine, Image, User
from console.operations import uploads
from console.operations.verbs import VERBS
from console.pages.image_files import FileForm, save_command
from console.reads import images as reads
from console.views.asking import ask

MOST: Final = 50  # images of one download


@require_safe
async def save(request: HttpRequest, slug: str) -> HttpResponseBase:
    """``/e/<slug>/images/save?c=<id>&c=…``: ``docker image save`` of one or several, as it comes.

    Streamed with back-pressure. When the engine is lost on the way the connection is cut (``console.server``), so that
    no browser takes what it has for the whole.
    """
    engine, images, names = await sync_to_async(_wanted)(request, slug)
    title = names[0] if len(images) == 1 else f"{len(images)} images"
    file = names[0].rpartition("/")[2].replace(":", "-").removeprefix("sha256-")[:100] if len(images) == 1 else "images"
    disposition = content_disposition_header(True, f"{file}.tar") or "attachment"
    headers = {"Content-Type": "application/x-tar", "Content-Disposition": disposition}
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    stream = reads.saved(engine, names)
    try:
        first = await anext(stream, b"")
    except EngineError as error:
        await stream.aclose()
        context = {"engine": engine, "title": title, "message": error.message}
        return await sync_to_async(render)(request, "images/not_saved.html", context, status=502)
    await sync_to_async(_record)(request, engine, images, names)
    return StreamingHttpResponse(_whole(first, stream), headers=headers)


def _wanted(request: HttpRequest, slug: str) -> tuple[Engine, list[Image], list[str]]:
    """The images and the names that the engine is asked for: all tags, so that a load gives them again."""
    engine = access.engine_for(request.user, slug, "deploy")
    ids = list(dict.fromkeys(request.GET.getlist("c")))[:MOST]
    images = list(access.images_for(request.user, engine).filter(image_id__in=ids).prefetch_related("tags"))
    if not images or len(images) != len(ids):
        raise Http404("image")
    names = [name for image in images for name in ([tag.reference for tag in image.tags.all()] or [image.image_id])]
    return engine, images, names


def _record(request: HttpRequest, engine: Engine, images: list[Image], names: list[str]) -> None:
    assert isinstance(request.user, User)
    people.record(
        request.user,
        "image.save",
        address=people.address_of(request),
        engine=engine,
        kind="image",
        object_id=images[0].image_id,
        object_name=names[0][:300],
        images=len(images),
        command=save_command(names)[:1000],
    )


async def _whole(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(rest):
        if first:
            yield first
        async for data in rest:
            yield data


@require_http_methods(["GET", "HEAD", "POST"])
def load(request: HttpRequest, slug: str, verb: str) -> HttpResponse:
    """``/e/<slug>/images/load`` and ``…/import``: GET the form, POST asks, with a file or the token of a sent one."""
    row = VERBS[f"image.{verb}"]
    engine = access.engine_for(request.user, slug, row.right)
    user = request.user
    assert isinstance(user, User)

    kept: dict[str, str] = {}

    def show(errors: Mapping[str, str]) -> HttpResponse:
        context = FileForm(engine, row, request.POST.dict() | kept, errors).context
        return render(request, "images/file.html", context, status=422 if errors else 200)

    if request.method != "POST":
        return show({})
    data = {name: request.POST.get(name, "") for name in ("reference", "message", "changes")}
    try:
        kept = sent_file(request, user)
    except uploads.NotKept as error:
        return show({"archive": str(error)})
    if not kept["upload"]:
        return show({"archive": "Choose a file."})
    target = data["reference"].strip() or kept["file"] or "a file"
    return ask(request, engine, row.name, ("", target[:300]), show, data=data | kept | {"by": str(user.pk)})


def sent_file(request: HttpRequest, user: User) -> dict[str, str]:
    """The file of a form: the token (``upload``) of what came with it or in pieces before, and what it is called.

    "" for none, for an empty one and for one that is no longer kept. Raises ``NotKept``.
    """
    token, name = request.POST.get("upload", ""), request.POST.get("file", "")
    if (file := request.FILES.get("archive")) is not None and file.file is not None:
        token, name = uploads.whole(user, file.file, file.size or 0), file.name or ""
    if not token or not uploads.size_of(user.pk, token):
        uploads.forget(user.pk, token)
        return {"upload": "", "file": ""}
    shown = "".join(letter for letter in name.replace("\\", "/").rpartition("/")[2] if letter.isprintable())[:200]
    return {"upload": token, "file": shown}
