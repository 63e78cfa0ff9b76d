"""The ports of resting containers: many small questions, one deadline."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from console.engine.client import EngineClient
from console.engine.errors import NotFound, Unreachable
from console.models import Engine
from console.reads import ask as asking
from console.reads.ports import wishes


def engine() -> Engine:
    return Engine(slug="x", name="rocky", url="unix:///nowhere.sock", state=Engine.State.LIVE)


def test_what_is_gone_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def send(client: EngineClient, method: str, path: str, **more: Any) -> dict[str, Any]:
        if "gone" in path:
            raise NotFound("gone")
        return {"HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}}}

    monkeypatch.setattr(EngineClient, "send", send)
    assert wishes(engine(), ["a", "gone"]) == {"a": [("", 8080, 80, "tcp")]}


def test_a_slow_engine_holds_no_thread_beyond_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, free = [0], threading.Event()

    def send(client: EngineClient, method: str, path: str, **more: Any) -> dict[str, Any]:
        asked[0] += 1
        time.sleep(0.1)
        return {}

    release = asking._places.release

    def released() -> None:
        release()
        free.set()

    monkeypatch.setattr(EngineClient, "send", send)
    monkeypatch.setattr(asking._places, "release", released)
    with pytest.raises(Unreachable):
        wishes(engine(), ["a"] * 100, seconds=0.3)
    assert free.wait(5)
    assert asked[0] < 30
