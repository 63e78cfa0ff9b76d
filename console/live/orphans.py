"""Ends what was left running by shells whose session is over.

Their console crashed or was stopped before it had ended them, or their container was paused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from channels.db import database_sync_to_async
from django.db.models import Q
from django.utils import timezone

from console.engine.errors import EngineError
from console.live import kill
from console.live.session import ended
from console.models import Engine, Shell

log = logging.getLogger(__name__)

DEAD: Final = 40.0  # seconds without a sign of life: the owner is gone
INTERRUPTED: Final = "The console was interrupted."


def orphans() -> list[Shell]:
    """Shells that nobody looks after: their process of the console is gone, or gave them up (no ``owner``)."""
    since = timezone.now() - timedelta(seconds=DEAD)
    rows = Shell.objects.filter(Q(alive_at__lt=since) | Q(owner=""), ended_at=None).select_related("engine")
    return list(rows[:100])


async def clean_up(version_of: Callable[[Engine], str]) -> int:
    """End what such shells left running; returns of how many nothing is left that could be ended."""
    number = 0
    for shell in await database_sync_to_async(orphans, thread_sensitive=False)():
        reason = shell.reason or INTERRUPTED
        if shell.kind == Shell.Kind.EXEC and shell.engine is not None:
            try:
                target = kill.Target(shell.engine.address, shell.container_id, version_of(shell.engine))
                left = await kill.end(target, shell.marker, shell.run_as)
            except kill.Paused:
                continue
            except (EngineError, ValueError) as error:
                log.warning("A shell whose session is over cannot be ended yet: %s", error)
                continue
            reason = f"{reason} {left}".strip()
        await ended(shell, None, reason)
        number += 1
    return number
