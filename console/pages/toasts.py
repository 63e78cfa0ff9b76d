"""Word of operations that have ended, for the person who asked for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.template.loader import render_to_string
from django.urls import reverse

from console import access
from console.models import Operation
from console.pages.operation_rows import toast_words

SEVERAL: Final = 3  # more at once share a toast


def ended(user: access.Actor, ids: Iterable[str]) -> str:
    """Toasts, out of band, for those of these operations that are the person's own and have ended."""
    mine = access.operations_for(user).filter(pk__in=list(ids), user=user.pk).exclude(state__in=Operation.OPEN)
    found = list(mine.order_by("finished_at", "id"))
    if len(found) <= SEVERAL:
        return "".join(render(operation) for operation in found)
    good = {Operation.State.SUCCEEDED.value, Operation.State.CANCELLED.value}
    bad = [operation for operation in found if operation.state not in good]
    return _many("done", "done", len(found) - len(bad)) + (
        "".join(render(operation) for operation in bad) if len(bad) <= SEVERAL else _many("failed", "failed", len(bad))
    )


def render(operation: Operation) -> str:
    """A toast, out of band: what was done, or that it failed and where to read why."""
    state, title, text = toast_words(operation)
    return _toast(state, title, text, reverse("operation", args=[operation.pk]))


def _many(state: str, word: str, number: int) -> str:
    if not number:
        return ""
    what = "1 operation" if number == 1 else f"{number} operations"
    return _toast(state, f"{what} {word}", "", f"{reverse('operations')}?show=mine")


def _toast(state: str, title: str, text: str, href: str) -> str:
    return render_to_string("ui/_toast.html", {"state": state, "title": title, "text": text, "href": href, "oob": True})
