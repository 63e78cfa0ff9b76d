"""The page of events."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from console import access
from console.pages.events import EventList
from console.views.lists import answer_list


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """``/events``: what the engines told; an htmx request gets the part under the filter."""
    access.require(request.user, "observe")
    return answer_list(request, EventList(request.user, None, request.GET))
