"""The command that a container's page shows, run by the docker CLI, makes an equal container."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from console.models import Container
from console.reads.command import known, run_command
from tests import factories
from tests.engines import PrivateEngine
from tests.integration.engine import run_lines
from tests.integration.engine.run_lines import by_cli
from tests.integration.engine.test_command_derive import filled

VARIED = [line for number, line in enumerate(run_lines.LINES) if number % 2 or line == run_lines.LINES[-1]]
FEWEST = 50


@pytest.fixture(scope="module")
def stage(engine: PrivateEngine) -> Iterator[PrivateEngine]:
    """The engine with what the lines name."""
    run_lines.prepare(engine)
    yield engine
    engine.clean()


@pytest.mark.django_db
def test_the_command_of_varied_containers_makes_equal_ones(stage: PrivateEngine) -> None:
    row = factories.engine(url=stage.url)
    compared = 0
    for line in VARIED:
        first, _ = by_cli(stage, shlex.split(line)[1:])
        if not first:
            continue  # the engine refuses it: there is nothing to show
        container = Container(engine=row, container_id=first, digest=first)
        assert known(row, container) is None
        shown = run_command(row, container)
        assert known(row, container) == shown
        expected = run_lines.inspected(stage, first)
        run_lines.remove(stage, first)
        second, failure = by_cli(stage, shlex.split(shown.text)[1:])
        assert second, f"{shown.text}: {failure}"
        got = run_lines.inspected(stage, second)
        run_lines.remove(stage, second)
        assert filled(got) == filled(expected), shown.text
        assert shown.notes == ()
        compared += 1
    assert compared >= FEWEST
