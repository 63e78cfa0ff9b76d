"""Files of volumes and containers changed by operations on a real engine; the docker command line is the witness."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from console.engine import archive, looking, paths, tar
from console.engine.address import Address
from console.engine.client import EngineClient
from console.models import Engine, Operation, User
from console.operations import uploads
from console.operations.claim import CRASH_POINTS
from console.operations.request import request_operation
from tests.dying_workers import Workers
from tests.engines import PrivateEngine
from tests.integration.operations.conftest import POLITE, fresh

SUCCEEDED, FAILED = Operation.State.SUCCEEDED, Operation.State.FAILED
Ask = Callable[..., Operation]


@pytest.fixture
def volume(clean_engine: PrivateEngine) -> str:
    clean_engine.docker("volume", "create", "vm1")
    in_volume(clean_engine, "mkdir /v/a; echo one > /v/a/f; chown 12:34 /v/a /v/a/f; chmod 640 /v/a/f; ln -s a /v/l")
    return "vm1"


def in_volume(engine: PrivateEngine, script: str) -> str:
    return engine.docker("run", "--rm", "-v", "vm1:/v", "busybox", "sh", "-c", script)


@pytest.fixture
def ask(row: Engine, admin: User, workers: Workers) -> Ask:
    def asked(verb: str, target: str, path: str, point: str = "", **more: Any) -> Operation:
        kind = verb.partition(".")[0]
        params = {"path": paths.quoted(path), **more}
        name = target if kind == "volume" else target[:12]
        operation = request_operation(admin, row, verb, target, name, params)
        workers.run(operation.pk, point, "first")
        if point:
            assert workers.run(operation.pk, "", "second") == 0
        return fresh(operation)

    return asked


def nothing_left(engine: PrivateEngine) -> bool:
    return "quarterdeck" not in engine.docker("ps", "--all", "--format", "{{.Names}}")


def seal_of(engine: PrivateEngine, path: str) -> str:
    with EngineClient(Address(engine.url)) as client, looking.looking(client, "vm1") as found:
        return archive.look(client, found.container_id, path, found.base).seal


def test_a_folder_is_made_renamed_and_deleted(volume: str, ask: Ask, clean_engine: PrivateEngine) -> None:
    assert ask("volume.folder-make", volume, "/a/new \u00e9\n'x").state == SUCCEEDED
    assert in_volume(clean_engine, "stat -c '%u:%g %F' /v/a/new*") == "12:34 directory"
    taken = ask("volume.folder-make", volume, "/a/f")
    assert (taken.state, "already" in taken.result["reason"]) == (FAILED, True)
    done = ask("volume.file-rename", volume, "/a/new \u00e9\n'x", to=paths.quoted("/a/-rf"))
    assert done.state == SUCCEEDED, done.error
    assert "-rf" in in_volume(clean_engine, "ls /v/a").split()
    assert ask("volume.file-rename", volume, "/a/-rf", to=paths.quoted("/a/f")).state == FAILED
    assert ask("volume.file-delete", volume, "/a/-rf").state == SUCCEEDED
    assert in_volume(clean_engine, "ls /v/a") == "f"
    assert nothing_left(clean_engine)


def test_no_change_goes_through_a_link(volume: str, ask: Ask, clean_engine: PrivateEngine) -> None:
    for verb in ("volume.file-delete", "volume.folder-make"):
        refused = ask(verb, volume, "/l/f")
        assert (refused.state, "link" in refused.result["reason"]) == (FAILED, True)
    assert ask("volume.file-delete", volume, "/l").state == SUCCEEDED
    assert in_volume(clean_engine, "ls /v/a") == "f"


def edited(engine: PrivateEngine, text: str) -> dict[str, str]:
    return {"seal": seal_of(engine, "/a/f"), "text": text, "digest": hashlib.sha256(text.encode()).hexdigest()}


def test_a_text_is_saved_only_over_what_was_read(
    volume: str, ask: Ask, clean_engine: PrivateEngine, settings: Settings
) -> None:
    settings.SECRET_KEY = "of a test"  # the workers' own
    done = ask("volume.file-edit", volume, "/a/f", **edited(clean_engine, "two s3cret\n"))
    assert done.state == SUCCEEDED, done.error
    assert "s3cret" not in f"{done.params}{done.command}{done.result}{done.before}{done.sealed}"
    assert in_volume(clean_engine, "cat /v/a/f; stat -c '%u:%g %a' /v/a/f") == "two s3cret\n12:34 640"
    late = edited(clean_engine, "three\n")
    in_volume(clean_engine, "echo other > /v/a/f")
    refused = ask("volume.file-edit", volume, "/a/f", **late)
    assert (refused.state, "changed" in refused.result["reason"]) == (FAILED, True)
    assert in_volume(clean_engine, "cat /v/a/f") == "other"


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_killed_anywhere_a_text_is_whole_and_told_rightly(
    point: str, volume: str, ask: Ask, clean_engine: PrivateEngine, settings: Settings
) -> None:
    settings.SECRET_KEY = "of a test"
    done = ask("volume.file-edit", volume, "/a/f", point, **edited(clean_engine, "two\n"))
    content = in_volume(clean_engine, "cat /v/a/f")
    assert (done.state, content) in ((SUCCEEDED, "two"), (FAILED, "one")), done.error


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_killed_anywhere_it_is_gone_once_and_no_container_stays(
    point: str, volume: str, ask: Ask, clean_engine: PrivateEngine
) -> None:
    assert ask("volume.file-delete", volume, "/a", point).state == SUCCEEDED
    assert in_volume(clean_engine, "ls /v") == "l"
    with EngineClient(Address(clean_engine.url)) as client:
        looking.sweep(client)
    assert nothing_left(clean_engine)


@pytest.mark.parametrize("point", ["", "before-call", "after-keep", "after-call"])
def test_an_upload_is_there_with_the_folders_owner_and_the_spool_is_empty(
    point: str,
    volume: str,
    ask: Ask,
    admin: User,
    clean_engine: PrivateEngine,
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.DATA_DIR = tmp_path  # the workers' own
    content = bytes(range(256)) * 8192
    token = uploads.whole(admin, io.BytesIO(content), len(content))
    more = {"upload": token, "by": str(admin.pk), "size": len(content)}
    done = ask("volume.file-upload", volume, "/a/up", point, **more)
    assert done.state == SUCCEEDED, done.error
    said = in_volume(clean_engine, "sha256sum /v/a/up | cut -c1-64; stat -c '%u:%g %a' /v/a/up").split()
    assert said == [hashlib.sha256(content).hexdigest(), "12:34", "644"]
    assert uploads.size_of(admin.pk, token) == 0
    again = ask("volume.file-upload", volume, "/a/f", **more)
    assert again.state == FAILED


def test_an_empty_file_is_uploaded(
    volume: str, ask: Ask, admin: User, clean_engine: PrivateEngine, settings: Settings, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path  # the workers' own
    token = uploads.begin(admin, 0)
    done = ask("volume.file-upload", volume, "/a/empty", upload=token, by=str(admin.pk), size=0)
    assert (done.state, done.result["note"]) == (SUCCEEDED, "uploaded, 0 bytes"), done.error
    assert in_volume(clean_engine, "stat -c '%s %u:%g %a' /v/a/empty") == "0 12:34 644"


def test_in_a_container_running_or_not(
    make: Callable[..., str], ask: Ask, clean_engine: PrivateEngine, admin: User, settings: Settings, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path  # the workers' own
    runs = make("web")
    assert ask("container.folder-make", runs, "/etc/x").state == SUCCEEDED
    assert ask("container.file-rename", runs, "/etc/x", to="/etc/y").state == SUCCEEDED
    assert clean_engine.docker("exec", "web", "ls", "-d", "/etc/y") == "/etc/y"
    assert ask("container.file-delete", runs, "/etc/y").state == SUCCEEDED
    stopped = make("old", state="exited")
    token = uploads.whole(admin, io.BytesIO(b"x"), 1)
    done = ask("container.file-upload", stopped, "/etc/up", upload=token, by=str(admin.pk), size=1)
    assert done.state == SUCCEEDED, done.error
    assert ask("container.file-delete", stopped, "/etc/up").state == FAILED
    fixed = make("fixed", "true", "created", "--read-only")
    token = uploads.whole(admin, io.BytesIO(bytes(20_000_000)), 20_000_000)
    refused = ask("container.file-upload", fixed, "/etc/up", upload=token, by=str(admin.pk), size=20_000_000)
    assert (refused.state, "read-only" in refused.error) == (FAILED, True), refused.error
    assert "A /etc/up" in clean_engine.docker("diff", "old").splitlines()


def tar_text(name: str, text: str) -> str:
    """A tar of one file, all of whose bytes are ASCII."""
    content = text.encode()
    entry = tar.Entry(name, tar.FILE, len(content), 0o644, 0, 0, 0.0)
    return b"".join(tar.archive(entry, [content])).decode("ascii")


def test_in_a_stopped_container_and_its_volume(
    make: Callable[..., str], volume: str, ask: Ask, clean_engine: PrivateEngine, settings: Settings
) -> None:
    settings.SECRET_KEY = "of a test"  # the workers' own
    stopped = make("old", POLITE, "exited", "-v", "vm1:/data/v", "-v", "other:/ro:ro")
    assert ask("container.folder-make", stopped, "/etc/x").state == SUCCEEDED
    refused = ask("container.file-rename", stopped, "/etc/x", to="/etc/y")
    assert (refused.state, "start it" in refused.result["reason"]) == (FAILED, True)
    clean_engine.docker("cp", "-", "old:/etc", stdin=tar_text("x.conf", "one\n"))
    with EngineClient(Address(clean_engine.url)) as client:
        seal = archive.look(client, stopped, "/etc/x.conf").seal
    text = {"seal": seal, "text": "two\n", "digest": hashlib.sha256(b"two\n").hexdigest()}
    assert ask("container.file-edit", stopped, "/etc/x.conf", **text).state == SUCCEEDED
    where = {"volume": "vm1", "at": "/data/v"}
    done = ask("container.file-rename", stopped, "/data/v/a/f", to="/data/v/a/g", **where)
    assert (done.state, done.result["folder"]) == (SUCCEEDED, "/data/v/a"), done.result
    assert "src=vm1" in done.command
    assert "mv -n -- /v/a/f /v/a/g" in done.command
    assert in_volume(clean_engine, "ls /v/a") == "g"
    assert ask("container.file-delete", stopped, "/data/v/a", **where).state == SUCCEEDED
    assert in_volume(clean_engine, "ls /v") == "l"
    for wrong in ({"volume": "other", "at": "/data/v"}, {"volume": "other", "at": "/ro"}):
        lied = ask("container.file-delete", stopped, f"{wrong['at']}/l", **wrong)
        assert (lied.state, "no such volume" in lied.result["reason"]) == (FAILED, True)
    assert in_volume(clean_engine, "ls /v") == "l"
    assert nothing_left(clean_engine)


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_killed_in_a_stopped_containers_volume_it_is_gone_once(
    point: str, make: Callable[..., str], volume: str, ask: Ask, clean_engine: PrivateEngine
) -> None:
    stopped = make("old", "true", "created", "-v", "vm1:/v")
    assert ask("container.file-delete", stopped, "/v/a", point, volume="vm1", at="/v").state == SUCCEEDED
    assert in_volume(clean_engine, "ls /v") == "l"


def test_without_the_programs_it_says_what_to_pull(volume: str, ask: Ask, clean_engine: PrivateEngine) -> None:
    images = clean_engine.docker("images", "--quiet", "--no-trunc").split()
    clean_engine.docker("rmi", "--force", *images)
    refused = ask("volume.file-delete", volume, "/a")
    assert (refused.state, "pull busybox" in refused.result["reason"]) == (FAILED, True)
