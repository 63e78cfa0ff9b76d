"""An image made of a container equals the one that docker makes; after a crash there is one, not two."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from console.models import Engine, Operation, User
from console.operations import request
from console.operations.claim import CRASH_POINTS
from tests.dying_workers import CRASHED, Workers
from tests.engines import PrivateEngine
from tests.integration.operations.conftest import fresh
from tests.integration.operations.test_images import run

State = Operation.State


def ask(admin: User, row: Engine, container_id: str, **params: Any) -> Operation:
    return request.request_operation(admin, row, "container.commit", container_id, "web", params)


def inspected(engine: PrivateEngine, reference: str) -> dict[str, Any]:
    found = json.loads(engine.docker("image", "inspect", reference))[0]
    return {name: found[name] for name in ("Config", "Author", "Comment", "Parent", "Container", "RootFS")}


def test_commit_equals_dockers(clean_engine: PrivateEngine, row: Engine, admin: User, make: Callable[..., str]) -> None:
    made = make("web", "echo hello > /hello; sleep 600", "running", "--env", "A=1")
    clean_engine.docker("exec", made, "sh", "-c", "until [ -s /hello ]; do sleep 0.05; done")
    clean_engine.docker("stop", "-t", "0", made)  # what it writes shall not differ between the two
    changes = ["CMD cat /hello", "ENV B=2 C='3 4'", "EXPOSE 80", "LABEL a=b", "WORKDIR /srv"]
    ended = run(ask(admin, row, made, reference="own/web:1", author="me", message="a message", changes=changes))
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert ended.result["image_id"] == clean_engine.docker("image", "inspect", "--format", "{{.Id}}", "own/web:1")
    flags = [word for change in changes for word in ("--change", change)]
    clean_engine.docker("commit", "--author", "me", "--message", "a message", *flags, made, "own/web:2")
    assert inspected(clean_engine, "own/web:1") == inspected(clean_engine, "own/web:2")
    assert clean_engine.docker("run", "--rm", "own/web:1") == "hello"
    nameless = run(ask(admin, row, made))
    assert nameless.result["note"].startswith("committed as sha256:")
    assert nameless.result["image_id"][7:] in clean_engine.docker("image", "ls", "-q", "--no-trunc")


def test_what_the_engine_refuses(
    clean_engine: PrivateEngine, row: Engine, admin: User, make: Callable[..., str]
) -> None:
    made = make("web", "true", "created")
    ended = run(ask(admin, row, made, reference="own/web:1", changes=["EXPOSE nonsense"]))
    assert ended.state == State.FAILED
    assert "nonsense" in ended.error.lower() or "port" in ended.error.lower()
    clean_engine.docker("rm", "-f", made)
    gone = run(ask(admin, row, made, reference="own/web:1"))
    assert gone.state == State.FAILED


@pytest.mark.parametrize("point", [*CRASH_POINTS, "after-keep"])
def test_a_crash_leaves_one_image(
    point: str, clean_engine: PrivateEngine, row: Engine, admin: User, make: Callable[..., str], workers: Workers
) -> None:
    made = make("web", "echo hello > /hello; sleep 600")
    operation = ask(admin, row, made, reference="own/web:1")
    assert workers.run(operation.pk, point, "first") == CRASHED
    assert workers.run(operation.pk, "", "second") == 0
    ended = fresh(operation)
    assert ended.state == State.SUCCEEDED, (ended.result, ended.error)
    assert ended.result["image_id"] == clean_engine.docker("image", "inspect", "--format", "{{.Id}}", "own/web:1")
    assert clean_engine.docker("image", "ls", "-q", "--filter", "dangling=true") == ""
