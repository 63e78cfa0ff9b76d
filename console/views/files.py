"""The files of a volume or a container: pages, pictures, downloads."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final, TypeAlias

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from console import access, people
from console.engine import paths, tar
from console.engine.errors import EngineError, NotFound
from console.engine.tar import Entry
from console.models import Engine, User
from console.pages import files as pages
from console.pages.container import ContainerPage
from console.pages.volume import VolumeDetail
from console.reads import files as reads
from console.reads.files import Place
from console.views.containers import host_of
from console.views.fragment import is_fragment
from console.views.lists import found as detail_of

Stream: TypeAlias = AsyncGenerator[Entry | bytes, None]
SANDBOX: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"


class Shown:
    """One request: the object's page with the tab, the tree, the path. Raises ``Http404``, ``PermissionDenied``."""

    def __init__(self, request: HttpRequest, slug: str, ref: str, kind: str) -> None:
        self.request, self.kind = request, kind
        if kind == "volume":
            detail = detail_of(VolumeDetail, request, slug, ref)
            self.right = detail.right
            access.require(request.user, self.right)
            self.place = Place.of(detail.engine, detail.volume)
            self.context: dict[str, Any] = detail.context("volume-files")
            self.template = "files/volume.html"
        else:
            engine = access.engine_for(request.user, slug)
            page = ContainerPage(request.user, engine, request.GET, ref, host_of(request))
            self.right = access.files_right(page.container)
            access.require(request.user, self.right)
            page.tab = "files"
            self.place = Place.of(engine, page.container)
            self.context = page.context
            self.template = "files/container.html"
        self.error = ""
        try:
            self.path = paths.from_query(request.META.get("QUERY_STRING", ""))
        except paths.BadPath as error:
            self.path, self.error = "/", str(error)

    @property
    def engine(self) -> Engine:
        return self.place.engine

    def problem(self, status: int, title: str, said: str, **more: Any) -> HttpResponse:
        """The page with a sentence in place of the list."""
        context = self.context | {
            "problem": {"title": title, "text": said, **more},
            "top": pages.address(self.place, "files", "/"),
        }
        context |= {"default_command": pages.command_of(self.place, self.path), "asked": paths.shown(self.path)}
        return render(self.request, self.template, context, status=status)

    def refusal(self, error: Exception) -> HttpResponse:
        """Why there is no list."""
        if isinstance(error, reads.IsLink):
            where = f" to “{paths.shown(error.leads)}”" if error.leads else " out of what can be seen here"
            return self.problem(
                422,
                "A link stands on the way",
                f"“{paths.shown(error.path)}” is a link{where}. Links on the way are not followed.",
                href=pages.address(self.place, "files", error.leads) if error.leads else "",
                button="Go where it leads",
            )
        if isinstance(error, reads.NoImage):
            return self.problem(
                409,
                "There is no image on this engine",
                "A volume is read through a container that never runs, and a container needs an image. Pull any, for "
                "example busybox.",
                command="docker image pull busybox",
            )
        if isinstance(error, NotFound):
            return self.problem(404, "There is nothing at this path", "It was moved or deleted, or never was there.")
        assert isinstance(error, EngineError)
        return self.problem(200, "The files cannot be read now", f"{self.engine} says: {error.message}")

    def record(self, action: str, **detail: Any) -> None:
        """Write down who opened or downloaded what."""
        assert isinstance(self.request.user, User)
        people.record(
            self.request.user,
            f"{self.kind}.files.{action}",
            address=people.address_of(self.request),
            engine=self.engine,
            kind=self.kind,
            object_id=self.place.key,
            object_name=self.place.name,
            path=paths.shown(self.path, 1000),
            **detail,
        )


@require_safe
def browse(request: HttpRequest, slug: str, ref: str, kind: str) -> HttpResponse:
    """``…/files?path=&sort=&page=``: a folder, or a file beside the list of its folder."""
    shown = Shown(request, slug, ref, kind)
    if is_fragment(request) and kind == "container":
        return render(request, "containers/_object.html", shown.context)
    if shown.error:
        return shown.problem(422, "This path is not followed", shown.error)
    try:
        found = reads.find(shown.place, shown.path)
    except (EngineError, reads.IsLink) as error:
        return shown.refusal(error)
    if found.entry is not None:
        shown.record("open", bytes=found.entry.size)
    browser = pages.Browser(shown.place, found, request.GET.get("sort", "")[:20], request.GET.get("page", "")[:10])
    browser.hide = request.GET.get("hide") == "1"
    browser.may_change = access.can(request.user, "deploy" if kind == "volume" else shown.right)
    if kind == "container":
        page: ContainerPage = shown.context["page"]
        browser.runs, browser.mounts = page.running, pages.writable(page.container)
    return render(request, shown.template, shown.context | browser.context)


@require_safe
def raw(request: HttpRequest, slug: str, ref: str, kind: str) -> HttpResponse:
    """``…/files/raw?path=``: a bitmap for the page; what is none by its first bytes is not given."""
    shown = Shown(request, slug, ref, kind)
    if shown.error:
        raise Http404("path")
    try:
        content = reads.picture(shown.place, shown.path)
    except NotFound as error:
        raise Http404("path") from error
    except reads.IsLink as error:
        raise Http404("link") from error
    except EngineError as error:
        return shown.refusal(error)
    media = pages.picture_type(content)
    if not media:
        raise Http404("picture")
    return HttpResponse(content, headers={"Content-Type": media, "Content-Security-Policy": SANDBOX})


@require_safe
async def download(request: HttpRequest, slug: str, ref: str, kind: str) -> HttpResponseBase:
    """``…/files/download?path=``: a file's bytes, or a folder as a tar; streamed, never kept.

    When the engine is lost on the way the connection is cut, so that no browser takes what it has for the whole.
    """
    shown = await sync_to_async(Shown)(request, slug, ref, kind)
    try:
        if shown.error:
            return await sync_to_async(shown.problem)(422, "This path is not followed", shown.error)
        stat = await sync_to_async(reads.kind_of, thread_sensitive=False)(shown.place, shown.path)
        if stat.kind not in (tar.FILE, tar.FOLDER):
            raise NotFound(f"It is a {stat.kind}: only files and folders are downloaded.")
    except (EngineError, reads.IsLink) as error:
        return await sync_to_async(shown.refusal)(error)
    folder = stat.kind == tar.FOLDER
    if folder and not paths.is_text(paths.name_of(shown.path)):
        said = "Its name is no UTF-8, and the engine writes no tar of it: download the folder that it is in."
        return await sync_to_async(shown.problem)(422, "This folder cannot be downloaded alone", said)
    stream: Stream = reads.folder(shown.place, shown.path) if folder else reads.file(shown.place, shown.path)
    name = paths.shown(paths.name_of(shown.path) or shown.place.name, 200)
    headers = _headers(f"{name}.tar", "application/x-tar") if folder else _headers(name, "application/octet-stream")
    return await _streamed(shown, stream, headers, stat.kind)


@require_safe
async def export(request: HttpRequest, slug: str, ref: str) -> HttpResponseBase:
    """``…/export``: what ``docker container export`` writes; streamed as ``download``."""
    shown = await sync_to_async(Shown)(request, slug, ref, "container")
    headers = _headers(f"{shown.place.name}.tar", "application/x-tar")
    return await _streamed(shown, reads.exported(shown.place), headers, "file system")


async def _streamed(shown: Shown, stream: Stream, headers: dict[str, str], what: str) -> HttpResponseBase:
    """What an engine sends, once it sends anything; else the page that says why not."""
    if shown.request.method == "HEAD":
        return HttpResponse(headers=headers)
    try:
        first = await anext(stream)
    except EngineError as error:
        await stream.aclose()
        return await sync_to_async(shown.refusal)(error)
    if isinstance(first, Entry):
        headers["Content-Length"] = str(first.size)
    try:
        await sync_to_async(shown.record)("download", what=what)
    except BaseException:
        await stream.aclose()
        raise
    return StreamingHttpResponse(_bytes(first, stream), headers=headers)


def _headers(name: str, media: str) -> dict[str, str]:
    disposition = content_disposition_header(True, name) or "attachment"
    return {"Content-Type": media, "Content-Disposition": disposition, "Content-Security-Policy": SANDBOX}


async def _bytes(first: Entry | bytes, rest: Stream) -> AsyncIterator[bytes]:
    async with aclosing(rest):
        if isinstance(first, bytes):
            yield first
        async for part in rest:
            if isinstance(part, bytes):
                yield part


ROUTES: Final = (
    ("files", "files", browse),
    ("files/raw", "files-raw", raw),
    ("files/download", "files-download", download),
)
