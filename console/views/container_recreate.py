"""Recreating a container: the form, the preview, and the way back to what was there before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console import access
from console.engine.command.again import Source
from console.engine.command.form import values_of
from console.engine.command.parse import MAX_LENGTH, parse
from console.engine.command.spec import RunSpec
from console.engine.errors import EngineError
from console.models import Container, Engine
from console.operations import earlier
from console.operations.recreate_params import RecreateParams
from console.operations.request import Refused, refusal, request_operation
from console.pages.create_fields import known_names, with_row, without_row
from console.pages.recreate import VERB, Preview, RecreatePage, blocked, earlier_image
from console.reads.command import source
from console.views.asking import refused, to_page
from console.views.fragment import is_fragment

NAMES: Final = known_names()
FORM: Final = "containers/recreate.html"


@dataclass(frozen=True, slots=True)
class Asked:
    """One container for one request. ``earlier``: the operation whose old container is to come back, or ""."""

    request: HttpRequest
    engine: Engine
    container: Container
    earlier: str

    def page(self, spec: RunSpec) -> RecreatePage:
        """The form of a command."""
        return RecreatePage.of(self.request.user, self.engine, self.container, spec, self.earlier)

    def page_as_typed(self, typed: RunSpec) -> RecreatePage:
        """The form of a command that was typed: its new secrets are shown to the person who typed them."""
        user = self.request.user
        return RecreatePage(user, self.engine, self.container, values_of(typed), typed.start, self.earlier)

    def preview(self, typed: RunSpec, renew: bool = False) -> Preview:
        """What it comes to. Raises ``EngineError``, ``Http404``."""
        if not typed.name:
            typed = replace(typed, name=self.container.name)
        before = (self.earlier, self.before()) if self.earlier else None
        user = self.request.user
        return Preview(user, self.engine, self.container, typed, self.current(), before, renew)

    def current(self) -> Source:
        """The container as the engine has it now. Raises ``EngineError``."""
        return source(self.engine, self.container)

    def before(self) -> Source:
        """The one that was there before. Raises ``Http404``."""
        found = earlier.find(self.engine, self.earlier, self.container.name)
        if found is None:
            raise Http404("earlier")
        return found


@require_http_methods(["GET", "HEAD", "POST"])
def recreate(request: HttpRequest, slug: str, container_id: str) -> HttpResponse:
    """``/e/<slug>/containers/<id>/recreate``: the form; ``preview=1``, and ``pull=always``: the preview at once.

    ``earlier=<operation>``: the preview of going back to what that operation replaced; ``operation=``: the form of one
    that failed. POST: ``do`` says what with: preview, edit, renew, recreate, read (the pasted command), ``add:OPTION``,
    ``drop:OPTION:ROW``; nothing: check the form.
    """
    engine = access.engine_for(request.user, slug)
    container = access.container_for(request.user, engine, container_id, VERB.right)
    if container.container_id != container_id:  # another one has taken these digits for its name
        raise Http404("container")
    if reason := blocked(container):
        return refused(request, 409, f"{container.name} is not recreated", f"It is {reason}.")
    given = request.POST if request.method == "POST" else request.GET
    asked = Asked(request, engine, container, given.get("earlier", "")[:40])
    try:
        return _posted(asked) if request.method == "POST" else _first(asked)
    except EngineError as error:
        return refused(request, 502, f"{container.name} was not read", error.message)


def _first(asked: Asked) -> HttpResponse:
    data = asked.request.GET
    if reference := data.get("operation"):
        return render(asked.request, FORM, asked.page_as_typed(_refused(asked, reference)).context)
    start = asked.before() if asked.earlier else asked.current()
    page = asked.page(start.spec)
    if not (asked.earlier or data.get("preview")):
        page.judged = False
        return render(asked.request, FORM, page.context)
    typed = page.spec
    if asked.earlier:
        image = earlier_image(asked.request.user, asked.engine, asked.container, start, typed)
        typed = replace(typed, name=asked.container.name, image=image)
    if data.get("pull") == "always":
        typed = replace(typed, pull="always")
    return _shown(asked, typed)


def _refused(asked: Asked, reference: str) -> RunSpec:
    """What an operation that failed was told. Raises ``Http404``."""
    try:
        operation = access.operation_for(asked.request.user, reference)
    except ValidationError as error:
        raise Http404("operation") from error
    fits = operation.verb == VERB.name and operation.object_id == asked.container.container_id
    if not fits or operation.result.get("secrets"):
        raise Http404("operation")
    return RecreateParams.read(operation.params).typed


def _posted(asked: Asked) -> HttpResponse:
    data = asked.request.POST
    do = data.get("do", "")
    if do in {"edit", "recreate", "renew"}:
        return _again(asked, do)
    if do == "read":
        page = asked.page(RunSpec())
        pasted = data.get("paste", "")
        read = parse(pasted)
        page.values, page.start = asked.page(read.spec).values, read.spec.start
        page.pasted, page.parsed = pasted, read
        return render(asked.request, FORM, page.context)
    values = {name: data.getlist(name) for name in data if name in NAMES}
    action, _, rest = do.partition(":")
    name, _, row = rest.partition(":")
    if action == "add":
        values = with_row(values, name)
    elif action == "drop" and row.isascii() and row.isdigit():
        values = without_row(values, name, int(row[:6]))
    start = data.get("start", "1") == "1"
    page = RecreatePage(asked.request.user, asked.engine, asked.container, values, start, asked.earlier)
    page.pasted = data.get("paste", "")
    if do == "preview":
        if page.filled.errors:
            return render(asked.request, FORM, page.context, status=422)
        return _shown(asked, page.spec, page)
    template = "create/_pane.html" if is_fragment(asked.request) and not do else FORM
    return render(asked.request, template, page.context)


def _again(asked: Asked, do: str) -> HttpResponse:
    """From the preview: back to the form, or on."""
    data = asked.request.POST
    line = data.get("line", "")
    typed = parse(line).spec
    if len(line) > MAX_LENGTH or not typed.image:
        return render(asked.request, FORM, asked.page(asked.current().spec).context, status=422)
    if do == "edit":
        return render(asked.request, FORM, asked.page_as_typed(typed).context)
    if now := refusal(asked.engine):
        return refused(asked.request, 409, "Not done", now)
    preview = asked.preview(typed, renew=data.get("renew") == "1")
    page = asked.page_as_typed(preview.typed)
    page.left = preview.restored.left
    if page.issues:
        return render(asked.request, FORM, page.context, status=422)
    if do == "renew" or preview.seen != data.get("seen"):
        changed = do != "renew"
        context = preview.context | {"moved": changed}
        return render(asked.request, "containers/recreate_preview.html", context, status=409 if changed else 200)
    container = asked.container
    try:
        operation = request_operation(
            asked.request.user, asked.engine, VERB.name, container.container_id, container.name, preview.params
        )
    except Refused as error:
        return refused(asked.request, 409, "Not done", error.reason)
    return to_page(asked.request, operation)


def _shown(asked: Asked, typed: RunSpec, page: RecreatePage | None = None) -> HttpResponse:
    """The preview, or the form with what is wrong."""
    preview = asked.preview(typed)
    page = page or asked.page_as_typed(preview.typed)
    page.left = preview.restored.left
    if page.issues:
        return render(asked.request, FORM, page.context, status=422)
    return render(asked.request, "containers/recreate_preview.html", preview.context)
