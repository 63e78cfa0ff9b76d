"""Asking for a full comparison. The worker that holds the lease may be another process, so the wish is a column."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from console import changes
from console.models import Engine


def refresh(engine_pk: int) -> datetime:
    """Ask that the engine's mirror be compared as a whole, soon; return what to ask ``refreshed`` with."""
    asked = timezone.now()
    Engine.objects.filter(pk=engine_pk).update(resync_requested_at=asked)
    changes.wake_workers()
    return asked


def refreshed(engine_pk: int, asked: datetime) -> bool:
    """Whether a full comparison that began after ``asked`` is over."""
    return Engine.objects.filter(pk=engine_pk, synced_at__gte=asked).exists()
