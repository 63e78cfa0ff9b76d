"""What the views of lists and of single objects share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from console import access, masks
from console.engine.errors import EngineError
from console.pages import csv_lines
from console.pages.detail import Detail
from console.pages.document import groups
from console.pages.json_lines import document, dumped
from console.pages.listing import Listing
from console.views.containers import by_socket
from console.views.fragment import is_fragment
from console.views.setup import unreached

D = TypeVar("D", bound=Detail)


def answer_list(request: HttpRequest, shown: Listing, page: str = "lists/page.html") -> HttpResponse:
    """The page of a list, or for htmx the part under the filter; 422 when the filter or a parameter is wrong."""
    if (never := unreached(request, shown.engine)) is not None:
        return never
    template = "lists/_answer.html" if is_fragment(request) else page
    return render(request, template, shown.context, status=shown.status)


def answer_list_or_csv(request: HttpRequest, shown: Listing) -> HttpResponseBase:
    """``answer_list``, or with ``download=csv`` what the filter shows, the newest ``csv_lines.MOST`` of it, as a file.

    Streamed: what was found is read and written in parts, and no connection to the database is kept between them.
    """
    if request.GET.get("download") != "csv" or shown.error:
        return answer_list(request, shown)
    headers = {
        "Content-Type": "text/csv; charset=utf-8; header=present",
        "Content-Disposition": f'attachment; filename="{shown.view}-{timezone.now():%Y%m%dT%H%M%SZ}.csv"',
    }
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    return StreamingHttpResponse(_csv(shown, shown.csv_places(csv_lines.MOST)), headers=headers)


async def _csv(shown: Listing, places: Sequence[Any]) -> AsyncIterator[bytes]:
    def read(part: Sequence[Any]) -> str:
        try:
            return csv_lines.lines(shown.csv_rows(part))
        finally:
            if not connection.in_atomic_block:  # in a test
                close_old_connections()

    yield csv_lines.lines([shown.csv_titles]).encode()
    for at in range(0, len(places), csv_lines.AT_ONCE):
        yield (await sync_to_async(read)(places[at : at + csv_lines.AT_ONCE])).encode("utf-8", "replace")


def found(kind: type[D], request: HttpRequest, slug: str, ref: str) -> D:
    """The object of an address, through ``access``."""
    params = QueryDict(mutable=True)
    params["ref"] = ref
    return kind(request.user, access.engine_for(request.user, slug), params)


def answer_tab(request: HttpRequest, detail: Detail, tab: str, template: str, **more: Any) -> HttpResponse:
    """A tab of an object's page, or for htmx the tab alone."""
    context = detail.context(tab) | {"tab_template": template} | more
    return render(request, template if is_fragment(request) else "objects/detail.html", context)


def gone(request: HttpRequest, slug: str, view: str, what: str, ref: str) -> HttpResponse:
    """In place of an open page's object that has been removed (410: it stays). Anybody else gets the usual 404."""
    if not by_socket(request):
        raise Http404(what)
    access.engine_for(request.user, slug)
    context = {"what": what, "reference": ref, "list_url": reverse(view, args=[slug])}
    return render(request, "objects/_gone.html", context, status=410)


def answer_inspect(
    request: HttpRequest, detail: Detail, tab: str, head: str, read: Callable[[], dict[str, Any]]
) -> HttpResponse:
    """The inspect: groups and the raw document for people with ``host``, asked of the engine now.

    ``find`` searches the document, ``fields`` the groups, ``download`` gives a file.
    """
    allowed = access.can(request.user, "host")
    context: dict[str, Any] = {
        "head_template": head,
        "allowed": allowed,
        "show": "both",
        "find": request.GET.get("find", "")[:200],
        "fields": request.GET.get("fields", "")[:200],
        "page": {"inspect_url": request.path, "command": detail.command(tab)},
    }
    if allowed:
        try:
            shown, hidden = masks.masked_document(read())
        except EngineError as error:
            context["raw_error"] = error.message
        else:
            if "download" in request.GET:
                return _download(detail, dumped(shown))
            context |= {
                "raw": document(shown, context["find"]),
                "groups": groups(shown, context["fields"]),
                "hidden": hidden,
                "read_at": timezone.now(),
            }
    return answer_tab(request, detail, tab, "objects/_inspect.html", **context)


def _download(detail: Detail, text: str) -> HttpResponse:
    name = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in detail.key)[:64]
    answer = HttpResponse(text, content_type="application/json; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return answer
