"""The form for a new container: filled by hand, by a pasted command or from an image; checked as it is typed."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console import access
from console.models import Engine
from console.operations.kinds.create_params import CreateParams
from console.operations.request import Refused, request_operation
from console.pages.create import CreatePage
from console.pages.create_fields import known_names, with_row, without_row
from console.views.asking import asked_before, to_page
from console.views.fragment import is_fragment

LONGEST_IMAGE: Final = 600
NAMES: Final = known_names()


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/containers/create``: the form; ``image`` is the one to run, ``operation`` an asking to be changed.

    POST: ``do`` says what with: start, create, read (the pasted command), ``add:OPTION``, ``drop:OPTION:ROW``; nothing:
    check it (htmx gets the pane beside the form).
    """
    engine = access.engine_for(request.user, slug, "deploy")
    if request.method != "POST":
        if reference := request.GET.get("operation", ""):
            return render(request, "create/page.html", _once_more(request, engine, reference).context)
        page = CreatePage.blank(request.user, engine, request.GET.get("image", "")[:LONGEST_IMAGE])
        return render(request, "create/page.html", page.context)
    do = request.POST.get("do", "")
    if do == "read":
        page = CreatePage.pasting(request.user, engine, request.POST.get("paste", ""))
        return render(request, "create/page.html", page.context)
    values = {name: request.POST.getlist(name) for name in request.POST if name in NAMES}
    action, _, rest = do.partition(":")
    name, _, row = rest.partition(":")
    if action == "add":
        values = with_row(values, name)
    elif action == "drop" and row.isascii() and row.isdigit():
        values = without_row(values, name, int(row[:6]))
    page = CreatePage(request.user, engine, values, start=do != "create")
    page.pasted = request.POST.get("paste", "")
    if do in {"start", "create"}:
        return _ask(request, page)
    template = "create/_pane.html" if is_fragment(request) and not do else "create/page.html"
    return render(request, template, page.context)


def _once_more(request: HttpRequest, engine: Engine, reference: str) -> CreatePage:
    """The form as an earlier operation was asked for, with the secrets, which were not kept, to be typed."""
    found = asked_before(request, engine, reference, "container.create")
    page = CreatePage.pasting(request.user, engine, str(found.params.get("line", "")))
    page.pasted, page.parsed = "", None
    return page


def _ask(request: HttpRequest, page: CreatePage) -> HttpResponse:
    if page.issues:
        return render(request, "create/page.html", page.context, status=422)
    name = page.spec.name or page.spec.image
    try:
        operation = request_operation(
            request.user, page.engine, "container.create", page.spec.name, name[:300], CreateParams.of(page.spec)
        )
    except Refused as error:
        return render(request, "create/page.html", page.context | {"refused": error.reason}, status=409)
    return to_page(request, operation)
