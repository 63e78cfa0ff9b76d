"""The command that makes a container again: who sees it, what of it is hidden, how long it is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from console.engine.client import EngineClient
from console.engine.errors import Unreachable
from console.models import Container, Engine, User
from console.pages.container import ContainerPage
from console.reads import command
from tests import factories
from tests.rocky import detailed, rocky

pytestmark = pytest.mark.django_db
PAYLOADS = Path(__file__).parents[2] / "payloads" / "docker-20.10"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def api() -> Container:
    command._kept.clear()
    return detailed(rocky())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids that the engine was asked for; it answers with a recorded container that has a secret."""
    ids: list[str] = []
    raw = json.loads((PAYLOADS / "container_running.json").read_text())
    raw["Config"]["Env"] = ["DB_PASSWORD=canary", "TZ=Asia/Tokyo"]
    image = json.loads((PAYLOADS / "image.json").read_text())
    info = json.loads((PAYLOADS / "info.json").read_text())

    def sources(client: EngineClient, container_id: str) -> Any:
        ids.append(container_id)
        return raw, image, info

    monkeypatch.setattr(EngineClient, "run_sources", sources)
    return ids


def url(container: Container) -> str:
    return reverse("container-command", args=["rocky", container.container_id])


def test_it_is_shown_with_its_secrets_masked(client: Client, api: Container, asked: list[str]) -> None:
    client.force_login(factories.user("mika"))
    before = client.get("/e/rocky/containers/shop-api-1/").content.decode()
    assert f'hx-get="{url(api)}"' in before
    text = client.get(url(api), headers=HTMX).content.decode()
    assert "docker container run" in text
    assert "DB_PASSWORD=***" in text.replace("&#x27;", "").replace("&#39;", "")
    assert "TZ=Asia/Tokyo" in text
    assert "canary" not in text
    assert asked == [api.container_id]


def test_it_is_kept_until_the_container_changes(client: Client, api: Container, asked: list[str]) -> None:
    mika = factories.user("mika")
    client.force_login(mika)
    client.get(url(api), headers=HTMX)
    page = client.get("/e/rocky/containers/shop-api-1/").content.decode()
    assert "docker container run" in page
    assert f'hx-get="{url(api)}"' not in page
    Container.objects.filter(pk=api.pk).update(digest="another")
    assert f'hx-get="{url(api)}"' in client.get("/e/rocky/containers/shop-api-1/").content.decode()
    assert len(asked) == 1


def test_without_script_the_page_has_it(client: Client, api: Container, asked: list[str]) -> None:
    client.force_login(factories.user("mika"))
    assert "docker container run" in client.get(url(api)).content.decode()


def test_who_may_not_see_secrets_gets_the_inspect(client: Client, api: Container, asked: list[str]) -> None:
    engine: Engine = api.engine
    command.run_command(engine, api)
    vera = factories.user("vera", User.Role.VIEWER)
    page = ContainerPage(vera, engine, QueryDict(), api.name)
    assert page.run_command is None
    client.force_login(vera)
    assert "docker container run" not in client.get("/e/rocky/containers/shop-api-1/").content.decode()
    assert client.get(url(api)).status_code == 403


def test_an_engine_that_does_not_answer(client: Client, api: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(client: EngineClient, container_id: str) -> Any:
        raise Unreachable("It sleeps.")

    monkeypatch.setattr(EngineClient, "run_sources", silent)
    client.force_login(factories.user("mika"))
    answer = client.get(url(api), headers=HTMX)
    assert answer.status_code == 200
    assert "It sleeps." in answer.content.decode()
    assert "hx-get" not in answer.content.decode()


def test_only_the_newest_are_kept(api: Container, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MOST_KEPT", 2)
    for digest in "abc":
        api.digest = digest
        command.run_command(api.engine, api)
    assert [key[2] for key in command._kept] == ["b", "c"]
