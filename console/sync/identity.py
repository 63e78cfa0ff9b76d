"""Who answers at an engine's address: an admin's word that the newcomer is the engine from now on."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from console import changes
from console.models import Engine


def confirm(engine_pk: int, found_id: str | None = None) -> bool:
    """Accept the engine that was found at the address: its mirror takes the place of the former one.

    ``found_id``: the identity (``found["identity"]``) that the person saw; another newcomer since then is not
    accepted. Returns whether there was something to confirm. The worker notices within a moment.
    """
    with transaction.atomic():
        engine = Engine.objects.select_for_update().filter(pk=engine_pk, state=Engine.State.SWAPPED).first()
        if engine is None:
            return False
        newcomer: dict[str, Any] = engine.found
        accepted = newcomer.get("identity", "")
        if not accepted or (found_id is not None and found_id != accepted):
            return False
        Engine.objects.filter(pk=engine_pk).update(engine_id=accepted, resync_requested_at=timezone.now())
        changes.wake_workers()
    return True
