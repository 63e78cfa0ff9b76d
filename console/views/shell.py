"""Small pages around the others: theme and density, the keys, the component sheet."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from console import access
from console.context import DENSITIES, THEMES
from console.models import User

YEAR: Final = 365 * 24 * 3600  # seconds


def _wanted(request: HttpRequest) -> dict[str, str]:
    """What the form chose: ``theme`` or ``density``; "toggle" turns the theme over. Unknown values: nothing."""
    theme, density = request.POST.get("theme", ""), request.POST.get("density", "")
    if theme == "toggle":
        current = getattr(request.user, "theme", "") or request.COOKIES.get("theme", "")
        theme = "light" if current == "dark" else "dark"
    wanted = {}
    if theme in THEMES:
        wanted["theme"] = theme
    if density in DENSITIES:
        wanted["density"] = density
    return wanted


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme or density: with the person, and in a cookie for the pages before the sign-in."""
    wanted = _wanted(request)
    if wanted and isinstance(request.user, User):
        for name, value in wanted.items():
            setattr(request.user, name, value)
        request.user.save(update_fields=list(wanted))
    if request.headers.get("HX-Request") == "true":
        answer = HttpResponse(status=204)
    else:
        target = request.POST.get("next", "/")
        safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
        answer = HttpResponseRedirect(target if safe else "/")
    for name, value in wanted.items():
        answer.set_cookie(name, value, max_age=YEAR, samesite="Lax", httponly=True, secure=request.is_secure())
    return answer


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """The keyboard map: a dialog for htmx, else a page."""
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "_keys_dialog.html" if fragment else "keys.html")


@require_safe
def kit(request: HttpRequest) -> HttpResponse:
    """The component sheet: every part in every state, with made-up data."""
    access.require(request.user, "observe")
    if "dialog" in request.GET:
        return render(request, "ui/_confirm.html", _dialog())
    return render(request, "kit.html", _sheet())


def _dialog() -> dict[str, Any]:
    return {
        "action": "",
        "danger": True,
        "title": "Remove 2 containers?",
        "verb": "Remove 2 containers",
        "lost": [
            {"id": "1", "name": "shop-web-1", "detail": "container, running", "size": "12 kB"},
            {"id": "2", "name": "shop-migrate-1", "detail": "container, exited", "size": None},
        ],
        "warning": "What they wrote inside themselves is lost.",
        "options": [("volumes", "Remove their anonymous volumes too")],
        "command": "docker container rm shop-web-1 shop-migrate-1",
        "type_name": "rocky",
    }


def _sheet() -> dict[str, Any]:
    menu = [
        {"label": "Rename…", "icon": "rename", "href": "#"},
        {"label": "Restart", "icon": "restart", "action": "", "key": "r", "cmd": "docker container restart web"},
        {"label": "Pause", "icon": "pause", "action": "", "disabled": "Not while it restarts"},
        {"gap": True},
        {"label": "Remove…", "icon": "trash", "kind": "danger", "href": "#", "key": "Del"},
    ]
    fields = ("id", "name", "state", "image", "status", "cpu", "address", "css", "can")
    rows = [
        ("1", "shop-web-1", "running", "nginx:1.27.3", "Up 3 d", 0.4, "172.19.0.2", "", "stop restart pause remove"),
        (
            "2",
            "shop-api-1",
            "healthy",
            "reg.lan:5000/shop/api:2.8",
            "Up 3 d, healthy",
            78.0,
            "172.19.0.3",
            "at",
            "stop",
        ),
        ("3", "shop-worker-1", "restarting", "shop/worker:2.8", "Restarting (1) 14 s ago", 0, "", "changed", "stop"),
        ("4", "shop-migrate-1", "exited", "shop/api:2.8", "Exited (0) 3 d ago", 0, "", "gone", "start remove"),
    ]
    lamps = [
        ("running", "running, no healthcheck"),
        ("healthy", "running, healthcheck passes"),
        ("unhealthy", "running, healthcheck fails"),
        ("restarting", "restarting or operation in progress"),
        ("paused", "paused"),
        ("exited", "exited with code 0, cancelled"),
        ("failed", "exited with other code, failed, denied"),
        ("created", "created, not started, not checked"),
        ("done", "step or operation done"),
        ("warning", "stale, unknown"),
    ]
    tags = ["neutral", "ok:running", "warn:paused", "bad:failed", "busy:restarting", "focus:update", "mono:latest"]
    return {
        "menu": menu,
        "lamps": lamps,
        "rows": [dict(zip(fields, row, strict=True)) for row in rows],
        "terms": ["state:running", "image:alpine"],
        "tags": [tag.split(":") if ":" in tag else ("", tag) for tag in tags],
        "moment": timezone.now() - dt.timedelta(minutes=6),
        "digest": "sha256:0123456789abcdef0123456789abcdef",
        "parts": [("f-ok", 19, "running"), ("f-bad", 1, "failed"), ("f-busy", 1), ("f-warn", 1), ("f-idle", 3)],
        "values": [(n * 37 % 17) + 3 for n in range(40)],
        "facts": [("9.1 GB", "images"), ("1.4 GB", "build cache")],
        "pairs": [("Driver", "bridge"), ("Subnet", "172.18.0.0/16", "mono"), ("Labels", "")],
        "lines": [
            "FROM alpine",
            {"text": "RUN false", "css": "fail"},
            {"text": "ENV TIER=web", "css": "new"},
            {"text": "ENV TIER=old", "css": "old"},
        ],
        "kit_dialog": "?dialog",
    }
