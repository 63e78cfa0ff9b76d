"""Asking for actions on containers, and the dialogs that come first where something is lost or must be said."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from console import access
from console.models import Container, Engine, Operation
from console.operations.request import Refused, refusal, request_many, request_operation
from console.operations.verbs import Verb, right_for
from console.pages import container_actions as pages
from console.views.asking import back, dialog, refused, safe, to_page, toast

MOST: Final = 500  # containers at once


@require_http_methods(["GET", "HEAD", "POST"])
def container_action(request: HttpRequest, slug: str, container_id: str, verb: str) -> HttpResponse:
    """GET: the dialog (for htmx), or the same as a page. POST: ask for it; the row is the id's, never the name's."""
    row = _verb(verb)
    engine = access.engine_for(request.user, slug)
    container = access.container_for(request.user, engine, container_id, row.right)
    if container.container_id != container_id:  # another one has taken these digits for its name
        raise Http404("container")
    access.require(request.user, right_for(row, container))
    if request.method != "POST":
        return _show(request, engine, container, row, request.GET, check=False)
    if request.GET.get("part") == "command":  # the command as it would be: posted, as a field may hold a secret
        return _show(request, engine, container, row, request.POST, part=True)
    now = row.possible(container)
    if now or refusal(engine):
        title = f"{container.name} is {now}" if now else "Not done"
        text = f"{row.label} was not asked for." if now else refusal(engine)
        return refused(request, 409, title, text, pages.rendered(container, request.user, engine))
    read = pages.read(request.user, engine, row, request.POST, [container])
    if read.errors:
        return _show(request, engine, container, row, request.POST, status=422)
    try:
        operation = request_operation(
            request.user, engine, row.name, container.container_id, container.name, read.params
        )
    except Refused as error:
        return refused(request, 409, "Not done", error.reason)
    if row.short == "exec":  # its page shows what it prints
        return to_page(request, operation)
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(pages.rendered(container, request.user, engine), status=202)
    messages.success(request, f"{row.busy} {container.name}")
    return HttpResponseRedirect(_next(request, operation, removes=row.short == "remove"))


@require_POST
def containers_bulk(request: HttpRequest, slug: str) -> HttpResponse:
    """One verb for the ticked containers: for those that it fits. Where it asks first, ``confirmed`` says yes."""
    row = _verb(request.POST.get("verb", ""))
    if row.short == "exec":
        raise Http404("verb")  # of one container
    engine = access.engine_for(request.user, slug, row.right)
    ids = list(dict.fromkeys(request.POST.getlist("id")))
    if not ids or len(ids) > MOST:
        text = "Tick some first." if not ids else f"At most {MOST} at once: {len(ids)} are ticked."
        return refused(request, 422, "Nothing was done", text)
    if reason := refusal(engine):
        return refused(request, 409, "Nothing was done", reason)
    chosen = pages.choose(request.user, engine, row, ids)
    if not chosen.fit:
        every = "".join(pages.rendered(container, request.user, engine) for container in _left(request, engine, ids))
        return refused(request, 409, f"{row.label} fits none of them now", chosen.left_out, every)
    asks = row.dialog or (row.asks_many and len(chosen.fit) > 1)
    confirmed = request.POST.get("confirmed") == "1"
    read = pages.read(request.user, engine, row, request.POST, chosen.fit, check=confirmed or not asks)
    if read.errors or (asks and not confirmed):
        context = pages.many_dialog(engine, row, chosen, request.path, request.POST, read)
        return dialog(request, "containers/_dialog_many.html", context, 422 if read.errors else 200)
    found = request_many(request.user, engine, row.name, [(c.container_id, c.name) for c in chosen.fit], read.params)
    said = f"{row.busy} {len(found)} of {chosen.count}" if chosen.left_out else f"{row.busy} {len(found)}"
    if request.headers.get("HX-Request") == "true":
        html = "".join(pages.rendered(container, request.user, engine) for container in chosen.fit)
        if chosen.left_out:
            html += toast("warning", said, chosen.left_out)
        return HttpResponse(html, status=202, headers={"HX-Trigger": "selection-clear"})
    messages.success(request, f"{said}. {chosen.left_out}".strip())
    return HttpResponseRedirect(_next(request, found[0], removes=False))


def _verb(short: str) -> Verb:
    found = pages.verb_for(short)
    if found is None:
        raise Http404("verb")
    return found


def _left(request: HttpRequest, engine: Engine, ids: list[str]) -> list[Container]:
    return list(access.containers_for(request.user, engine).filter(container_id__in=ids))


def _show(
    request: HttpRequest,
    engine: Engine,
    container: Container,
    verb: Verb,
    data: QueryDict,
    status: int = 200,
    check: bool = True,
    part: bool = False,
) -> HttpResponse:
    read = pages.read(request.user, engine, verb, data, [container], check) if data else pages.Read(verb.params(), {})
    context = pages.dialog(request.user, engine, container, verb, data, read)
    if part or data.get("part") == "command":
        return render(request, "containers/_dialog_part.html", context)
    name = verb.short if verb.short in {"stop", "restart", "kill", "rename", "remove", "exec"} else "plain"
    return dialog(request, f"containers/_dialog_{name}.html", context, status)


def _next(request: HttpRequest, operation: Operation, removes: bool) -> str:
    """Where a form without script goes on: back, but not to the page of something that is being removed."""
    target = request.POST.get("next", "") or back(request)
    if safe(request, target) and not (removes and f"/{operation.object_name}" in target):
        return target
    return reverse("operation", args=[operation.pk])
