"""Word of operations that have ended, for the person who asked for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.template.loader import render_to_string
from django.urls import reverse

from console import access
from console.models import Operation
from console.operations.verbs import verb_of
from console.pages.operation_rows import toast_words

SEVERAL: Final = 3  # more at once share a toast
GOOD: Final = frozenset({Operation.State.SUCCEEDED.value, Operation.State.CANCELLED.value})


def ended(user: access.Actor, ids: Iterable[str]) -> str:
    """Toasts, out of band, for those of these operations that are the person's own and have ended.

    What was asked for together is told together, once, when the last of it has ended.
    """
    mine = access.operations_for(user).filter(pk__in=list(ids), user=user.pk).exclude(state__in=Operation.OPEN)
    found = list(mine.order_by("finished_at", "id"))
    html = [_batch(user, batch, found) for batch in {operation.batch for operation in found} if batch is not None]
    single = [operation for operation in found if operation.batch is None]
    if len(single) <= SEVERAL:
        return "".join([*html, *(render(operation) for operation in single)])
    bad = [operation for operation in single if operation.state not in GOOD]
    html.append(_many("done", "done", len(single) - len(bad)))
    html += [render(operation) for operation in bad] if len(bad) <= SEVERAL else [_many("failed", "failed", len(bad))]
    return "".join(html)


def _batch(user: access.Actor, batch: UUID, found: list[Operation]) -> str:
    """One toast for a batch; "" while some of it is open, or when its last one is not among ``found``."""
    rows = list(access.operations_for(user).filter(batch=batch).order_by("finished_at", "id"))
    if any(operation.state in Operation.OPEN for operation in rows) or rows[-1] not in found:
        return ""
    if len(rows) == 1:
        return render(rows[0])
    href = f"{reverse('operations')}?q=batch:{batch.hex}"
    verb = verb_of(rows[0])
    bad = [operation for operation in rows if operation.state not in GOOD]
    if not bad:
        done = verb.past if verb else "done"
        return _toast("done", f"{len(rows)} {rows[0].kind}s {done}", "", href)
    words = [f"{operation.object_name}: {toast_words(operation)[2]}" for operation in bad[:SEVERAL]]
    if len(bad) > SEVERAL:
        words.append(f"{len(bad) - SEVERAL} more")
    return _toast(
        "failed", f"{verb.label if verb else 'Operation'}: {len(bad)} of {len(rows)} failed", "; ".join(words), href
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
