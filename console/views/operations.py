"""Operations: list, drawer, page of one, and what can be asked of one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from console import access
from console.models import Operation
from console.operations import request as asking
from console.operations.request import Refused
from console.pages import operations as pages
from console.views.fragment import is_fragment


@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    """The list; with ``drawer`` what the drawer shows; for htmx the list's region."""
    access.require(request.user, "observe")
    if "drawer" in request.GET:
        return render(request, "operations/_drawer.html", pages.drawer(request.user))
    found = pages.OperationList(request.user, None, request.GET)
    template = "operations/_region.html" if is_fragment(request) else "operations/list.html"
    return render(request, template, found.context, status=found.status)


@require_safe
def operation(request: HttpRequest, operation_id: uuid.UUID) -> HttpResponse:
    """The page of one; for htmx its region."""
    found = pages.one(request.user, str(operation_id))
    template = "operations/_detail.html" if is_fragment(request) else "operations/detail.html"
    return render(request, template, pages.page_of(request.user, found))


@require_POST
def cancel(request: HttpRequest, operation_id: uuid.UUID) -> HttpResponse:
    """Take a queued operation back."""
    return _ask(request, operation_id, asking.cancel, "Cancelled")


@require_POST
def look(request: HttpRequest, operation_id: uuid.UUID) -> HttpResponse:
    """Find out how an operation of unknown end ended."""
    return _ask(request, operation_id, asking.look_again, "Looking again")


@require_POST
def retry(request: HttpRequest, operation_id: uuid.UUID) -> HttpResponse:
    """Ask for the same thing once more: a new operation."""
    return _ask(request, operation_id, asking.retry, "Asked for again")


def _ask(
    request: HttpRequest,
    operation_id: uuid.UUID,
    ask: Callable[[access.Actor, Operation], Operation | None],
    said: str,
) -> HttpResponse:
    """Ask for something about an operation; ``ask`` returns the new one that comes of it, if one does."""
    found = pages.one(request.user, str(operation_id))
    try:
        made = ask(request.user, found)
    except Refused as error:
        return _refused(request, found, error.reason)
    answer = _accepted(request, made or found, said)
    here = urlsplit(request.headers.get("HX-Current-URL", "")).path
    if made is not None and is_fragment(request) and here == reverse("operation", args=[found.pk]):
        answer["HX-Redirect"] = reverse("operation", args=[made.pk])  # from the old one's page to the new one's
    return answer


def _accepted(request: HttpRequest, found: Operation, said: str) -> HttpResponse:
    """The page of the operation; for htmx nothing to swap, as the socket shows it."""
    if is_fragment(request):
        return HttpResponse(status=202)
    messages.success(request, said)
    return HttpResponseRedirect(reverse("operation", args=[found.pk]))


def _refused(request: HttpRequest, found: Operation, reason: str) -> HttpResponse:
    if is_fragment(request):
        toast = {"state": "failed", "title": "Nothing was done", "text": reason, "oob": True}
        return HttpResponse(render_to_string("ui/_toast.html", toast), status=409)
    context = pages.page_of(request.user, found) | {"refused": reason}
    return render(request, "operations/detail.html", context, status=409)
