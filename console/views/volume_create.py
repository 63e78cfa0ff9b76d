"""The page of a new volume: it is filled, changed and asked for by posting; the engine's refusal comes back to it."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console import access
from console.engine.command.volume import parse
from console.models import Engine, Operation
from console.operations.volume_params import CreateVolumeParams
from console.pages import links
from console.pages.volume_form import VolumeForm, forgotten
from console.pages.volume_typed import KINDS, Typed
from console.views.asking import ask_on_page, asked_before, how_it_went
from console.views.fragment import is_fragment


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/volumes/create``. GET ``operation=``: how that asking went. POST: change the form, or ask."""
    engine = access.engine_for(request.user, slug, "deploy")
    if request.method != "POST":
        if reference := request.GET.get("operation"):
            return _asked(request, engine, asked_before(request, engine, reference, "volume.create"))
        kind = request.GET.get("kind", "local")
        return _show(request, VolumeForm(request.user, engine, Typed(kind=kind if kind in KINDS else "local")))
    typed = Typed.posted(request.POST)
    if request.POST.get("part") == "side" or request.GET.get("part") == "side":
        return render(request, "volumes/_create_side.html", _context(VolumeForm(request.user, engine, typed)))
    if "pick" in request.POST:
        kind = request.POST["pick"] if request.POST["pick"] in KINDS else "local"
        return _show(request, VolumeForm(request.user, engine, replace(typed, kind=kind)))
    if "read" in request.POST:
        return _show(request, _pasted(request, engine, typed))
    form = VolumeForm(request.user, engine, typed, checked=True)
    kept = CreateVolumeParams(form.spec).to_json()
    return ask_on_page(
        request, engine, "volume.create", form.spec.name, form, lambda: CreateVolumeParams.read(kept), _show
    )


def _pasted(request: HttpRequest, engine: Engine, typed: Typed) -> VolumeForm:
    """The form filled from a command."""
    found = parse(request.POST.get("paste", ""))
    form = VolumeForm(request.user, engine, Typed.of(found.command) if found.command else typed)
    form.notes = found.notes
    return form


def _asked(request: HttpRequest, engine: Engine, operation: Operation) -> HttpResponse:
    """How an asking went: the volume's page, the form with the engine's words, or "not yet"."""
    typed = forgotten(Typed.of(CreateVolumeParams.read(operation.params).spec))
    made = str(operation.result.get("object_id", ""))
    there = access.volumes_for(request.user, engine).filter(name=made).exists()
    url = links.volume_url(engine.slug, made) if there else ""
    return how_it_went(request, VolumeForm(request.user, engine, typed), operation, url, _show)


def _context(form: VolumeForm) -> dict[str, object]:
    return {"engine": form.engine, "form": form, "typed": form.typed, "default_command": form.command}


def _show(request: HttpRequest, form: VolumeForm, status: int = 200) -> HttpResponse:
    template = "volumes/_create_form.html" if is_fragment(request) else "volumes/create.html"
    return render(request, template, _context(form), status=status)
