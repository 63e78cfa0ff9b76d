"""A session with an engine that answers badly: trouble with one object is its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.models import Container, Engine, Network, Volume
from console.sync import session
from console.sync.tasks import db
from tests.fake_engine import Call, FakeEngine, answer, fake_engine, hang, json_answer
from tests.integration.sync.following import Following, worker
from tests.unit.sync import objects

pytestmark = pytest.mark.django_db(transaction=True)


class Scene:
    """A fake engine with containers that a test may spoil, and its event stream."""

    def __init__(self, fake: FakeEngine) -> None:
        self.fake = fake
        self.containers: dict[str, dict[str, Any]] = {}
        self._events: list[dict[str, Any]] = []
        self._news = threading.Condition()
        fake.order(r"/v1\.41/containers/json.*", lambda call: json_answer(self._list())(call))
        fake.order(r"/v1\.41/images/json.*", json_answer([]))
        fake.order(r"/v1\.41/networks/.*", json_answer({"message": "network not known"}, 404))
        fake.order(r"/v1\.41/networks", json_answer([]))
        fake.order(r"/v1\.41/volumes", json_answer({"Volumes": None}))
        fake.order(r"/v1\.41/events.*", self._stream)
        for number in range(1, 6):
            self.add(number)

    def add(self, number: int) -> str:
        container_id = objects.container_id(number)
        raw = objects.recorded("container_running") | {"Id": container_id, "Name": f"/c{number}"}
        self.containers[container_id] = raw
        self.inspect(number, json_answer(raw))
        return container_id

    def inspect(self, number: int, speak: Any) -> None:
        self.fake.order(rf"/v1\.41/containers/{objects.container_id(number)}/json", speak)

    def say(self, action: str, number: int) -> None:
        with self._news:
            self._events.append(
                {
                    "Type": "container",
                    "Action": action,
                    "Actor": {"ID": objects.container_id(number), "Attributes": {}},
                    "timeNano": len(self._events) + 1,
                }
            )
            self._news.notify_all()

    def _list(self) -> list[dict[str, Any]]:
        return [{"Id": key, "Names": [raw["Name"]], "State": "running"} for key, raw in self.containers.items()]

    def _stream(self, call: Call) -> None:
        call.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        sent = 0
        while not call.wait(0):
            with self._news:
                self._news.wait(0.1)
                fresh, sent = self._events[sent:], len(self._events)
            for event in fresh:
                call.say(json.dumps(event).encode() + b"\n")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with fake_engine(tmp_path) as fake:
        yield Scene(fake)


@pytest.fixture
async def mirror(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Following:
    """Not followed yet: ``async with worker()`` does that."""
    monkeypatch.setattr(session, "RETRIES", (0.05, 0.05, 0.2))
    row = await db(Engine.objects.create)(slug="fake", url=scene.fake.url)
    return Following(None, row.pk)  # type: ignore[arg-type]


async def test_bad_neighbours(scene: Scene, mirror: Following) -> None:
    scene.inspect(2, answer(b'{"Id": ['))
    scene.inspect(3, json_answer({"message": "driver is broken"}, 500))
    scene.inspect(4, json_answer(objects.recorded("container_running")))  # another one than was asked for
    async with worker():
        await mirror.state("live")
        rows = {row.container_id: row for row in await db(lambda: list(Container.objects.all()))()}
        assert len(rows) == 5
        problems = [rows[objects.container_id(number)].problem for number in range(1, 6)]
        assert problems[0] == problems[4] == ""
        assert "JSON" in problems[1]
        assert problems[2] == "driver is broken"
        assert "another object" in problems[3]
        for number in (2, 3, 4):
            scene.add(number)
        scene.say("start", 2)
        scene.say("start", 4)
        await mirror.until(lambda: not Container.objects.exclude(problem="").exists())


async def test_a_container_whose_inspect_hangs_stops_nobody(scene: Scene, mirror: Following) -> None:
    async with worker():
        await mirror.state("live")
        scene.inspect(1, hang)
        for _ in range(3):
            scene.say("start", 1)
        number = 10
        for number in range(10, 40):
            scene.add(number)
            scene.say("create", number)
        await mirror.until(lambda: Container.objects.filter(container_id=objects.container_id(number)).exists(), 3)
        assert (await mirror.engine()).state == "live"


async def test_entries_that_no_inspect_can_explain(scene: Scene, mirror: Following) -> None:
    network = objects.recorded("network")
    scene.fake.order(r"/v1\.41/networks", json_answer([network, {"Id": "?", "Name": "bad"}, "no object"]))
    scene.fake.order(rf"/v1\.41/networks/{network['Id']}", json_answer(network))
    scene.fake.order(r"/v1\.41/volumes", json_answer({"Volumes": [{"Name": "a\u202eb", "Driver": "local"}]}))
    async with worker():
        await mirror.state("live")
        assert await db(Network.objects.filter(problem="").count)() == 1
        assert await db(Network.objects.exclude(problem="").count)() == 2
        assert "\u202e" not in (await db(Volume.objects.get)()).name
        scene.fake.order(r"/v1\.41/networks", json_answer([network]))
        await db(Engine.objects.update)(resync_requested_at="2026-01-01T00:00:00Z")
        await mirror.until(lambda: Network.objects.count() == 1)


async def test_a_list_that_is_none_is_said_to_be(
    scene: Scene, mirror: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.fake.order(r"/v1\.41/containers/json.*", answer(b"<html>"))
    async with worker():
        found = await mirror.state("unreachable", 15)
        assert "JSON" in found.error
        scene.fake.order(r"/v1\.41/containers/json.*", lambda call: json_answer(scene._list())(call))
        await mirror.state("live", 15)


async def test_an_event_that_is_none_ends_nothing(scene: Scene, mirror: Following) -> None:
    async with worker():
        await mirror.state("live")
        with scene._news:
            scene._events += [{"Type": 7}, {"Type": "container", "Action": "start"}, ["?"]]  # type: ignore[list-item]
        scene.add(7)
        scene.say("start", 7)
        await mirror.until(lambda: Container.objects.filter(name="c7").exists(), 3)
