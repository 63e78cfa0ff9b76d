"""Asking for a full comparison of an engine with its mirror, now."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from console import changes
from console.models import Engine


def request_refresh(engine_pk: int) -> None:
    """Ask whoever watches the engine for a full comparison; ``refreshed`` tells when it is done."""
    with transaction.atomic():
        Engine.objects.filter(pk=engine_pk).update(resync_requested_at=timezone.now())
        changes.wake_workers()


def refreshed(engine_pk: int) -> bool:
    """Whether every comparison that was asked for is done (or the engine is no longer known)."""
    return not Engine.objects.filter(pk=engine_pk, resync_requested_at__isnull=False).exists()
