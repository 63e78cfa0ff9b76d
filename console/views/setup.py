"""The page that says why no engine answers, and what mends it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from console import access
from console.models import Engine
from console.pages.setup import SetupPage
from console.reads import signs
from console.views.fragment import is_fragment


@require_safe
def setup_engine(request: HttpRequest) -> HttpResponse:
    """``/setup/engine``: the diagnosis; moves on to the dashboard as soon as the engine answers."""
    access.require(request.user, "observe")
    wanted = request.GET.get("engine", "")
    return answer_setup(request, access.engine_for(request.user, wanted) if wanted else None)


def unreached(request: HttpRequest, engine: Engine | None) -> HttpResponse | None:
    """In place of a page of an engine that has never answered: the diagnosis. None: there is a mirror to show."""
    never = engine is not None and engine.synced_at is None and engine.state == Engine.State.UNREACHABLE
    return answer_setup(request, engine) if never else None


def answer_setup(request: HttpRequest, engine: Engine | None) -> HttpResponse:
    """The diagnosis of an engine, looked up now."""
    page = SetupPage(request.user, engine, QueryDict())
    if page.answers:
        target = reverse("dashboard")
        if is_fragment(request):
            return HttpResponse(headers={"HX-Redirect": target})
        if request.path != target:
            return HttpResponseRedirect(target)
    found = signs.problem(page.engine) if page.engine is not None else None
    template = "setup/_region.html" if is_fragment(request) else "setup/engine.html"
    return render(request, template, page.context(found))
