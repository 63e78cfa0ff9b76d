"""Asking for the removal of a volume, without an engine."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from console.models import Operation
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(client: Client) -> Any:
    engine = factories.engine("here")
    factories.volume(engine, "vm1")
    client.force_login(factories.user())
    return engine


def test_an_unused_one_is_asked_for_when_the_engine_is_named(client: Client, here: Any) -> None:
    url = reverse("volume-remove", args=["here", "vm1"])
    assert b"docker volume rm vm1" in client.get(url).content
    wrong = client.post(url, {"typed": "vm1"})
    assert wrong.status_code == 422
    assert b'value="vm1"' in wrong.content
    assert not Operation.objects.exists()
    assert client.post(url, {"typed": str(here)}).status_code == 302
    operation = Operation.objects.get()
    assert (operation.verb, operation.object_id, operation.command) == ("volume.remove", "vm1", "docker volume rm vm1")
    assert client.get(reverse("operation", args=[operation.pk])).status_code == 200


def test_one_in_use_names_who_and_is_not_asked_for(client: Client, here: Any) -> None:
    factories.mount(factories.container(here, "web"), type="volume", volume_name="vm1", destination="/home")
    url = reverse("volume-remove", args=["here", "vm1"])
    shown = client.get(url).content.decode()
    assert "web" in shown
    assert "/home" in shown
    assert "dialog-go" not in shown
    assert client.post(url, {"typed": str(here)}).status_code == 422
    assert not Operation.objects.exists()
