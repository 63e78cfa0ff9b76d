"""The map of networks: the page, its parts, and the picture as a file."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from console import access
from console.operations.params import InvalidParams
from console.operations.request import Refused, refusal, request_operation
from console.operations.verbs import VERBS, right_for
from console.pages.network_map import NetworkMap
from console.pages.network_side import Focus, Question, side_of
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


@require_POST
def check(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/networks/reach?a=&b=&port=``: A tries to reach B, as an operation; the panel shows what it found."""
    engine = access.engine_for(request.user, slug, "shell")
    shown = NetworkMap(request.user, engine, request.GET)
    if shown.answer is None:
        return render(request, "networks/_map_answer.html", shown.context | side_of(shown), status=422)
    question, verb = Question(shown), VERBS["reach.check"]
    container = access.container_for(request.user, engine, shown.answer.a.key, "shell")
    access.require(request.user, right_for(verb, container))
    if reason := question.check_reason or refusal(engine):
        return _refused(request, reason)
    try:
        request_operation(request.user, engine, verb.name, container.container_id, container.name, question.check)
    except (Refused, InvalidParams) as error:
        return _refused(request, str(error))
    if is_fragment(request):
        return HttpResponse(status=204)
    return HttpResponseRedirect(f"{reverse('network-map', args=[slug])}{shown.query()}")


def _refused(request: HttpRequest, reason: str) -> HttpResponse:
    context = {"state": "failed", "title": "Not tested", "text": reason, "oob": True, "back": request.path}
    template = "ui/_toast.html" if is_fragment(request) else "containers/refused.html"
    return render(request, template, context, status=409)


@require_safe
def picture(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/networks/map.svg``: the picture that the same query shows, as a file."""
    engine = access.engine_for(request.user, slug)
    shown = NetworkMap(request.user, engine, request.GET)
    answer = HttpResponse(standalone(shown), content_type="image/svg+xml; charset=utf-8")
    name = f"networks-{engine.slug}-{timezone.now():%Y%m%d-%H%M%S}.svg"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
