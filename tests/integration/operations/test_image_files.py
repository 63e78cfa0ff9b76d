"""Images and files on a real engine: save is what docker saves, load gives it back, import as docker imports."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from console.models import Engine, Operation, User
from console.operations import request, uploads
from console.operations.claim import CRASH_POINTS
from console.operations.kinds import loads
from console.operations.work import Work
from console.reads import images as reads
from tests.dying_workers import CRASHED, Workers
from tests.engines import PrivateEngine
from tests.integration.operations.conftest import fresh
from tests.integration.operations.test_images import run

State = Operation.State


@pytest.fixture(autouse=True)
def spool(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "spool" / "uploads"


def ask(admin: User, row: Engine, verb: str, content: bytes, **more: Any) -> Operation:
    token = uploads.whole(admin, io.BytesIO(content), len(content))
    params = {"upload": token, "by": str(admin.pk), "file": "a file.tar", **more}
    return request.request_operation(admin, row, f"image.{verb}", "", "a file.tar", params)


def saved(row: Engine, *names: str) -> bytes:
    async def read() -> bytes:
        return b"".join([part async for part in reads.saved(row, names)])

    return asyncio.run(read())


def rootfs() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("hello")
        entry.size, entry.mode = 5, 0o644
        archive.addfile(entry, io.BytesIO(b"hello"))
    return made.getvalue()


def test_save_and_load(clean_engine: PrivateEngine, row: Engine, admin: User, spool: Path, tmp_path: Path) -> None:
    clean_engine.docker("tag", "busybox", "own/one:1")
    container = clean_engine.docker("create", "busybox")
    two = clean_engine.docker("commit", "--change", "LABEL a=b", container, "own/two:1")
    clean_engine.docker("rm", container)
    content = saved(row, "own/one:1", "own/two:1")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        found = archive.extractfile("manifest.json")
        assert found is not None
        tags = [image["RepoTags"] for image in json.load(found)]
    assert sorted(tags) == [["own/one:1"], ["own/two:1"]]
    (tmp_path / "saved.tar").write_bytes(content)
    clean_engine.docker("rmi", "own/one:1", "own/two:1")
    ended = run(ask(admin, row, "load", content))
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert ended.command == "docker image load --input 'a file.tar'"
    assert sorted(ended.result["note"].removeprefix("loaded ").split(", ")) == ["own/one:1", "own/two:1"]
    assert clean_engine.docker("image", "inspect", "--format", "{{.Id}}", "own/two:1") == two
    assert list(spool.iterdir()) == []
    clean_engine.docker("rmi", "own/one:1", "own/two:1")
    assert "own/two:1" in clean_engine.docker("load", "--input", str(tmp_path / "saved.tar"))


@pytest.mark.parametrize("content", [b"garbage" * 3_000_000, b"\0" * 10240, rootfs(), b"x"])
def test_what_is_no_image(clean_engine: PrivateEngine, row: Engine, admin: User, spool: Path, content: bytes) -> None:
    before = sorted(clean_engine.docker("image", "ls", "--all", "--quiet").split())
    ended = run(ask(admin, row, "load", content))
    assert ended.state == State.FAILED, (ended.result, ended.error)
    assert ended.result["reason"] in ("The engine did not take it.", "The engine found no image in it.")
    assert list(spool.iterdir()) == []
    assert sorted(clean_engine.docker("image", "ls", "--all", "--quiet").split()) == before


def test_import_equals_dockers(
    clean_engine: PrivateEngine, row: Engine, admin: User, spool: Path, tmp_path: Path
) -> None:
    (tmp_path / "root.tar").write_bytes(rootfs())
    changes = ['CMD ["/hello"]', "ENV A=1 B='2 3'", "EXPOSE 80"]
    ended = run(ask(admin, row, "import", rootfs(), reference="own/root:1", message="from a file", changes=changes))
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    flags = [word for change in changes for word in ("--change", change)]
    clean_engine.docker("import", "--message", "from a file", *flags, str(tmp_path / "root.tar"), "own/root:2")

    def inspected(tag: str) -> dict[str, Any]:
        found = json.loads(clean_engine.docker("image", "inspect", tag))[0]
        return {name: found[name] for name in ("Config", "Comment", "RootFS", "Os", "Architecture")}

    assert inspected("own/root:1") == inspected("own/root:2")
    assert ended.result["object_id"] == clean_engine.docker("image", "inspect", "--format", "{{.Id}}", "own/root:1")
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("point", [*CRASH_POINTS, "after-keep"])
def test_a_crash_leaves_one_image(
    point: str, clean_engine: PrivateEngine, row: Engine, admin: User, workers: Workers, spool: Path
) -> None:
    operation = ask(admin, row, "import", rootfs(), reference="own/root:1")
    assert workers.run(operation.pk, point, "first") == CRASHED
    assert workers.run(operation.pk, "", "second") == 0
    ended = fresh(operation)
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert ended.result["object_id"] == clean_engine.docker("image", "inspect", "--format", "{{.Id}}", "own/root:1")
    assert clean_engine.docker("image", "ls", "--quiet", "--filter", "dangling=true") == ""
    assert list(spool.iterdir()) == []


def test_a_load_is_cancelled(
    clean_engine: PrivateEngine, row: Engine, admin: User, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = saved(row, "busybox:latest")
    operation = ask(admin, row, "load", content)
    monkeypatch.setattr(loads, "PIECE", 64 * 1024)
    told = Work.progress

    def slowly(work: Work, **values: Any) -> None:
        told(work, **values)
        time.sleep(0.5)  # the engine reads faster than anybody cancels

    monkeypatch.setattr(Work, "progress", slowly)

    def cancel() -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end and "sent to the engine" not in str(fresh(operation).progress.get("text")):
            time.sleep(0.2)
        request.cancel(admin, fresh(operation))
        connection.close()

    ended = run(operation, cancel)
    assert ended.state == State.CANCELLED, (ended.result, ended.error)
    assert ended.result["remains"] == "Images that were complete may have been loaded."
    assert list(spool.iterdir()) == []
