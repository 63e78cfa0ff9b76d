"""Error pages. An htmx request gets a toast-sized fragment in place of the page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was too old or came from elsewhere (``CSRF_FAILURE_VIEW``)."""
    return render(request, "403.html", {"reason": "csrf"}, status=403)
