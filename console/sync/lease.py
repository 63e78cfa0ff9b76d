"""The lease of an engine: whoever holds its row watches the engine, and nobody else writes its mirror.

A lease lasts ``settings.LEASE_FOR`` seconds and is renewed well before. Each change of hands raises the fence, and each
write to the mirror names its fence, so that a holder who slept through the end of his lease cannot write any more.
The clocks of the machines that share a database have to agree within a second or two.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from console.models import Engine


class LeaseLost(Exception):
    """Somebody else holds the engine's lease now: stop writing."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write the mirror of one engine, as long as ``fence`` is the engine's."""

    engine_pk: int
    owner: str
    fence: int


def holder(owner: str) -> str:
    """Return ``owner`` with a mark of this very process, by which others on this machine can tell that it has died."""
    return f"{owner[:55]}@{_machine()}.{os.getpid()}.{_started(os.getpid())}"


def acquire(engine_pk: int, owner: str) -> Lease | None:
    """Take the lease if it is free, ran out, or belongs to a dead process of this machine. None: somebody has it."""
    columns = ("lease_owner", "lease_expires", "lease_fence")
    found = Engine.objects.filter(pk=engine_pk).values_list(*columns).first()
    if found is None:
        return None
    now = timezone.now()
    held_by, expires, fence = found
    if held_by and expires is not None and expires > now and not _dead(held_by):
        return None
    same = Q(lease_expires__isnull=True) if expires is None else Q(lease_expires=expires)
    seen = Engine.objects.filter(same, pk=engine_pk, lease_owner=held_by, lease_fence=fence)
    if not seen.update(lease_owner=owner, lease_fence=fence + 1, lease_expires=_end()):
        return None
    return Lease(engine_pk, owner, fence + 1)


def renew(lease: Lease) -> None:
    """Keep the lease for another ``LEASE_FOR`` seconds. Raises ``LeaseLost``."""
    if not _own(lease).update(lease_expires=_end()):
        raise LeaseLost(lease.owner)


def release(lease: Lease) -> None:
    """Give the lease back, if it is still held, so that another worker need not wait for its end."""
    _own(lease).update(lease_owner="", lease_expires=None)


def _own(lease: Lease) -> QuerySet[Engine]:
    return Engine.objects.filter(pk=lease.engine_pk, lease_owner=lease.owner, lease_fence=lease.fence)


def _end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.LEASE_FOR)


def _machine() -> str:
    """Name this boot of this machine and this namespace of process ids: only there does a pid mean something."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
        return f"{boot}.{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return "?"


def _started(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; the empty string if it does not run."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _dead(held_by: str) -> bool:
    """Whether the holder was a process of this machine that runs no more. If in doubt: no."""
    machine, _, process = held_by.partition("@")[2].rpartition(".")[0].rpartition(".")
    started = held_by.rpartition(".")[2]
    if not process.isdecimal() or not started or machine == "?" or machine != _machine():
        return False
    return _started(int(process)) != started
