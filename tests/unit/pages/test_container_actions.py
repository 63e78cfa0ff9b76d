"""The rows of the list and their buttons: kept as they were drawn, and never those of another row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from console.engine.types import ContainerState
from console.operations.verbs import CONTAINER_VERBS
from console.pages.container_actions import Shape
from console.pages.container_rows import Address, Listed, Row
from console.templatetags.containers import _row, container_row
from tests import factories

RIGHTS = (frozenset({"operate"}), frozenset[str]())
BUSY = ("", *(verb.name for verb in CONTAINER_VERBS))
NAMES = ("web", "a.b-c_d", "{0}", "a b", "<b>", "'", "", "%s")


@pytest.mark.parametrize("state", ContainerState)
@pytest.mark.parametrize("rights", RIGHTS, ids=("operate", "nothing"))
def test_the_verbs_that_fit_are_those_of_the_buttons(state: ContainerState, rights: frozenset[str]) -> None:
    acts = Shape("local", state.value, rights, "").actions(factories.hexid("web"), "web")
    assert set(acts.can.split()) == {action.verb for action in (*acts.main, *acts.menu) if not action.reason}


def listed(**changes: Any) -> Listed:
    long_ago = factories.NOW - timedelta(days=3)
    usual: dict[str, Any] = {
        "pk": 1,
        "container_id": factories.hexid("web"),
        "name": "web",
        "image": "nginx",
        "image_id": "sha256:" + factories.hexid("nginx"),
        "created_at": long_ago,
        "state": "running",
        "health": "none",
        "exit_code": 0,
        "started_at": long_ago,
        "finished_at": None,
        "entrypoint_json": "[]",
        "command_json": '["nginx"]',
        "ports_json": "[]",
        "network_mode": "default",
        "auto_remove": False,
        "project": "",
        "problem": "",
    }
    return Listed(**(usual | changes))


class Shown(NamedTuple):
    as_of: str = ""
    stale: bool = False


PORT = '[{"container_port": 80, "protocol": "tcp", "host_ip": "0.0.0.0", "host_port": 8080}]'
CONTAINERS = (
    *(listed(state=state.value, finished_at=factories.NOW) for state in ContainerState),
    *(listed(name=name, container_id=factories.hexid(name)) for name in NAMES),
    listed(health="unhealthy"),
    listed(state="exited", exit_code=137, finished_at=factories.NOW),
    listed(created_at=factories.NOW - timedelta(days=300)),
    listed(created_at=None),
    listed(started_at=factories.NOW),
    listed(command_json='["other"]'),
    listed(entrypoint_json='["sh"]'),
    listed(ports_json=PORT),
    listed(network_mode="host"),
    listed(auto_remove=True),
    listed(problem="no object"),
    listed(image="redis"),
)
USUAL = Row(CONTAINERS[0], (), Shape("local", "running", RIGHTS[0], ""), "here", "here", False, True)
ROWS = (
    *(replace(USUAL, container=container) for container in CONTAINERS),
    replace(USUAL, addresses=(Address("bridge", "172.17.0.2", ""),)),
    replace(USUAL, addresses=(Address("other", "172.17.0.2", ""),)),
    *(replace(USUAL, shape=Shape("local", "running", rights, busy)) for rights in RIGHTS for busy in BUSY),
    replace(USUAL, shape=Shape("far", "running", RIGHTS[0], "")),
    replace(USUAL, container=listed(ports_json=PORT), published_at="there"),
    replace(USUAL, newer_image=True),
    replace(USUAL, secrets=False),
)


@pytest.mark.parametrize("shown", [Shown(), Shown("21:04", stale=True)], ids=["live", "stale"])
def test_rows_are_drawn_as_if_for_the_first_time(shown: Shown) -> None:
    kept = [container_row(row, shown) for row in ROWS]
    _row.cache_clear()
    assert [container_row(row, shown) for row in ROWS] == kept
    for row, drawn in zip(ROWS, kept, strict=True):
        _row.cache_clear()
        assert container_row(row, shown) == drawn
    assert len(set(kept)) > len(ROWS) * 0.7  # or they would prove little


def test_a_row_is_drawn_again_when_its_age_has_changed() -> None:
    began = datetime.now(UTC) - timedelta(seconds=50)
    row = replace(USUAL, container=listed(started_at=began, created_at=began))
    young = container_row(row, Shown())
    with patch("django.utils.timezone.now", return_value=began + timedelta(minutes=7)):
        old = container_row(row, Shown())
    assert "Up 50 seconds" in young or "Up 51 seconds" in young
    assert "Up 7 minutes" in old
    assert ">7 min<" in old


def test_what_is_under_way() -> None:
    operate = RIGHTS[0]
    assert Shape("local", "running", operate, "container.stop").actions("0" * 64, "web").busy == "Stopping"
    # A start that the mirror has seen already has no button any more.
    assert Shape("local", "running", operate, "container.start").actions("0" * 64, "web").busy == ""
    assert Shape("local", "running", RIGHTS[1], "container.stop").actions("0" * 64, "web").busy == ""
