"""Pulling, building, tagging, pushing and removing images: the dialogs, and asking for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console import access
from console.masks import PLAIN_MASK
from console.models import Engine, User
from console.operations import contexts, uploads
from console.operations.build_params import LONGEST as LONGEST_DOCKERFILE
from console.operations.build_params import BuildParams
from console.operations.params import InvalidParams
from console.operations.sealed import seal, unseal
from console.operations.verbs import VERBS
from console.pages.image_actions import BuildForm, ImageDialog, PullDialog
from console.views.asking import ask, asked_before, dialog
from console.views.image_files import sent_file

COMMAND = "containers/_dialog_part.html"  # the command as the fields stand now


@require_http_methods(["GET", "HEAD", "POST"])
def pull(request: HttpRequest, slug: str) -> HttpResponse:
    """GET: the dialog, with ``reference`` and ``platform`` filled in. POST: pull, and go to the operation's page."""
    engine = access.engine_for(request.user, slug, VERBS["image.pull"].right)
    data = request.POST if request.method == "POST" else request.GET

    def show(errors: Mapping[str, str]) -> HttpResponse:
        shown = PullDialog(engine, data, errors)
        if request.GET.get("part") == "command":
            return render(request, COMMAND, shown.context)
        return dialog(request, shown.template, shown.context, 422 if errors else 200)

    if request.method != "POST":
        return show({})
    reference = str(request.POST.get("reference") or "").strip()
    return ask(request, engine, "image.pull", _named(reference), show)


@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, slug: str, ref: str, verb: str) -> HttpResponse:
    """GET: the dialog of "tag", "push" or "remove". POST: ask for it; the image is the id's, never the name's."""
    row = VERBS[f"image.{verb}"]
    engine = access.engine_for(request.user, slug)
    image = access.image_for(request.user, engine, ref, row.right)
    if image.image_id != ref:
        raise Http404("image")
    data: QueryDict | None = request.POST if request.method == "POST" else None
    if request.GET.get("part") == "command":
        data = request.GET
    found = ImageDialog(request.user, engine, image, row, data)

    def show(errors: Mapping[str, str]) -> HttpResponse:
        if request.GET.get("part") == "command":
            return render(request, COMMAND, found.context(errors))
        return dialog(request, found.template, found.context(errors), 422 if errors else 200)

    if request.method != "POST":
        return show({})
    if problems := found.problems():
        return show(problems)
    return ask(request, engine, row.name, (image.image_id, found.name[:300]), show, data=found.asked)


def _named(reference: str) -> tuple[str, str]:
    """What an operation on something that may not exist yet is about: its name, whole, with its tag."""
    last = reference.rpartition("/")[2]
    whole = reference if ":" in last or "@" in last or not reference else f"{reference}:latest"
    return whole[:300], whole[:300]


@require_http_methods(["GET", "HEAD", "POST"])
def build(request: HttpRequest, slug: str) -> HttpResponse:
    """GET: the form, as for the build ``operation``. POST: keep the context and build; to the operation's page."""
    verb = VERBS["image.build"]
    engine = access.engine_for(request.user, slug, verb.right)

    user = request.user
    assert isinstance(user, User)
    kept: dict[str, str] = {"upload": "", "file": ""}

    def show(errors: Mapping[str, str]) -> HttpResponse:
        typed = request.POST.dict() if request.method == "POST" else _built_before(request, engine)
        context = BuildForm(engine, typed | kept, errors).context
        return render(request, "images/build.html", context, status=422 if errors else 200)

    if request.method != "POST":
        return show({})
    dockerfile = request.POST.get("dockerfile", "").replace("\r\n", "\n")
    dockerfile = dockerfile if dockerfile.strip() else ""
    errors: dict[str, str] = {}
    try:
        kept |= sent_file(request, user)
        params = BuildParams.read(request.POST.dict() | {"context": "", "typed": ""})
    except uploads.NotKept as error:
        errors["archive"] = str(error)
    except InvalidParams as error:
        errors |= error.errors
    else:
        if masked := next((arg for arg in params.args if arg.endswith(f"={PLAIN_MASK}")), ""):
            errors["args"] = f"{masked}: the secret itself was not kept. Type it again."
    if not dockerfile and not kept["upload"]:
        errors.setdefault("dockerfile", "Type a Dockerfile, or choose an archive that has one.")
    elif len(dockerfile) > LONGEST_DOCKERFILE:
        errors["dockerfile"] = f"At most {LONGEST_DOCKERFILE:,} characters."
    if errors:
        return show(errors)
    contexts.sweep()
    try:
        token = _context(user, kept["upload"], dockerfile)
        params = replace(params, context=token, typed=seal({"dockerfile": dockerfile}) if dockerfile else "")
    except contexts.BadContext as error:
        uploads.forget(user.pk, kept["upload"])
        kept |= {"upload": "", "file": ""}
        return show({"archive": str(error)})
    answer = ask(request, engine, verb.name, (params.tag, params.tag), show, data=params)
    if answer.status_code >= 400:
        contexts.forget(token)
    else:
        uploads.forget(user.pk, kept["upload"])
    return answer


def _built_before(request: HttpRequest, engine: Engine) -> dict[str, Any]:
    """What was typed for an earlier build, but for the file that was sent with it."""
    reference = request.GET.get("operation", "")
    if not reference:
        return {}
    params: dict[str, Any] = asked_before(request, engine, reference, "image.build").params
    typed = (unseal(str(params.get("typed") or "")) or {}).get("dockerfile", "")
    return params | {"dockerfile": typed, "args": "\n".join(params.get("args", ()))}


def _context(user: User, upload: str, dockerfile: str) -> str:
    """The token of the context, made of what was sent and typed. Raises ``BadContext``."""
    if not upload:
        return contexts.keep(None, dockerfile)[0]
    archive = uploads.opened(user.pk, upload)
    if archive is None:
        raise contexts.BadContext("The file is no longer kept: send it anew.")
    with archive:
        return contexts.keep(archive, dockerfile)[0]
