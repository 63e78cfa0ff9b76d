"""Pages of files: what stands in place of a list, pictures that carry nothing, who opened what, what is asked."""

from __future__ import annotations

import pytest
from django.test import Client

from console import access
from console.engine import tar
from console.engine.archive import IsLink, Listed, Stat
from console.engine.errors import EngineError, NotFound, Unreachable
from console.engine.looking import NoImage
from console.engine.tar import Entry
from console.models import AuditEntry, Engine, Operation, User, Volume
from console.operations.sealed import unseal
from console.reads import files as reads
from tests import factories

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
def engine() -> Engine:
    made = factories.engine("here")
    factories.volume(made, "vm1")
    return made


@pytest.fixture
def admin(client: Client, engine: Engine) -> Client:
    client.force_login(factories.user("admin", User.Role.ADMIN))
    return client


def failing(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(reads, name, fail)


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (NoImage("none"), 409, "docker image pull busybox"),
        (IsLink("/a", "/b"), 422, "Go where it leads"),
        (IsLink("/a", ""), 422, "out of what can be seen here"),
        (NotFound("404"), 404, "There is nothing at this path"),
        (Unreachable("The engine <b>sleeps</b>."), 200, "The engine &lt;b&gt;sleeps&lt;/b&gt;."),
    ],
)
def test_what_stands_in_place_of_a_list(
    admin: Client, monkeypatch: pytest.MonkeyPatch, error: EngineError, status: int, says: str
) -> None:
    failing(monkeypatch, "find", error)
    answer = admin.get("/e/here/volumes/vm1/files?path=/a/b")
    assert answer.status_code == status
    assert says in answer.content.decode()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("query", ["path=/../etc", "path=%00", "path=/" + "x" * 300, "&".join(["a=b"] * 60)])
def test_a_path_that_is_not_followed(admin: Client, query: str) -> None:
    answer = admin.get(f"/e/here/volumes/vm1/files?{query}")
    assert answer.status_code == 422
    assert admin.get(f"/e/here/volumes/vm1/files/raw?{query}").status_code == 404
    assert admin.get(f"/e/here/volumes/vm1/files/file-delete?{query}").status_code == 422


def opened(content: bytes) -> reads.Found:
    entry = Entry("f", tar.FILE, len(content), 0o644, 0, 0, 0.0)
    return reads.Found("/f", Stat(tar.FILE, len(content), 0o644, "x"), "/", Listed((entry,), True), entry, content)


def test_a_text_is_escaped_and_who_opened_it_is_written_down(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "find", lambda *_: opened(b"<script>alert(1)</script>"))
    page = admin.get("/e/here/volumes/vm1/files?path=/f").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_name, entry.detail["path"]) == ("volume.files.open", "vm1", "/f")


def test_only_bitmaps_are_given_raw_and_they_can_do_nothing(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "picture", lambda *_: PNG)
    answer = admin.get("/e/here/volumes/vm1/files/raw?path=/f")
    assert answer.headers["Content-Type"] == "image/png"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for content in (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<html>", b""):
        monkeypatch.setattr(reads, "picture", lambda *_, content=content: content)
        assert admin.get("/e/here/volumes/vm1/files/raw?path=/f").status_code == 404


def test_a_change_is_asked_with_what_was_typed_or_the_form_comes_back(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.views.file_actions.WAIT", 0)
    answer = admin.post("/e/here/volumes/vm1/files/folder-make?path=/a", {"name": "x/<b>"})
    assert answer.status_code == 422
    assert "x/&lt;b&gt;" in answer.content.decode()
    answer = admin.post("/e/here/volumes/vm1/files/folder-make?path=/a%FF", {"name": "caf\u00e9"})
    operation = Operation.objects.get()
    assert answer.headers["Location"] == f"/operations/{operation.pk}"
    assert (operation.verb, operation.params["path"]) == ("volume.folder-make", "/a%FF/caf%C3%A9")
    assert operation.command.startswith("docker container run --rm")


def test_a_stopped_containers_volume_is_changed_through_the_volume(
    admin: Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.views.file_actions.WAIT", 0)
    web = factories.container(engine, "web", state="exited")
    factories.mount(web, destination="/data", volume_name="vm1")
    admin.post(f"/e/here/containers/{web.container_id}/files/file-rename?path=/data/a", {"name": "b"})
    operation = Operation.objects.get()
    assert (operation.params["volume"], operation.params["at"], operation.params["to"]) == ("vm1", "/data", "/data/b")
    assert operation.command.endswith("--mount type=volume,src=vm1,target=/v busybox mv -n -- /v/a /v/b")
    form = admin.get(f"/e/here/containers/{web.container_id}/files/file-delete?path=/etc/x").content.decode()
    assert "docker container exec --user 0 web rm -rf -- /etc/x" in form


def test_a_text_that_a_form_would_change_is_not_edited(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for content, status in ((b"a\r\nb\r\n", 200), (b"a\r\nb\n", 422), (b"a\x1bb", 422), (b"\xff", 422), (b"\0", 422)):
        monkeypatch.setattr(reads, "find", lambda *_, content=content: opened(content))
        assert admin.get("/e/here/volumes/vm1/files/file-edit?path=/f").status_code == status, content


def test_line_ends_and_the_rest_of_a_text_come_back_as_they_were(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.views.file_actions.WAIT", 0)
    given = {"text": "\r\n a\r\nb", "seal": "1-2026-11-25T12:00:00Z", "crlf": "1"}
    admin.post("/e/here/volumes/vm1/files/file-edit?path=/f", given)
    operation = Operation.objects.get()
    assert "text" not in operation.params
    assert (unseal(operation.sealed) or {})["text"] == "\r\n a\r\nb"


@pytest.mark.parametrize(
    ("version", "state", "status"),
    [
        ("20.10.24+dfsg1", "running", 403),
        ("28.5.2", "restarting", 403),
        ("28.5.2", "exited", 422),
        ("28.5.2", "created", 422),
        ("29.5", "paused", 403),
        ("29.5.0", "running", 403),
        ("29.5.1", "running", 422),
        ("30.0", "paused", 422),
        ("", "running", 403),
        ("dev", "running", 403),
    ],
)
def test_files_of_a_running_container_on_an_old_engine_need_the_host(
    version: str, state: str, status: int, client: Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its programs can lead the engine's copy astray before 29.5.1; a container that does not run has none."""
    engine.server_version = version
    engine.save()
    web = factories.container(engine, "web", state=state)
    monkeypatch.setitem(access.ROLES, User.Role.VIEWER.value, frozenset({"observe", "shell", "deploy"}))
    client.force_login(factories.user("dev", User.Role.VIEWER))
    for path in ("files", "files/download", "files/folder-make"):
        assert client.get(f"/e/here/containers/{web.container_id}/{path}?path=/../x").status_code == status, path


def test_a_volume_of_the_host_is_for_those_who_may_reach_hosts(
    client: Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = Volume.objects.get(name="vm1")
    volume.options = {"type": "none", "o": "bind", "device": "/etc"}
    volume.save()
    monkeypatch.setitem(access.ROLES, User.Role.VIEWER.value, frozenset({"observe", "shell", "deploy"}))
    client.force_login(factories.user("dev", User.Role.VIEWER))
    for path in ("files", "files/raw", "files/download", "files/folder-make"):
        assert client.get(f"/e/here/volumes/vm1/{path}").status_code == 403, path
