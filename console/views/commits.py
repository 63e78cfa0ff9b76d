"""Making an image of a container: the dialog, and asking for it."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console import access
from console.pages.commit import VERB, CommitDialog
from console.views.asking import ask, dialog


@require_http_methods(["GET", "HEAD", "POST"])
def commit(request: HttpRequest, slug: str, container_id: str) -> HttpResponse:
    """``/e/<slug>/containers/<id>/commit``: GET the dialog; POST asks, and goes to the operation's page."""
    engine = access.engine_for(request.user, slug)
    container = access.container_for(request.user, engine, container_id, VERB.right)
    if container.container_id != container_id:  # another one has taken these digits for its name
        raise Http404("container")
    asked = CommitDialog(engine, container, request.POST if request.method == "POST" else None)

    def show(errors: Mapping[str, str]) -> HttpResponse:
        return dialog(request, "containers/_dialog_commit.html", asked.context(errors), 422 if errors else 200)

    if request.method != "POST":
        return show({})
    if request.GET.get("part") == "command":  # posted, as an instruction may hold a secret
        return render(request, "containers/_dialog_part.html", asked.context({}))
    return ask(request, engine, VERB.name, (container.container_id, container.name), show)
