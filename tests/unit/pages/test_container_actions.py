"""The buttons of rows: kept as they were drawn, and never those of another row."""

from __future__ import annotations

import pytest

from console.engine.types import ContainerState
from console.operations.verbs import CONTAINER_VERBS
from console.pages.container_actions import Actions, Shape
from console.templatetags.containers import _actions, row_actions
from tests import factories

RIGHTS = (frozenset({"operate"}), frozenset[str]())
BUSY = ("", *(verb.name for verb in CONTAINER_VERBS))
NAMES = ("web", "a.b-c_d", "{0}", "a b", "<b>", "'", "", "%s")


@pytest.mark.parametrize("state", ContainerState)
@pytest.mark.parametrize("rights", RIGHTS, ids=("operate", "nothing"))
def test_rows_have_their_own_buttons(state: ContainerState, rights: frozenset[str]) -> None:
    for busy in BUSY:
        shape = Shape("local", state.value, rights, busy)
        for name in NAMES:
            acts = Actions(factories.hexid(name), name, shape)
            for _ in range(2):
                assert row_actions(acts) == _actions(acts, "")
        wanted = {action.verb for action in (*acts.main, *acts.menu) if not action.reason}
        assert set(acts.can.split()) == wanted


def test_what_is_under_way() -> None:
    operate = RIGHTS[0]
    assert Shape("local", "running", operate, "container.stop").actions("0" * 64, "web").busy == "Stopping"
    # A start that the mirror has seen already has no button any more.
    assert Shape("local", "running", operate, "container.start").actions("0" * 64, "web").busy == ""
    assert Shape("local", "running", RIGHTS[1], "container.stop").actions("0" * 64, "web").busy == ""
