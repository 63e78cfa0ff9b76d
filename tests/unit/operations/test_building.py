"""A build's messages as steps, what is asked with it, and the form."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from console.models import Operation, User
from console.operations import uploads
from console.operations.build_params import BuildParams
from console.operations.kinds.building import MOST_LINES, Steps, public_error
from console.operations.params import InvalidParams
from tests import factories


def test_steps() -> None:
    steps = Steps()
    for said in ("Step 1/3 : FROM busybox\n", " ---> 0123\n", "Step 2/3 : RUN a \\\n", "Step 2/3 : RUN a\n"):
        steps.take({"stream": said})
    steps.take({"stream": " ---> Using cache\n"})
    steps.take({"stream": "Step 3/3 : RUN ec"})
    steps.take({"stream": "ho\nhel"})
    steps.take({"stream": "lo\n"})
    steps.take({"aux": {"ID": "sha256:12"}})
    shown = steps.shown()
    assert shown["text"] == "step 3 of 3"
    assert shown["steps"][-1] == {"n": 3, "text": "RUN echo", "state": "busy", "cached": False}
    assert (shown["lines"], shown["cached"], steps.image_id) == (["hello"], 1, "sha256:12")
    steps.end(failed=True)
    assert steps.shown()["steps"][-1]["state"] == "failed"


def test_bounds() -> None:
    steps = Steps()
    steps.take({"stream": "Step 1/1 : RUN yes\n"})
    for number in range(1000):
        steps.take({"stream": f"{number}{'y' * 5000}\n"})
    lines = steps.shown()["lines"]
    assert len(lines) == MOST_LINES
    assert max(len(line) for line in lines) <= 500


def test_the_command_that_failed_is_not_for_everybody() -> None:
    said = "The command '/bin/sh -c curl https://user:canary@host' returned a non-zero code: 3"
    assert public_error(said) == "The command returned a non-zero code: 3"


def test_params() -> None:
    read = BuildParams.read({"tag": "shop/api", "args": "A=1\n\nDB_PASSWORD=canary", "target": "base", "pull": "1"})
    command = read.command("docker image build", "x")
    assert command.startswith("docker image build --tag shop/api:latest --build-arg A=1 --build-arg 'DB_PASSWORD=")
    assert command.endswith("--target base --pull .")
    assert "canary" not in command
    assert "canary" not in str(read.public().to_json())
    assert BuildParams.read(read.to_json()) == read
    with pytest.raises(InvalidParams) as caught:
        BuildParams.read({"tag": "", "args": "=x", "target": "a b", "platform": "x y"})
    assert set(caught.value.errors) == {"tag", "args", "target", "platform"}


@pytest.fixture
def url(db: None, client: Client, settings: Any, tmp_path: Path) -> str:
    """The address of the form, for an admin."""
    settings.DATA_DIR = tmp_path
    client.force_login(factories.user("admin"))
    return reverse("image-build", args=[factories.engine().slug])


def test_the_form(client: Client, url: str, tmp_path: Path) -> None:
    wrong = client.post(url, {"tag": "Bad Tag", "dockerfile": "FROM <b>", "args": "A=1"})
    page = wrong.content.decode()
    assert wrong.status_code == 422
    assert 'value="Bad Tag"' in page
    assert "FROM &lt;b&gt;" in page
    nothing = client.post(url, {"tag": "a:1"})
    assert "Type a Dockerfile, or choose an archive" in nothing.content.decode()
    bad = client.post(url, {"tag": "a:1", "archive": SimpleUploadedFile("x.zip", b"PK nonsense")})
    assert (bad.status_code, "no tar, tar.gz or zip" in bad.content.decode()) == (422, True)
    assert not Operation.objects.exists()
    assert client.post(url, {"tag": "a:1", "dockerfile": "FROM busybox\r\nRUN true"}).status_code == 302
    made = Operation.objects.get()
    assert (made.object_id, made.command) == ("a:1", "docker image build --tag a:1 .")
    assert len(list((tmp_path / "spool" / "build").iterdir())) == 1


def test_a_dockerfile_that_did_not_build_is_mended_in_the_form(client: Client, url: str) -> None:
    form = {"tag": "a:1", "dockerfile": "FROM <b>\nENV KEY=canary", "args": "A=1\nB_TOKEN=canary2", "pull": "1"}
    assert client.post(url, form | {"typed": "nonsense", "context": "nonsense"}).status_code == 302
    made = Operation.objects.get()
    assert "canary" not in str(made.params)
    Operation.objects.update(state=Operation.State.FAILED)
    again = f"{url}?operation={made.pk}"
    assert again in client.get(reverse("operation", args=[made.pk])).content.decode()
    page = client.get(again).content.decode()
    for part in ('value="a:1"', "FROM &lt;b&gt;\nENV KEY=canary", "A=1\nB_TOKEN=***", 'name="pull" value="1" checked'):
        assert part in page, part
    wrong = client.post(url, form | {"args": "B_TOKEN=***"})
    assert (wrong.status_code, "Type it again" in wrong.content.decode()) == (422, True)
    for reference in ("nonsense", "00000000-0000-0000-0000-000000000000"):
        assert client.get(url, {"operation": reference}).status_code == 404


@pytest.mark.django_db
def test_a_context_that_was_sent_in_pieces(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    engine, user = factories.engine(), factories.user("admin")
    client.force_login(user)
    url = reverse("image-build", args=[engine.slug])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("Dockerfile", "FROM busybox")
    token = uploads.whole(user, io.BytesIO(packed.getvalue()), len(packed.getvalue()))
    wrong = client.post(url, {"tag": "Bad Tag", "upload": token, "file": "site.zip"})
    assert (wrong.status_code, f'value="{token}"' in wrong.content.decode()) == (422, True)
    assert '<b class="b">site.zip</b> is here already' in wrong.content.decode()
    assert client.post(url, {"tag": "a:1", "upload": token, "file": "site.zip"}).status_code == 302
    assert uploads.size_of(user.pk, token) == 0
    assert len(list((tmp_path / "spool" / "build").iterdir())) == 1
    gone = client.post(url, {"tag": "a:1", "upload": token, "file": "site.zip"})
    assert (gone.status_code, "Type a Dockerfile, or choose" in gone.content.decode()) == (422, True)
    bad = uploads.whole(user, io.BytesIO(b"PK nonsense"), 11)
    refused = client.post(url, {"tag": "a:1", "upload": bad, "file": "x.zip"}).content.decode()
    assert "no tar, tar.gz or zip" in refused
    assert bad not in refused
    assert uploads.size_of(user.pk, bad) == 0
    theirs = uploads.whole(factories.user("other"), io.BytesIO(packed.getvalue()), len(packed.getvalue()))
    assert client.post(url, {"tag": "a:1", "upload": theirs, "file": "x.zip"}).status_code == 422


@pytest.mark.django_db
def test_a_context_of_a_form_that_has_another_fault_is_kept(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    client.force_login(factories.user("admin"))
    url = reverse("image-build", args=[factories.engine().slug])
    page = client.post(url, {"tag": "", "archive": SimpleUploadedFile("x.tar", b"x")}).content.decode()
    (path,) = (tmp_path / "spool" / "uploads").iterdir()
    assert path.stem.partition("-")[2] in page


@pytest.mark.django_db
def test_what_the_steps_run_is_for_those_who_may_build(client: Client) -> None:
    engine = factories.engine()
    progress = {"text": "step 1 of 1", "done": 0, "cached": 0, "lines": ["output-canary"],
                "steps": [{"n": 1, "text": "RUN step-canary", "state": "failed", "cached": False}]}  # fmt: skip
    made = factories.operation(
        engine, factories.user("admin"), verb="image.build", kind="image", state="failed", progress=progress
    )
    page = reverse("operation", args=[made.pk])
    client.force_login(factories.user("viewer", User.Role.VIEWER))
    assert "canary" not in client.get(page).content.decode()
    client.force_login(User.objects.get(username="admin"))
    assert client.get(page).content.decode().count("canary") >= 2
