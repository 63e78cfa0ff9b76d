"""Pages of images: the list, one image, its layers, its inspect."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from console import access, people
from console.engine.errors import EngineError
from console.models import User
from console.pages.image import ImageDetail, parts, steps
from console.pages.images import ImageList
from console.reads import objects
from console.views.fragment import is_fragment
from console.views.lists import answer_inspect, answer_list, answer_tab, found, gone

HEAD = "images/_head.html"


@require_safe
def images(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/images``: the list; an htmx request gets the part under the filter."""
    engine = access.engine_for(request.user, slug)
    return answer_list(request, ImageList(request.user, engine, request.GET))


@require_safe
def image(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """``/e/<slug>/images/<id12>/``: what it is and who uses it, from the mirror."""
    try:
        detail = found(ImageDetail, request, slug, ref)
    except Http404:
        return gone(request, slug, "images", "image", ref)
    return answer_tab(request, detail, "image", "images/_overview.html")


@require_safe
def layers(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """``…/layers``: the history, asked of the engine."""
    detail = found(ImageDetail, request, slug, ref)
    context: dict[str, Any] = {}
    try:
        history = objects.image_history(detail.engine, detail.key)
    except EngineError as error:
        context["problem"] = f"The layers cannot be read now: {error.message}"
    else:
        shown = steps(history, detail.secrets)
        context |= {"steps": shown, "parts": parts(shown, history)}
    return answer_tab(request, detail, "image-layers", "images/_layers.html", **context)


@require_safe
def inspect(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """``…/inspect``: all of ``docker image inspect``, asked of the engine."""
    detail = found(ImageDetail, request, slug, ref)
    return answer_inspect(request, detail, "image-inspect", HEAD, lambda: objects.raw_image(detail.engine, detail.key))


@require_POST
def reveal(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """``…/reveal``: one value of the environment, to people with ``shell``, written down."""
    engine = access.engine_for(request.user, slug)
    row = access.image_for(request.user, engine, ref, "shell")
    detail = found(ImageDetail, request, slug, row.image_id)
    key = request.POST.get("key", "")
    value = detail.value_of(key)
    assert isinstance(request.user, User)
    people.record(
        request.user,
        "image.env.reveal",
        address=people.address_of(request),
        engine=engine,
        kind="image",
        object_id=row.image_id,
        object_name=detail.title[:300],
        key=key[:300],
    )
    if is_fragment(request):
        return render(request, "ui/_secret.html", {"url": detail.reveal_url, "name": key, "value": value})
    detail.revealed = {key: value}
    return answer_tab(request, detail, "image", "images/_overview.html")
