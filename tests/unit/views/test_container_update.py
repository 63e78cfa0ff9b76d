"""The dialog that changes limits, without an engine that answers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from console.models import Container, Operation, User
from console.pages.container_update import refused_field
from console.reads import containers as reads
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
WAS = {"memory": "128m", "restart": "no"}


@pytest.fixture
def web(client: Client, monkeypatch: pytest.MonkeyPatch) -> Container:
    monkeypatch.setattr(reads, "limits", lambda engine, container: dict(WAS))
    client.force_login(factories.user("mika"))
    return factories.container(factories.engine("here"), "web")


def url(web: Container, **query: str) -> str:
    return reverse("container-update", args=["here", web.container_id], query=query)


def text_of(answer: Any, status: int = 200) -> str:
    text: str = answer.content.decode()
    assert answer.status_code == status, text
    return text


def test_it_shows_what_there_is(client: Client, web: Container) -> None:
    for headers in ({}, HTMX):
        text = text_of(client.get(url(web), headers=headers))
        assert 'name="memory" type="text" value="128m"' in text
        assert 'name="was-memory" value="128m"' in text
        assert "docker container update web" in text


def test_a_viewer_gets_none(client: Client, web: Container) -> None:
    client.force_login(factories.user("vera", User.Role.VIEWER))
    assert client.get(url(web)).status_code == 403
    assert client.post(url(web), {"memory": "1g"}).status_code == 403
    assert b"container update" not in client.get(reverse("container", args=["here", "web"])).content


def test_only_what_differs_is_asked_for(client: Client, web: Container) -> None:
    data = {"was-memory": "128m", "was-restart": "no", "memory": "128m", "restart": "on-failure", "retries": "3"}
    answer = client.post(url(web), data)
    operation = Operation.objects.get()
    assert answer["Location"] == reverse("operation", args=[operation.pk])
    assert operation.params == {"restart": "on-failure:3"}
    assert operation.command == "docker container update --restart on-failure:3 web"
    assert operation.object_id == web.container_id


def test_with_script_the_dialog_closes(client: Client, web: Container) -> None:
    answer = client.post(url(web), {"was-memory": "128m", "memory": "256m"}, headers=HTMX)
    assert answer.status_code == 202
    assert Operation.objects.get().params == {"memory": "256m"}


def test_the_command_follows_what_is_typed(client: Client, web: Container) -> None:
    text = text_of(client.post(url(web, part="command"), {"was-memory": "128m", "memory": "1g"}, headers=HTMX))
    assert "docker container update --memory 1g web" in text
    assert not Operation.objects.exists()


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(client: Client, web: Container) -> None:
    data = {"was-memory": "128m", "memory": "much", "cpus": "0.5"}
    text = text_of(client.post(url(web), data), 422)
    assert "This is not a size" in text
    assert 'name="cpus" type="text" value="0.5"' in text
    assert 'value="much"' in text
    text = text_of(client.post(url(web), {"was-memory": "128m", "memory": "128m"}), 422)
    assert "Nothing is changed." in text
    assert not Operation.objects.exists()


def test_one_that_is_being_removed_is_not_changed(client: Client, web: Container) -> None:
    Container.objects.update(state="removing")
    assert "being removed" in text_of(client.post(url(web), {"memory": "1g"}), 409)
    assert not Operation.objects.exists()


def test_a_refusal_leads_back_to_its_field(client: Client, web: Container) -> None:
    client.post(url(web), {"was-memory": "128m", "memory": "1g", "cpus": "0.5"})
    operation = Operation.objects.get()
    said = "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time"
    Operation.objects.update(state=Operation.State.FAILED, error=said, result={"reason": "The engine refused."})
    page = text_of(client.get(reverse("operation", args=[operation.pk])))
    again = url(web, operation=str(operation.pk))
    assert again in page
    text = text_of(client.get(again))
    assert 'value="1g"' in text
    assert 'name="was-memory" value="128m"' in text
    assert said in text
    assert "as well: -1" in text
    assert 'id="memory-note"' in text
    assert client.get(url(web, operation="nonsense")).status_code == 404


def test_an_engine_that_does_not_answer(client: Client, web: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    text = text_of(client.get(url(web)))
    assert "What there is now was not read" in text


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("Memory limit should be smaller than already set memoryswap limit, update the memoryswap", "memory"),
        ("Minimum memoryswap limit should be larger than memory limit", "memory"),
        ("Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available", "cpus"),
        ("Requested CPUs are not available - requested 9, available: 0-1", "cpuset-cpus"),
        ("Range of blkio weight is from 10 to 1000", "blkio-weight"),
        ("nobody foresaw this", ""),
    ],
)
def test_the_field_that_a_refusal_is_about(said: str, field: str) -> None:
    asked = {"memory": "1g", "cpus": "9", "cpuset-cpus": "9", "blkio-weight": "5"}
    assert refused_field(said, asked) == field
    assert refused_field(said, {"restart": "no"}) == "restart"
