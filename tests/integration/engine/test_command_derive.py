"""The command that is derived from a container, run by the docker CLI, makes an equal one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from console.engine.command.derive import derive
from console.engine.command.parse import parse
from console.engine.command.render import render
from tests.engines import PrivateEngine
from tests.integration.engine import run_lines
from tests.integration.engine.run_lines import by_cli

OPTIONS = {"BindOptions", "VolumeOptions", "DriverConfig"}


@pytest.fixture(scope="module")
def stage(engine: PrivateEngine) -> Iterator[PrivateEngine]:
    """The engine with what the lines name."""
    run_lines.prepare(engine)
    yield engine
    engine.clean()


def filled(value: Any) -> Any:
    """What the engine keeps of a mount, without the parts in which nothing is said."""
    if isinstance(value, dict):
        parts = {key: filled(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part != {} or key not in OPTIONS}
    return [filled(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("line", run_lines.LINES)
def test_a_derived_command_makes_an_equal_container(stage: PrivateEngine, line: str) -> None:
    first, _ = by_cli(stage, shlex.split(line)[1:])
    if not first:
        return  # the engine refuses it: there is nothing to derive from
    raw = stage.get(f"/containers/{first}/json")
    expected = run_lines.inspected(stage, first)
    derived = derive(raw, stage.get(f"/images/{raw['Image']}/json"), stage.get("/info"))
    run_lines.remove(stage, first)
    command = render(derived.spec)
    assert parse(command).spec == derived.spec
    second, failure = by_cli(stage, shlex.split(command)[1:])
    assert second, f"{command}: {failure}"
    got = run_lines.inspected(stage, second)
    run_lines.remove(stage, second)
    assert filled(got) == filled(expected), command
    assert derived.notes == ()


def test_a_plain_container_gives_a_plain_command(stage: PrivateEngine) -> None:
    """Nothing of the image and nothing of the engine's choice is in it."""
    for line in (
        "docker container run --name web -d rich",
        "docker container run --name web -d -e NEW=1 -p 8080:9000 --memory 64m rich -c 'sleep 99'",
        "docker container create --name web --network net --network-alias w alpine",
    ):
        made, failure = by_cli(stage, shlex.split(line)[1:])
        assert made, failure
        raw = stage.get(f"/containers/{made}/json")
        derived = derive(raw, stage.get(f"/images/{raw['Image']}/json"), stage.get("/info"))
        run_lines.remove(stage, made)
        assert render(derived.spec) == line
