"""What events mean, and how marks coalesce."""

from __future__ import annotations

import pytest

from console.changes import Kind
from console.engine.types import Event
from console.sync.hints import Key, Marks, hint
from console.sync.schedule import Schedule
from tests.unit.sync.objects import container_id, event

ONE: Key = ("container", container_id(1))
TWO: Key = ("container", container_id(2))


@pytest.mark.parametrize(
    ("heard", "marked", "lists"),
    [
        (event("start"), {ONE}, set()),
        (event("destroy"), {ONE}, set()),
        (event("health_status"), {ONE}, set()),
        (event("word of another engine"), {ONE}, set()),
        (event("attach"), set(), set()),
        (event("prune", "?"), set(), {"container"}),
        (event("commit"), {ONE}, {"image"}),
        (event("destroy", image="alpine"), {ONE}, set()),
        (event("destroy", image="sha256:4711"), {ONE}, {"image"}),
        (event("tag", "sha256:1", "image"), set(), {"image"}),
        (event("delete", "sha256:1", "image"), set(), {"image"}),
        (event("create", "n" * 64, "network"), {("network", "n" * 64)}, set()),
        (event("connect", "n" * 64, "network", container=container_id(2)), {("network", "n" * 64), TWO}, set()),
        (event("connect", "n" * 64, "network", container="x"), {("network", "n" * 64)}, set()),
        (event("prune", "?", "network"), set(), {"network"}),
        (event("mount", "data", "volume"), {("volume", "data")}, set()),
        (event("prune", "?", "volume"), set(), {"volume"}),
        (event("start", "sha256:1", "plugin"), set(), set()),
    ],
)
def test_hints(heard: Event, marked: set[Key], lists: set[Kind]) -> None:
    found = hint(heard)
    assert (found.objects, found.lists, found.info) == (marked, lists, False)


def test_a_reload_of_the_engine() -> None:
    assert hint(event("reload", "?", "daemon")).info


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_storm_on_one_object_is_few_looks() -> None:
    clock, looks = Clock(), 0
    marks = Marks(clock, pause=0.05)
    for _ in range(1_000):  # an event a millisecond
        marks.add(ONE)
        for key in marks.take():
            looks += 1
            marks.done(key)
        clock.now += 0.001
    assert looks == 20
    assert len(marks) == 1, "the last event is not forgotten"
    clock.now += 0.05
    assert marks.take() == [ONE]


def test_a_quiet_object_is_looked_at_at_once() -> None:
    clock = Clock()
    marks = Marks(clock)
    marks.add(ONE)
    assert marks.take() == [ONE]
    assert marks.wait() is None
    marks.done(ONE)
    marks.add(ONE)
    assert marks.take() == []
    assert marks.wait() == pytest.approx(0.05)
    clock.now += 0.051
    assert marks.take() == [ONE]


def test_an_event_during_a_look_leads_to_another() -> None:
    clock = Clock()
    marks = Marks(clock, pause=0.0)
    marks.add(ONE)
    assert marks.take() == [ONE]
    marks.add(ONE)
    assert marks.take() == [], "never two looks at one object at a time"
    assert marks.oldest() == 100.0
    marks.done(ONE)
    assert marks.take() == [ONE]
    marks.done(ONE)
    assert (marks.take(), marks.oldest(), len(marks)) == ([], None, 0)


def test_the_backlog_takes_no_place_of_an_event() -> None:
    clock = Clock()
    marks = Marks(clock, at_once=8)
    for number in range(100, 200):
        marks.add(("container", container_id(number)), urgent=False)
    assert marks.take() == []
    first = marks.take_late(60)
    assert (len(first), marks.backlog) == (60, 100)
    marks.add(ONE)
    marks.add(first[0])
    assert marks.take() == [ONE], "the other one is being looked at"
    assert marks.oldest() == 100.0
    marks.done(ONE)
    marks.done(first[0])
    assert marks.take() == [first[0]]
    marks.done(first[0])
    assert marks.oldest() is None, "the backlog is no known change"
    assert marks.backlog == 99
    for number in range(10):
        marks.add(("container", container_id(number)))
    assert len(marks.take()) == 8


def test_a_look_for_an_event_serves_the_backlog() -> None:
    marks = Marks(Clock())
    marks.add(ONE, urgent=False)
    marks.add(ONE)
    assert marks.take_late(8) == []
    assert marks.take() == [ONE]
    assert marks.backlog == 1
    marks.done(ONE)
    assert (marks.backlog, marks.take(), marks.take_late(8)) == (0, [], [])


def test_lists_are_taken_at_once_and_again_a_second_later() -> None:
    schedule = Schedule()
    assert schedule.next() is None
    schedule.want(["image"], 100.0)
    assert schedule.take(100.0) == {"image"}
    assert schedule.next() == 101.0
    assert schedule.take(100.9) == set()
    assert schedule.take(101.0) == {"image"}
    assert schedule.next() is None


def test_a_storm_of_image_events_is_few_lists() -> None:
    schedule, now, taken = Schedule(), 100.0, 0
    for _ in range(1_000):
        schedule.want(["image"], now)
        taken += len(schedule.take(now))
        now += 0.001
    assert taken <= 11
    while (at := schedule.next()) is not None:
        assert schedule.take(at) == {"image"}
        last = at
    assert last >= now + 0.9, "and once more when it is over"
