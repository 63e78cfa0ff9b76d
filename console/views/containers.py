"""Pages of containers: the list, one container, its inspect, a value of its environment."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from console import access, masks, people
from console.engine.errors import EngineError
from console.models import User
from console.pages.container import ContainerPage
from console.pages.containers import ContainerList
from console.pages.json_lines import document, dumped
from console.reads import containers as reads
from console.reads.command import run_command
from console.views.fragment import is_fragment
from console.views.setup import unreached


def by_socket(request: HttpRequest) -> bool:
    """Whether the page's socket had a region read again, so that the reader did not ask and the address stays."""
    return is_fragment(request) and request.headers.get("HX-Source", "").endswith("#live")


def host_of(request: HttpRequest) -> str:
    """The host name under which the browser reaches the console, without the port."""
    name, _, port = request.get_host().rpartition(":")
    return (name if name and port.isdigit() else request.get_host()).strip("[]")


@require_safe
def containers(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/containers``: the list; an htmx request gets the part under the filter."""
    engine = access.engine_for(request.user, slug)
    if (never := unreached(request, engine)) is not None:
        return never
    shown = ContainerList(request.user, engine, request.GET, host_of(request))
    template = "_answer.html" if is_fragment(request) else "list.html"
    return render(
        request,
        f"containers/{template}",
        shown.context | {"moved": not by_socket(request), "may_create": access.can(request.user, "deploy")},
        status=shown.status,
    )


def _page(request: HttpRequest, slug: str, reference: str) -> ContainerPage:
    engine = access.engine_for(request.user, slug)
    return ContainerPage(request.user, engine, request.GET, reference, host_of(request))


def _gone(request: HttpRequest, slug: str, reference: str) -> HttpResponse:
    """What the region of a page says when its container is no longer there. Anything else is the usual 404.

    410 and not 404: at a 404 the page would load itself again and end, but a container of the same name may come back.
    """
    if not by_socket(request):
        raise Http404("container")
    list_url = reverse("containers", args=[access.engine_for(request.user, slug).slug])
    return render(request, "containers/_gone.html", {"reference": reference, "list_url": list_url}, status=410)


@require_safe
def container(request: HttpRequest, slug: str, reference: str) -> HttpResponse:
    """``/e/<slug>/containers/<name>/``: the overview."""
    try:
        page = _page(request, slug, reference)
    except Http404:
        return _gone(request, slug, reference)
    return render(request, f"containers/{'_overview' if is_fragment(request) else 'overview'}.html", page.context)


@require_safe
def inspect(request: HttpRequest, slug: str, reference: str) -> HttpResponse:
    """``/e/<slug>/containers/<name>/inspect``: readable groups, and the raw document for those with ``host``.

    ``find`` searches the document, ``fields`` the groups, ``show`` is both, groups or json, ``download`` gives a file.
    """
    try:
        page = _page(request, slug, reference)
    except Http404:
        return _gone(request, slug, reference)
    page.tab = "inspect"
    if is_fragment(request):
        return render(request, "containers/_object.html", page.context)
    raw_allowed = access.can(request.user, "host")
    show = request.GET.get("show", "both") if raw_allowed else "groups"
    context: dict[str, Any] = {
        "raw_allowed": raw_allowed,
        "show": show if show in {"both", "groups", "json"} else "both",
        "find": request.GET.get("find", "")[:200],
        "fields": request.GET.get("fields", "")[:200],
    }
    if raw_allowed and (show != "groups" or "download" in request.GET):
        try:
            shown, hidden = masks.masked_document(reads.raw(page.engine, page.container))
        except EngineError as error:
            context["raw_error"] = error.message
        else:
            if "download" in request.GET:
                return _download(page, dumped(shown))
            context |= {"raw": document(shown, context["find"]), "hidden": hidden, "read_at": timezone.now()}
    context |= {"groups": page.groups(context["fields"]), "variables": page.variables(context["fields"])}
    return render(request, "containers/inspect.html", page.context | context)


def _download(page: ContainerPage, text: str) -> HttpResponse:
    name = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in page.container.name)
    answer = HttpResponse(text, content_type="application/json; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name or page.container.short_id}.json"'
    return answer


@require_safe
def health(request: HttpRequest, slug: str, container_id: str) -> HttpResponse:
    """``/e/<slug>/containers/<id>/health``: the last probes of the health check, read from the engine."""
    page = _page(request, slug, container_id)
    context = dict(page.context)
    try:
        probes = reads.health_log(page.engine, page.container)
    except EngineError as error:
        context["health_error"] = error.message
    else:
        context["probes"] = page.probes(probes)
    return render(request, f"containers/{'_health' if is_fragment(request) else 'overview'}.html", context)


@require_safe
def command(request: HttpRequest, slug: str, container_id: str) -> HttpResponse:
    """``/e/<slug>/containers/<id>/command``: the ``docker container run`` that makes it again, derived now."""
    engine = access.engine_for(request.user, slug)
    access.container_for(request.user, engine, container_id, "shell")
    page = _page(request, slug, container_id)
    context = dict(page.context)
    try:
        page.derived = run_command(engine, page.container)
    except EngineError as error:
        context["command_error"] = error.message
    return render(request, f"containers/{'_command' if is_fragment(request) else 'overview'}.html", context)


@require_POST
def reveal(request: HttpRequest, slug: str, container_id: str) -> HttpResponse:
    """``/e/<slug>/containers/<id>/reveal``: one value of the environment, to people with ``shell``, written down."""
    engine = access.engine_for(request.user, slug)
    row = access.container_for(request.user, engine, container_id, "shell")
    page = ContainerPage(request.user, engine, request.GET, row.container_id, host_of(request))
    key = request.POST.get("key", "")
    value = page.value_of(key)
    assert isinstance(request.user, User)
    people.record(
        request.user,
        "container.env.reveal",
        address=people.address_of(request),
        engine=engine,
        kind="container",
        object_id=row.container_id,
        object_name=row.name,
        key=key[:300],
    )
    if is_fragment(request):
        return render(request, "ui/_secret.html", {"url": page.reveal_url, "name": key, "value": value})
    page.revealed = {key: value}
    return render(request, "containers/overview.html", page.context)
