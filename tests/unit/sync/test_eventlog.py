"""The log of events: bounded, without repetitions, and it claims no operation that does not fit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from console.models import Engine, Event, Operation
from console.sync import eventlog
from console.sync.lease import LeaseLost
from tests.unit.sync import objects

SECOND = 1_000_000_000


def test_an_event_is_taken_once() -> None:
    log = eventlog.Backlog()
    log.know([(1, "container", "start", objects.container_id(1))])
    assert not log.add(objects.event("start", time_ns=1))
    assert log.add(objects.event("start", time_ns=2))
    assert not log.add(objects.event("start", time_ns=2))
    assert log.add(objects.event("die", time_ns=2)), "two events may have one time"
    assert [event.action for event in log.take()] == ["start", "die"]
    assert len(log) == 0


def test_what_does_not_fit_is_counted() -> None:
    log = eventlog.Backlog(size=10)
    for number in range(5_000):
        log.add(objects.event("start", time_ns=number))
    assert (len(log), log.missed) == (10, 4_990)
    assert [event.time_ns for event in log.take(3)] == [4_990, 4_991, 4_992]
    assert len(log._known) <= 2_048


@pytest.mark.django_db
def test_rows() -> None:
    engine = objects.engine()
    labels = {f"label-{number}": "x" * 1000 for number in range(100)}
    died = objects.event("die", time_ns=5 * SECOND, name="web", exitCode="137", **labels)
    far = objects.event("x" * 255, "a" * 255, "y" * 255, time_ns=2**63 - 1)
    assert eventlog.record(engine.pk, [died, far], fence=1) == 2
    row = Event.objects.get(action="die")
    assert (row.time.timestamp(), row.actor_name, row.attributes["exitCode"]) == (5.0, "web", "137")
    assert len(row.attributes) == eventlog.ATTRIBUTES + 1
    assert row.attributes["…"] == "62 more"
    assert max(len(value) for value in row.attributes.values()) == eventlog.VALUE
    assert Engine.objects.get().version == 1
    assert (2**63 - 1, "y" * 30, "x" * 60, "a" * 255) in eventlog.recent(engine.pk)
    with pytest.raises(LeaseLost):
        eventlog.record(engine.pk, [died], fence=2)
    assert Event.objects.count() == 2


@pytest.mark.django_db
def test_retention(settings: Settings) -> None:
    engine, other = objects.engine(), objects.engine(slug="e2")
    now = int(timezone.now().timestamp())
    events = [objects.event("start", time_ns=(now + 3_600 - number * 86_400) * SECOND) for number in range(30)]
    for row in (engine, other):
        eventlog.record(row.pk, events, fence=1)
    settings.EVENTS_KEPT_DAYS = 14
    assert eventlog.trim(engine.pk) == 15
    settings.EVENTS_KEPT = 5
    assert eventlog.trim(engine.pk) == 10
    kept = list(Event.objects.filter(engine=engine).values_list("time_ns", flat=True))
    assert kept == [event.time_ns for event in events[:5]]
    assert eventlog.trim(engine.pk) == 0
    assert Event.objects.filter(engine=other).count() == 30


def operation(engine: Engine, verb: str, **columns: Any) -> Operation:
    now = timezone.now()
    given = {"state": Operation.State.RUNNING, "started_at": now, "kind": verb.partition(".")[0], **columns}
    return Operation.objects.create(engine=engine, verb=verb, object_id=objects.container_id(1), **given)


def claimed(engine: Engine, *actions: str, actor: str = "") -> list[str]:
    Event.objects.all().delete()
    events = [objects.event(action, actor, time_ns=number) for number, action in enumerate(actions)]
    eventlog.record(engine.pk, events, fence=1)
    return list(Event.objects.exclude(operation=None).order_by("time_ns").values_list("action", flat=True))


@pytest.mark.django_db
def test_events_of_an_operation() -> None:
    engine = objects.engine()
    running = operation(engine, "container.stop")
    assert claimed(engine, "kill", "die", "stop", "rename", "start") == ["kill", "die", "stop"]
    assert claimed(engine, "kill", actor=objects.container_id(2)) == []
    running.state, running.finished_at = Operation.State.SUCCEEDED, timezone.now()
    running.save()
    assert claimed(engine, "stop") == ["stop"], "its event may come a moment later"
    running.finished_at = timezone.now() - timedelta(seconds=6)
    running.save()
    assert claimed(engine, "stop") == [], "somebody else's"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "columns",
    [
        {"started_at": None, "state": Operation.State.QUEUED},
        {"kind": "image"},
        {"verb": "engine.refresh"},
        {"verb": "verb.unknown"},
    ],
)
def test_what_does_not_fit_is_not_claimed(columns: dict[str, Any]) -> None:
    engine = objects.engine()
    verb = columns.pop("verb", "container.stop")
    operation(engine, verb, **columns)
    assert claimed(engine, "stop") == []


@pytest.mark.django_db
def test_of_two_operations_the_later_one() -> None:
    engine = objects.engine()
    operation(engine, "container.stop", started_at=timezone.now() - timedelta(seconds=30))
    later = operation(engine, "container.kill")
    assert claimed(engine, "kill", "stop") == ["kill", "stop"]
    assert Event.objects.get(action="kill").operation == later
    assert Event.objects.get(action="stop").operation != later
