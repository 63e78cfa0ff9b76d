"""Pushing, committing and removing several images: dialogs, commands, what is asked for."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from console.models import Engine, Operation, Registry
from tests import factories

pytestmark = pytest.mark.django_db
HX = {"HX-Request": "true"}


@pytest.fixture
def engine() -> Engine:
    return factories.engine("here")


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(factories.user("admin"))
    return client


def test_push_offers_the_default_registry_and_tags_first(admin: Client, engine: Engine) -> None:
    image = factories.image(engine, "shop/api:1.2")
    Registry.objects.create(host="registry.example:5000", default=True)
    address = reverse("image-push", args=["here", image.image_id])
    page = admin.get(address, headers=HX).content.decode()
    assert 'value="registry.example:5000/shop/api:1.2"' in page
    both = "docker image tag shop/api:1.2 {0} &amp;&amp; docker image push {0}"
    assert both.format("registry.example:5000/shop/api:1.2") in page
    part = admin.get(address + "?part=command&reference=shop/api:1.2", headers=HX).content.decode()
    assert "<code>docker image push shop/api:1.2</code>" in part
    answer = admin.post(address, {"reference": "registry.example:5000/shop/api"})
    assert answer.status_code == 302
    operation = Operation.objects.get()
    assert operation.params == {"reference": "registry.example:5000/shop/api:latest", "tag": True}
    assert operation.command.startswith("docker image tag shop/api:1.2 registry.example:5000/shop/api:latest && ")
    assert operation.object_id == image.image_id


def test_push_in_place_of_another_image_is_refused(admin: Client, engine: Engine) -> None:
    image = factories.image(engine, "shop/api:1.2")
    factories.image(engine, "registry.example/other:1")
    address = reverse("image-push", args=["here", image.image_id])
    answer = admin.post(address, {"reference": "registry.example/other:1"}, headers=HX)
    assert (answer.status_code, "is another image here" in answer.content.decode()) == (422, True)
    assert admin.post(address, {"reference": "Nonsense!"}, headers=HX).status_code == 422
    assert not Operation.objects.exists()


def test_many_are_listed_with_their_users_and_removed_one_by_one(admin: Client, engine: Engine) -> None:
    used, free, bare = (factories.image(engine, name) for name in ("shop/api:1", "shop/web:2", ""))
    factories.container(engine, "api", image_id=used.image_id, state="exited")
    address = reverse("images-bulk", args=["here"])
    ids = [used.image_id, free.image_id, bare.image_id, "sha256:" + "f" * 64]
    page = admin.post(address, {"id": ids}, headers=HX).content.decode()
    assert "used, stopped: api" in page
    assert "1 of them no longer exist" in page
    assert f'value="{used.image_id}" aria' in page  # not ticked
    assert f'value="{free.image_id}" checked' in page
    assert f"docker image rm {bare.short_id} shop/web:2" in page
    form = {"id": [used.image_id], "force": "1", "confirmed": "1"}
    part = admin.post(address + "?part=command", form, headers=HX).content.decode()
    assert "docker image rm --force shop/api:1" in part
    assert not Operation.objects.exists()
    answer = admin.post(address, {"id": [free.image_id, bare.image_id], "confirmed": "1"}, headers=HX)
    assert answer.status_code == 202
    asked = {row.object_id: row for row in Operation.objects.all()}
    assert asked[free.image_id].command == "docker image rm shop/web:2"
    assert asked[bare.image_id].command == f"docker image rm {bare.short_id}"
    batches = {row.batch.hex for row in asked.values() if row.batch}
    assert len(batches) == 1
    assert answer.headers["HX-Redirect"].endswith(f"batch:{batches.pop()}")


def test_many_without_any(admin: Client, engine: Engine) -> None:
    address = reverse("images-bulk", args=["here"])
    assert admin.post(address, {}).status_code == 422
    assert admin.post(address, {"id": ["x"]}).status_code == 409
    assert admin.post(address, {"id": [f"{n:064x}" for n in range(201)]}).status_code == 422


def test_rows_can_be_ticked_by_those_who_may_remove(admin: Client, engine: Engine) -> None:
    factories.image(engine, "shop/api:1")
    assert "check pick" in admin.get(reverse("images", args=["here"])).content.decode()
    viewer = Client()
    viewer.force_login(factories.user("viewer", "viewer"))
    page = viewer.get(reverse("images", args=["here"])).content.decode()
    assert "check pick" not in page
    assert "bulk-form" not in page


def test_commit_masks_what_it_shows_and_seals_what_it_keeps(admin: Client, engine: Engine) -> None:
    container = factories.container(engine, "web")
    address = reverse("container-commit", args=["here", container.container_id])
    form = {"reference": "shop/own", "changes": "ENV API_TOKEN=hunter2", "sent": "1", "pause": "1"}
    part = admin.post(address + "?part=command", form, headers=HX).content.decode()
    assert "ENV API_TOKEN=***" in part
    assert not Operation.objects.exists()
    assert admin.post(address, {**form, "changes": "RUN x"}, headers=HX).status_code == 422
    assert admin.post(address, form).status_code == 302
    operation = Operation.objects.get()
    assert operation.command == "docker container commit --change 'ENV API_TOKEN=***' web shop/own:latest"
    assert "hunter2" not in str(Operation.objects.values().get())
    assert operation.sealed
