"""Word of an operation that has ended, for the person who asked for it."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.urls import reverse

from console.models import Operation
from console.pages.operation_rows import toast_words


def render(operation: Operation) -> str:
    """A toast, out of band: what was done, or that it failed and where to read why."""
    state, title, text = toast_words(operation)
    href = reverse("operation", args=[operation.pk])
    return render_to_string("ui/_toast.html", {"state": state, "title": title, "text": text, "href": href, "oob": True})
