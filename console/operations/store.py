"""Every change of an Operation row: each is one conditional UPDATE, whose count says whether it was ours to make.

Who asks for the claim of a row is a worker, named by ``owner``. A claim has an end; a worker that is alive renews it.
``attempt`` grows with every claim: what a worker says counts only under the attempt that it claimed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from console import changes
from console.models import Engine, Operation, OperationOutput
from console.operations.verbs import BESIDE, LONG, WORKS

CLAIM_FOR: Final = 10.0  # seconds without a sign of life until another worker looks after the row
TOO_OLD: Final = 3600.0  # seconds: what waited longer is not done behind anybody's back
BATCH_LEAVES: Final = 2  # slots that operations asked for together leave to single ones

State = Operation.State


def _blockers() -> QuerySet[Operation]:
    """Operations on the same object that come first: running, or queued earlier."""
    return Operation.objects.filter(
        Q(state=State.RUNNING)
        | Q(state=State.QUEUED, created_at__lt=OuterRef("created_at"))
        | Q(state=State.QUEUED, created_at=OuterRef("created_at"), id__lt=OuterRef("id")),
        engine=OuterRef("engine"),
        kind=OuterRef("kind"),
        object_id=OuterRef("object_id"),
    ).exclude(Q(pk=OuterRef("pk")) | Q(verb__in=BESIDE) | (Q(object_id="") & ~Q(kind="engine")))


def anything_open() -> bool:
    """Whether there is anything to claim or to look after: the one question of a worker at rest."""
    return Operation.objects.filter(state__in=Operation.OPEN).exists()


def claim(owner: str, free: int, at_once: int) -> list[Operation]:
    """Take up to ``free`` queued operations whose turn it is, oldest first.

    Two of one object never run together. Those of a batch, and works that may take minutes, leave some of the
    ``at_once`` places to single ones, so that stopping thirty containers does not keep everybody else waiting; works
    that may take minutes never have more than half of the places, so that a batch moves on beside them.
    """
    if free <= 0:
        return []
    ready = Operation.objects.filter(~Exists(_blockers()), state=State.QUEUED)
    spare = free - min(BATCH_LEAVES, at_once - 1)
    long = Q(verb__in=LONG)
    single = Q(batch=None) & ~long & ~Q(verb__in=BESIDE)
    wanted = list(ready.filter(single).order_by("created_at", "id").values_list("pk", "engine")[:free])
    if spare > len(wanted):
        half = max(1, at_once // 2) - _mine(owner).filter(long).count()
        slow = ready.filter(long).order_by("created_at", "id").values_list("pk", flat=True)[: max(0, half)]
        batched = ready.exclude(single).filter(~long | Q(pk__in=list(slow))).order_by("created_at", "id")
        wanted += list(batched.values_list("pk", "engine")[: spare - len(wanted)])
    claimed = []
    for pk, engine in wanted:
        with transaction.atomic():
            # On databases with many writers at once, one claim at a time for an engine: else two operations of one
            # object could each miss the other.
            list(Engine.objects.select_for_update().filter(pk=engine).values_list("pk"))
            fields = _claimed(owner) | {"started_at": Coalesce("started_at", timezone.now())}
            if ready.filter(pk=pk).update(state=State.RUNNING, **fields):
                claimed.append(_published(pk))
    return claimed


def take_over(owner: str, limit: int, running: Iterable[uuid.UUID] = ()) -> list[Operation]:
    """Claim up to ``limit`` running operations whose worker gave no sign of life. ``running``: those of ``owner``."""
    expired = Q(state=State.RUNNING) & (Q(claim_expires__lt=timezone.now()) | Q(claim_expires=None))
    taken = []
    rows = Operation.objects.filter(expired).exclude(pk__in=list(running)).order_by("created_at")
    for pk in rows.values_list("pk", flat=True)[:limit]:
        with transaction.atomic():
            if Operation.objects.filter(expired, pk=pk).update(**_claimed(owner)):
                taken.append(_published(pk))
    return taken


def renew(owner: str, ids: Iterable[uuid.UUID]) -> None:
    """A sign of life for the operations that ``owner`` runs."""
    _mine(owner).filter(pk__in=list(ids)).update(claim_expires=_until())


def let_go(owner: str, ids: Iterable[uuid.UUID]) -> None:
    """The worker stops: another may look after these at once."""
    _mine(owner).filter(pk__in=list(ids)).update(claim_expires=timezone.now() - timedelta(seconds=1))


def note_before(operation: Operation, before: Mapping[str, Any]) -> bool:
    """Keep what the object was, before the engine is asked. False: the claim was lost, do not ask."""
    with transaction.atomic():
        return bool(
            _same_claim(operation).update(
                before=dict(before), sealed="", claim_expires=_until(), version=F("version") + 1
            )
        )


def note_progress(operation: Operation, progress: Mapping[str, Any]) -> bool:
    """Keep how far it is, for the pages that show it. False: the claim was lost."""
    with transaction.atomic():
        done = _same_claim(operation).update(progress=dict(progress), version=F("version") + 1)
        if done:
            _published(operation.pk)
    return bool(done)


def told_to_stop(operation: Operation) -> str | None:
    """Who cancelled a running operation; "" when the claim was lost; None to go on."""
    found = _same_claim(operation).values_list("cancel_requested", "result").first()
    if found is None:
        return ""
    return str(found[1].get("cancelled_by") or "somebody") if found[0] else None


def finish(
    operation: Operation,
    state: Operation.State,
    error: str,
    result: Mapping[str, Any],
    output: Sequence[tuple[str, str]] = (),
) -> bool:
    """The end. False: the claim was lost and somebody else says how it ended."""
    with transaction.atomic():
        done = _same_claim(operation).update(
            state=state,
            error=error,
            result={**operation.result, **result},
            sealed="",
            finished_at=timezone.now(),
            claim_expires=None,
            version=F("version") + 1,
        )
        if done:
            if output:
                OperationOutput.objects.update_or_create(operation=operation, defaults={"parts": list(output)})
            _published(operation.pk)
    return bool(done)


def cancel(operation: Operation, by: str) -> bool:
    """Take it out of the queue, or ask its worker to give up. False: it has ended, or cannot be given up."""
    works = [name for name, work in WORKS.items() if work.cancellable]
    with transaction.atomic():
        queued = Operation.objects.filter(pk=operation.pk, state=State.QUEUED)
        done = queued.update(
            state=State.CANCELLED,
            sealed="",
            finished_at=timezone.now(),
            result={**operation.result, "note": f"taken out of the queue by {by}"},
            version=F("version") + 1,
        )
        if not done:
            done = Operation.objects.filter(pk=operation.pk, state=State.RUNNING, verb__in=works).update(
                cancel_requested=True, result={**operation.result, "cancelled_by": by}, version=F("version") + 1
            )
        if done:
            _published(operation.pk)
    return bool(done)


def look_again(operation: Operation) -> bool:
    """Queue an operation of unknown end so that a worker looks at the object, and does no more."""
    with transaction.atomic():
        done = Operation.objects.filter(pk=operation.pk, state=State.UNKNOWN).update(
            state=State.QUEUED,
            before={**operation.before, "look_only": True},
            finished_at=None,
            version=F("version") + 1,
        )
        if done:
            _published(operation.pk)
            changes.wake_workers()
    return bool(done)


def prune() -> int:
    """Forget what ended longer than ``OPERATIONS_KEPT_DAYS`` ago. Returns how many."""
    limit = timezone.now() - timedelta(days=settings.OPERATIONS_KEPT_DAYS)
    old = Operation.objects.exclude(state__in=Operation.OPEN).filter(finished_at__lt=limit)
    return old.delete()[0]


def too_old(operation: Operation) -> bool:
    """Whether it waited so long that nobody expects it any more."""
    return (timezone.now() - operation.created_at).total_seconds() > TOO_OLD


def _until() -> Any:
    return timezone.now() + timedelta(seconds=CLAIM_FOR)


def _claimed(owner: str) -> dict[str, Any]:
    return {
        "claimed_by": owner,
        "claim_expires": _until(),
        "attempt": F("attempt") + 1,
        "version": F("version") + 1,
    }


def _mine(owner: str) -> QuerySet[Operation]:
    return Operation.objects.filter(claimed_by=owner, state=State.RUNNING)


def _same_claim(operation: Operation) -> QuerySet[Operation]:
    return _mine(operation.claimed_by).filter(pk=operation.pk, attempt=operation.attempt)


def _published(pk: Any) -> Operation:
    operation = Operation.objects.select_related("engine", "user").get(pk=pk)
    changes.operation_changed(operation.engine_id, str(operation.pk), operation.version)
    return operation
