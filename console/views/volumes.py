"""Pages of volumes: the list, one volume, its inspect, sizes on request."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console import access
from console.engine.errors import EngineError
from console.pages.storage import StorageList
from console.pages.volume import VolumeDetail
from console.pages.volumes import VolumeList, size_of, size_rows
from console.reads import objects
from console.views.fragment import is_fragment
from console.views.lists import answer_inspect, answer_list, answer_tab, found, gone


@require_safe
def volumes(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/volumes``: the list; an htmx request gets the part under the filter."""
    engine = access.engine_for(request.user, slug)
    return answer_list(request, VolumeList(request.user, engine, request.GET))


@require_safe
def mounts(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/volumes/mounts``: storage that is no volume: bind mounts and tmpfs of all containers."""
    engine = access.engine_for(request.user, slug)
    return answer_list(request, StorageList(request.user, engine, request.GET))


@require_safe
def volume(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """``/e/<slug>/volumes/<name>/``: what it is, who uses it and where, from the mirror."""
    try:
        detail = found(VolumeDetail, request, slug, ref)
    except Http404:
        return gone(request, slug, "volumes", "volume", ref)
    return answer_tab(request, detail, "volume", "volumes/_overview.html", after_template="volumes/_size.html")


@require_safe
def inspect(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """``…/inspect``: all of ``docker volume inspect``, asked of the engine."""
    detail = found(VolumeDetail, request, slug, ref)
    return answer_inspect(
        request, detail, "volume-inspect", "volumes/_head.html", lambda: objects.raw_volume(detail.engine, detail.key)
    )


@require_safe
def sizes(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/volumes/sizes``: sizes measured now; ``name``: of one volume. Slow, so only when somebody asks."""
    engine = access.engine_for(request.user, slug)
    name = request.GET.get("name", "")
    context: dict[str, Any] = {"engine": engine, "default_command": "docker system df --verbose"}
    one = access.volume_for(request.user, engine, name) if name else None
    try:
        measured = objects.volume_sizes(engine)
    except EngineError as error:
        context["problem"] = f"Sizes cannot be read now: {error.message}"
    else:
        context |= size_rows(request.user, engine, measured)
        context |= {"size": size_of(one.name, measured)} if one else {}
    if one and is_fragment(request):
        return render(request, "volumes/_size.html", context | {"volume": one})
    return render(request, "volumes/_sizes.html" if is_fragment(request) else "volumes/sizes.html", context)
