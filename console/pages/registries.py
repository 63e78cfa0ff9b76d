"""The pages of registries: the list, and the form of one. Nothing here asks a registry."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Final

from django.urls import reverse

from console import access
from console.models import Registry
from console.operations.registries import UNREADABLE, host_of, readable

FIELDS: Final = ("host", "name", "username", "ca", "plain_http", "auth_server")
LAMPS: Final = {Registry.State.NEW: "created", Registry.State.FINE: "healthy", Registry.State.FAILED: "failed"}


def logout_command(host: str) -> str:
    """What forgetting a registry stands for."""
    return shlex.join(["docker", "logout", host])


def login_command(host: str, username: str) -> str:
    """The ``docker login`` that a registry stands for. A secret is never part of it."""
    name = ["--username", username] if username else []
    return shlex.join(["docker", "login", *name, *(["--password-stdin"] if username else []), host or "HOST"])


class Row:
    """One registry as a list or its own page shows it."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        state = Registry.State(registry.state)
        self.lamp, self.word, self.said = LAMPS[state], state.label.lower(), registry.said or "not tested yet"
        if not readable(registry):
            self.lamp, self.word, self.said = "failed", "failed", UNREADABLE
        self.remove = reverse("registry-remove", args=[registry.pk])
        self.logout = logout_command(registry.host)

    @property
    def command(self) -> str:
        """What its test stands for."""
        return login_command(self.registry.host, self.registry.username)

    @property
    def toggle(self) -> tuple[str, str]:
        """Where to post, and the words: make it the default, or no longer."""
        address = reverse("registry-default", args=[self.registry.pk])
        return (
            (address, "No longer the default") if self.registry.default else (f"{address}?on=1", "Make it the default")
        )


def rows(user: access.Actor) -> list[Row]:
    """All registries."""
    return [Row(registry) for registry in access.registries_for(user)]


class FormPage:
    """The form of a registry. ``data``: what was typed, kept as it is, without the secret."""

    def __init__(self, row: Registry | None, data: Mapping[str, Any] | None, errors: Mapping[str, str]) -> None:
        self.row, self.data, self.errors = row, data, errors

    @property
    def typed(self) -> dict[str, Any]:
        """The fields' values."""
        if self.data is not None:
            return {name: self.data.get(name, "") for name in FIELDS}
        return {name: getattr(self.row, name) for name in FIELDS} if self.row is not None else {}

    @property
    def context(self) -> dict[str, Any]:
        """Of ``registries/form.html``."""
        row, typed = self.row, self.typed
        host = row.host if row is not None else host_of(str(typed.get("host") or ""))
        return {
            "row": row,
            "now": Row(row) if row is not None else None,
            "typed": typed,
            "errors": self.errors,
            "action": reverse("registry-edit", args=[row.pk]) if row is not None else reverse("registry-add"),
            "has_secret": row is not None and bool(row.sealed),
            "command": login_command(host, str(typed.get("username") or "").strip()),
            "default_command": "docker login",
        }
