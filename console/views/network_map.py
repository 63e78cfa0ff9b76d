"""The map of networks: the page, its parts, and the picture as a file."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from console import access
from console.pages.network_map import NetworkMap
from console.pages.network_side import Focus, side_of
from console.pages.network_svg import standalone
from console.views.fragment import is_fragment
from console.views.setup import unreached


@require_safe
def network_map(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/networks/map``: picture, panel, table; htmx gets the region, with ``at`` one container's panel."""
    engine = access.engine_for(request.user, slug)
    if (never := unreached(request, engine)) is not None:
        return never
    shown = NetworkMap(request.user, engine, request.GET)
    at = shown.find(request.GET.get("at", "")[:300])
    if is_fragment(request) and at is not None:
        panel = {"side": "networks/_map_focus.html", "focus": Focus(shown, at)}
        return render(request, "networks/_map_side.html", shown.context | panel)
    template = "networks/_map_answer.html" if is_fragment(request) else "networks/map.html"
    return render(request, template, shown.context | side_of(shown), status=shown.status)


@require_safe
def picture(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/networks/map.svg``: the picture that the same query shows, as a file."""
    engine = access.engine_for(request.user, slug)
    shown = NetworkMap(request.user, engine, request.GET)
    answer = HttpResponse(standalone(shown), content_type="image/svg+xml; charset=utf-8")
    name = f"networks-{engine.slug}-{timezone.now():%Y%m%d-%H%M%S}.svg"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
