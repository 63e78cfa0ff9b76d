"""A pasted line gives the container that the docker CLI makes of it, or the same refusal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from console.engine.command.body import body, query
from console.engine.command.check import unsupported
from console.engine.command.parse import parse
from console.engine.command.render import words
from tests.engines import PrivateEngine
from tests.integration.engine import run_lines
from tools import engines
from tools.engines import api

DAEMON = "Error response from daemon: "


@pytest.fixture(scope="module")
def stage(engine: PrivateEngine) -> Iterator[PrivateEngine]:
    """The engine with what the lines name."""
    run_lines.prepare(engine)
    yield engine
    engine.clean()


def by_cli(engine: PrivateEngine, words: list[str]) -> tuple[str, str]:
    """The id of the container that the CLI made, and what it said where it failed."""
    before = run_lines.names(engine)
    done = engines.docker(engine._engine, *words)
    made = run_lines.names(engine) - before
    # A container that could not be started is there all the same.
    return (made.pop() if made else ""), ("" if done.returncode == 0 else done.stderr)


def by_us(engine: PrivateEngine, line: str, version: str) -> tuple[str, str]:
    """The same by our request, through the same version of the API."""
    spec = parse(line).spec
    address = f"/v{version}/containers/create?{urlencode(query(spec))}"
    try:
        made = str(run_lines.post(engine, address, body(spec, version))["Id"])
    except api.Refused as refusal:
        return "", str(refusal)
    if spec.start:
        try:
            run_lines.post(engine, f"/v{version}/containers/{made}/start")
        except api.Refused as refusal:
            return made, str(refusal)
    return made, ""


def said(text: str) -> str:
    """The engine's sentence in what the CLI prints."""
    _, _, sentence = text.partition(DAEMON)
    return listed(sentence.partition("\n")[0])


def listed(sentence: str) -> str:
    """The sentence with the networks that it names in order: the engine keeps them in none."""
    begin, colon, names = " ".join(sentence.split()).rstrip(".").partition("endpoints: ")
    return begin + colon + ", ".join(sorted(names.split(", ")))


@pytest.mark.parametrize("line", run_lines.LINES)
def test_a_line_gives_what_the_cli_makes_of_it(stage: PrivateEngine, line: str) -> None:
    version = min(stage.api_version, "1.50")
    theirs, failure = by_cli(stage, shlex.split(line)[1:])
    expected = run_lines.inspected(stage, theirs) if theirs else None
    if theirs:
        run_lines.remove(stage, theirs)
    if failure and DAEMON not in failure:
        # The CLI itself refused: too old an engine, or one of another system. Then we say so too.
        found = parse(line)
        if "API v" in failure:
            assert unsupported(found.spec, version) or "mac-address" in line, failure
        else:
            assert "running on windows" in failure, failure
            assert any("Windows" in note.sentence for note in found.unmapped)
        return
    ours, refusal = by_us(stage, line, version)
    got = run_lines.inspected(stage, ours) if ours else None
    if ours:
        run_lines.remove(stage, ours)
    assert got == expected
    if "No such image" not in refusal:  # the CLI would pull it
        assert said(failure) == listed(refusal)


@pytest.mark.parametrize("line", run_lines.LINES)
def test_a_line_that_was_rendered_says_the_same(line: str) -> None:
    spec = parse(line).spec
    assert parse(shlex.join(words(spec))).spec == spec
    assert body(spec) == body(parse(shlex.join(words(spec))).spec)
