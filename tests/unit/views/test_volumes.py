"""Making and removing volumes, without an engine: forms, dialogs, what is asked for."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from console import access, masks
from console.engine.command.volume import CreateVolume
from console.models import Operation, User
from console.operations.job import Job
from console.operations.perform import Clients
from console.operations.request import request_operation
from console.operations.verbs import VERBS
from console.operations.volume_params import CreateVolumeParams
from console.pages.volume_typed import KINDS
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


def create(client: Client, **data: Any) -> Any:
    return client.post(reverse("volume-create", args=["here"]), {"kind": "local"} | data)


def test_one_is_asked_for_and_shown_while_it_is_made(client: Client, here: Any) -> None:
    answer = create(client, name="vm2", labels="tier=data")
    operation = Operation.objects.get()
    assert (operation.verb, operation.command) == ("volume.create", "docker volume create --label tier=data vm2")
    assert answer.status_code == 302
    page = client.get(answer["Location"])
    assert "Creating vm2" in page.content.decode()
    Operation.objects.update(state="succeeded", result={"object_id": "vm2"})
    factories.volume(here, "vm2")
    assert client.get(answer["Location"])["Location"] == reverse("volume", args=["here", "vm2"])


def test_a_refusal_comes_back_with_everything_but_the_password(client: Client, here: Any) -> None:
    typed = {"kind": "cifs", "server": "nas", "path": "media", "user": "bob", "password": "s3cret", "labels": "a=b"}
    answer = create(client, name="nas", **typed)
    operation = Operation.objects.get()
    assert operation.sealed
    assert "s3cret" not in f"{operation.params}{operation.command}{operation.result}"
    Operation.objects.update(state="failed", error="a volume named nas already exists", sealed="")
    page = client.get(answer["Location"])
    assert "already exists" in page.context["form"].shown["name"]
    found = page.context["typed"]
    assert (found.kind, found.server, found.path, found.user, found.password, found.labels) == (
        "cifs", "nas", "media", "bob", "", "a=b",
    )  # fmt: skip


def test_the_side_never_shows_a_password_and_the_form_keeps_it(client: Client, here: Any) -> None:
    typed = {"kind": "cifs", "server": "nas", "user": "bob", "password": "s3cret", "name": "nas"}
    side = client.post(reverse("volume-create", args=["here"]) + "?part=side", typed)
    assert side.templates[0].name == "volumes/_create_side.html"
    assert "s3cret" not in side.content.decode()
    assert "password=***" in side.content.decode()
    wrong = create(client, **typed)
    assert wrong.status_code == 422
    assert "Which share" in wrong.content.decode()
    assert wrong.content.decode().count("s3cret") == 1  # in its own field
    assert create(client, **typed, pick="nfs").context["typed"].server == "nas"


def test_a_device_of_the_host_needs_the_right_when_asked_and_when_run(
    client: Client, here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = CreateVolume("root", opt=(("type", "none"), ("o", "bind"), ("device", "/")))
    params = CreateVolumeParams(spec)
    monkeypatch.setitem(access.ROLES, "viewer", frozenset(access.VERBS))
    deployer = factories.user("dep", User.Role.VIEWER)
    asked = request_operation(deployer, here, "volume.create", "root", "root", params)
    monkeypatch.setitem(access.ROLES, "viewer", frozenset(access.VERBS) - {"host", "admin"})
    job = Job(asked, Clients(), None, None)  # type: ignore[arg-type]  # neither thread nor database is used
    assert "no longer has the right" in job._not_now(VERBS["volume.create"], params)
    assert job._not_now(VERBS["volume.create"], CreateVolumeParams(CreateVolume("vm2"))) == ""
    asked.delete()
    client.force_login(deployer)
    answer = create(client, kind="bind", name="root", path="/")
    assert answer.status_code == 422
    assert "right “host”" in answer.context["form"].shown["kind"]
    sneaked = create(client, name="root", options="type=none\no=bind\ndevice=/")
    assert sneaked.status_code == 422
    with pytest.raises(PermissionDenied):
        request_operation(deployer, here, "volume.create", "root", "root", params)
    assert not Operation.objects.exists()
    assert create(client, name="vm2").status_code == 302


def test_a_pasted_command_fills_the_form(client: Client, here: Any) -> None:
    line = "docker volume create -o type=nfs -o device=:/srv -o o=addr=nas,rw --colour=red media"
    answer = create(client, read="1", paste=line)
    found = answer.context["typed"]
    assert (found.kind, found.name, found.server, found.path) == ("nfs", "media", "nas", "/srv")
    assert "--colour" in answer.content.decode()
    assert create(client, name="kept", read="1", paste="ls").context["typed"].name == "kept"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ("-o type=cifs -o device=//nas/media -o o=addr=nas,username=bob,password=***", "password"),
        ("-o type=nfs -o device=:/srv -o o=addr=nas,rw,password=***", "more"),
        ("-d vieux/sshfs -o password=***", "options"),
        ("-d vieux/sshfs -o sshcmd=ssh://bob:***@nas", "options"),
        ("-o type=tmpfs -o device=tmpfs --label api_key=***", "labels"),
    ],
)
def test_a_masked_secret_is_refused_at_its_field(client: Client, here: Any, options: str, field: str) -> None:
    typed = create(client, read="1", paste=f"docker volume create {options} media").context["typed"]
    answer = create(client, **asdict(typed) | {"read_only": ""})
    assert (answer.status_code, answer.context["form"].shown) == (422, {field: masks.NOT_COPIED})
    assert answer.content.decode().count(masks.NOT_COPIED) >= 1
    assert not Operation.objects.exists()
    kept = CreateVolumeParams(typed.spec()).public()
    assert CreateVolumeParams.read(kept.to_json()) == kept, "what is kept can be read again"


def test_three_stars_that_hide_nothing_are_a_value(client: Client, here: Any) -> None:
    assert create(client, name="vm3", labels="stars=***").status_code == 302


@pytest.mark.parametrize("value", ["²", "\x00", "٣", "9" * 5000, "a\x00b", "\u202e", "<b>"])
def test_no_input_is_a_fault(value: str, client: Client, here: Any) -> None:
    names = ("name", "driver", "size", "server", "path", "version", "user", "password", "mode", "owner", "fs", "more")
    for kind in (*KINDS, value):
        assert (
            create(client, **(dict.fromkeys((*names, "options", "labels"), value) | {"kind": kind})).status_code == 422
        )
    for more in ("read", "pick"):
        assert create(client, paste=value, **{more: value}).status_code == 200
    assert client.get(reverse("volume-create", args=["here"]), {"kind": value}).status_code == 200
    assert client.get(reverse("volume-create", args=["here"]), {"operation": value}).status_code == 404
    assert not Operation.objects.exists()


def test_who_may_not_sees_no_button(client: Client, here: Any) -> None:
    assert "Create volume" in client.get(reverse("volumes", args=["here"])).content.decode()
    client.force_login(factories.user("viewer", User.Role.VIEWER))
    assert "Create volume" not in client.get(reverse("volumes", args=["here"])).content.decode()
    assert client.get(reverse("volume-create", args=["here"])).status_code == 403


def at(name: str) -> str:
    return reverse(f"volume-{name}", args=["here", "vm1"])


def test_a_backup_is_a_link_and_with_running_users_an_operation_too(client: Client, here: Any) -> None:
    shown = client.get(at("backup")).content.decode()
    assert at("download") in shown
    assert "Stop them" not in shown
    factories.mount(factories.container(here, "web"), type="volume", volume_name="vm1", destination="/home")
    assert "In use by web" in client.get(at("backup")).content.decode()
    assert client.post(at("backup")).status_code == 302
    operation = Operation.objects.get()
    assert operation.verb == "volume.backup"
    assert "docker stop" in operation.command
    Operation.objects.update(state="running", progress={"ready": True, "text": "waiting for the download"})
    page = client.get(reverse("operation", args=[operation.pk])).content.decode()
    assert f"{at('download')}?operation={operation.pk}" in page


def test_a_clone_is_refused_at_its_field(client: Client, here: Any) -> None:
    assert 'value="vm1-copy"' in client.get(at("clone")).content.decode()
    for target, word in (("vm1", "already"), ("", "needs a name"), ("a b", "letter")):
        answer = client.post(at("clone"), {"target": target})
        assert answer.status_code == 422
        assert word in answer.content.decode()
    part = client.post(at("clone") + "?part=command", {"target": "two"}, headers={"HX-Request": "true"})
    assert "docker volume create two" in part.content.decode()
    assert not Operation.objects.exists()
    assert client.post(at("clone"), {"target": "two", "stop": "1"}).status_code == 302
    assert Operation.objects.get().params == {"target": "two", "stop": True}


def test_a_restore_takes_a_file_or_one_that_was_sent(client: Client, here: Any, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    assert client.post(at("restore")).status_code == 422
    assert client.post(at("restore"), {"upload": "0" * 32}).status_code == 422
    for target in ("vm1", "a b"):
        wrong = client.post(at("restore"), {"archive": SimpleUploadedFile("b.tgz", b"x"), "target": target})
        assert wrong.status_code == 422
        assert f'value="{target}"' in wrong.content.decode()
        assert "b.tgz is here already" in wrong.content.decode()
    again = {"upload": wrong.context["upload"], "file": "b.tgz", "target": "vm2"}
    assert client.post(at("restore"), again).status_code == 302
    assert Operation.objects.get().params["target"] == "vm2"
    Operation.objects.all().delete()
    answer = client.post(at("restore"), {"archive": SimpleUploadedFile("b<.tgz", b"x"), "stop": "1"})
    assert answer.status_code == 302
    operation = Operation.objects.get()
    assert operation.params["stop"] is True
    assert "'b<.tgz'" in operation.command
    Operation.objects.all().delete()
    begun = client.post(reverse("uploads"), {"size": "5"}).json()
    url = reverse("upload-piece", args=[begun["token"]])
    assert client.post(f"{url}?at=0", b"hello", content_type="application/octet-stream").json() == {"at": 5}
    assert client.post(f"{url}?at=0", b"hello", content_type="application/octet-stream").status_code == 409
    assert client.post(f"{url}?at=x", b"hello", content_type="application/octet-stream").status_code == 422
    given = {"upload": begun["token"], "by": "999", "file": "C:\\backups\\b.tar.gz"}
    assert client.post(at("restore"), given).status_code == 302
    made = Operation.objects.get()
    assert made.params["by"] == made.user_id
    assert made.command.endswith("< b.tar.gz")


def test_what_shows_the_host_is_not_read_without_the_right(
    client: Client, here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.volume(here, "root", options={"type": "none", "o": "bind", "device": "/"})
    monkeypatch.setitem(access.ROLES, "viewer", frozenset(access.VERBS) - {"host", "admin"})
    client.force_login(factories.user("dep", User.Role.VIEWER))
    for name in ("backup", "clone", "restore", "download"):
        assert client.get(reverse(f"volume-{name}", args=["here", "root"])).status_code == 403
    assert "Back up" not in client.get(reverse("volume", args=["here", "root"])).content.decode()
    assert "Back up" in client.get(reverse("volume", args=["here", "vm1"])).content.decode()


def test_an_engine_that_cannot_be_read_is_a_page(client: Client, here: Any) -> None:
    answer = client.get(at("download"))
    assert answer.status_code == 502
    assert "Nothing was downloaded" in answer.content.decode()
    wrong = reverse("volume-download", args=["here", "vm1"]) + "?operation="
    assert client.get(f"{wrong}nonsense").status_code == 404
