"""Leases: one holder at a time, and a former one cannot act."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from console.models import Engine
from console.sync import lease as leases
from console.sync.lease import Lease, LeaseLost
from tests.unit.sync import objects


@pytest.mark.django_db(transaction=True)
def test_of_twenty_one_wins() -> None:
    engine = objects.engine(lease_fence=0)
    start = threading.Barrier(20)

    def race(number: int) -> Lease | None:
        start.wait()
        try:
            return leases.acquire(engine.pk, f"worker {number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        won = [lease for lease in pool.map(race, range(20)) if lease is not None]
    assert len(won) == 1
    engine.refresh_from_db()
    assert (engine.lease_owner, engine.lease_fence) == (won[0].owner, 1)


@pytest.mark.django_db
def test_from_hand_to_hand() -> None:
    engine = objects.engine(lease_fence=0)
    first = leases.acquire(engine.pk, "first")
    assert first == Lease(engine.pk, "first", 1)
    assert leases.acquire(engine.pk, "second") is None
    assert leases.acquire(engine.pk, "first") is None, "held is held"
    leases.renew(first)

    Engine.objects.filter(pk=engine.pk).update(lease_expires=timezone.now() - timedelta(seconds=1))
    second = leases.acquire(engine.pk, "second")
    assert second == Lease(engine.pk, "second", 2)
    with pytest.raises(LeaseLost):
        leases.renew(first)
    leases.release(first)
    assert leases.acquire(engine.pk, "third") is None, "a former holder gives nothing back"
    leases.release(second)
    assert leases.acquire(engine.pk, "third") == Lease(engine.pk, "third", 3)


@pytest.mark.django_db
def test_a_dead_process_of_this_machine_holds_nothing() -> None:
    engine = objects.engine()
    code = "import django; django.setup(); from console.sync.lease import holder; print(holder('worker'))"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "console.settings"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    gone = done.stdout.strip()
    assert leases.acquire(engine.pk, gone)
    assert leases.acquire(engine.pk, leases.holder("next")), "it has died"
    assert leases.acquire(engine.pk, "other") is None, "this process lives"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "owner",
    [
        "worker",
        "worker@",
        "worker@other.123.1.1",
        "worker@?.1.1",
        f"worker@{leases._machine()}.x.1",
        f"worker@{leases._machine()}.1.",
    ],
)
def test_in_doubt_a_holder_lives(owner: str) -> None:
    engine = objects.engine(lease_owner=owner, lease_expires=timezone.now() + timedelta(seconds=10))
    assert leases.acquire(engine.pk, "next") is None


def test_a_pid_that_was_used_again_is_another_process() -> None:
    mine = leases.holder("worker")
    assert not leases._dead(mine)
    assert len(leases.holder("x" * 200)) <= 100
    assert leases._dead(f"{mine}0"), "same pid, started later"
    assert leases._dead(mine.replace(f".{os.getpid()}.", f".{2**22 + 1}."))


@pytest.mark.django_db
def test_without_an_engine() -> None:
    assert leases.acquire(4711, "worker") is None
