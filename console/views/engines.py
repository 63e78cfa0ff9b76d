"""The page of an engine, and what is asked of the engine itself: refresh, verify, accept another one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from console import access, people
from console.models import User
from console.operations.engines import accept_newcomer
from console.operations.request import Refused, request_operation
from console.pages.engine import EnginePage
from console.views.fragment import is_fragment
from console.views.setup import unreached


@require_safe
def engine(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/``: facts, freshness, the last verification; the two engines while another one answers."""
    row = access.engine_for(request.user, slug)
    if (never := unreached(request, row)) is not None:
        return never
    page = EnginePage(request.user, row, QueryDict())
    return render(request, "engines/_region.html" if is_fragment(request) else "engines/detail.html", page.context)


@require_POST
def refresh(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/refresh``: a full comparison, now."""
    return _ask(request, slug, "engine.refresh", "Refreshing")


@require_POST
def verify(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/verify``: every object against a fresh inspect; the operation holds what differs."""
    return _ask(request, slug, "engine.verify", "Verifying")


@require_POST
def confirm(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/confirm``: the engine ``found`` at the address is the one from now on."""
    row = access.engine_for(request.user, slug, "admin")
    assert isinstance(request.user, User)
    found = request.POST.get("found", "")
    if accept_newcomer(request.user, row, found):
        people.record(
            request.user,
            "engine.accept",
            address=people.address_of(request),
            engine=row,
            kind="engine",
            object_id=found[:300],
            object_name=str(row),
            was=row.engine_id,
        )
        return _said(request, slug, 202, "done", "Accepted", "The mirror is made anew from this engine.")
    return _said(request, slug, 409, "failed", "Not accepted", "What answers there changed meanwhile: look again.")


def _ask(request: HttpRequest, slug: str, verb: str, busy: str) -> HttpResponse:
    row = access.engine_for(request.user, slug, "operate")
    assert isinstance(request.user, User)
    try:
        request_operation(request.user, row, verb, row.slug, str(row))
    except Refused as error:
        return _said(request, slug, 409, "failed", "Not done", error.reason)
    if is_fragment(request):
        return HttpResponse(status=202)
    messages.success(request, f"{busy} {row}")
    return HttpResponseRedirect(reverse("engine", args=[slug]))


def _said(request: HttpRequest, slug: str, status: int, state: str, title: str, text: str) -> HttpResponse:
    """A toast for htmx; for a form without script the page again, with the message."""
    if is_fragment(request):
        return render(
            request, "ui/_toast.html", {"state": state, "title": title, "text": text, "oob": True}, status=status
        )
    messages.add_message(request, messages.SUCCESS if state == "done" else messages.ERROR, f"{title}. {text}")
    return HttpResponseRedirect(reverse("engine", args=[slug]))
