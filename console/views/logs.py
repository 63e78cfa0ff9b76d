"""Pages of logs, and the download of one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from console import access, people
from console.engine.errors import EngineError
from console.models import Container, Engine, User
from console.pages import logs as pages
from console.pages.container import ContainerPage
from console.pages.log_options import LogOptions
from console.pages.log_search import LogSearch
from console.reads import logs as reads
from console.views.containers import host_of
from console.views.fragment import is_fragment


@require_safe
def container_logs(request: HttpRequest, slug: str, reference: str) -> HttpResponse:
    """``/e/<slug>/containers/<name>/logs``: the log of one; the options in the address make every view a link."""
    engine = access.engine_for(request.user, slug)
    page = ContainerPage(request.user, engine, request.GET, reference, host_of(request))
    access.require(request.user, "logs")
    page.tab = "logs"
    if is_fragment(request):
        return render(request, "containers/_object.html", page.context)
    shown = pages.LogPage(engine, [page.container], request.GET, page.logs_url)
    return _page(request, "logs/container.html", shown, page.context)


@require_safe
def many(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/logs?c=…&c=…``: the logs of some containers in one flow; without ``c`` of all that run."""
    engine = access.engine_for(request.user, slug, "logs")
    named = list(dict.fromkeys([*request.GET.getlist("c"), *request.GET.getlist("id")]))
    found = pages.chosen(request.user, engine, named)
    keep = [("c", c.name or c.container_id) for c in found] if named else []
    shown = pages.LogPage(engine, found, request.GET, reverse("containers-logs", args=[slug]), keep)
    return _page(request, "logs/many.html", shown, {"everything": not named})


@require_safe
def project(request: HttpRequest, slug: str, project: str) -> HttpResponse:
    """``/e/<slug>/projects/<name>/logs``: the logs of a compose project in one flow."""
    engine = access.engine_for(request.user, slug)
    found = pages.of_project(request.user, engine, project)
    access.require(request.user, "logs")
    shown = pages.LogPage(engine, found, request.GET, reverse("project-logs", args=[slug, project]))
    return _page(request, "logs/many.html", shown, {"project": project})


@require_safe
def search(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/logs/search?q=&in=&since=``: a form, and what its socket finds in the past of many logs."""
    engine = access.engine_for(request.user, slug, "logs")
    asked = LogSearch(request.user, engine, request.GET)
    context = asked.context
    return render(request, "logs/search.html", context, status=422 if context["errors"] else 200)


def _page(request: HttpRequest, template: str, shown: pages.LogPage, more: dict[str, Any]) -> HttpResponse:
    context = more | shown.context
    if shown.plain:
        context["plain"] = [_plain(request, shown, container) for container in shown.containers[:1]]
        context["plain"] += [{"container": container, "link": True} for container in shown.containers[1:]]
    return render(request, template, context)


def _plain(request: HttpRequest, shown: pages.LogPage, container: Container) -> dict[str, Any]:
    """The last lines, read now, for a browser without script; or why there are none, in the engine's words."""
    options = shown.options
    count = min(options.tail, pages.PLAIN_LINES)
    try:
        lines = async_to_sync(reads.last_lines)(
            shown.engine,
            container,
            count=count,
            since_ns=options.since_ns,
            until_ns=options.until_ns,
            stream=options.stream,
        )
    except EngineError as error:
        return {"container": container, "error": error.message}
    _record(request, "container.logs", shown.engine, container, lines=len(lines))
    return {"container": container, "lines": pages.matching(lines, options), "read": len(lines)}


def _record(request: HttpRequest, action: str, engine: Engine, container: Container, **detail: Any) -> None:
    assert isinstance(request.user, User)
    people.record(
        request.user,
        action,
        address=people.address_of(request),
        engine=engine,
        kind="container",
        object_id=container.container_id,
        object_name=container.name,
        **detail,
    )


@require_safe
async def download(request: HttpRequest, slug: str, reference: str) -> HttpResponseBase:
    """``…/logs/download?since=&until=&stream=&tail=&timestamps=1``: what ``docker container logs NAME 2>&1`` prints.

    Streamed with back-pressure. When the engine is lost on the way the connection is cut (``console.server``), so that
    no browser takes what it has for the whole.
    """
    engine, container, options = await sync_to_async(_downloadable)(request, slug, reference)
    stream = reads.log_bytes(
        engine,
        container,
        since_ns=options.since_ns,
        until_ns=options.until_ns,
        stream=options.stream,
        timestamps=request.GET.get("timestamps") == "1",
        tail=options.tail if request.GET.get("tail") else None,
    )
    if request.method == "HEAD":
        return HttpResponse(headers=_headers(container))
    try:
        first = await anext(stream, b"")
    except EngineError as error:
        await stream.aclose()
        return await sync_to_async(_not_read)(request, engine, container, error.message)
    await sync_to_async(_record)(request, "container.logs.download", engine, container)
    return StreamingHttpResponse(_whole(first, stream), headers=_headers(container))


def _downloadable(request: HttpRequest, slug: str, reference: str) -> tuple[Engine, Container, LogOptions]:
    engine = access.engine_for(request.user, slug)
    container = access.container_for(request.user, engine, reference)
    access.require(request.user, "logs")
    return engine, container, LogOptions.from_query(request.GET, tail=0)


def _headers(container: Container) -> dict[str, str]:
    disposition = content_disposition_header(True, f"{container.name or container.short_id}.log")
    return {"Content-Type": "text/plain; charset=utf-8", "Content-Disposition": disposition or "attachment"}


async def _whole(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(rest):
        if first:
            yield first
        async for data in rest:
            yield data


def _not_read(request: HttpRequest, engine: Engine, container: Container, message: str) -> HttpResponse:
    context = {"engine": engine, "container": container, "message": message}
    return render(request, "logs/not_read.html", context, status=502)
