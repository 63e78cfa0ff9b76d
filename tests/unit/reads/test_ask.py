"""A question has a deadline, few may wait, and an engine that is another one is not asked."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from console.engine.errors import NotFound, Unreachable
from console.models import Engine
from console.reads import ask as module
from console.reads.ask import ask


def engine(**columns: Any) -> Engine:
    return Engine(slug="x", name="rocky", **({"url": "unix:///nowhere.sock", "state": Engine.State.LIVE} | columns))


def test_an_answer() -> None:
    assert ask(engine(), lambda client: client.address.url) == "unix:///nowhere.sock"


def test_errors_come_through_and_give_the_place_back() -> None:
    def fail(client: object) -> None:
        raise NotFound("gone")

    for _ in range(module.MOST_OPEN + 5):
        with pytest.raises(NotFound):
            ask(engine(), fail)


def test_the_deadline_is_for_the_whole_question() -> None:
    release = threading.Event()
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"did not answer within 0\.2 s") as caught:
        ask(engine(), lambda client: release.wait(10), seconds=0.2)
    assert time.monotonic() - began < 8, "it would take ten seconds without the deadline"
    assert caught.value.problem == "timeout"
    release.set()


def test_not_more_wait_than_there_are_places() -> None:
    release = threading.Event()

    def late() -> None:
        with pytest.raises(Unreachable):
            ask(engine(), lambda client: release.wait(10), seconds=0.5)

    threads = [threading.Thread(target=late) for _ in range(module.MOST_OPEN)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    with pytest.raises(Unreachable, match="Too many questions"):
        ask(engine(), lambda client: 1)
    for thread in threads:
        thread.join()
    release.set()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            assert ask(engine(), lambda client: 1) == 1
            break
        except Unreachable:
            time.sleep(0.05)
    else:
        pytest.fail("the places were not given back")


def test_another_engine_is_not_asked() -> None:
    asked: list[object] = []
    with pytest.raises(Unreachable, match="Another engine answers"):
        ask(engine(state=Engine.State.SWAPPED), asked.append)
    with pytest.raises(Unreachable):
        ask(engine(url="gopher://x"), asked.append)
    assert asked == []
