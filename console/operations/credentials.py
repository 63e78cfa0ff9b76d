"""Where works get the credentials of a registry: whoever keeps some adds a provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from console.models import Engine
from console.operations.registries import stored

Credentials = Mapping[str, str]  # username, password (or identitytoken), serveraddress
Provider = Callable[[Engine, str], Credentials | None]
PROVIDERS: Final[list[Provider]] = [stored]


def credentials_for(engine: Engine, host: str) -> Credentials | None:
    """The credentials for one registry's host ("docker.io", "registry.example:5000"), for that host alone; or None.

    Asks the database: from a work through ``Work.ask``.
    """
    for provider in PROVIDERS:
        if (found := provider(engine, host)) is not None:
            return found
    return None
