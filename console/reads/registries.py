"""Questions to registries that somebody waits for: within a deadline that also covers looking up the name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from console.engine.errors import Unreachable
from console.engine.registry import Registry, RegistryClient, RegistryError
from console.reads.ask import bounded

DEADLINE: Final = 8.0  # seconds
T = TypeVar("T")


def ask(registry: Registry, question: Callable[[RegistryClient], T], seconds: float = DEADLINE) -> T:
    """Put ``question`` to a registry. Raises ``RegistryError``, also when it takes longer than ``seconds``."""
    client = RegistryClient(registry, seconds)
    try:
        return bounded(lambda: question(client), seconds, registry.host)
    except Unreachable as error:
        raise RegistryError("unreachable", error.message) from error


def greeting(registry: Registry) -> str:
    """What a registry says to somebody who comes in, in words. Raises ``RegistryError``."""

    def question(client: RegistryClient) -> str:
        client.check()
        who = f"It accepts {registry.username}." if client.asked_for_credentials else "It asks for no credentials."
        if not registry.username:
            who = "It answers without an account."
        try:
            found = client.catalog()
        except RegistryError:
            return f"{who} It does not list its repositories."
        count = f"{len(found.names)}{'+' if found.next else ''}"
        return f"{who} {count} repositor{'y' if count == '1' else 'ies'}."

    return ask(registry, question)
