"""What views share that ask for operations: the POST of a verb, dialogs, refusals, where to go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from console import access
from console.models import Engine, Operation
from console.operations.params import InvalidParams, Params
from console.operations.request import Refused, request_operation
from console.operations.verbs import VERBS
from console.views.fragment import is_fragment

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


class PageForm(Protocol):
    """A form with a page of its own: what is wrong by field, why it was not even asked, and how its asking went."""

    reason: str
    checked: bool
    waiting: Operation | None
    failed: Operation | None
    said: str

    @property
    def errors(self) -> dict[str, str]: ...


F = TypeVar("F", bound=PageForm)


def ask_on_page(
    request: HttpRequest,
    engine: Engine,
    verb: str,
    name: str,
    form: F,
    params: Callable[[], Params],
    show: Callable[[HttpRequest, F, int], HttpResponse],
) -> HttpResponse:
    """Ask to make what a page's form describes, then go to the same page, which shows how that goes (``operation=``).

    ``name``: what it will be called; ``params`` may raise ``InvalidParams``; ``show`` answers the form again.
    """
    if form.errors:
        return show(request, form, 422)
    try:
        operation = request_operation(request.user, engine, verb, name, name, params())
    except InvalidParams as error:
        form.errors.update(error.errors)
        return show(request, form, 422)
    except Refused as error:
        form.reason = error.reason
        return show(request, form, 409)
    return HttpResponseRedirect(f"{request.path}?operation={operation.pk}")


def how_it_went(
    request: HttpRequest, form: F, operation: Operation, url: str, show: Callable[[HttpRequest, F, int], HttpResponse]
) -> HttpResponse:
    """How an asking from a page went: ``url`` of what was made, the form with the engine's words, or "not yet".

    ``url`` is "" while the mirror does not have it.
    """
    if operation.state == Operation.State.SUCCEEDED and url:
        if is_fragment(request):
            return HttpResponse(status=204, headers={"HX-Redirect": url})
        return HttpResponseRedirect(url)
    if operation.state in {*Operation.OPEN, Operation.State.SUCCEEDED}:
        form.waiting = operation
        return show(request, form, 200)
    form.checked = True
    form.said = operation.error or str(operation.result.get("reason", ""))
    form.failed = operation
    return show(request, form, 200)


def asked_before(request: HttpRequest, engine: Engine, reference: str, verb: str) -> Operation:
    """The operation that a form's address names: to show how that asking went. Raises ``Http404``."""
    try:
        found = access.operation_for(request.user, reference)
    except ValidationError as error:
        raise Http404("operation") from error
    if found.verb != verb or found.engine_id != engine.pk:
        raise Http404("operation")
    return found


def to_page(request: HttpRequest, operation: Operation, go_to: str = "") -> HttpResponse:
    """Go to the page of an operation, or to ``go_to``."""
    page = go_to or reverse("operation", args=[operation.pk])
    if is_fragment(request):
        return HttpResponse(status=202, headers={"HX-Redirect": page})
    return HttpResponseRedirect(page)


def dialog(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """The dialog for htmx; without script the same form as a page. ``context`` has its ``title``."""
    if is_fragment(request):
        return render(request, template, context, status=status)
    wanted = request.POST.get("next", "")
    context |= {"dialog": template, "next": wanted if safe(request, wanted) else back(request), "as_page": True}
    return render(request, "containers/action.html", context, status=status)


def refused(request: HttpRequest, status: int, title: str, text: str, html: str = "") -> HttpResponse:
    """Not asked: a toast and ``html``, or a page that says so and leads back."""
    if is_fragment(request):
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
