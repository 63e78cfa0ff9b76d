"""The engine's own row: reachable or not, since when, who answers there. Every write names the lease's fence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import models, transaction
from django.db.models import F, Max

from console import changes
from console.engine.canonical import to_json
from console.engine.errors import EngineError, Unreachable
from console.engine.text import text
from console.engine.types import EngineInfo
from console.models import Engine, Event
from console.sync.lease import LeaseLost

_LIMITS: Final = {f.name: f.max_length for f in Engine._meta.concrete_fields if isinstance(f, models.CharField)}


def identity(info: EngineInfo) -> str:
    """Return what tells one engine from another at the same address. Podman makes up a new ID at every question."""
    if info.product.startswith("Podman"):
        return text(f"podman:{info.name}:{info.root_dir}", 200)
    return info.id


def connected(engine_pk: int, fence: int, info: EngineInfo) -> None:
    """Note what the engine says of itself, and adopt its identity if this is the first time that it answers."""
    stored = Engine.objects.values("engine_id", "info", "name").filter(pk=engine_pk).first()
    if stored is None:
        raise LeaseLost("the engine was removed")
    said, own = to_json(info), stored["engine_id"] or text(identity(info), 200)
    if stored["info"] == said and stored["engine_id"] == own:
        return
    with transaction.atomic():
        _update(
            engine_pk,
            fence,
            engine_id=own,
            name=info.name,
            server_version=info.server_version,
            api_version=info.negotiated_api_version,
            info=said,
            found={},
            version=F("version") + 1,
        )
        version = Engine.objects.values_list("version", flat=True).get(pk=engine_pk)
        changes.objects_changed(engine_pk, "engine", [str(engine_pk)], version)


def seen(engine_pk: int, fence: int, seen_at: datetime, last_event_at: datetime | None = None) -> int:
    """Note that the mirror was exact at ``seen_at`` and the engine answers; return the engine's version."""
    event: Mapping[str, Any] = {"last_event_at": last_event_at} if last_event_at else {}
    return _update(
        engine_pk,
        fence,
        state=Engine.State.LIVE,
        seen_at=seen_at,
        stale_since=None,
        problem="",
        error="",
        retry_at=None,
        found={},
        **event,
    )


def lost(engine_pk: int, fence: int, error: EngineError, retry_at: datetime) -> int:
    """Note that the engine does not answer, or not as one; return the engine's version."""
    row = Engine.objects.values("seen_at", "stale_since").filter(pk=engine_pk).first()
    if row is None:
        raise LeaseLost("the engine was removed")
    return _update(
        engine_pk,
        fence,
        state=Engine.State.STALE if row["seen_at"] else Engine.State.UNREACHABLE,
        stale_since=row["stale_since"] or row["seen_at"],
        problem=error.problem if isinstance(error, Unreachable) else "lost",
        error=error.message,
        retry_at=retry_at,
        found={},
    )


def swapped(engine_pk: int, fence: int, info: EngineInfo, retry_at: datetime) -> int:
    """Note that another engine answers at the address: the mirror freezes. Returns the engine's version."""
    row = Engine.objects.values("seen_at", "stale_since").filter(pk=engine_pk).first()
    if row is None:
        raise LeaseLost("the engine was removed")
    return _update(
        engine_pk,
        fence,
        state=Engine.State.SWAPPED,
        stale_since=row["stale_since"] or row["seen_at"],
        problem="",
        error="Another engine answers at this address.",
        retry_at=retry_at,
        found={**to_json(info), "identity": identity(info)},
    )


def synced(engine_pk: int, fence: int, at: datetime, request: datetime | None) -> int:
    """Note a full comparison that began at ``at`` and answered ``request``; return the engine's version."""
    version = _update(engine_pk, fence, synced_at=max(at, request) if request else at)
    if request is not None:
        Engine.objects.filter(pk=engine_pk, lease_fence=fence, resync_requested_at=request).update(
            resync_requested_at=None
        )
    return version


def last_event(engine_pk: int) -> int | None:
    """Return the ``time_ns`` of the last event in the engine's log, None if there is none."""
    found: int | None = Event.objects.filter(engine_id=engine_pk).aggregate(last=Max("time_ns"))["last"]
    return found


def _update(engine_pk: int, fence: int, **columns: Any) -> int:
    for name, value in columns.items():
        limit = _LIMITS.get(name)
        if limit is not None and isinstance(value, str) and len(value) > limit:
            columns[name] = text(value, limit)[:limit]
    if not Engine.objects.filter(pk=engine_pk, lease_fence=fence).update(**columns):
        raise LeaseLost(f"fence {fence}")
    version = Engine.objects.filter(pk=engine_pk).values_list("version", flat=True).first()
    return version or 0
