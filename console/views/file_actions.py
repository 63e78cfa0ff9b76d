"""Changes to files: the dialogs and forms, then the operations. See ``operations.kinds.files`` for the rights."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console import access
from console.engine import paths, tar
from console.engine.errors import EngineError
from console.models import Operation, User
from console.operations import uploads
from console.operations.params import InvalidParams
from console.operations.request import Refused, request_operation
from console.operations.verb import Verb
from console.operations.verbs import VERBS
from console.pages import files as pages
from console.pages.container import ContainerPage
from console.reads import files as reads
from console.views.asking import dialog, refused, to_page
from console.views.files import Shown

WAIT: Final = 2.5  # seconds that an answer waits for the end: most changes take less than one
LOOK: Final = 0.1
NAMED: Final = frozenset({"folder-make", "file-upload"})  # done in the folder of the address


@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, slug: str, ref: str, kind: str, verb: str) -> HttpResponse:
    """``…/files/<verb>?path=``: GET the form; POST asks, and leads back to the folder when it is done at once."""
    row = VERBS.get(f"{kind}.{verb}")
    if row is None:
        raise Http404("verb")
    shown = Shown(request, slug, ref, kind)
    access.require(request.user, row.right)
    if shown.error:
        return shown.problem(422, "This path is not followed", shown.error)
    asked = Asked(request, shown, row)
    return asked.post() if request.method == "POST" else asked.form({})


class Asked:
    """One change of one path."""

    def __init__(self, request: HttpRequest, shown: Shown, row: Verb) -> None:
        self.request, self.shown, self.row = request, shown, row
        self.host = shown.right == "host"
        self.volume = self._volume()

    def _volume(self) -> tuple[str, str]:
        """As ``pages.files.volume_at``, for what a container that does not run cannot do itself."""
        if self.shown.kind == "volume" or self.row.short not in ("file-rename", "file-delete"):
            return "", ""
        page: ContainerPage = self.shown.context["page"]
        return ("", "") if page.running else pages.volume_at(pages.writable(page.container), self.shown.path)

    def post(self) -> HttpResponse:
        """Ask for it."""
        where = {"volume": self.volume[0], "at": paths.quoted(self.volume[1])}
        try:
            params = self.row.params.read({**self._data(), **where, "host": self.host})
            place = self.shown.place
            operation = request_operation(self.request.user, place.engine, self.row.name, place.key, place.name, params)
        except paths.BadPath as error:
            return self.form({"name": str(error)})
        except InvalidParams as error:
            return self.form(error.errors)
        except uploads.NotKept as error:
            return self.form({"file": str(error)})
        except Refused as error:
            return refused(self.request, 409, "Not done", error.reason)
        folder = self.shown.path if self.row.short in NAMED else paths.parent(self.shown.path)
        if not _ended_well(operation):
            return to_page(self.request, operation)
        back = self.shown.path if self.row.short == "file-edit" else folder
        return to_page(self.request, operation, pages.address(place, "files", back))

    def _data(self) -> Mapping[str, Any]:
        """The parameters that the form says. Raises ``BadPath``, ``InvalidParams``, ``NotKept``."""
        path, given = self.shown.path, self.request.POST
        if self.row.short == "folder-make":
            return {"path": paths.quoted(paths.child(path, given.get("name", "")))}
        if self.row.short == "file-rename":
            return {
                "path": paths.quoted(path),
                "to": paths.quoted(paths.child(paths.parent(path), given.get("name", ""))),
            }
        if self.row.short == "file-edit":
            text = given.get("text", "").replace("\r\n", "\n")
            text = text.replace("\n", "\r\n") if given.get("crlf") else text
            digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
            return {"path": paths.quoted(path), "seal": given.get("seal", ""), "text": text, "digest": digest}
        if self.row.short == "file-upload":
            return self._uploaded()
        return {"path": paths.quoted(path)}

    def _uploaded(self) -> Mapping[str, Any]:
        user, given = self.request.user, self.request.POST
        assert isinstance(user, User)
        token, name = given.get("upload", ""), given.get("file", "")
        file = self.request.FILES.get("archive")
        if not token and isinstance(file, UploadedFile) and file.file is not None:
            token, name = uploads.whole(user, file.file, file.size or 0), file.name or ""
        if not token:
            raise InvalidParams({"file": "Choose a file."})
        path = paths.child(self.shown.path, name.replace("\\", "/").rpartition("/")[2])
        size = uploads.size_of(user.pk, token)
        return {
            "path": paths.quoted(path),
            "upload": token,
            "by": str(user.pk),
            "size": size,
            "over": given.get("over", ""),
        }

    def form(self, errors: Mapping[str, str]) -> HttpResponse:
        """The form, with what is wrong and what was typed."""
        place, path = self.shown.place, self.shown.path
        name = paths.name_of(path)
        context: dict[str, Any] = self.shown.context | {
            "engine": place.engine,
            "verb": self.row,
            "action": f"{self.request.path}?{pages.query_of(path)}",
            "errors": errors,
            "name": paths.shown(name, 300),
            "folder": paths.shown(path if self.row.short in NAMED else paths.parent(path)),
            "typed": self.request.POST.get("name", "" if self.row.short in NAMED else paths.shown(name, 300)),
            "back": pages.address(place, "files", path),
            "danger": self.row.danger,
            "place": place,
            "command": pages.change_of(self.row, place, path, self.volume),
        }
        status = 422 if errors else 200
        if self.row.short == "file-edit":
            return self._edit(context, status)
        if self.row.short == "file-upload":
            title = f"Upload to {context['folder']}"
            return render(self.request, "files/upload.html", context | {"title": title}, status=status)
        titles = {"folder-make": "New folder", "file-rename": f"Rename {context['name']}"}
        context["title"] = titles.get(self.row.short, f"Delete {context['name']}?")
        return dialog(self.request, f"files/_dialog_{self.row.short.replace('-', '_')}.html", context, status)

    def _edit(self, context: dict[str, Any], status: int) -> HttpResponse:
        """The text as it is now, or as it was typed."""
        context["title"] = f"Edit {context['name']}"
        given = self.request.POST
        if self.request.method == "POST":
            context |= {"text": given.get("text", ""), "seal": given.get("seal", ""), "crlf": given.get("crlf", "")}
            return render(self.request, "files/edit.html", context, status=status)
        try:
            found = reads.find(self.shown.place, self.shown.path)
        except (EngineError, reads.IsLink) as error:
            return self.shown.refusal(error)
        whole = found.entry is not None and len(found.content) >= found.entry.size
        text = pages.editable(found.content) if whole and found.stat.kind == tar.FILE else None
        if text is None:
            said = "Only whole texts of at most 256 KiB, without control characters, are edited here."
            return self.shown.problem(422, "This cannot be edited", said)
        self.shown.record("open", bytes=len(found.content))
        context |= {"text": text, "seal": found.stat.seal, "crlf": "1" if b"\r\n" in found.content else ""}
        return render(self.request, "files/edit.html", context, status=status)


def _ended_well(operation: Operation) -> bool:
    """Wait a moment for the end of an operation; whether it was done."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        state = Operation.objects.values_list("state", flat=True).get(pk=operation.pk)
        if state not in Operation.OPEN:
            return bool(state == Operation.State.SUCCEEDED)
        time.sleep(LOOK)
    return False
