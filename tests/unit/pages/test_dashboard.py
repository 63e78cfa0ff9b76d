"""The dashboard: alarms and what is none, counts, no engine, constant cost."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.models import Container, Engine, User
from console.pages.dashboard import Dashboard
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return factories.user("mika")


@pytest.fixture
def engine() -> Engine:
    return factories.engine("rocky")


def box(engine: Engine, name: str, ago: float = 600, **columns: Any) -> Container:
    ended = None if columns.get("state", "running") == "running" else timezone.now() - timedelta(seconds=ago)
    return factories.container(engine, name, finished_at=ended, **columns)


DAY = 86400


@pytest.mark.parametrize(
    ("columns", "title"),
    [
        ({"health": "unhealthy"}, "box is unhealthy"),
        ({"state": "restarting", "exit_code": 1}, "box keeps restarting"),
        ({"state": "exited", "exit_code": 137, "oom_killed": True}, "box was killed: out of memory"),
        ({"state": "dead"}, "box is dead"),
        ({"state": "exited", "exit_code": 1}, "box failed"),
        ({"state": "exited", "exit_code": 1, "restart_policy": "always", "ago": 3 * DAY}, "box failed"),
        ({"state": "exited", "exit_code": 1, "ago": 3 * DAY}, ""),  # nobody waits for it any more
        ({"state": "exited", "exit_code": 0}, ""),  # completed
        ({"state": "exited", "exit_code": 0, "restart_policy": "always"}, ""),
        ({"state": "exited", "health": "unhealthy"}, ""),  # health of something that does not run
        ({"state": "paused"}, ""),
        ({"state": "created"}, ""),
        ({"health": "healthy"}, ""),
        ({}, ""),
    ],
)
def test_what_needs_attention(admin: User, engine: Engine, columns: dict[str, Any], title: str) -> None:
    box(engine, "box", **columns)
    assert [alarm.title for alarm in Dashboard(admin, None, QueryDict()).alarms] == ([title] if title else [])


@pytest.mark.parametrize(
    ("action", "before", "alarms"),
    [("stop", 0, 0), ("stop", 5, 0), ("kill", 10, 0), ("kill", 120, 1), ("pause", 1, 1), ("stop", 5 * DAY, 1)],
)
def test_what_somebody_stopped_is_no_alarm(
    admin: User, engine: Engine, action: str, before: float, alarms: int
) -> None:
    """``before``: seconds from the event to the end; a stop of an earlier life of the container explains nothing."""
    started = timezone.now() - timedelta(days=3)
    row = box(engine, "box", state="exited", exit_code=137, restart_policy="always", started_at=started)
    assert row.finished_at is not None
    factories.event(engine, action, "box", actor_id=row.container_id, time=row.finished_at - timedelta(seconds=before))
    assert len(Dashboard(admin, None, QueryDict()).alarms) == alarms


def test_the_worst_comes_first(admin: User, engine: Engine) -> None:
    box(engine, "a", state="exited", exit_code=1)
    box(engine, "b", state="restarting", exit_code=2, restart_count=23)
    box(engine, "c", health="unhealthy")
    factories.engine("edge", state=Engine.State.STALE, error="It hangs.")
    alarms = Dashboard(admin, None, QueryDict()).alarms
    assert [alarm.title for alarm in alarms] == [
        "edge does not answer",
        "c is unhealthy",
        "b keeps restarting",
        "a failed",
    ]
    assert alarms[2].text == "23 restarts, exit code 2"


def test_containers_by_state(client: Client, admin: User, engine: Engine) -> None:
    box(engine, "a", health="healthy")
    box(engine, "b")
    box(engine, "c", health="starting")
    box(engine, "d", state="exited", exit_code=3)
    box(engine, "e", state="exited")
    box(engine, "f", state="dead")
    page = Dashboard(admin, None, QueryDict())
    assert [(state.word, state.count) for state in page.states] == [
        ("Healthy", 1),
        ("Running", 2),
        ("Failed", 1),
        ("Dead", 1),
        ("Completed", 1),
    ]
    client.force_login(admin)
    for state in page.states:  # every number leads to a list of as many
        answer = client.get(state.url, headers={"HX-Request": "true"})
        assert answer.status_code == 200, state.url
        assert answer.content.decode().count('<tr id="c-') == state.count, state.url


def test_what_there_is(client: Client, admin: User, engine: Engine) -> None:
    image = factories.image(engine, "nginx:1", size=100_000_000)
    factories.image(engine, "", size=50_000_000)
    factories.mount(box(engine, "web", image_id=image.image_id), volume_name="data")
    factories.volume(engine, "data")
    factories.volume(engine, "spare")
    factories.network(engine)
    factories.operation(engine, admin, name="web")
    factories.event(engine, "start", "web")
    page = Dashboard(admin, None, QueryDict())
    rows = {row["name"]: (row["total"], row["used"], row.get("size"), row.get("unused")) for row in page.objects}
    assert rows == {
        "Images": (2, 1, "150 MB", "50 MB"),
        "Containers": (1, 1, None, None),
        "Volumes": (2, 1, None, None),
        "Networks": (1, None, None, None),
    }
    client.force_login(admin)
    text = client.get("/").content.decode()
    for words in ("rocky", "web", "started", "Nothing needs attention", "container.stop"):
        assert words in text


def test_the_number_of_queries_is_constant(client: Client, admin: User, engine: Engine) -> None:
    client.force_login(admin)
    counted = []
    for start, end in ((0, 2), (2, 30)):
        for number in range(start, end):
            image = factories.image(engine, f"app{number}:1")
            box(engine, f"a{number}", state="restarting", image_id=image.image_id)
            factories.event(engine, "start", f"a{number}")
            factories.operation(engine, admin, name=f"a{number}")
            factories.volume(engine, f"v{number}")
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/").status_code == 200
        counted.append(len(queries))
    assert counted[0] == counted[1]
    assert counted[0] <= 14


def test_without_an_engine_it_is_the_diagnosis(client: Client, admin: User) -> None:
    client.force_login(admin)
    assert "no engine yet" in client.get("/").content.decode()
    factories.engine(
        "local", state=Engine.State.UNREACHABLE, synced_at=None, seen_at=None, url="unix:///nowhere/x.sock"
    )
    for address in ("/", "/e/local/containers", "/e/local/images", "/e/local/", "/setup/engine"):
        text = client.get(address).content.decode()
        assert "moves on by itself" in text, address
        assert "/nowhere/x.sock" in text, address


@pytest.mark.parametrize(
    ("free", "columns", "title"),
    [
        (4, {}, "The disk of here is 96% full"),
        (10, {}, "The disk of here is 90% full"),
        (11, {}, ""),
        (4, {"url": "tcp://192.0.2.1:2376"}, ""),
        (4, {"name": "elsewhere"}, ""),
        (4, {"info": {"root_dir": "/nowhere/docker"}}, ""),
        (4, {"info": {}}, ""),
    ],
)
def test_a_disk_that_is_nearly_full(
    admin: User, free: int, columns: dict[str, Any], title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = os.statvfs
    figures = SimpleNamespace(f_blocks=100, f_frsize=10**9, f_bavail=free)
    monkeypatch.setattr(os, "statvfs", lambda path: figures if path == str(tmp_path) else asked(path))
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(nodename="here"))
    factories.engine(**({"name": "here", "info": {"root_dir": str(tmp_path)}} | columns))
    alarms = Dashboard(admin, None, QueryDict()).alarms
    assert [alarm.title for alarm in alarms] == ([title] if title else [])
    assert not title or alarms[0].text == f"{free} GB of 100 GB left at {tmp_path}"
