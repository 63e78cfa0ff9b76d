"""Which images are behind, from what registries said last: badge, filter, what is asked about."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from console.models import Engine, Operation, RemoteTag
from console.operations import remote_tags
from tests import factories

pytestmark = pytest.mark.django_db
OLD, NEW = "sha256:" + "1" * 64, "sha256:" + "2" * 64


@pytest.fixture
def engine() -> Engine:
    return factories.engine("here")


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(factories.user("admin"))
    return client


def test_badge_and_filter(engine: Engine, admin: Client) -> None:
    image = factories.image(engine, "shop/api:1", digests=[f"shop/api@{OLD}"])
    factories.image(engine, "shop/web:1", digests=[f"shop/web@{OLD}"])
    remote_tags.note(engine, "shop/api:1", NEW)
    remote_tags.note(engine, "shop/web:1", OLD)
    assert remote_tags.behind(engine) == {image.pk: "shop/api:1"}
    page = admin.get(reverse("images", args=["here"])).content.decode()
    assert page.count(">newer</a>") == 1
    assert "reference=shop%2Fapi%3A1" in page
    found = admin.get(reverse("images", args=["here"]), {"q": "update:yes"}).content.decode()
    assert f"i-{image.short_id}" in found
    assert "shop/web" not in found
    image.digests = [f"shop/api@{NEW}"]  # it was pulled
    image.save()
    assert remote_tags.behind(engine) == {}


def test_what_is_asked_about(engine: Engine, admin: Client) -> None:
    factories.image(engine, "built/here:1")
    address = reverse("images-check", args=["here"])
    assert admin.post(address).status_code == 409
    factories.image(engine, "shop/api:1", digests=[f"shop/api@{OLD}"])
    assert admin.post(address).status_code == 302
    operation = Operation.objects.get()
    assert (operation.params, operation.command) == (
        {"references": ["shop/api:1"]},
        "docker manifest inspect shop/api:1",
    )


def test_what_is_gone_is_forgotten(engine: Engine) -> None:
    factories.image(engine, "shop/api:1", digests=[f"shop/api@{OLD}"])
    for reference in ("shop/api:1", "shop/gone:1"):
        remote_tags.note(engine, reference, NEW)
    remote_tags.sweep(engine)
    assert [row.reference for row in RemoteTag.objects.all()] == ["shop/api:1"]
    remote_tags.note(engine, "shop/api:1", "")
    assert not RemoteTag.objects.exists()
