"""The live parts of the shell: freshness, counts, running operations."""

from __future__ import annotations

from collections.abc import Mapping

from django.template.loader import render_to_string

from console import access
from console.context import numbers_for
from console.models import Engine
from console.pages import operations

COUNTED = frozenset({"container", "image", "volume", "network"})  # kinds whose number stands in the side bar


def fresh(engine: Engine | None) -> str:
    """The foot bar's freshness, out of band."""
    return render_to_string("ui/_fresh.html", {"engine": engine, "oob": True})


def drawer(user: access.Actor) -> str:
    """What the operations drawer shows, out of band; ignored where it was never opened."""
    context = operations.drawer(user) | {"oob": True, "user": user}
    return render_to_string("operations/_drawer_count.html", context) + render_to_string(
        "operations/_drawer_body.html", context
    )


def numbers(user: access.Actor, engine: Engine | None, shown: Mapping[str, int]) -> tuple[str, dict[str, int]]:
    """The counts of the side bar and the top bar that differ from those ``shown``, out of band; and all counts."""
    now = numbers_for(user, engine)
    changed = {name: number for name, number in now.items() if shown.get(name) != number}
    if not changed:
        return "", now
    html = render_to_string("ui/_counts.html", {"counts": changed})
    if "running" in changed:
        html += render_to_string("ui/_running.html", {"running_operations": now["running"], "oob": True})
    return html, now
