"""Changing limits and restart policy of a container that exists: a dialog with what there is, then the operation."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console import access
from console.engine.errors import EngineError
from console.models import Container, Engine
from console.operations.request import Refused, refusal, request_operation
from console.pages.container_actions import rendered
from console.pages.container_update import VERB, UpdateDialog
from console.reads import containers as reads
from console.views.asking import dialog, refused, to_page
from console.views.fragment import is_fragment


@require_http_methods(["GET", "HEAD", "POST"])
def update(request: HttpRequest, slug: str, container_id: str) -> HttpResponse:
    """``/e/<slug>/containers/<id>/update``: GET the dialog, filled as the engine has it; POST asks for what differs.

    ``operation``: the one that was refused; the dialog has what it asked for and why not.
    """
    engine = access.engine_for(request.user, slug)
    container = access.container_for(request.user, engine, container_id, VERB.right)
    if container.container_id != container_id:  # another one has taken these digits for its name
        raise Http404("container")
    if request.method != "POST":
        return _shown(request, _present(request, engine, container))
    asked = UpdateDialog.posted(engine, container, request.POST)
    asked.read()
    if request.GET.get("part") == "command":
        asked.errors.pop("", None)
        return render(request, "containers/_dialog_part.html", asked.context(request.path))
    if now := VERB.possible(container) or refusal(engine):
        return refused(request, 409, "Not done", f"{container.name} is {now}." if VERB.possible(container) else now)
    if asked.params is None:
        return _shown(request, asked, 422)
    try:
        operation = request_operation(
            request.user, engine, VERB.name, container.container_id, container.name, asked.params
        )
    except Refused as error:
        return refused(request, 409, "Not done", error.reason)
    if is_fragment(request):
        return HttpResponse(rendered(container, request.user, engine), status=202)
    return to_page(request, operation)


def _present(request: HttpRequest, engine: Engine, container: Container) -> UpdateDialog:
    try:
        was, unread = reads.limits(engine, container), ""
    except EngineError as error:
        was, unread = {}, error.message
    asked = UpdateDialog(engine, container, dict(was), was, unread=unread)
    if reference := request.GET.get("operation"):
        try:
            operation = access.operation_for(request.user, reference)
        except ValidationError as error:
            raise Http404("operation") from error
        if operation.verb == VERB.name and operation.object_id == container.container_id:
            asked.refill(operation)
    return asked


def _shown(request: HttpRequest, asked: UpdateDialog, status: int = 200) -> HttpResponse:
    return dialog(request, "containers/_dialog_update.html", asked.context(request.path), status)
