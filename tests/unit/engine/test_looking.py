"""Which containers are the console's own, and whose time is over."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

import pytest

from console.engine import looking, marks

HERE = socket.gethostname()
OWN: dict[str, Any] = {
    "State": "created",
    "Command": marks.COMMAND,
    "Names": [f"/{marks.NAME}1"],
    "Labels": {marks.LABEL: "x"},
}


def test_one_of_ours_is_known() -> None:
    assert marks.is_looking(OWN)


@pytest.mark.parametrize(
    "other",
    [{"State": "running"}, {"Command": "sh"}, {"Names": ["/web"]}, {"Names": None}, {"Labels": {}}, {"Labels": None}],
)
def test_no_label_alone_hides_a_container(other: dict[str, Any]) -> None:
    assert not marks.is_looking(OWN | other)


@pytest.mark.parametrize("action", ["start", "die", "exec_create"])
def test_one_that_does_anything_is_heard(action: str) -> None:
    attributes = {marks.LABEL: "", "name": f"{marks.NAME}1"}
    assert marks.is_quiet("container", "create", attributes)
    assert not marks.is_quiet("container", action, attributes)
    assert not marks.is_quiet("container", "create", attributes | {"name": "web"})


def test_ours_is_not_left_over_until_its_time_is() -> None:
    mark = looking._mark(60)
    assert not looking.left_over(mark, time.time())
    assert looking.left_over(mark, time.time() + 61)


@pytest.mark.parametrize(
    "mark",
    [
        "",
        "x",
        f"{HERE}/1",
        f"{HERE}/999999999/1/9999999999",
        f"{HERE}/{os.getpid()}/1/9999999999",  # this process, made before it began
        "a/b/c/d",
        "a/1/c/²",
    ],
    ids=["empty", "short", "halves", "ended", "another process of the pid", "letters", "no digit"],
)
def test_left_over(mark: str) -> None:
    assert looking.left_over(mark, time.time())


def test_of_another_machine_it_has_its_time() -> None:
    assert not looking.left_over("elsewhere/1/1/9999999999", time.time())
