"""Pulling, building, tagging and removing images: the dialogs, and asking for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console import access
from console.operations import contexts
from console.operations.build_params import LONGEST as LONGEST_DOCKERFILE
from console.operations.build_params import BuildParams
from console.operations.params import InvalidParams
from console.operations.verbs import VERBS
from console.pages.image_actions import BuildForm, ImageDialog, PullDialog
from console.views.asking import ask, dialog

COMMAND = "containers/_dialog_part.html"  # the command as the fields stand now


@require_http_methods(["GET", "HEAD", "POST"])
def pull(request: HttpRequest, slug: str) -> HttpResponse:
    """GET: the dialog, with ``reference`` and ``platform`` filled in. POST: pull, and go to the operation's page."""
    engine = access.engine_for(request.user, slug, VERBS["image.pull"].right)
    data = request.POST if request.method == "POST" else request.GET

    def show(errors: Mapping[str, str]) -> HttpResponse:
        shown = PullDialog(engine, data, errors)
        if request.GET.get("part") == "command":
            return render(request, COMMAND, shown.context)
        return dialog(request, shown.template, shown.context, 422 if errors else 200)

    if request.method != "POST":
        return show({})
    reference = str(request.POST.get("reference") or "").strip()
    return ask(request, engine, "image.pull", _named(reference), show)


@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, slug: str, ref: str, verb: str) -> HttpResponse:
    """GET: the dialog of "tag" or "remove". POST: ask for it; the image is the id's, never the name's."""
    row = VERBS[f"image.{verb}"]
    engine = access.engine_for(request.user, slug)
    image = access.image_for(request.user, engine, ref, row.right)
    if image.image_id != ref:
        raise Http404("image")
    data: QueryDict | None = request.POST if request.method == "POST" else None
    if request.GET.get("part") == "command":
        data = request.GET
    found = ImageDialog(request.user, engine, image, row, data)

    def show(errors: Mapping[str, str]) -> HttpResponse:
        if request.GET.get("part") == "command":
            return render(request, COMMAND, found.context(errors))
        return dialog(request, found.template, found.context(errors), 422 if errors else 200)

    if request.method != "POST":
        return show({})
    if problems := found.problems():
        return show(problems)
    return ask(request, engine, row.name, (image.image_id, found.name[:300]), show)


def _named(reference: str) -> tuple[str, str]:
    """What an operation on something that may not exist yet is about: its name, whole, with its tag."""
    last = reference.rpartition("/")[2]
    whole = reference if ":" in last or "@" in last or not reference else f"{reference}:latest"
    return whole[:300], whole[:300]


@require_http_methods(["GET", "HEAD", "POST"])
def build(request: HttpRequest, slug: str) -> HttpResponse:
    """GET: the form. POST: keep the context and build, and go to the operation's page."""
    verb = VERBS["image.build"]
    engine = access.engine_for(request.user, slug, verb.right)

    def show(errors: Mapping[str, str]) -> HttpResponse:
        context = BuildForm(engine, request.POST, errors).context
        return render(request, "images/build.html", context, status=422 if errors else 200)

    if request.method != "POST":
        return show({})
    dockerfile = request.POST.get("dockerfile", "").replace("\r\n", "\n")
    archive = request.FILES.get("archive")
    errors: dict[str, str] = {}
    try:
        params = BuildParams.read(request.POST.dict() | {"context": ""})
    except InvalidParams as error:
        errors |= error.errors
    if not dockerfile.strip() and archive is None:
        errors["dockerfile"] = "Type a Dockerfile, or choose an archive that has one."
    elif len(dockerfile) > LONGEST_DOCKERFILE:
        errors["dockerfile"] = f"At most {LONGEST_DOCKERFILE:,} characters."
    if errors:
        return show(errors)
    contexts.sweep()
    try:
        token, _, _ = contexts.keep(archive.file if archive else None, dockerfile if dockerfile.strip() else "")
    except contexts.BadContext as error:
        return show({"archive": str(error)})
    return ask(request, engine, verb.name, (params.tag, params.tag), show, data=replace(params, context=token))
