"""Connecting, disconnecting and removing networks; an engine's swarm: dialogs first, then operations."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console import access, docker_networks, people
from console.engine.errors import EngineError
from console.models import Container, Engine, Network, User
from console.operations.params import InvalidParams
from console.operations.request import Refused, request_operation
from console.operations.verbs import VERBS, Verb
from console.pages import network_actions as pages
from console.pages.network_actions import Asked
from console.reads import swarm as reads
from console.views.asking import dialog, refused, to_page
from console.views.fragment import is_fragment


@require_http_methods(["GET", "HEAD", "POST"])
def network_action(request: HttpRequest, slug: str, ref: str, verb: str) -> HttpResponse:
    """GET: the dialog; ``operation=`` fills it as the engine refused it. POST: ask; ``ref`` is the full id."""
    row = pages.verb_for(verb)
    if row is None:
        raise Http404("verb")
    engine = access.engine_for(request.user, slug)
    network = access.network_for(request.user, engine, ref, row.right)
    given = request.POST if request.method == "POST" else request.GET
    member = _container(request, engine, given.get("container", "")) if verb == "disconnect" else None
    return _handled(request, Asked(request.user, engine, network, row, given, member))


@require_http_methods(["GET", "HEAD", "POST"])
def container_connect(request: HttpRequest, slug: str, container_id: str) -> HttpResponse:
    """From a container's page: connect it to the network of the field ``network`` (its full id)."""
    row = VERBS["network.connect"]
    engine = access.engine_for(request.user, slug)
    container = access.container_for(request.user, engine, container_id, row.right)
    given = request.POST if request.method == "POST" else request.GET
    network = None
    if pages.FULL_ID.fullmatch(wanted := given.get("network", "")):
        network = access.networks_for(request.user, engine).filter(network_id=wanted).first()
    return _handled(request, Asked(request.user, engine, network, row, given, container))


def _handled(request: HttpRequest, asked: Asked) -> HttpResponse:
    if request.method != "POST":
        return _shown(request, asked)
    if request.GET.get("part") == "command":
        asked.read()
        return render(request, "containers/_dialog_part.html", asked.context(request.path))
    network = asked.network
    if asked.verb.short == "remove" and network is not None and network.name in docker_networks.BUILT_IN:
        return refused(request, 409, f"{network.name} stays", "The engine made it and keeps it.")
    if asked.verb.short == "remove" and (names := [row.container.name for row in asked.members]):
        listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        asked.errors["use"] = f"In use by {listed}: disconnect first."
    asked.read()
    if asked.errors or network is None or asked.params is None:
        return _shown(request, asked, 422)
    try:
        operation = request_operation(
            request.user, asked.engine, asked.verb.name, network.network_id, network.name, asked.params
        )
    except Refused as error:
        return refused(request, 409, "Not done", error.reason)
    if is_fragment(request):
        return HttpResponse(status=202)
    return to_page(request, operation)


def _shown(request: HttpRequest, asked: Asked, status: int = 200) -> HttpResponse:
    if request.method != "POST" and (reference := request.GET.get("operation")):
        _refill(request, asked, reference)
    context = asked.context(request.path)
    return dialog(request, f"networks/_dialog_{asked.verb.short}.html", context, status)


def _refill(request: HttpRequest, asked: Asked, reference: str) -> None:
    try:
        operation = access.operation_for(request.user, reference)
    except ValidationError as error:
        raise Http404("operation") from error
    if operation.verb == "network.connect" and operation.engine_id == asked.engine.pk:
        asked.data, errors = pages.refill(operation)
        asked.read()
        asked.errors = errors


def _container(request: HttpRequest, engine: Engine, container_id: str) -> Container | None:
    if not pages.FULL_ID.fullmatch(container_id):
        return None
    return access.containers_for(request.user, engine).filter(container_id=container_id).first()


# ── the swarm ──


@require_safe
def engine_swarm(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/swarm``: state and nodes, asked of the engine; a part of its page for htmx."""
    engine = access.engine_for(request.user, slug)
    context = {
        "engine": engine,
        "swarm": reads.read(engine),
        "may": access.can(request.user, "host"),
        "may_tokens": access.can(request.user, "admin"),
        "default_command": "docker node ls",
    }
    return render(request, "engines/_swarm.html" if is_fragment(request) else "engines/swarm.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def swarm_action(request: HttpRequest, slug: str, verb: str) -> HttpResponse:
    """``/e/<slug>/swarm/init`` and ``leave``: GET the dialog, POST asks."""
    row = VERBS[f"swarm.{verb}"]
    engine = access.engine_for(request.user, slug, row.right)
    errors: dict[str, str] = {}
    given = request.POST if request.method == "POST" else request.GET
    params = row.params()
    try:
        params = row.params.read(dict(given.items()))
    except InvalidParams as error:
        errors = error.errors
    context = _swarm_context(request, engine, row, errors) | {"command": row.command(str(engine), params)}
    if request.method != "POST":
        return dialog(request, f"engines/_dialog_{verb}.html", context)
    if request.GET.get("part") == "command":
        return render(request, "containers/_dialog_part.html", context)
    if errors:
        return dialog(request, f"engines/_dialog_{verb}.html", context, 422)
    try:
        operation = request_operation(request.user, engine, row.name, engine.slug, str(engine), params)
    except Refused as error:
        return refused(request, 409, "Not done", error.reason)
    return to_page(request, operation)


def _swarm_context(request: HttpRequest, engine: Engine, row: Verb, errors: dict[str, str]) -> dict[str, Any]:
    overlays = Network.objects.none()
    if row.short == "leave":
        overlays = access.networks_for(request.user, engine).filter(scope="swarm")
    return {
        "engine": engine,
        "verb": row,
        "action": request.path,
        "danger": row.danger,
        "title": f"{row.title(str(engine))}?",
        "typed": request.POST if request.method == "POST" else request.GET,
        "errors": errors,
        "overlays": list(overlays[:50]),
    }


@require_POST
def swarm_token(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/swarm/token``: one join token, for admins; each look is written down. ``key``: worker or manager."""
    engine = access.engine_for(request.user, slug, "admin")
    role = request.POST.get("key", "")
    if role not in {"worker", "manager"}:
        raise Http404("token")
    assert isinstance(request.user, User)
    people.record(
        request.user,
        "swarm.token.reveal",
        address=people.address_of(request),
        engine=engine,
        kind="engine",
        object_id=engine.slug,
        object_name=str(engine),
        role=role,
    )
    try:
        value, _ = reads.token(engine, role)
    except EngineError as error:
        return refused(request, 502, "Not revealed", error.message)
    url = reverse("swarm-token", args=[slug])
    context = {"url": url, "name": role, "value": value}
    if is_fragment(request):
        return render(request, "ui/_secret.html", context)
    return render(request, "engines/token.html", {"engine": engine, "role": role, "value": value})
