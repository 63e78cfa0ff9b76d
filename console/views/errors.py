"""Error pages. An htmx request gets a toast out of band in place of the page: 4xx answers are swapped by htmx 4."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, Final

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from console import access
from console.engine.text import text as text_of
from console.outages import away, one_line

log = logging.getLogger(__name__)
KINDS: Final = ("container", "image", "network", "volume")
NAMES: Final = ("reference", "ref", "container_id")  # what routes call an object's name or id
OBJECT: Final = re.compile(r"/e/([-\w]+)/(container|image|network|volume)s/([^/]+)")
TOO_OLD = "This form is too old"
AWAY: Final = {
    "database": (
        "The database does not answer",
        "Without it the console can show nothing and take no orders. Look again before you ask for a thing twice.",
    ),
    "Redis": (
        "Redis does not answer",
        "It keeps the counts of attempts, without which nobody can sign in or change a password. All else goes on.",
    ),
}


def _answer(request: HttpRequest, status: int, title: str, text: str, context: dict[str, Any]) -> HttpResponse:
    """The toast for htmx, the page ``<status>.html`` for everybody else."""
    if request.headers.get("HX-Request") == "true":
        return render(request, "_fragment_error.html", {"title": title, "text": text}, status=status)
    return render(request, f"{status}.html", context, status=status)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A visible thing, and a right that is missing (``handler403``). The exception's text is the verb."""
    verb = str(exception or "")
    needs = f" It needs the right “{verb}”." if verb else ""
    return _answer(request, 403, "You may not do this", f"Nothing was done.{needs}", {"verb": verb})


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A missing thing or one that the person may not see: the same page (``handler404``)."""
    text = "It does not exist any more, or your grants do not cover it. Nothing was done."
    return _answer(request, 404, "Nothing there", text, _sought(request))


def _sought(request: HttpRequest) -> dict[str, Any]:
    """What the address names, and where to look for it instead.

    It is read from the address and from the engines that the person sees, never from the object: so the page cannot
    tell a missing one from one that may not be seen.
    """
    if not access.can(request.user, "observe"):
        return {}
    match = request.resolver_match
    if match is not None:
        slug, kind = match.kwargs.get("slug", ""), (match.url_name or "").partition("-")[0]
        name = next((match.kwargs[key] for key in NAMES if key in match.kwargs), "")
    else:
        found = OBJECT.match(request.path)
        slug, kind, name = found.groups() if found else ("", "", "")
    if kind not in KINDS or not name:
        return {}
    name = text_of(name, 200)
    context = {"kind": kind, "name": name}
    engine = access.engines_for(request.user).filter(slug=slug).first()
    if engine is not None:
        context |= {"on_engine": str(engine), "list_url": reverse(f"{kind}s", args=[engine.slug])}
    return context


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was too old or came from elsewhere (``CSRF_FAILURE_VIEW``)."""
    text = "It was opened before you signed in again. Nothing was done: load the page again."
    return _answer(request, 403, TOO_OLD, text, {"reason": "csrf"})


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A request that makes no sense, above all one for a host name that is not ours (``handler400``). Constant."""
    if isinstance(exception, DisallowedHost):
        log.info(
            "Refused a request for the host %.200r: QUARTERDECK_HOSTS does not name it",
            request.META.get("HTTP_HOST", ""),
        )
    return _constant(request, 400, "The console did not understand the request")


def too_many(request: HttpRequest) -> HttpResponse:
    """More attempts than an address or a person may make (``handler429``, which allauth looks for). Constant."""
    answer = _constant(request, 429, "Too many attempts")
    answer.headers["Retry-After"] = "60"
    return answer


def server_error(request: HttpRequest) -> HttpResponse:
    """The console's own failure (``handler500``), or one of what it needs: then 503. Constant."""
    error = sys.exc_info()[1]
    if error is not None and (what := away(error)):
        return _away(request, error, *AWAY[what])
    return _constant(request, 500, "The console failed")


def _away(request: HttpRequest, error: BaseException, title: str, text: str) -> HttpResponse:
    """What the console needs is away for a while: a line in the log for it, not a traceback for each request."""
    log.error("%s, asked for %s: %s", title, request.path, one_line(error))
    answer = _constant(request, 503, title, text)
    answer.headers["Retry-After"] = "5"
    answer.headers["X-Away"] = title  # for errors.js: htmx swaps no 5xx
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


def _constant(request: HttpRequest, status: int, title: str, text: str = "Nothing was done.") -> HttpResponse:
    """The same for everybody: no context processor, no person, no database, so that it cannot fail again."""
    template = "_fragment_error.html" if request.headers.get("HX-Request") == "true" else f"{status}.html"
    return HttpResponse(render_to_string(template, {"title": title, "text": text}), status=status)
