"""What views share that ask for operations: the POST of a verb, dialogs, refusals, where to go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from console import access
from console.models import Engine, Operation
from console.operations.params import InvalidParams, Params
from console.operations.request import Refused, request_operation
from console.operations.verbs import VERBS

Show = Callable[[Mapping[str, str]], HttpResponse]  # errors by field: the form again, status 422


def ask(
    request: HttpRequest,
    engine: Engine,
    verb: str,
    target: tuple[str, str],
    show: Show,
    *,
    data: Mapping[str, Any] | Params | None = None,
    go_to: str = "",
) -> HttpResponse:
    """Ask for ``verb`` ("volume.create") on ``target`` (the engine's id, or what it will be called; its name).

    ``data``: the parameters, by default the posted form. ``show`` answers what is wrong with them, with the form as it
    was typed. Then goes to the operation's page, or to ``go_to``: a path of this console. Raises ``PermissionDenied``.
    """
    access.require(request.user, VERBS[verb].right)
    given = data if data is not None else request.POST
    try:
        params = given if isinstance(given, Params) else VERBS[verb].params.read(given)
        operation = request_operation(request.user, engine, verb, target[0], target[1], params)
    except InvalidParams as error:
        return show(error.errors)
    except Refused as error:
        return refused(request, 409, "Not done", error.reason)
    return to_page(request, operation, go_to)


def to_page(request: HttpRequest, operation: Operation, go_to: str = "") -> HttpResponse:
    """Go to the page of an operation, or to ``go_to``."""
    page = go_to or reverse("operation", args=[operation.pk])
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=202, headers={"HX-Redirect": page})
    return HttpResponseRedirect(page)


def dialog(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """The dialog for htmx; without script the same form as a page. ``context`` has its ``title``."""
    if request.headers.get("HX-Request") == "true":
        return render(request, template, context, status=status)
    context |= {"dialog": template, "next": request.POST.get("next") or back(request), "as_page": True}
    return render(request, "containers/action.html", context, status=status)


def refused(request: HttpRequest, status: int, title: str, text: str, html: str = "") -> HttpResponse:
    """Not asked: a toast and ``html``, or a page that says so and leads back."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(html + toast("failed", title, text), status=status)
    context = {"title": title, "text": text, "back": back(request)}
    return render(request, "containers/refused.html", context, status=status)


def toast(state: str, title: str, text: str) -> str:
    """A toast, out of band."""
    return render_to_string("ui/_toast.html", {"state": state, "title": title, "text": text, "oob": True})


def safe(request: HttpRequest, target: str) -> bool:
    """Whether ``target`` leads to this console."""
    return bool(target) and url_has_allowed_host_and_scheme(
        target, {request.get_host()}, require_https=request.is_secure()
    )


def back(request: HttpRequest) -> str:
    """The page that the form stood on, if it is one of ours and not this one."""
    target = request.headers.get("Referer", "")
    return target if safe(request, target) and request.path not in target else ""
