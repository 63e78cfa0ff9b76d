"""What a registry has: repositories, tags, deleting one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from console import access, people
from console.engine.registry import RegistryError
from console.models import Engine, Registry, User
from console.operations import registry_tags
from console.pages.registry_browse import Browse, DeleteDialog
from console.views.asking import dialog
from console.views.fragment import is_fragment


@require_safe
def browse(request: HttpRequest, registry_id: int) -> HttpResponse:
    """``/registries/<id>/?repository=&last=``: its repositories, or the tags of one; asked now."""
    registry = access.registry_for(request.user, registry_id, "deploy")
    repository = request.GET.get("repository", "").strip().strip("/")
    page = Browse(request.user, _engine(request), registry, repository, request.GET.get("last", "")[:300])
    return render(request, "registries/browse.html", page.context)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, registry_id: int) -> HttpResponse:
    """``/registries/<id>/delete?repository=&tag=``: what goes with a tag; a POST deletes the manifest shown."""
    registry = access.registry_for(request.user, registry_id)
    data = request.POST if request.method == "POST" else request.GET
    repository, tag = data.get("repository", "")[:255], data.get("tag", "")[:128]
    asked = DeleteDialog(request.user, registry, repository, tag)

    def show(error: str = "") -> HttpResponse:
        context = asked.context(error, data.get("typed", ""))
        return dialog(request, "registries/_dialog_delete.html", context, 422 if error else 200)

    if request.method != "POST":
        return show()
    if request.POST.get("typed", "").strip() != asked.must:
        return show(f"Type {asked.must} to go on.")
    digest = request.POST.get("digest", "")
    try:
        registry_tags.delete(registry, repository, tag, digest)
    except registry_tags.Changed:
        return show("The tag names another image by now: look again at what goes with it.")
    except RegistryError as error:
        return show(f"{error.sentence} {error.said}".strip())
    except ValueError:
        return show("That is no digest.")
    _record(request, registry, f"{repository}:{tag}", digest)
    messages.success(request, f"{repository}:{tag} deleted")
    page = f"{reverse('registry', args=[registry.pk])}?{urlencode({'repository': repository})}"
    if is_fragment(request):
        return HttpResponse(status=202, headers={"HX-Redirect": page})
    return HttpResponseRedirect(page)


def _engine(request: HttpRequest) -> Engine | None:
    """The engine that was looked at last, else the first."""
    known = list(access.engines_for(request.user))
    wanted = request.session.get("engine")
    return next((engine for engine in known if engine.slug == wanted), known[0] if known else None)


def _record(request: HttpRequest, registry: Registry, name: str, digest: str) -> None:
    assert isinstance(request.user, User)
    people.record(
        request.user,
        "registry.tag.delete",
        address=people.address_of(request),
        kind="registry",
        object_id=str(registry.pk),
        object_name=f"{registry.host}/{name}"[:300],
        digest=digest,
    )
