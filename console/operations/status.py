"""Which objects have an open operation: for the buttons of lists and object pages."""

from __future__ import annotations

from collections.abc import Iterable

from console import access
from console.models import Engine, Operation
from console.operations.verbs import BESIDE


def busy_verbs(user: access.Actor, engine: Engine, ids: Iterable[str], kind: str = "container") -> dict[str, str]:
    """For each of the objects that has one: the verb of its newest open operation, "container.stop". One query."""
    wanted = set(ids)
    rows = access.operations_for(user).filter(engine=engine, kind=kind, state__in=Operation.OPEN)
    if len(wanted) == 1:
        rows = rows.filter(object_id=next(iter(wanted)))
    rows = rows.exclude(verb__in=BESIDE)  # a command that runs inside is no reason to wait
    # Few are open: to pick them here costs less than a query with a hundred ids
    return {id_: verb for id_, verb in rows.order_by("created_at").values_list("object_id", "verb") if id_ in wanted}


def objects_of(user: access.Actor, engine: Engine, ids: Iterable[str], kind: str = "container") -> list[str]:
    """The objects of these operations: what a page looks at again when operations moved on. One query."""
    rows = access.operations_for(user).filter(engine=engine, kind=kind, pk__in=list(ids))
    return list(rows.order_by().values_list("object_id", flat=True).distinct())
