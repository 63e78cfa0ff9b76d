"""Pages of networks: the list, one network, its inspect."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from console import access
from console.pages.network import NetworkDetail
from console.pages.networks import NetworkList
from console.reads import objects
from console.views.lists import answer_inspect, answer_list, answer_tab, found, gone


@require_safe
def networks(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/networks``: the list; an htmx request gets the part under the filter."""
    engine = access.engine_for(request.user, slug)
    return answer_list(request, NetworkList(request.user, engine, request.GET))


@require_safe
def network(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """``/e/<slug>/networks/<name>/``: members, options, what names mean, from the mirror."""
    try:
        detail = found(NetworkDetail, request, slug, ref)
    except Http404:
        return gone(request, slug, "networks", "network", ref)
    return answer_tab(request, detail, "network", "networks/_overview.html")


@require_safe
def inspect(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """``…/inspect``: all of ``docker network inspect``, asked of the engine."""
    detail = found(NetworkDetail, request, slug, ref)
    return answer_inspect(
        request,
        detail,
        "network-inspect",
        "networks/_head.html",
        lambda: objects.raw_network(detail.engine, detail.key),
    )
