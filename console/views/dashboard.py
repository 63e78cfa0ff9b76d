"""The dashboard."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console import access
from console.pages.dashboard import Dashboard
from console.views.fragment import is_fragment
from console.views.setup import answer_setup


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """``/``: the state of everything, from the mirror; without an engine the diagnosis."""
    access.require(request.user, "observe")
    page = Dashboard(request.user, None, request.GET)
    if page.never:
        return answer_setup(request, None)
    return render(request, "dashboard/_region.html" if is_fragment(request) else "dashboard/page.html", page.context)
