"""Real registries: open, with a password, with tokens. The console's own questions, and pulls through the engine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from console.engine.registry import RegistryClient, RegistryError
from console.models import Engine, Operation, Registry, User
from console.operations import registries as book
from console.operations import registry_tags, request
from console.operations.claim import CRASH_POINTS
from console.operations.registries import RegistryForm
from tests import factories
from tests.dying_workers import CRASHED, Workers
from tests.engines import PrivateEngine, start_engine
from tests.integration.operations.conftest import fresh
from tests.integration.operations.test_images import ask_pull, run

State = Operation.State
SECRET = "secret"


@pytest.fixture(scope="module")
def harbour(engine_session: object) -> Iterator[tuple[PrivateEngine, dict[str, str]]]:
    """An engine and three registries that have busybox as library/busybox: open, locked and tokens."""
    engine = start_engine(load=("busybox",))
    try:
        servers = {
            "open": engine.start_registry("busybox", port=5000),
            "locked": engine.start_registry(port=5001, password=True),
            "tokens": engine.start_registry(port=5002, token=True),
        }
        for server in (servers["locked"], servers["tokens"]):
            engine.docker("login", "-u", "alice", "--password-stdin", server, stdin=SECRET)
            engine.docker("tag", "busybox", f"{server}/library/busybox")
            engine.docker("push", "-q", f"{server}/library/busybox")
            engine.docker("rmi", f"{server}/library/busybox")
            engine.docker("logout", server)
        yield engine, servers
    finally:
        engine.stop()


@pytest.fixture
def row(harbour: tuple[PrivateEngine, dict[str, str]], transactional_db: None) -> Engine:
    return factories.engine(url=harbour[0].url, engine_id=harbour[0].get("/info")["ID"])


@pytest.fixture
def admin(transactional_db: None) -> User:
    return factories.user("admin")


def entered(host: str, secret: str = "", **more: str) -> Registry:
    account = {"username": "alice", "secret": secret} if secret else {}
    return book.save(RegistryForm.read({"host": host, "plain_http": "1", **account, **more}))


def client(host: str, secret: str = "", **more: str) -> RegistryClient:
    found = Registry.objects.filter(host=host).first()
    return RegistryClient(book.asked(found or entered(host, secret, **more)))


def test_the_console_asks(harbour: tuple[PrivateEngine, dict[str, str]], transactional_db: None) -> None:
    engine, servers = harbour
    tokens_at = servers["tokens"].replace("5002", "5003")
    reference = f"{servers['open']}/library/busybox"
    engine.docker("pull", "-q", reference)
    digest = engine.docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", reference).partition("@")[2]
    for name, more in (
        ("open", {}),
        ("locked", {"secret": SECRET}),
        ("tokens", {"secret": SECRET, "auth_server": tokens_at}),
    ):
        asked = client(servers[name], **more)
        asked.check()
        assert "library/busybox" in asked.catalog().names, name
        assert asked.tags("library/busybox").names == ("latest",), name
        assert asked.digest("library/busybox", "latest") == digest, name
        with pytest.raises(RegistryError, match="no such repository or tag"):
            asked.digest("library/busybox", "nope")
        with pytest.raises(RegistryError, match="no such repository or tag"):
            asked.tags("library/nothing")
    Registry.objects.all().delete()
    with pytest.raises(RegistryError, match="does not accept"):
        client(servers["locked"], "wrong").check()
    with pytest.raises(RegistryError, match="another host"):
        client(servers["tokens"], SECRET).check()  # its token server was not entered
    Registry.objects.all().delete()
    client(servers["tokens"], auth_server=tokens_at).tags("library/busybox")  # anybody may pull
    with pytest.raises(RegistryError, match="wants credentials"):
        client(servers["locked"]).check()


def test_pulls_use_what_was_entered(harbour: tuple[PrivateEngine, dict[str, str]], row: Engine, admin: User) -> None:
    engine, servers = harbour
    reference = f"{servers['locked']}/library/busybox:latest"
    refused = run(ask_pull(admin, row, reference))
    assert (refused.state, refused.result["reason"]) == (State.FAILED, "The registry wants credentials for it.")
    registry = entered(servers["locked"], "wrong")
    assert run(ask_pull(admin, row, reference)).state == State.FAILED
    book.save(RegistryForm.read({"username": "alice", "secret": SECRET, "plain_http": "1"}, registry), registry)
    pulled = run(ask_pull(admin, row, reference))
    assert pulled.state == State.SUCCEEDED, (pulled.result, pulled.error)
    assert reference in engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    entered(servers["tokens"], SECRET)
    assert run(ask_pull(admin, row, f"{servers['tokens']}/library/busybox:latest")).state == State.SUCCEEDED


CANARY = "canary-of-a-secret"


def test_a_secret_is_in_no_row_and_goes_to_no_other_registry(
    harbour: tuple[PrivateEngine, dict[str, str]], row: Engine, admin: User
) -> None:
    _, servers = harbour
    entered(servers["tokens"], CANARY)
    ended = run(ask_pull(admin, row, f"{servers['locked']}/library/busybox:latest"))
    assert ended.state == State.FAILED
    run(ask_pull(admin, row, f"{servers['tokens']}/library/busybox:latest"))
    rows: list[Any] = [list(model.objects.values()) for model in (Operation, Registry, Engine)]
    assert CANARY not in json.dumps(rows, default=str)


def ask_push(admin: User, row: Engine, image_id: str, reference: str) -> Operation:
    params = {"reference": reference, "tag": "1"}
    return request.request_operation(admin, row, "image.push", image_id, "busybox:latest", params)


def image_of(engine: PrivateEngine, reference: str = "busybox") -> str:
    return engine.docker("image", "inspect", "--format", "{{.Id}}", reference)


@pytest.mark.parametrize("name", ["open", "locked", "tokens"])
def test_push(name: str, harbour: tuple[PrivateEngine, dict[str, str]], row: Engine, admin: User) -> None:
    engine, servers = harbour
    reference = f"{servers[name]}/shop/pushed:{name}"
    if name != "open":
        refused = run(ask_push(admin, row, image_of(engine), reference))
        assert refused.state == State.FAILED
        assert "credentials" in refused.result["reason"]
    more = {"auth_server": servers["tokens"].replace("5002", "5003")} if name == "tokens" else {}
    registry = entered(servers[name], "" if name == "open" else SECRET, **more)
    pushed = run(ask_push(admin, row, image_of(engine), reference))
    assert pushed.state == State.SUCCEEDED, (pushed.result, pushed.error)
    assert pushed.command.endswith(f"docker image push {reference}")
    digest = RegistryClient(book.asked(registry)).digest("shop/pushed", name)
    assert (pushed.result["note"], pushed.result["pinned"]) == (
        f"pushed, {digest}",
        f"{servers[name]}/shop/pushed@{digest}",
    )
    assert pushed.progress["complete"] == len(pushed.progress["layers"]) > 0
    assert SECRET not in json.dumps(list(Operation.objects.values("params", "command", "result", "error")))
    engine.docker("rmi", reference)
    assert run(ask_pull(admin, row, reference)).result["object_id"] == image_of(engine)
    engine.docker("rmi", reference)


def test_push_of_a_name_that_is_another_image_by_now(
    harbour: tuple[PrivateEngine, dict[str, str]], row: Engine, admin: User
) -> None:
    engine, servers = harbour
    other = engine.docker("commit", engine.docker("create", "busybox"), f"{servers['open']}/shop/moved:1")
    ended = run(ask_push(admin, row, image_of(engine), f"{servers['open']}/shop/moved:1"))
    assert ended.state == State.FAILED
    assert "names another image now" in ended.result["reason"]
    assert image_of(engine, f"{servers['open']}/shop/moved:1") == other


def test_a_push_shows_layers_and_is_cancelled(
    harbour: tuple[PrivateEngine, dict[str, str]], row: Engine, admin: User
) -> None:
    engine, servers = harbour
    engine.load("layers")
    reference = f"{servers['open']}/shop/slow:1"
    engine.slow_down(16)
    operation = ask_push(admin, row, image_of(engine, "layers:8"), reference)
    seen: list[Any] = []

    def watch() -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end and len(seen) < 3:
            layers = fresh(operation).progress.get("layers")
            if layers and any(layer["text"].startswith("Pushing") for layer in layers) and layers not in seen:
                seen.append(layers)
            time.sleep(0.2)
        request.cancel(admin, fresh(operation))
        connection.close()

    try:
        ended = run(operation, watch)
    finally:
        engine.slow_down(1000)
    assert ended.state == State.CANCELLED, (ended.result, ended.error)
    assert "in the registry is what it was" in ended.result["remains"]
    assert len(seen) == 3
    with pytest.raises(RegistryError, match="no such"):
        client(servers["open"]).digest("shop/slow", "1")
    again = run(request.retry(admin, ended))
    assert again.state == State.SUCCEEDED, (again.result, again.error)


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_a_push_that_a_crash_interrupted_is_finished(
    point: str, harbour: tuple[PrivateEngine, dict[str, str]], row: Engine, admin: User, workers: Workers
) -> None:
    engine, servers = harbour
    reference = f"{servers['open']}/shop/crashed:{point}"
    operation = ask_push(admin, row, image_of(engine), reference)
    assert workers.run(operation.pk, point, "first") == CRASHED
    assert workers.run(operation.pk, "", "second") == 0
    assert fresh(operation).state == State.SUCCEEDED
    assert client(servers["open"]).tags("shop/crashed").names


def test_tags_of_one_image_go_together(harbour: tuple[PrivateEngine, dict[str, str]], transactional_db: None) -> None:
    engine, servers = harbour
    other = engine.docker("commit", "--change", "LABEL a=b", engine.docker("create", "busybox"))
    for tag, image in (("1", "busybox"), ("1.0", "busybox"), ("2", other)):
        engine.docker("tag", image, f"{servers['open']}/shop/tags:{tag}")
        engine.docker("push", "-q", f"{servers['open']}/shop/tags:{tag}")
    row = entered(servers["open"])
    found = registry_tags.deletion(row, "shop/tags", "1")
    assert (found.tags, found.whole) == (("1", "1.0"), True)
    with pytest.raises(registry_tags.Changed):
        registry_tags.delete(row, "shop/tags", "2", found.digest)
    registry_tags.delete(row, "shop/tags", "1", found.digest)
    assert [tag.name for tag in registry_tags.tags(row, "shop/tags").rows] == ["2"]
    with pytest.raises(RegistryError, match="no such repository or tag"):
        registry_tags.deletion(row, "shop/tags", "1.0")


def test_newer_images_are_found_and_nothing_is_pulled(
    harbour: tuple[PrivateEngine, dict[str, str]], row: Engine, admin: User
) -> None:
    engine, servers = harbour
    entered(servers["locked"], SECRET)
    engine.docker("login", "-u", "alice", "--password-stdin", servers["locked"], stdin=SECRET)
    moving, steady = f"{servers['locked']}/shop/moving:1", f"{servers['locked']}/shop/steady:1"
    for reference in (moving, steady):
        engine.docker("tag", "busybox", reference)
        engine.docker("push", "-q", reference)
    old = image_of(engine, moving)
    newer = engine.docker("commit", "--change", "LABEL n=2", engine.docker("create", "busybox"))
    engine.docker("tag", newer, moving)
    engine.docker("push", "-q", moving)
    engine.docker("rmi", newer, "--force")
    engine.docker("tag", old, moving)
    engine.docker("logout", servers["locked"])
    away, dead = f"{servers['open']}/shop/away:1", "127.0.0.1:9/shop/dead:1"
    for reference in (away, dead):
        engine.docker("tag", "busybox", reference)
    references = [moving, steady, away, dead]
    ended = run(request.request_operation(admin, row, "image.check", "", "4 tags", {"references": references}))
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert ended.result["note"] == "looked at, 1 newer in their registries, 2 could not be asked"
    rows = {found["reference"]: found for found in ended.progress["rows"]}
    assert [rows[reference]["state"] for reference in references] == ["newer", "same", "unknown", "unknown"]
    assert rows[away]["said"] == "The registry has no such image or tag."
    assert rows[dead]["said"] == "The registry does not answer."
    assert image_of(engine, moving) == old
    for reference in references:
        engine.docker("rmi", reference)
