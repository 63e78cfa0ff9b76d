"""What goes wrong outside the console while images come and containers are made: the engine's words, nothing half."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from console.models import Engine, Operation, User
from console.operations import contexts, request, uploads
from console.operations.kinds import create
from console.operations.work import Work
from tests import factories
from tests.engines import EngineFactory, PrivateEngine
from tests.fake_registry import Answer, fake_registry
from tests.integration.operations.conftest import fresh
from tests.integration.operations.test_create import ask as ask_create
from tests.integration.operations.test_create import names, performed
from tests.integration.operations.test_images import ask_pull, run
from tests.integration.operations.test_rights_lost import taken_over
from tools.engines import images

State = Operation.State
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def spool(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "spool"


def kept(spool: Path) -> list[str]:
    """The files that still wait."""
    return sorted(path.name for path in spool.rglob("*") if path.is_file())


class Shelf:
    """An image of one layer, as a registry gives it. ``fault`` gets each answer, with its path, and may change it."""

    def __init__(self, size: int, fault: Callable[[str, Answer], Answer] = lambda path, answer: answer) -> None:
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as made:
            entry = tarfile.TarInfo("big")
            entry.size = size
            made.addfile(entry, io.BytesIO(bytes(size)))
        content = layer.getvalue()
        diff = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.layer = gzip.compress(content, 1)
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [diff]},
        }
        self.config = json.dumps(config).encode()
        self.blobs = {self.digest(data): data for data in (self.layer, self.config)}
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        self.manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": kind,
            "config": self.described(self.config, "application/vnd.docker.container.image.v1+json"),
            "layers": [self.described(self.layer, "application/vnd.docker.image.rootfs.diff.tar.gzip")],
        }
        self.kind, self.fault = kind, fault

    @staticmethod
    def digest(data: bytes) -> str:
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    def described(self, data: bytes, kind: str) -> dict[str, object]:
        return {"mediaType": kind, "size": len(data), "digest": self.digest(data)}

    def script(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        """For ``FakeRegistry``."""
        return self.fault(path, self._answer(path))

    def _answer(self, path: str) -> Answer:
        if path == "/v2/":
            return 200, {}, b"{}"
        manifest = json.dumps(self.manifest).encode()
        if "/manifests/" in path:
            return 200, {"Content-Type": self.kind, "Docker-Content-Digest": self.digest(manifest)}, manifest
        found = self.blobs.get(path.rpartition("/")[2])
        return (200, {}, found) if found is not None else (404, {}, b"{}")


# ── no space left on the engine ──


@pytest.fixture
def small(new_engine: EngineFactory) -> PrivateEngine:
    """An engine whose data folder has 24 MiB, with busybox."""
    engine = new_engine(load=())
    engine.kill()
    engine.exec("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(engine._engine.folder / "data"))
    engine.restart()
    images.load(engine._engine, ("busybox",))
    return engine


def asked(admin: User, row: Engine, what: str) -> Operation:
    """Something that needs more than 24 MiB."""
    match what:
        case "build":
            dockerfile = "FROM busybox:latest\nRUN dd if=/dev/zero of=/big bs=1M count=40\n"
            token = contexts.keep(None, dockerfile)[0]
            return request.request_operation(
                admin, row, "image.build", "shop/api:1", "shop/api:1", {"tag": "shop/api:1", "context": token}
            )
        case "context":
            archive = io.BytesIO()
            with tarfile.open(fileobj=archive, mode="w") as made:
                entry = tarfile.TarInfo("big")
                entry.size = 40 * MIB
                made.addfile(entry, io.BytesIO(bytes(40 * MIB)))
            token = contexts.keep(archive, "FROM busybox:latest\n")[0]
            return request.request_operation(
                admin, row, "image.build", "shop/api:1", "shop/api:1", {"tag": "shop/api:1", "context": token}
            )
    content = images.layers_archive().read_bytes()
    token = uploads.whole(admin, io.BytesIO(content), len(content))
    params = {"upload": token, "by": str(admin.pk), "file": "a.tar", "reference": "shop/root:1"}
    return request.request_operation(admin, row, f"image.{what}", "", "a.tar", params)


def tags(engine: PrivateEngine) -> list[str]:
    return sorted(engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())


def test_no_space_left(small: PrivateEngine, admin: User, spool: Path) -> None:
    row = factories.engine(url=small.url, engine_id=small.get("/info")["ID"])
    before = tags(small)
    for what in ("build", "context", "load", "import"):
        ended = run(asked(admin, row, what))
        said = " ".join([ended.error, *ended.progress.get("lines", [])]).lower()
        assert (ended.state, "no space left on device" in said) == (State.FAILED, True), (what, ended.result, said)
        assert kept(spool) == [], what
        assert tags(small) == before, what
    with fake_registry(Shelf(40 * MIB).script, address=small._engine.gateway) as server:
        ended = run(ask_pull(admin, row, f"{server.host}/big:1"))
    assert ended.result["reason"] == "The engine has no space left."
    assert "no space left on device" in ended.error
    assert tags(small) == before


# ── registries ──


def rubbish(path: str, answer: Answer) -> Answer:
    return (200, answer[1], b"<html>no</html>") if "/manifests/" in path else answer


def other_bytes(path: str, answer: Answer) -> Answer:
    return (200, {}, bytes(len(answer[2]))) if "/blobs/" in path else answer


def around(path: str, answer: Answer) -> Answer:
    return (307, {"Location": path}, b"") if "/blobs/" in path else answer


def away(path: str, answer: Answer) -> Answer:
    return (307, {"Location": "http://192.0.2.1/x"}, b"") if "/manifests/" in path else answer


def broken(path: str, answer: Answer) -> Answer:
    return (500, {}, b"oh") if "/manifests/" in path else answer


MISBEHAVING = (
    (rubbish, "invalid character '<'"),
    (other_bytes, "verification failed for digest"),
    (around, "stopped after 10 redirects"),
    (away, "192.0.2.1"),
    (broken, "500 Internal Server Error"),
)


@pytest.mark.parametrize(("fault", "said"), MISBEHAVING, ids=[fault.__name__ for fault, _ in MISBEHAVING])
def test_a_registry_that_misbehaves(
    fault: Callable[[str, Answer], Answer], said: str, clean_engine: PrivateEngine, row: Engine, admin: User
) -> None:
    """Rubbish, other bytes than promised, round in circles, away, an error: in the engine's words, and no image."""
    before = tags(clean_engine)
    with fake_registry(Shelf(1000, fault).script, address=clean_engine._engine.gateway) as server:
        ended = run(ask_pull(admin, row, f"{server.host}/thing:1"))
    assert (ended.state, said in ended.error) == (State.FAILED, True), (ended.result, ended.error)
    assert tags(clean_engine) == before


@pytest.mark.parametrize("size", [1, 10**12])
def test_a_registry_that_lies_about_sizes(size: int, clean_engine: PrivateEngine, row: Engine, admin: User) -> None:
    """The engine believes the bytes; what the page says stays within bounds."""
    shelf = Shelf(MIB)
    shelf.manifest["layers"][0]["size"] = size
    with fake_registry(shelf.script, address=clean_engine._engine.gateway) as server:
        ended = run(ask_pull(admin, row, f"{server.host}/thing:1"))
    if ended.state == State.SUCCEEDED:
        assert f"{server.host}/thing:1" in tags(clean_engine)
    else:
        assert ended.error
    assert all(0 <= layer["percent"] <= 100 for layer in ended.progress["layers"])
    assert 0 <= (ended.progress.get("percent") or 0) <= 100


@pytest.mark.parametrize("how", ["stalls", "dies"])
def test_a_registry_in_the_middle_of_a_layer(how: str, clean_engine: PrivateEngine, row: Engine, admin: User) -> None:
    """It can be cancelled while the engine waits, or tries again; then nothing is there."""
    before = tags(clean_engine)
    shelf = Shelf(MIB)
    begun = threading.Event()

    def fault(path: str, answer: Answer) -> Answer:
        if path.endswith(shelf.digest(shelf.layer)):
            begun.set()
            if how == "stalls":
                server.stall()
            return 200, {"Content-Length": str(len(answer[2]) + 9)}, answer[2]
        return answer

    shelf.fault = fault
    with fake_registry(shelf.script, address=clean_engine._engine.gateway) as server:
        operation = ask_pull(admin, row, f"{server.host}/thing:1")

        def cancel() -> None:
            begun.wait(30)
            request.cancel(admin, fresh(operation))
            connection.close()

        ended = run(operation, cancel)
    assert ended.state == State.CANCELLED, (ended.result, ended.error)
    assert "No image was changed" in ended.result["remains"]
    assert tags(clean_engine) == before


# ── somebody else meanwhile ──


def first(monkeypatch: pytest.MonkeyPatch, *commands: tuple[PrivateEngine, str]) -> None:
    """Let docker commands run between the looks of a creation and its request."""
    make = create.make

    def later(work: Work, *arguments: Any) -> str:
        for engine, command in commands:
            engine.docker(*command.split())
        return make(work, *arguments)

    monkeypatch.setattr(create, "make", later)


def test_an_image_that_is_removed_before_the_container_is_made(
    clean_engine: PrivateEngine, row: Engine, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean_engine.docker("tag", "busybox", "shop/gone:1")
    first(monkeypatch, (clean_engine, "image rm shop/gone:1"))
    ended = performed(ask_create(admin, row, "docker run -d --name web shop/gone:1 sleep 1000"))
    assert (ended.state, ended.result["reason"]) == (State.FAILED, "The engine refused to create it.")
    assert ended.error == "No such image: shop/gone:1"
    assert names(clean_engine) == []


def test_a_name_that_somebody_else_takes_at_the_same_moment(
    clean_engine: PrivateEngine, row: Engine, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(monkeypatch, (clean_engine, "container create --name web nginx"))
    ended = performed(ask_create(admin, row, "docker run -d --name web busybox sleep 1000"))
    assert ended.state == State.FAILED
    assert 'The container name "/web" is already in use' in ended.error
    assert names(clean_engine) == ["web created"]
    assert clean_engine.get("/containers/web/json")["Config"]["Image"] == "nginx"


def test_a_name_that_somebody_else_took_while_the_console_was_down(
    clean_engine: PrivateEngine, row: Engine, admin: User
) -> None:
    operation = ask_create(admin, row, "docker run -d --name web busybox sleep 1000")
    clean_engine.docker("container", "create", "--name", "web", "nginx")
    ended = taken_over(operation, {"name": "web", "existed": ""})
    assert ended.state == State.FAILED
    assert ended.result["reason"] == "It was not created: somebody else made a container web."
    assert names(clean_engine) == ["web created"]


def test_two_people_and_one_name_at_once(clean_engine: PrivateEngine, row: Engine, admin: User) -> None:
    """One worker with places for both: one container, and the other hears the engine's words."""
    other = factories.user("other")
    asked_for = [
        ask_create(user, row, f"docker run -d --name web -l by={user.username} busybox sleep 1000")
        for user in (admin, other)
    ]
    run(asked_for[0])
    ended = [run(operation) for operation in asked_for]
    assert sorted(operation.state for operation in ended) == [State.FAILED, State.SUCCEEDED]
    (lost,) = [operation for operation in ended if operation.state == State.FAILED]
    (won,) = [operation for operation in ended if operation.state == State.SUCCEEDED]
    assert 'The container name "/web" is already in use' in lost.error
    assert names(clean_engine) == ["web running"]
    assert clean_engine.get("/containers/web/json")["Config"]["Labels"] == {"by": won.user_name}
