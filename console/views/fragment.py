"""One predicate for "answer with a part of the page"."""

from __future__ import annotations

from django.http import HttpRequest


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks: it gets the named part of the page, everybody else the page."""
    return request.headers.get("HX-Request") == "true"
