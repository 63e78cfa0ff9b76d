"""Claims: whose turn it is, one worker for each operation, and what a lost claim may no longer write."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from console.models import Engine, Operation, User
from console.operations import store
from console.operations.request import request_operation
from tests import factories

State = Operation.State


@pytest.fixture
def engine(db: None) -> Engine:
    return factories.engine()


@pytest.fixture
def admin(db: None) -> User:
    return factories.user("admin")


def ask(admin: User, engine: Engine, name: str, verb: str = "stop", batch: uuid.UUID | None = None) -> Operation:
    return request_operation(admin, engine, f"container.{verb}", factories.hexid(name), name, batch=batch)


def names(operations: list[Operation]) -> list[str]:
    return [f"{operation.verb.partition('.')[2]} {operation.object_name}" for operation in operations]


def test_oldest_first_and_one_at_a_time_for_an_object(engine: Engine, admin: User) -> None:
    ask(admin, engine, "a", "stop"), ask(admin, engine, "a", "start"), ask(admin, engine, "b", "pause")
    other = ask(admin, factories.engine("other"), "a", "restart")
    claimed = store.claim("w", 10, 10)
    assert names(claimed) == ["stop a", "pause b", "restart a"]
    assert {operation.claimed_by for operation in claimed} == {"w"}
    assert all(operation.attempt == 1 and operation.started_at for operation in claimed)
    assert store.claim("w", 10, 10) == []
    assert store.finish(claimed[0], State.SUCCEEDED, "", {})
    assert names(store.claim("v", 10, 10)) == ["start a"]
    assert other.pk in {operation.pk for operation in claimed}


def test_no_more_than_there_is_room_for(engine: Engine, admin: User) -> None:
    for n in range(5):
        ask(admin, engine, str(n))
    assert names(store.claim("w", 2, 10)) == ["stop 0", "stop 1"]
    assert store.claim("w", 0, 10) == []


def test_a_batch_leaves_room_for_single_ones(engine: Engine, admin: User) -> None:
    batch = uuid.uuid4()
    for n in range(9):
        ask(admin, engine, f"many-{n}", batch=batch)
    assert len(store.claim("w", 4, 4)) == 2
    single = ask(admin, engine, "one")
    assert store.claim("w", 2, 4) == [single]
    assert store.claim("w", 1, 4) == []


def test_an_expired_claim_is_taken_over_and_the_first_worker_may_not_write(engine: Engine, admin: User) -> None:
    ask(admin, engine, "a")
    first = store.claim("w", 1, 1)[0]
    assert store.take_over("v", 5) == []
    store.renew("w", [first.pk])
    Operation.objects.update(claim_expires=timezone.now() - timedelta(seconds=1))
    assert store.take_over("w", 5, [first.pk]) == []  # its own, and running
    second = store.take_over("v", 5)[0]
    assert (second.pk, second.attempt, second.claimed_by) == (first.pk, 2, "v")
    assert not store.note_before(first, {"facts": {}})
    assert not store.finish(first, State.SUCCEEDED, "", {})
    store.renew("w", [first.pk])
    assert store.finish(second, State.FAILED, "no", {"reason": "x"})
    ended = Operation.objects.get()
    assert (ended.state, ended.error, ended.before) == (State.FAILED, "no", {})
    assert not store.finish(second, State.SUCCEEDED, "", {})


def test_a_worker_that_stops_lets_go(engine: Engine, admin: User) -> None:
    ask(admin, engine, "a")
    mine = store.claim("w", 1, 1)[0]
    store.let_go("v", [mine.pk])
    assert store.take_over("v", 1) == []
    store.let_go("w", [mine.pk])
    assert len(store.take_over("v", 1)) == 1


@pytest.mark.django_db(transaction=True)
def test_many_workers_claim_everything_once(transactional_db: None) -> None:
    engine, admin = factories.engine(), factories.user("admin")
    for n in range(30):
        ask(admin, engine, str(n % 10), ("start", "stop", "restart")[n // 10])

    def work(owner: str) -> list[str]:
        done = []
        try:
            for _ in range(40):
                for operation in store.claim(owner, 3, 30):
                    running = Operation.objects.filter(object_id=operation.object_id, state=State.RUNNING)
                    assert list(running) == [operation]
                    done.append(f"{operation.object_name} {operation.verb}")
                    assert store.finish(operation, State.SUCCEEDED, "", {})
        finally:
            connection.close()
        return done

    with ThreadPoolExecutor(4) as pool:
        found = [name for part in pool.map(work, "wxyz") for name in part]
    assert len(found) == len(set(found)) == 30
    order = Operation.objects.order_by("started_at")
    for n in range(10):
        verbs = [operation.verb for operation in order.filter(object_name=str(n))]
        assert verbs == ["container.start", "container.stop", "container.restart"]
