"""Cleaning up: what would be removed, and asking for exactly that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console import access
from console.engine.errors import EngineError
from console.models import Engine
from console.pages.prune import KINDS
from console.reads import disk
from console.views.asking import ask, dialog

WHILE_TICKED: Final = 300.0  # seconds for which sizes are not measured anew while somebody looks at the list
PATIENCE: Final = 10.0  # seconds for sizes; without them the list is shown all the same


@require_http_methods(["GET", "HEAD", "POST"])
def prune(request: HttpRequest, slug: str, what: str) -> HttpResponse:
    """``/e/<slug>/prune/<what>``: GET the list with ticks; POST asks for exactly what is ticked.

    POST with ``count`` or ``part=total`` shows what the ticks come to; nothing is asked.
    """
    engine = access.engine_for(request.user, slug, "deploy")
    if what not in KINDS:
        raise Http404("kind")
    data = request.POST if request.method == "POST" else request.GET
    measured, problem = _sizes(engine, what, data)
    found = KINDS[what](request.user, engine, data, measured, problem)
    if found.unmeasured and request.method != "POST":
        measured, problem = _sizes(engine, what, data, 0.0)
        found = KINDS[what](request.user, engine, data, measured, problem)

    def show(errors: Mapping[str, str], status: int = 200) -> HttpResponse:
        return dialog(request, "prune/_dialog.html", found.context(errors), status)

    if request.GET.get("part") == "total":
        return render(request, "prune/_total.html", found.context({}))
    if request.method != "POST" or "count" in data:
        return show({})
    if errors := found.errors():
        return show(errors, 422)
    disk.forget(engine)
    return ask(request, engine, found.verb.name, found.target, lambda wrong: show(wrong, 422), data=found.params)


def _sizes(engine: Engine, what: str, data: QueryDict, within: float = disk.KEPT) -> tuple[disk.Measured | None, str]:
    """What the engine tells of sizes, or why it does not; networks have none."""
    if what == "networks":
        return None, ""
    patience = disk.DEADLINE if what == "cache" else PATIENCE
    try:
        return disk.usage(engine, WHILE_TICKED if "chosen" in data else within, patience), ""
    except EngineError as error:
        return None, error.message
