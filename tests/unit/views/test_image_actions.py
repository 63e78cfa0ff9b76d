"""Dialogs of images, and asking: what is wrong stays typed, what is used is named, who may not sees no button."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from console.models import Engine, Image, ImageTag, Operation, User
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def engine() -> Engine:
    return factories.engine()


@pytest.fixture
def image(engine: Engine) -> Image:
    made = factories.image(engine, "shop/api:1")
    ImageTag.objects.create(image=made, reference="shop/api:2", repository="shop/api", tag="2")
    return made


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factories.user("admin"))
    return client


def test_pull_asks_and_leads_to_its_page(admin: Client, engine: Engine) -> None:
    url = reverse("image-pull", args=[engine.slug])
    answer = admin.post(url, {"reference": "registry.example:5000/shop/api", "platform": "linux/arm64"}, headers=HTMX)
    made = Operation.objects.get()
    assert answer["HX-Redirect"] == reverse("operation", args=[made.pk])
    assert made.object_id == "registry.example:5000/shop/api:latest"
    assert made.command == "docker image pull --platform linux/arm64 registry.example:5000/shop/api:latest"
    admin.post(url, {"reference": "registry.example:5000/shop/api:latest", "platform": "linux/arm64"})
    assert Operation.objects.count() == 1  # the same thing while it is open


def test_pull_keeps_what_is_wrong(admin: Client, engine: Engine) -> None:
    url = reverse("image-pull", args=[engine.slug])
    answer = admin.post(url, {"reference": "Not An Image", "platform": "linux/arm64"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Not An Image"' in page
    assert "A repository is lower case" in page
    assert "<option selected>linux/arm64" in page
    assert not Operation.objects.exists()


def test_the_command_follows_the_fields(admin: Client, engine: Engine, image: Image) -> None:
    found = admin.get(reverse("image-pull", args=[engine.slug]), {"part": "command", "reference": "nginx"})
    assert "docker image pull nginx:latest" in found.content.decode()
    remove = reverse("image-remove", args=[engine.slug, image.image_id])
    found = admin.get(remove, {"part": "command", "references": ["shop/api:2"], "force": "1"})
    assert "docker image rm --force shop/api:2" in found.content.decode()


def test_remove_names_who_uses_it_and_asks_for_the_ticked(admin: Client, engine: Engine, image: Image) -> None:
    factories.container(engine, "web", state="running", image_id=image.image_id)
    url = reverse("image-remove", args=[engine.slug, image.image_id])
    page = admin.get(url, headers=HTMX).content.decode()
    assert "web" in page
    assert "A running container uses it" in page
    assert page.count("checked") == 2
    none = admin.post(url, {"force": ""}, headers=HTMX)
    assert (none.status_code, "Tick at least one tag" in none.content.decode()) == (422, True)
    stranger = admin.post(url, {"references": "other:1"}, headers=HTMX)
    assert (stranger.status_code, "no tag of this image" in stranger.content.decode()) == (422, True)
    assert admin.post(url, {"references": "shop/api:2"}, headers=HTMX).status_code == 202
    made = Operation.objects.get()
    assert (made.object_id, made.command) == (image.image_id, "docker image rm shop/api:2")


def test_a_viewer_sees_no_button_and_may_not(client: Client, engine: Engine, image: Image) -> None:
    client.force_login(factories.user("viewer", User.Role.VIEWER))
    pull = reverse("image-pull", args=[engine.slug])
    assert pull not in client.get(reverse("images", args=[engine.slug])).content.decode()
    page = client.get(reverse("image", args=[engine.slug, image.short_id])).content.decode()
    assert reverse("image-remove", args=[engine.slug, image.image_id]) not in page
    assert client.post(pull, {"reference": "nginx"}).status_code == 403


def test_the_page_of_a_pull_shows_its_layers(admin: Client, engine: Engine) -> None:
    running = factories.operation(
        engine,
        factories.user("other"),
        verb="image.pull",
        kind="image",
        object_id="nginx:1",
        object_name="nginx:1",
        state=Operation.State.RUNNING,
        started_at=factories.NOW,
        progress={
            "percent": 62,
            "text": "44.8MB of 72.1MB",
            "speed": "3.2MB/s, about 9 s left",
            "complete": 1,
            "layers": [
                {"id": "af302e5c37e9", "percent": 100, "text": "Pull complete 28MB", "tone": "done"},
                {"id": "207b812743af", "percent": 38, "text": "Downloading 16MB of 43MB", "tone": ""},
            ],
            "lines": ["1: Pulling from library/nginx"],
        },
    )
    page = admin.get(reverse("operation", args=[running.pk])).content.decode()
    assert "44.8MB of 72.1MB" in page
    assert "3.2MB/s, about 9 s left" in page
    assert "1 of 2 complete" in page
    assert 'value="38" aria-label="layer 207b812743af"' in page
    assert "1: Pulling from library/nginx" in page
