"""The forms that load and import, the link that saves: who may, what is asked for, what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from console.models import Engine, Operation
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine(settings: Any, tmp_path: Path) -> Engine:
    settings.DATA_DIR = tmp_path
    return factories.engine("here")


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(factories.user("admin"))
    return client


def sent() -> SimpleUploadedFile:
    return SimpleUploadedFile("../my images.tar", b"content")


def test_load_and_import_ask_with_what_was_sent(admin: Client, engine: Engine) -> None:
    assert admin.post(reverse("image-load", args=["here"]), {"archive": sent()}).status_code == 302
    loaded = Operation.objects.get(verb="image.load")
    assert (loaded.command, loaded.object_name) == ("docker image load --input 'my images.tar'", "my images.tar")
    form: dict[str, Any] = {"archive": sent(), "reference": "own/root:1", "changes": "ENV API_TOKEN=hunter2"}
    assert admin.post(reverse("image-import", args=["here"]), form).status_code == 302
    imported = Operation.objects.get(verb="image.import")
    assert imported.command == "docker image import --change 'ENV API_TOKEN=***' 'my images.tar' own/root:1"
    assert "hunter2" not in str(Operation.objects.values().get(pk=imported.pk))


def test_bad_input_stands_at_its_field(admin: Client, engine: Engine) -> None:
    for verb in ("load", "import"):
        for form in ({}, {"upload": "../../x"}, {"upload": "0" * 32}):
            answer = admin.post(reverse(f"image-{verb}", args=["here"]), form)
            assert (answer.status_code, "Choose a file." in answer.content.decode()) == (422, True)
    wrong: dict[str, Any] = {"archive": sent(), "reference": "Not A Name", "changes": "RUN x", "message": "kept"}
    answer = admin.post(reverse("image-import", args=["here"]), wrong)
    page = answer.content.decode()
    assert answer.status_code == 422
    kept = re.search('name="upload" value="([0-9a-f]{32})"', page)
    assert kept is not None
    assert "my images.tar</b> is here already" in page
    assert "“RUN” is none of" in page
    assert "A repository is lower case" in page
    assert 'value="kept"' in page
    assert not Operation.objects.exists()
    again = {"upload": kept[1], "file": "my images.tar", "reference": "own/root:1"}
    assert admin.post(reverse("image-import", args=["here"]), again).status_code == 302


def test_save_names_what_is_there_and_nothing_else(admin: Client, engine: Engine) -> None:
    image = factories.image(engine, "shop/api:1")
    foreign = factories.image(factories.engine("other"), "shop/other:1")
    address = reverse("images-save", args=["here"])
    for wanted in ("", f"?c={foreign.image_id}", f"?c={image.image_id}&c={foreign.image_id}", "?c=x"):
        assert admin.get(address + wanted).status_code == 404
    head = admin.head(f"{address}?c={image.image_id}")
    assert head.headers["Content-Disposition"] == 'attachment; filename="api-1.tar"'
    viewer = Client()
    viewer.force_login(factories.user("viewer", "viewer"))
    assert viewer.get(f"{address}?c={image.image_id}").status_code == 403
    page = admin.get(reverse("image", args=["here", image.image_id])).content.decode()
    assert f"{address}?c={image.image_id.replace(':', '%3A')}" in page
