"""``/healthz``: the process lives. ``/readyz``: it can do its work. Public, so they tell nothing else."""

from __future__ import annotations

import logging

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from console.models import Engine
from console.outages import away, one_line

log = logging.getLogger(__name__)
_schema = {"current": False}  # a schema never goes back while the process runs: asked until it is right


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process answers. Asks neither database nor engine: a broken one is no reason to restart this."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, its schema is current and a worker holds every engine's lease; else 503."""
    checks = readiness()
    if all(checks.values()):
        return JsonResponse({"status": "ok", "checks": checks})
    response = JsonResponse({"status": "not ready", "checks": checks}, status=503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log an error for every probe
    return response


def readiness() -> dict[str, bool]:
    """What ``/readyz`` and ``manage.py worker --check`` ask, each by its name. A database that is away is logged."""
    checks = {"database": False, "migrations": False, "worker": False}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        checks["database"] = True
        checks["migrations"] = _schema_is_current()
        checks["worker"] = checks["migrations"] and _worker_beats()
    except (DatabaseError, InterfaceError) as error:
        log.error("The database does not answer: %s", one_line(error), exc_info=not away(error))
    return checks


def _schema_is_current() -> bool:
    if not _schema["current"]:
        executor = MigrationExecutor(connection)
        _schema["current"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _schema["current"]


def _worker_beats() -> bool:
    """Whether no engine is left without somebody who watches it: the watcher renews the lease every few seconds."""
    late = Q(lease_expires__isnull=True) | Q(lease_expires__lt=timezone.now())
    return not Engine.objects.filter(late).exists()
