"""Several images at once: removing them, one operation each; looking whether registries have newer ones."""

from __future__ import annotations

import uuid
from typing import Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from console import access
from console.operations import remote_tags
from console.operations.request import refusal, request_operation
from console.operations.verbs import VERBS
from console.pages.image_bulk import VERB, ManyDialog
from console.views.asking import ask, dialog, refused, to_page

COMMAND: Final = "containers/_dialog_command.html"
MOST: Final = 200  # images at once


@require_POST
def bulk(request: HttpRequest, slug: str) -> HttpResponse:
    """The dialog of the ticked images; with ``confirmed`` an operation for each, and the page that lists them."""
    engine = access.engine_for(request.user, slug, VERB.right)
    ids = list(dict.fromkeys(request.POST.getlist("id")))
    if request.GET.get("part") == "command":
        return render(request, COMMAND, ManyDialog(request.user, engine, ids[:MOST], request.POST).context)
    if not ids or len(ids) > MOST:
        text = "Tick some first." if not ids else f"At most {MOST} at once: {len(ids)} are ticked."
        return refused(request, 422, "Nothing was done", text)
    if reason := refusal(engine):
        return refused(request, 409, "Nothing was done", reason)
    found = ManyDialog(request.user, engine, ids, request.POST)
    if not found.rows:
        return refused(request, 409, "Nothing was done", "None of them exists any more.")
    if not found.confirmed:
        return dialog(request, "images/_dialog_many.html", found.context)
    batch = uuid.uuid4()
    with transaction.atomic():
        asked = [
            request_operation(
                request.user, engine, VERB.name, row.image.image_id, row.name[:300], row.params(found.force), batch
            )
            for row in found.rows
        ]
    return to_page(request, asked[0], f"{reverse('operations')}?q=batch:{batch.hex}")


@require_POST
def check(request: HttpRequest, slug: str) -> HttpResponse:
    """``/e/<slug>/images/check``: ask registries what their tags are now; the operation's page says what is newer."""
    verb = VERBS["image.check"]
    engine = access.engine_for(request.user, slug, verb.right)
    references = remote_tags.checkable(engine, MOST)
    if not references:
        text = "No image here came from a registry or went to one."
        return refused(request, 409, "Nothing to look for", text)
    name = references[0] if len(references) == 1 else f"{len(references)} tags"
    params = {"references": references}
    return ask(request, engine, verb.name, ("", name), lambda errors: HttpResponse(status=422), data=params)
