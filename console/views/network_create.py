"""The page of a new network: it is filled, changed and asked for by posting; the engine's refusal comes back to it."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console import access
from console.engine.command.network import CreateNetwork, parse
from console.models import Engine, Operation
from console.operations.network_params import CreateParams, SwarmInitParams
from console.operations.params import InvalidParams
from console.operations.request import Refused, request_operation
from console.pages.network_form import DRIVERS, NetworkForm, Typed, forgotten
from console.reads import swarm
from console.views.asking import ask_on_page, asked_before, how_it_went
from console.views.fragment import is_fragment


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/networks/create``. GET ``operation=``: how that asking went. POST: change the form, or ask."""
    engine = access.engine_for(request.user, slug, "deploy")
    if request.method != "POST":
        if reference := request.GET.get("operation"):
            return _asked(request, engine, asked_before(request, engine, reference, "network.create"))
        driver = request.GET.get("driver", "bridge")
        typed = Typed(driver=driver if driver in DRIVERS else "bridge", attachable=driver == "overlay")
        return _show(request, _form(request, engine, typed))
    typed = Typed.posted(request.POST)
    if request.POST.get("part") == "side" or request.GET.get("part") == "side":
        return render(request, "networks/_create_side.html", _context(_form(request, engine, typed)))
    if (form := _changed(request, engine, typed)) is not None:
        return _show(request, form)
    form = _form(request, engine, typed, checked=True)
    kept = CreateParams(form.spec).to_json()
    return ask_on_page(request, engine, "network.create", form.spec.name, form, lambda: CreateParams.read(kept), _show)


def _changed(request: HttpRequest, engine: Engine, typed: Typed) -> NetworkForm | None:
    """The form after one of its own buttons; None where the network is asked for."""
    post = request.POST
    if "pick" in post:
        driver = post["pick"] if post["pick"] in DRIVERS else "bridge"
        attachable = driver == "overlay" if driver != typed.driver else typed.attachable
        return _form(request, engine, replace(typed, driver=driver, mode="", attachable=attachable))
    if "add" in post:
        return _form(request, engine, replace(typed, lines=(*typed.lines, ("", "", ""))[:16]))
    if "drop" in post:
        kept = tuple(line for at, line in enumerate(typed.lines) if str(at) != post["drop"])
        return _form(request, engine, replace(typed, lines=kept))
    if "free" in post:
        form = _form(request, engine, typed)
        at = next((at for at, line in enumerate(typed.lines) if line[0] == post["free"]), 0)
        lines = (*typed.lines[:at], (form.free, "", ""), *typed.lines[at + 1 :])
        return _form(request, engine, replace(typed, lines=lines))
    if "read" in post:
        return _pasted(request, engine, typed)
    if "swarm" in post:
        return _swarm(request, engine, typed)
    return None


def _pasted(request: HttpRequest, engine: Engine, typed: Typed) -> NetworkForm:
    """The form filled from a command."""
    found = parse(request.POST.get("paste", ""))
    if not isinstance(found.command, CreateNetwork):
        form = _form(request, engine, typed)
        form.notes = found.notes or ["This is not docker network create."]
        return form
    form = _form(request, engine, Typed.of(found.command))
    form.notes = found.notes
    lost = [
        f"--{flag} {value} is not in this form."
        for flag, value in (
            ("scope", found.command.scope),
            ("ipam-driver", found.command.ipam_driver if found.command.ipam_driver != "default" else ""),
            ("ipam-opt", ", ".join(name for name, _ in found.command.ipam_opt)),
            ("ingress", "true" if found.command.ingress else ""),
            ("attachable", "true" if found.command.attachable and found.command.driver != "overlay" else ""),
        )
        if value
    ]
    form.notes += lost
    return form


def _swarm(request: HttpRequest, engine: Engine, typed: Typed) -> NetworkForm:
    """Ask for a swarm and keep what was typed."""
    access.require(request.user, "host")
    form = _form(request, engine, typed)
    try:
        params = SwarmInitParams.read({"advertise": typed.advertise, "port": typed.port})
        operation = request_operation(request.user, engine, "swarm.init", engine.slug, str(engine), params)
    except InvalidParams as error:
        form.swarm_errors = error.errors
        return form
    except Refused as error:
        form.reason = error.reason
        return form
    form.swarm_operation = operation
    return form


def _form(request: HttpRequest, engine: Engine, typed: Typed, checked: bool = False) -> NetworkForm:
    form = NetworkForm(request.user, engine, typed, checked)
    if typed.driver == "overlay":
        form.swarm = swarm.state(engine)
        if reference := request.POST.get("swarm_operation"):
            form.swarm_operation = asked_before(request, engine, reference, "swarm.init")
    return form


def _asked(request: HttpRequest, engine: Engine, operation: Operation) -> HttpResponse:
    """How an asking went: the network's page, the form with the engine's words, or "not yet"."""
    form = _form(request, engine, Typed.of(forgotten(CreateParams.read(operation.params).spec)))
    made, url = str(operation.result.get("object_id", "")), ""
    if not made:
        url = reverse("networks", args=[engine.slug])
    elif access.networks_for(request.user, engine).filter(network_id=made).exists():
        url = reverse("network", args=[engine.slug, made])
    ended = operation.state not in {*Operation.OPEN, Operation.State.SUCCEEDED}
    if ended and operation.result.get("secrets"):
        form.notes.append("What looks like a secret was not kept: type it again.")
    return how_it_went(request, form, operation, url, _show)


def _context(form: NetworkForm) -> dict[str, object]:
    return {
        "engine": form.engine,
        "form": form,
        "typed": form.typed,
        "may_swarm": access.can(form.user, "host"),
        "default_command": form.command,
    }


def _show(request: HttpRequest, form: NetworkForm, status: int = 200) -> HttpResponse:
    template = "networks/_create_form.html" if is_fragment(request) else "networks/create.html"
    return render(request, template, _context(form), status=status)
