"""The palette: answers for the dialog, and the same as a page for those without script."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console import access
from console.pages.palette import Palette

_ENGINE: Final = re.compile(r"/e/([-\w]+)(?:/|$)")


@require_safe
def palette(request: HttpRequest) -> HttpResponse:
    """``/palette?q=…``: pages, objects and actions that fit."""
    access.require(request.user, "observe")
    found = Palette(request.user, request.GET.get("q", ""), _engine(request))
    template = "_palette.html" if request.headers.get("HX-Request") == "true" else "palette.html"
    return render(request, template, {"palette": found, "groups": found.groups})


def _engine(request: HttpRequest) -> str:
    """The slug of the engine that the page under the dialog shows. It only sorts: any value is harmless."""
    try:
        shown = _ENGINE.match(urlsplit(request.headers.get("HX-Current-URL", "")).path)
    except ValueError:
        shown = None
    return shown[1] if shown else str(request.session.get("engine", ""))
