"""Removing a volume: the dialog that says who uses it and what is lost, then the operation."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from console import access
from console.operations.verbs import VERBS
from console.pages.volume import VolumeDetail
from console.views.asking import ask, dialog
from console.views.lists import found


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """``/e/<slug>/volumes/<name>/remove``: GET the dialog, POST asks; the engine's name is typed to confirm."""
    row = VERBS["volume.remove"]
    detail = found(VolumeDetail, request, slug, ref)
    access.require(request.user, row.right)
    volume, engine = detail.volume, detail.engine

    def shown(error: str = "", status: int = 200) -> HttpResponse:
        context = {
            "engine": engine,
            "detail": detail,
            "volume": volume,
            "verb": row,
            "action": request.path,
            "danger": True,
            "title": f"Remove {detail.title}?",
            "command": row.command(volume.name),
            "error": error,
            "typed": request.POST.get("typed", ""),
            "must": str(engine),
        }
        return dialog(request, "volumes/_dialog_remove.html", context, status)

    if request.method != "POST":
        return shown()
    if detail.users:
        return shown("A container uses it: remove that first.", 422)
    if request.POST.get("typed", "") != str(engine):
        return shown(f"Type {engine} to confirm: what is in the volume cannot be brought back.", 422)
    return ask(request, engine, row.name, (volume.name, volume.name), lambda errors: shown("; ".join(errors.values())))
