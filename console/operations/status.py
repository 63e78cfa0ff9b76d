"""Which objects have an open operation: for the buttons of lists and object pages."""

from __future__ import annotations

from collections.abc import Iterable

from console import access
from console.models import Engine, Operation
from console.operations.verbs import BESIDE


def busy_verbs(user: access.Actor, engine: Engine, ids: Iterable[str], kind: str = "container") -> dict[str, str]:
    """For each of the objects that has one: the verb of its newest open operation, "container.stop". One query."""
    rows = access.operations_for(user).filter(
        engine=engine, kind=kind, object_id__in=list(ids), state__in=Operation.OPEN
    )
    rows = rows.exclude(verb__in=BESIDE)  # a command that runs inside is no reason to wait
    return dict(rows.order_by("created_at").values_list("object_id", "verb"))


def objects_of(user: access.Actor, engine: Engine, ids: Iterable[str], kind: str = "container") -> list[str]:
    """The objects of these operations: what a page looks at again when operations moved on. One query."""
    rows = access.operations_for(user).filter(engine=engine, kind=kind, pk__in=list(ids))
    return list(rows.order_by().values_list("object_id", flat=True).distinct())
