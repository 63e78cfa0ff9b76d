"""Word of an operation that has ended, for the person who asked for it."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.urls import reverse

from console.models import Operation


def render(operation: Operation) -> str:
    """A toast, out of band: what was done, or that it failed and where to read why."""
    done = operation.state == Operation.State.SUCCEEDED
    return render_to_string(
        "ui/_toast.html",
        {
            "state": "done" if done else "failed",
            "title": f"{operation.object_name}: {operation.verb.partition('.')[2]} {operation.get_state_display()}",
            "text": "" if done else operation.error,
            "href": reverse("operation", args=[operation.pk]),
            "oob": True,
        },
    )
