"""Files in pieces: begin one, add to it. The answers are JSON for the page's script."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from console import access
from console.models import User
from console.operations import uploads
from console.operations.verbs import VERBS

TAKE_FILES: Final = (*uploads.USERS, "image.build")


def _require(user: User) -> None:
    """Raises ``PermissionDenied`` unless there is something that the person may do with a file."""
    if not any(access.can(user, VERBS[name].right) for name in TAKE_FILES):
        raise PermissionDenied("uploads")


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """``/uploads``: ``size`` of the file to come; its token and the size of a piece."""
    assert isinstance(request.user, User)
    _require(request.user)
    text = request.POST.get("size", "")
    try:
        token = uploads.begin(request.user, int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1)
    except uploads.NotKept as error:
        return JsonResponse({"error": str(error)}, status=422)
    return JsonResponse({"token": token, "piece": uploads.PIECE, "at": 0})


@require_POST
def piece(request: HttpRequest, token: str) -> HttpResponse:
    """``/uploads/<token>?at=N``: the bytes from N on; where the file ends now. 409: it ends elsewhere."""
    assert isinstance(request.user, User)
    _require(request.user)
    at = request.GET.get("at", "")
    try:
        if not (at.isascii() and at.isdigit() and len(at) < 19):
            raise uploads.NotKept("Where does the piece belong?")
        end = uploads.append(request.user, token, int(at), request.read(uploads.PIECE + 1))
    except uploads.NotKept as error:
        return JsonResponse({"error": str(error), "at": error.at}, status=422 if error.at is None else 409)
    return JsonResponse({"at": end})
