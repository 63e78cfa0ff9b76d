"""A download that an operation waits for: the request that streams it says how far it is, and the work reads that.

It stands in the running operation's ``result`` under "transfer": ``state`` begun, ended or cut; ``sent`` bytes; ``at``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from console.models import Operation

BEGUN: Final = "begun"
ENDED: Final = "ended"
CUT: Final = "cut"


@dataclass(frozen=True, slots=True)
class Transfer:
    """``at``: seconds of the console's clock of the last word; ``state`` is "" before it begins."""

    state: str = ""
    sent: int = 0
    at: float = 0.0


def note(operation_id: UUID, state: str, sent: int) -> bool:
    """Say how far it is. False: the operation waits no longer."""
    with transaction.atomic():
        running = Operation.objects.select_for_update().filter(pk=operation_id, state=Operation.State.RUNNING)
        found = running.values_list("result", flat=True).first()
        if found is None:
            return False
        said = {"state": state, "sent": sent, "at": time.time()}
        return bool(running.update(result={**found, "transfer": said}))


def read(operation_id: UUID) -> Transfer:
    """The last word."""
    found: Any = Operation.objects.filter(pk=operation_id).values_list("result", flat=True).first()
    said = found.get("transfer") if isinstance(found, dict) else None
    return Transfer(str(said["state"]), int(said["sent"]), float(said["at"])) if isinstance(said, dict) else Transfer()
