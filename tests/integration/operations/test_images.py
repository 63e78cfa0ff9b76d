"""Images on a real engine beside a registry: pull with its layers, cancelled, killed and wrong; tag; remove."""

from __future__ import annotations

import asyncio
import io
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from asgiref.sync import sync_to_async

from console.models import Engine, Operation, User
from console.operations import contexts, request
from console.operations.claim import CRASH_POINTS
from console.operations.runner import run_operations
from tests import factories
from tests.dying_workers import CRASHED, Workers
from tests.engines import EngineFactory, PrivateEngine
from tests.integration.operations.conftest import fresh

State = Operation.State


@pytest.fixture
def shop(new_engine: EngineFactory) -> tuple[PrivateEngine, str]:
    """An engine and the address of its registry, which has layers:8 and busybox."""
    engine = new_engine(load=("busybox", "layers"))
    server = engine.start_registry("layers:8", "busybox")
    engine.docker("image", "rm", "layers:8")
    return engine, server


@pytest.fixture
def row(shop: tuple[PrivateEngine, str], transactional_db: None) -> Engine:
    return factories.engine(url=shop[0].url, engine_id=shop[0].get("/info")["ID"])


@pytest.fixture
def admin(transactional_db: None) -> User:
    return factories.user("admin")


async def performed(operation: Operation, meanwhile: Callable[[], None] | None = None) -> Operation:
    """Let a worker run until the operation has ended."""
    stop = asyncio.Event()
    running = asyncio.create_task(run_operations(stop, "w"))
    if meanwhile is not None:
        threading.Thread(target=meanwhile).start()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = await sync_to_async(fresh)(operation)
        if found.state not in Operation.OPEN:
            break
        await asyncio.sleep(0.1)
    stop.set()
    await running
    return found


def run(operation: Operation, meanwhile: Callable[[], None] | None = None) -> Operation:
    return asyncio.run(performed(operation, meanwhile))


def ask_pull(admin: User, row: Engine, reference: str, **more: str) -> Operation:
    return request.request_operation(admin, row, "image.pull", reference, reference, {"reference": reference, **more})


def test_a_pull_shows_layers_pins_its_digest_and_is_cancelled(
    shop: tuple[PrivateEngine, str], row: Engine, admin: User
) -> None:
    engine, server = shop
    reference = f"{server}/library/layers:8"
    engine.slow_down(20)
    operation = ask_pull(admin, row, reference)
    seen: list[dict[str, Any]] = []

    def watch() -> None:
        from django.db import connection

        end = time.monotonic() + 30
        while time.monotonic() < end and len(seen) < 4:
            progress = fresh(operation).progress
            if progress.get("percent") and progress not in seen:
                seen.append(progress)
            time.sleep(0.2)
        request.cancel(admin, fresh(operation))
        connection.close()

    began = time.monotonic()
    ended = run(operation, watch)
    assert ended.state == State.CANCELLED, (ended.result, ended.error)
    assert ended.result["note"] == "cancelled by admin"
    assert "No image was changed" in ended.result["remains"]
    assert len(seen) == 4
    assert len(seen[0]["layers"]) == 9  # that of busybox is there already
    assert len({str(progress["layers"]) for progress in seen}) > 1
    assert reference not in engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    assert time.monotonic() - began < 25

    engine.slow_down(1000)
    again = run(request.retry(admin, ended))
    assert again.state == State.SUCCEEDED, (again.result, again.error)
    digests = engine.docker("image", "inspect", "--format", "{{index .RepoDigests 0}} {{.Id}}", reference).split()
    assert [again.result["pinned"], again.result["object_id"]] == digests
    assert again.progress["complete"] == 9
    assert ask_and_note(admin, row, reference).startswith("up to date, sha256:")


def ask_and_note(admin: User, row: Engine, reference: str) -> str:
    return str(run(ask_pull(admin, row, reference)).result["note"])


def test_what_a_registry_refuses(shop: tuple[PrivateEngine, str], row: Engine, admin: User) -> None:
    engine, server = shop
    missing = run(ask_pull(admin, row, f"{server}/library/busybox:nope"))
    assert (missing.state, missing.result["reason"]) == (State.FAILED, "The registry has no such image or tag.")
    assert "manifest" in missing.error
    locked = engine.start_registry(port=5001, password=True)
    refused = run(ask_pull(admin, row, f"{locked}/library/busybox"))
    assert refused.state == State.FAILED
    assert "credentials" in refused.result["reason"]


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_a_pull_that_a_crash_interrupted_is_finished(
    point: str, shop: tuple[PrivateEngine, str], row: Engine, admin: User, workers: Workers
) -> None:
    engine, server = shop
    reference = f"{server}/library/layers:8"
    operation = ask_pull(admin, row, reference)
    assert workers.run(operation.pk, point, "first") == CRASHED
    assert workers.run(operation.pk, "", "second") == 0
    ended = fresh(operation)
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert ended.result["object_id"] == engine.docker("image", "inspect", "--format", "{{.Id}}", reference)


def test_tag_untag_and_remove(shop: tuple[PrivateEngine, str], row: Engine, admin: User) -> None:
    engine, _ = shop
    engine.docker("tag", "busybox", "shop/base:1")
    image_id = engine.docker("image", "inspect", "--format", "{{.Id}}", "shop/base:1")

    def ask(verb: str, **params: Any) -> Operation:
        return run(request.request_operation(admin, row, f"image.{verb}", image_id, "shop/base:1", params))

    tagged = ask("tag", reference="shop/base:2")
    assert (tagged.state, tagged.command) == (State.SUCCEEDED, "docker image tag shop/base:1 shop/base:2")
    assert engine.docker("image", "inspect", "--format", "{{.Id}}", "shop/base:2") == image_id
    gone = ask("remove", references=["shop/base:2"])
    assert (gone.state, gone.command) == (State.SUCCEEDED, "docker image rm shop/base:2")
    assert gone.result["note"] == "untagged: shop/base:2"
    assert ask("remove", references=["shop/base:2"]).result["note"] == "already gone"


def test_remove_leaves_a_tag_that_moved_and_what_is_used(
    shop: tuple[PrivateEngine, str], row: Engine, admin: User
) -> None:
    engine, server = shop
    engine.docker("pull", "-q", f"{server}/library/layers:8")
    layers = engine.docker("image", "inspect", "--format", "{{.Id}}", f"{server}/library/layers:8")
    engine.docker("tag", "busybox", "moved:1")

    def ask(*references: str, force: str = "") -> Operation:
        params = {"references": list(references), "force": force}
        return run(request.request_operation(admin, row, "image.remove", layers, "layers", params))

    moved = ask("moved:1")
    assert (moved.state, moved.result["reason"][:24]) == (State.FAILED, "moved:1 names another im")
    engine.docker("create", "--name", "user", f"{server}/library/layers:8", "true")
    used = ask(f"{server}/library/layers:8")
    assert used.state == State.FAILED
    assert "user" in engine.docker("ps", "-a", "--format", "{{.Names}}")
    assert "is using" in used.error
    engine.docker("rm", "user")
    removed = ask(f"{server}/library/layers:8")
    assert removed.state == State.SUCCEEDED
    assert removed.result["note"].startswith("removed, 9 layer")
    assert "layers" not in engine.docker("image", "ls", "--format", "{{.Repository}}")


def ask_build(admin: User, row: Engine, dockerfile: str, archive: IO[bytes] | None = None, **more: Any) -> Operation:
    token = contexts.keep(archive, dockerfile)[0]
    params = {"tag": "shop/api:1", "context": token, **more}
    return request.request_operation(admin, row, "image.build", "shop/api:1", "shop/api:1", params)


@pytest.fixture
def spool(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "spool" / "build"


def test_build_fails_at_a_step_and_then_runs(
    clean_engine: PrivateEngine, transactional_db: None, admin: User, spool: Path
) -> None:
    row = factories.engine(url=clean_engine.url, engine_id=clean_engine.get("/info")["ID"])
    failed = run(ask_build(admin, row, "FROM busybox\nRUN echo fine\nRUN echo bad-news; exit 3\nCMD true\n"))
    assert (failed.state, failed.result["reason"]) == (State.FAILED, "Step 3 of 4 failed.")
    assert failed.error == "The command returned a non-zero code: 3"
    assert [step["state"] for step in failed.progress["steps"]] == ["done", "done", "failed"]
    assert failed.progress["lines"] == ["bad-news"]
    assert list(spool.iterdir()) == []
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("hello.txt", "hello")
        made.writestr("left.log", "x")
        made.writestr(".dockerignore", "*.log")
        made.writestr("Dockerfile", "FROM busybox AS base\nARG WHO\nCOPY . /srv\nRUN echo $WHO > /srv/who\n")
    built = run(ask_build(admin, row, "", archive, args=["WHO=me"], target="base"))
    assert built.state == State.SUCCEEDED, (built.result, built.error, built.progress)
    assert built.result["object_id"] == clean_engine.docker("image", "inspect", "--format", "{{.Id}}", "shop/api:1")
    printed = clean_engine.docker("run", "--rm", "shop/api:1", "sh", "-c", "cat /srv/hello.txt /srv/who; ls /srv")
    assert printed.split() == ["hellome", "Dockerfile", "hello.txt", "who"]
    assert list(spool.iterdir()) == []
    with pytest.raises(request.Refused, match="not kept"):
        request.retry(admin, failed)


def test_a_build_is_cancelled(clean_engine: PrivateEngine, transactional_db: None, admin: User, spool: Path) -> None:
    row = factories.engine(url=clean_engine.url, engine_id=clean_engine.get("/info")["ID"])
    operation = ask_build(admin, row, "FROM busybox\nRUN sleep 60\n")

    def cancel() -> None:
        from django.db import connection

        end = time.monotonic() + 20
        while time.monotonic() < end and fresh(operation).progress.get("text") != "step 2 of 2":
            time.sleep(0.2)
        request.cancel(admin, fresh(operation))
        connection.close()

    began = time.monotonic()
    ended = run(operation, cancel)
    assert (ended.state, time.monotonic() - began < 20) == (State.CANCELLED, True)
    assert list(spool.iterdir()) == []
    assert "shop/api" not in clean_engine.docker("image", "ls")


@pytest.mark.parametrize("point", [*CRASH_POINTS, "after-keep"])
def test_a_build_that_a_crash_interrupted(
    point: str, clean_engine: PrivateEngine, transactional_db: None, admin: User, workers: Workers, spool: Path
) -> None:
    row = factories.engine(url=clean_engine.url, engine_id=clean_engine.get("/info")["ID"])
    operation = ask_build(admin, row, "FROM busybox\nRUN echo hello > /hello\n")
    assert workers.run(operation.pk, point, "first") == CRASHED
    assert workers.run(operation.pk, "", "second") == 0
    ended = fresh(operation)
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert list(spool.iterdir()) == []
    assert clean_engine.docker("run", "--rm", "shop/api:1", "cat", "/hello") == "hello"
