"""Registries and their credentials: the list, adding, changing, testing and removing one. For admins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console import access, people
from console.models import Registry, User
from console.operations import registries as book
from console.operations.params import InvalidParams
from console.pages import registries as pages
from console.views.asking import dialog
from console.views.fragment import is_fragment

COMMAND = "containers/_dialog_command.html"


@require_safe
def registries(request: HttpRequest) -> HttpResponse:
    """``/registries``: those whose credentials the console keeps."""
    access.require(request.user, "admin")
    return render(request, "registries/list.html", {"rows": pages.rows(request.user)})


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """``/registries/add``: the form; a POST keeps the registry, and tests it."""
    access.require(request.user, "admin")
    return _form(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, registry_id: int) -> HttpResponse:
    """``/registries/<id>/edit``: all but its host, to which the credentials are bound."""
    return _form(request, access.registry_for(request.user, registry_id))


@require_POST
def test(request: HttpRequest, registry_id: int) -> HttpResponse:
    """``/registries/<id>/test``: is it a registry, and does it accept the account?"""
    row = access.registry_for(request.user, registry_id)
    fine = _tested(request, row)
    _record(request, "registry.test", row, result="fine" if fine else "failed")
    return _to_list(request)


@require_POST
def default(request: HttpRequest, registry_id: int) -> HttpResponse:
    """``/registries/<id>/default?on=1``: offered first where an image is pushed, or no longer."""
    row = access.registry_for(request.user, registry_id)
    on = request.GET.get("on") == "1"
    book.make_default(row, on)
    _record(request, "registry.default", row, on="yes" if on else "no")
    messages.success(request, f"{row} is {'the default' if on else 'no longer the default'}")
    return _to_list(request)


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, registry_id: int) -> HttpResponse:
    """``/registries/<id>/remove``: the dialog; a POST forgets the registry and its credentials."""
    row = access.registry_for(request.user, registry_id)
    if request.method == "POST":
        _record(request, "registry.remove", row)
        book.remove(row)
        messages.success(request, f"{row} removed")
        return _to_list(request)
    context = {
        "registry": row,
        "title": f"Remove {row}?",
        "action": reverse("registry-remove", args=[row.pk]),
        "command": pages.logout_command(row.host),
        "danger": True,
    }
    return dialog(request, "registries/_dialog_remove.html", context)


def _form(request: HttpRequest, row: Registry | None) -> HttpResponse:
    def show(data: Mapping[str, Any] | None, errors: Mapping[str, str]) -> HttpResponse:
        context = pages.FormPage(row, data, errors).context
        return render(request, "registries/form.html", context, status=422 if errors else 200)

    if request.GET.get("part") == "command":
        return render(request, COMMAND, pages.FormPage(row, request.GET, {}).context)
    if request.method != "POST":
        return show(None, {})
    try:
        kept = book.save(book.RegistryForm.read(request.POST, row), row)
    except InvalidParams as error:
        return show(request.POST, error.errors)
    _record(request, "registry.change" if row else "registry.add", kept, account=kept.username)
    _tested(request, kept)
    return _to_list(request)


def _tested(request: HttpRequest, row: Registry) -> bool:
    fine, said = book.test(row)
    messages.add_message(request, messages.SUCCESS if fine else messages.ERROR, f"{row}: {said}")
    return fine


def _to_list(request: HttpRequest) -> HttpResponse:
    page = reverse("registries")
    if is_fragment(request):
        return HttpResponse(status=202, headers={"HX-Redirect": page})
    return HttpResponseRedirect(page)


def _record(request: HttpRequest, action: str, row: Registry, **detail: Any) -> None:
    assert isinstance(request.user, User)
    people.record(
        request.user,
        action,
        address=people.address_of(request),
        kind="registry",
        object_id=str(row.pk),
        object_name=row.host,
        **detail,
    )
