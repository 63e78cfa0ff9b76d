"""What a container uses and does: charts, processes, changes of its file system."""

from __future__ import annotations

from typing import Any, Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console import access
from console.engine.errors import Conflict, EngineError
from console.pages.container import ContainerPage
from console.reads import activity
from console.views.containers import host_of
from console.views.fragment import is_fragment

LETTERS: Final = {"added": ("A", "ok"), "modified": ("C", "warn"), "deleted": ("D", "bad")}
PAGE: Final = 500  # changes a page


def _page(request: HttpRequest, slug: str, reference: str, tab: str, verb: str) -> ContainerPage:
    engine = access.engine_for(request.user, slug)
    page = ContainerPage(request.user, engine, request.GET, reference, host_of(request))
    access.require(request.user, verb)
    page.tab = tab
    return page


@require_safe
def stats(request: HttpRequest, slug: str, reference: str) -> HttpResponse:
    """``/e/<slug>/containers/<name>/stats``: charts that the socket feeds."""
    page = _page(request, slug, reference, "stats", "observe")
    if is_fragment(request):
        return render(request, "containers/_object.html", page.context)
    name = page.container.name or page.container.short_id
    return render(
        request, "containers/stats.html", page.context | {"default_command": f"docker container stats {name}"}
    )


@require_safe
def processes(request: HttpRequest, slug: str, reference: str) -> HttpResponse:
    """``/e/<slug>/containers/<name>/processes``: as ``docker top``; the part asks again while somebody looks."""
    page = _page(request, slug, reference, "processes", "shell")
    part = request.headers.get("HX-Target", "").rpartition("#")[2] == "processes"
    if is_fragment(request) and not part:
        return render(request, "containers/_object.html", page.context)
    context: dict[str, Any] = {}
    try:
        found = activity.processes(page.engine, page.container)
        context |= {"processes": found, "memory": sum(process.memory or 0 for process in found)}
    except Conflict:
        context["stopped"] = True
    except EngineError as error:
        context["problem"] = error.message
    name = page.container.name or page.container.short_id
    context["default_command"] = f"docker container top {name} {activity.PS}"
    return render(request, f"containers/{'_processes' if part else 'processes'}.html", page.context | context)


@require_safe
def changes(request: HttpRequest, slug: str, reference: str) -> HttpResponse:
    """``/e/<slug>/containers/<name>/changes``: as ``docker diff``; ``q`` filters paths, ``kind`` A, C or D."""
    page = _page(request, slug, reference, "changes", "shell")
    if is_fragment(request):
        return render(request, "containers/_object.html", page.context)
    text, kind = request.GET.get("q", "")[:200], request.GET.get("kind", "")
    context: dict[str, Any] = {"text": text, "kind": kind if kind in {"A", "C", "D"} else ""}
    try:
        found = [(*LETTERS[change.kind], change) for change in activity.changes(page.engine, page.container)]
    except EngineError as error:
        context["problem"] = error.message
    else:
        context["kinds"] = [
            (letter, word, sum(one[0] == letter for one in found)) for word, (letter, _) in LETTERS.items()
        ]
        context["total"] = len(found)
        kept = [one for one in found if text in one[2].path and context["kind"] in {"", one[0]}]
        context["changes"] = Paginator(kept, PAGE).get_page(request.GET.get("page"))
        context["matching"] = len(kept)
    name = page.container.name or page.container.short_id
    context["default_command"] = f"docker container diff {name}"
    return render(request, "containers/changes.html", page.context | context)
