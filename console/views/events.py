"""The page of events."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from console import access
from console.pages.events import EventList
from console.views.lists import answer_list_or_csv


@require_safe
def events(request: HttpRequest) -> HttpResponseBase:
    """``/events``: what the engines told; an htmx request gets the part under the filter, ``download=csv`` a file."""
    access.require(request.user, "observe")
    return answer_list_or_csv(request, EventList(request.user, None, request.GET))
