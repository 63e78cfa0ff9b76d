"""Backup, clone and restore of volumes on a real engine; the docker command line is the witness."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from console.engine import marks
from console.engine.errors import NotFound
from console.models import Engine, Operation, User
from console.operations import transfers, uploads
from console.operations.claim import CRASH_POINTS
from console.operations.copy_params import BackupParams, CloneParams, RestoreParams
from console.operations.request import request_operation
from console.reads import volumes
from tests.dying_workers import Workers
from tests.engines import PrivateEngine
from tests.integration.operations.conftest import fresh

FURNISH = """
cd /v; mkdir -p a/b empty; echo hello > a/b/file; ln a/b/file hard; ln -s /etc/shadow away; ln -s a/b inside
head -c 300000 /dev/urandom > big; chown -R 1000:1001 a; chmod 2750 a; chmod 4711 big; mkfifo pipe
printf x > "$(printf 'new\\nline')"; touch -d '2020-01-02 03:04:05' a/b/file; chmod 711 /v; chown 33:44 /v
"""
TREE = """
cd /v; { find . | sort | while IFS= read -r n; do stat -c '%n %f %u %g %s %Y %h %N' "$n"; done
find . -type f | sort | while IFS= read -r n; do test -f "$n" && sha256sum "$n"; done; } | cat -v
"""


@pytest.fixture
def data(clean_engine: PrivateEngine) -> PrivateEngine:
    """An engine with a volume of all that a volume may hold."""
    clean_engine.docker("run", "--rm", "-v", "data:/v", "busybox", "sh", "-c", FURNISH)
    return clean_engine


def tree(engine: PrivateEngine, volume: str) -> str:
    """All of a volume: names, modes, owners, sizes, times, links, contents."""
    return engine.docker("run", "--rm", "-v", f"{volume}:/v", "alpine", "sh", "-c", TREE)


def user_of(engine: PrivateEngine) -> None:
    """A running container that has the volume, and stops at once."""
    mount = ("-v", "data:/data")
    engine.docker("run", "-d", "--name", "web", "--stop-signal", "KILL", *mount, "busybox", "sleep", "600")


def helpers_of(engine: PrivateEngine) -> str:
    return engine.docker("ps", "--all", "--quiet", "--filter", "label=quarterdeck.looking")


def archive(row: Engine, volume: str) -> bytes:
    async def whole() -> bytes:
        return b"".join([part async for part in volumes.volume_archive(row, volume)])

    return asyncio.run(whole())


@pytest.fixture
def upload(admin: User, settings: Any, tmp_path: Any) -> Iterator[Any]:
    """Keeps bytes as a file that the admin sent; gives the parameters of a restore."""
    settings.DATA_DIR = tmp_path  # the workers' own

    def keep(content: bytes, **more: Any) -> RestoreParams:
        token = uploads.whole(admin, io.BytesIO(content), len(content))
        return RestoreParams(token, admin.pk, "b.tar.gz", **more)

    yield keep
    assert list((tmp_path / "spool" / "uploads").glob("*")) == []


def test_backup_delete_restore_gives_the_same(
    row: Engine, admin: User, workers: Workers, data: PrivateEngine, upload: Any
) -> None:
    before = tree(data, "data")
    packed = archive(row, "data")
    assert helpers_of(data) == ""
    with tarfile.open(fileobj=io.BytesIO(packed)) as found:
        assert "./a/b/file" in found.getnames()
    data.docker("volume", "rm", "data")
    data.docker("volume", "create", "data")
    asked = request_operation(admin, row, "volume.restore", "data", "data", upload(packed))
    assert workers.run(asked.pk, "", "worker") == 0
    assert fresh(asked).state == Operation.State.SUCCEEDED, fresh(asked).result
    assert tree(data, "data") == before
    assert helpers_of(data) == ""


def test_a_clone_is_the_same_and_its_users_stop_meanwhile(
    row: Engine, admin: User, workers: Workers, data: PrivateEngine
) -> None:
    user_of(data)
    data.docker("create", "--name", "off", "-v", "data:/data", "busybox", "true")
    asked = request_operation(admin, row, "volume.clone", "data", "data", CloneParams("copied", stop=True))
    assert workers.run(asked.pk, "", "worker") == 0
    assert fresh(asked).state == Operation.State.SUCCEEDED, fresh(asked).result
    assert fresh(asked).result["object_id"] == "copied"
    assert tree(data, "copied") == tree(data, "data")
    assert data.docker("inspect", "-f", "{{.State.Running}}", "web") == "true"
    assert data.docker("inspect", "-f", "{{.State.Status}}", "off") == "created"
    assert "die" in data.docker("events", "--since", "5m", "--until", "0s", "--filter", "container=web")
    assert helpers_of(data) == ""


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_a_clone_that_is_killed_is_whole_in_the_end(
    point: str, row: Engine, admin: User, workers: Workers, data: PrivateEngine
) -> None:
    user_of(data)
    asked = request_operation(admin, row, "volume.clone", "data", "data", CloneParams("copied", stop=True))
    workers.run(asked.pk, point, "first")
    assert workers.run(asked.pk, "", "second") == 0
    assert fresh(asked).state == Operation.State.SUCCEEDED, fresh(asked).result
    assert tree(data, "copied") == tree(data, "data")
    assert data.docker("inspect", "-f", "{{.State.Running}}", "web") == "true"
    assert helpers_of(data) == ""


@pytest.mark.parametrize("moment", [0.4, *(pytest.param(at, marks=pytest.mark.soak) for at in (0.05, 0.8))])
@pytest.mark.parametrize("verb", ["volume.clone", "volume.restore"])
def test_killed_at_any_moment_nothing_is_left(
    verb: str, moment: float, row: Engine, admin: User, workers: Workers, data: PrivateEngine, upload: Any
) -> None:
    before = tree(data, "data")
    user_of(data)
    params = CloneParams("copied", stop=True) if verb == "volume.clone" else upload(archive(row, "data"), stop=True)
    asked = request_operation(admin, row, verb, "data", "data", params)
    workers.run(asked.pk, "in-call", "first", moment)
    assert workers.run(asked.pk, "", "second") == 0
    assert fresh(asked).state == Operation.State.SUCCEEDED, fresh(asked).result
    assert tree(data, "copied" if verb == "volume.clone" else "data") == before
    assert data.docker("inspect", "-f", "{{.State.Running}}", "web") == "true"
    assert helpers_of(data) == ""


def test_a_backup_stops_its_users_until_it_is_downloaded(
    row: Engine, admin: User, workers: Workers, data: PrivateEngine
) -> None:
    user_of(data)
    asked = request_operation(admin, row, "volume.backup", "data", "data", BackupParams())
    running = []

    def download() -> None:
        deadline = time.monotonic() + 30
        while not fresh(asked).progress.get("ready"):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        running.append(data.docker("inspect", "-f", "{{.State.Running}}", "web"))
        transfers.note(asked.pk, transfers.BEGUN, 10)
        transfers.note(asked.pk, transfers.ENDED, 2_000_000)

    other = threading.Thread(target=download)
    other.start()
    assert workers.run(asked.pk, "", "worker") == 0
    other.join()
    done = fresh(asked)
    assert (done.state, done.result["note"]) == (Operation.State.SUCCEEDED, "downloaded, 2 MB")
    assert running == ["false"]
    assert data.docker("inspect", "-f", "{{.State.Running}}", "web") == "true"


def test_a_backup_that_is_killed_starts_them_again(
    row: Engine, admin: User, workers: Workers, data: PrivateEngine
) -> None:
    user_of(data)
    asked = request_operation(admin, row, "volume.backup", "data", "data", BackupParams())
    workers.run(asked.pk, "in-call", "first", 2.0)
    assert workers.run(asked.pk, "", "second") == 0
    assert fresh(asked).state == Operation.State.FAILED
    assert data.docker("inspect", "-f", "{{.State.Running}}", "web") == "true"


def test_a_clones_label_is_its_own_operations(row: Engine, admin: User, workers: Workers, data: PrivateEngine) -> None:
    data.docker("volume", "create", "--label", "a=b", "--label", f"{marks.OPERATION}=another", "labelled")
    asked = request_operation(admin, row, "volume.clone", "labelled", "labelled", CloneParams("copied"))
    assert workers.run(asked.pk, "", "worker") == 0
    labels = data.docker("volume", "inspect", "--format", "{{json .Labels}}", "copied")
    assert json.loads(labels) == {"a": "b", marks.OPERATION: str(asked.pk)}


def test_who_would_be_gone_is_not_stopped(row: Engine, admin: User, workers: Workers, data: PrivateEngine) -> None:
    data.docker("run", "-d", "--rm", "--name", "brief", "-v", "data:/data", "busybox", "sleep", "600")
    asked = request_operation(admin, row, "volume.clone", "data", "data", CloneParams("copied", stop=True))
    assert workers.run(asked.pk, "", "worker") == 0
    assert "--rm" in fresh(asked).result["reason"]
    assert data.docker("volume", "ls", "--quiet").split() == ["data"]
    assert data.docker("inspect", "-f", "{{.State.Running}}", "brief") == "true"


@pytest.mark.parametrize("point", ["", "after-keep", "after-call"])
def test_a_restore_into_a_new_volume_is_exactly_the_backup(
    point: str, row: Engine, admin: User, workers: Workers, data: PrivateEngine, upload: Any
) -> None:
    params = upload(archive(row, "data"), target="again")
    asked = request_operation(admin, row, "volume.restore", "data", "data", params)
    workers.run(asked.pk, point, "first")
    assert workers.run(asked.pk, "", "second") == 0
    assert fresh(asked).state == Operation.State.SUCCEEDED, fresh(asked).result
    assert fresh(asked).result["object_id"] == "again"
    assert tree(data, "again") == tree(data, "data")
    taken = request_operation(admin, row, "volume.restore", "data", "data", upload(b"x", target="data"))
    assert workers.run(taken.pk, "", "third") == 0
    assert fresh(taken).state == Operation.State.FAILED
    assert data.docker("volume", "ls", "--quiet").split() == ["again", "data"]


@pytest.mark.parametrize("verb", ["volume.clone", "volume.restore"])
def test_somebody_elses_volume_of_the_same_name_stays(
    verb: str, row: Engine, admin: User, workers: Workers, data: PrivateEngine, upload: Any
) -> None:
    """The console dies before it asks for its volume; meanwhile somebody makes one just like it."""
    params = CloneParams("copied") if verb == "volume.clone" else upload(archive(row, "data"), target="copied")
    asked = request_operation(admin, row, verb, "data", "data", params)
    workers.run(asked.pk, "after-keep", "first")
    assert fresh(asked).before["kept"]["target"] == "copied"
    data.docker("run", "--rm", "-v", "copied:/v", "busybox", "sh", "-c", "echo theirs > /v/f")
    assert workers.run(asked.pk, "", "second") == 0
    assert fresh(asked).state == Operation.State.FAILED
    assert "somebody else" in fresh(asked).result["reason"]
    assert data.docker("run", "--rm", "-v", "copied:/v", "busybox", "cat", "/v/f") == "theirs"
    assert helpers_of(data) == ""


def hostile() -> bytes:
    """An archive of links that leave, names that hurt, and files through links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as made:
        link = tarfile.TarInfo("out")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        made.addfile(link)
        for name in ("/abs/file", "x<script>", "new\nline", "\x1b[31mred", "\udcff\udcfe", "d" * 200, "a//./b"):
            entry = tarfile.TarInfo(name)
            entry.size = 2
            made.addfile(entry, io.BytesIO(b"hi"))
        device = tarfile.TarInfo("disk")
        device.type, device.devmajor, device.devminor = tarfile.BLKTYPE, 8, 0
        made.addfile(device)
    return out.getvalue()


def test_a_hostile_archive_stays_in_its_volume(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine, upload: Any
) -> None:
    clean_engine.docker("volume", "create", "data")
    asked = request_operation(admin, row, "volume.restore", "data", "data", upload(hostile()))
    assert workers.run(asked.pk, "", "worker") == 0
    done = fresh(asked)
    assert done.state == Operation.State.SUCCEEDED, done.result
    assert "1 devices left out" in done.result["note"]
    found = tree(clean_engine, "data")
    assert "./abs/file" in found
    assert "disk" not in found
    assert "'./out' -> '/etc'" in found


@pytest.mark.parametrize(
    "content", [b"no archive", b"\x1f\x8b" + b"x" * 100, "climbs", "cut"], ids=["text", "gzip", "climbs", "cut"]
)
def test_what_is_no_whole_archive_changes_nothing(
    content: Any, row: Engine, admin: User, workers: Workers, data: PrivateEngine, upload: Any
) -> None:
    before = tree(data, "data")
    if content == "climbs":
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as made:
            made.addfile(tarfile.TarInfo("a/../../x"))
        content = out.getvalue()
    elif content == "cut":
        content = archive(row, "data")[:-2000]
    asked = request_operation(admin, row, "volume.restore", "data", "data", upload(content))
    assert workers.run(asked.pk, "", "worker") == 0
    assert fresh(asked).state == Operation.State.FAILED
    assert fresh(asked).result["reason"] == "The archive cannot be used."
    assert tree(data, "data") == before
    assert helpers_of(data) == ""


def test_a_volume_that_is_not_there_is_not_made(row: Engine, clean_engine: PrivateEngine) -> None:
    with pytest.raises(NotFound):
        archive(row, "absent")
    assert clean_engine.docker("volume", "ls", "--quiet") == ""
    assert helpers_of(clean_engine) == ""
