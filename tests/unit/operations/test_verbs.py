"""The table of verbs: complete, with words that fit, and the same reasons everywhere."""

from __future__ import annotations

import pytest
from django.urls import reverse

from console import access
from console.engine.client import EngineClient
from console.engine.types import ContainerState
from console.models import Container, User
from console.operations.perform import CALLS
from console.operations.verbs import CONTAINER_VERBS, VERBS, action_url, actions_for
from tests import factories


def test_every_container_verb_has_a_call_and_every_call_a_verb() -> None:
    assert set(CALLS) == {verb.name for verb in CONTAINER_VERBS}
    for verb in CONTAINER_VERBS:
        assert verb.short == "exec" or callable(getattr(EngineClient, verb.short))


@pytest.mark.parametrize("name", VERBS)
def test_a_row_is_whole(name: str) -> None:
    verb = VERBS[name]
    assert verb.name == name
    assert verb.right in access.VERBS
    assert verb.base.startswith("docker ")
    assert all((verb.label, verb.busy, verb.past, verb.icon))
    assert verb.busy.endswith("ing")
    assert not verb.danger or verb.dialog  # nothing is lost without a dialog


FITS = {
    "start": "created exited",
    "stop": "running paused restarting",
    "restart": "created running paused restarting exited",
    "pause": "running",
    "unpause": "paused",
    "kill": "running paused restarting",
    "exec": "running",
    "rename": "created running paused restarting exited",
    "remove": "created running paused restarting exited dead",
}


@pytest.mark.parametrize("verb", CONTAINER_VERBS, ids=lambda verb: verb.short)
def test_which_states_a_verb_fits(verb: object) -> None:
    from console.operations.verbs import Verb

    assert isinstance(verb, Verb)
    for state in ContainerState:
        reason = verb.possible(Container(name="web", state=state.value))
        fits = state.value in FITS[verb.short].split() or state is ContainerState.UNKNOWN
        assert (reason == "") == fits, (state, reason)


@pytest.mark.django_db
def test_actions_for_people() -> None:
    engine = factories.engine()
    container = factories.container(engine, "web; reboot", state="exited")
    admin, viewer = factories.user(), factories.user("viewer", User.Role.VIEWER)
    assert actions_for(container, viewer, engine) == []
    found = {action.verb: action for action in actions_for(container, admin, engine, "container.start")}
    assert list(found) == [verb.short for verb in CONTAINER_VERBS]
    assert found["start"].busy == "Starting"
    assert found["stop"].reason == "not running"
    assert found["remove"].label == "Remove…"
    assert found["stop"].command == "docker container stop 'web; reboot'"


def test_addresses_are_those_of_the_routes() -> None:
    digits = factories.hexid("web")
    for verb in CONTAINER_VERBS:
        wanted = reverse("container-action", args=["start", digits, verb.short])
        assert action_url("start", digits, verb.short) == wanted
