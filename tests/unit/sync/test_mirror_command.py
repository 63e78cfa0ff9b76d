"""``manage.py mirror``: what it says, and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from console.engine.errors import Unreachable
from console.management.commands import mirror
from console.models import Engine
from console.sync.verify import Difference
from tests.unit.sync import objects

pytestmark = pytest.mark.django_db

GONE = Difference("container", objects.container_id(1), "web", "", "web", None)
STATE = Difference("container", objects.container_id(2), "db", "state", "running", "exited")


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("mirror", *arguments, stdout=out)
    except SystemExit as error:
        return int(str(error.code)), out.getvalue()
    return 0, out.getvalue()


def answers(monkeypatch: pytest.MonkeyPatch, *given: list[Difference] | Exception) -> list[Engine]:
    asked: list[Engine] = []

    def verify(engine: Engine) -> list[Difference]:
        asked.append(engine)
        answer = given[min(len(asked), len(given)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(mirror, "verify", verify)
    monkeypatch.setattr(mirror, "AGAIN", 0.01)
    return asked


def test_freshness() -> None:
    objects.engine()
    status, said = run()
    assert status == 0
    assert said.startswith("e1: new, never seen, version 0; 0 containers, 0 images, 0 networks, 0 volumes")


def test_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    objects.engine()
    answers(monkeypatch, [])
    status, said = run("--verify")
    assert (status, said.splitlines()[1]) == (0, "  0 differences")


def test_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    objects.engine()
    answers(monkeypatch, [GONE, STATE])
    status, said = run("--verify")
    assert status == 1
    assert 'container web (0000000000000000000): mirrored "web", actual null' in said
    assert 'container db (0000000000000000000) state: mirrored "running", actual "exited"' in said
    status, said = run("--verify", "--json")
    assert status == 1
    report: list[dict[str, Any]] = json.loads(said)
    assert report[0]["differences"][1] == {
        "kind": "container",
        "id": objects.container_id(2),
        "name": "db",
        "field": "state",
        "mirrored": "running",
        "actual": "exited",
    }


def test_it_asks_again_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    objects.engine()
    asked = answers(monkeypatch, [GONE], Unreachable("not yet"), [])
    assert run("--verify", "--within", "5")[0] == 0
    assert len(asked) == 3
    asked = answers(monkeypatch, [GONE])
    assert run("--verify", "--within", "0.1")[0] == 1
    assert len(asked) > 1


def test_an_engine_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    objects.engine()
    answers(monkeypatch, Unreachable("The engine is not running."))
    status, said = run("--verify")
    assert status == 1
    assert "The engine is not running." in said


def test_one_engine_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    objects.engine()
    other = objects.engine(slug="e2")
    asked = answers(monkeypatch, [])
    assert run("--engine", "e2", "--verify")[1].startswith("e2")
    assert asked == [other]
    with pytest.raises(CommandError):
        run("--engine", "e3")


@pytest.mark.parametrize("grown", [False, True])
def test_without_the_database_it_says_so_in_a_line(grown: bool, tmp_path: Path) -> None:
    (tmp_path / "quarterdeck.sqlite3").mkdir()  # a folder cannot be opened as a database
    own = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    own["QUARTERDECK_DATA"] = str(tmp_path)
    if grown:  # port 1 of loopback: nobody listens
        own |= {"DATABASE_URL": "postgres://nobody:canary@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1"}
        own |= {"QUARTERDECK_SECRET_KEY": "k" * 50}
    for more in ([], ["--json"]):
        command = [sys.executable, "manage.py", "mirror", "--verify", *more]
        done = subprocess.run(command, env=own, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        (line,) = done.stderr.splitlines()
        assert line.startswith("The database does not answer, so nothing could be compared: ")
        assert "canary" not in done.stderr
