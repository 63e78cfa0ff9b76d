"""What takes space on an engine."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console import access
from console.engine.errors import EngineError
from console.pages.disk import DiskPage
from console.reads import disk as reads
from console.views.fragment import is_fragment
from console.views.setup import unreached


@require_safe
def disk(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/disk``: the page at once, and what was measured as soon as the engine has told it.

    ``now=1``: measured before the page is answered, for browsers without script; ``again=1``: not from what is kept.
    """
    engine = access.engine_for(request.user, slug)
    if (never := unreached(request, engine)) is not None:
        return never
    page = DiskPage(request.user, engine, None)
    if is_fragment(request) or "now" in request.GET:
        try:
            page.measured = reads.usage(engine, 0.0 if "again" in request.GET else reads.KEPT)
        except EngineError as error:
            page.problem = error.message
    return render(request, "disk/_measured.html" if is_fragment(request) else "disk/page.html", page.context)
