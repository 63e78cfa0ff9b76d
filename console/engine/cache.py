"""The build cache. Paths in docstrings are those of the Docker Engine API."""

from __future__ import annotations

import json

from console.engine.client import EngineClient
from console.engine.fields import integer, strings


def remove(client: EngineClient, record_id: str) -> int | None:
    """``POST /build/prune`` for one record: the bytes that it freed, or None if nothing went (in use, or gone).

    There is no other way to remove a record; the filter keeps the engine to this one.
    """
    filters = json.dumps({"id": {record_id: True}})
    answer = client.send("POST", "/build/prune", params={"all": "1", "filters": filters}, seconds=120.0)
    return max(0, integer(answer, "SpaceReclaimed")) if strings(answer, "CachesDeleted") else None
