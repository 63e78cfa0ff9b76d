"""The live parts of the shell: freshness, running operations, and word of what has ended."""

from __future__ import annotations

from django.template.loader import render_to_string

from console import access
from console.models import Engine, Operation, User


def fresh(engine: Engine | None) -> str:
    """The foot bar's freshness, out of band."""
    return render_to_string("ui/_fresh.html", {"engine": engine, "oob": True})


def running(user: User) -> str:
    """The top bar's count of open operations, out of band."""
    count = access.operations_for(user).filter(state__in=Operation.OPEN).count()
    return render_to_string("ui/_running.html", {"running_operations": count, "oob": True})
