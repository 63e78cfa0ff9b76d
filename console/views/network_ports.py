"""The page of all published host ports."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console import access
from console.engine.errors import EngineError
from console.pages.ports import PortsPage
from console.reads import ports as reads
from console.views.fragment import is_fragment
from console.views.setup import unreached


@require_safe
def ports(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/networks/ports``: bound ones from the mirror, those of resting containers asked of the engine."""
    engine = access.engine_for(request.user, slug)
    if (never := unreached(request, engine)) is not None:
        return never
    page = PortsPage(request.user, engine, request.GET)
    if page.resting:
        try:
            page.wishes = reads.wishes(engine, page.resting)
        except EngineError as error:
            page.error = error.message
    return render(request, "networks/_ports.html" if is_fragment(request) else "networks/ports.html", page.context)
