"""What every response carries, and the rule that everything but a short list needs a signed-in person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import ResolverMatch

View = Callable[[HttpRequest], HttpResponse]

# URL names that answer without a session. Everything else is closed; a new route is closed by not being here.
PUBLIC: Final = frozenset({"account_login", "healthz", "readyz", "theme"})


HEADERS: Final = {
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",  # a page shows what only its reader may see; static files bring their own
}


def headers(get_response: View) -> View:
    """Headers that no Django setting sets. It stands before everything that answers, so that errors carry them too."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


class login_required:
    """Sends the anonymous to the sign-in page; an htmx request gets a full-page redirect instead of a login form."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        match: ResolverMatch | None = request.resolver_match
        if (match is not None and match.url_name in PUBLIC) or request.user.is_authenticated:
            return None  # in this order: a public page needs no session, and so no database
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=401, headers={"HX-Redirect": resolve_url("account_login")})
        return redirect_to_login(request.get_full_path())
