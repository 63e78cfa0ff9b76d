"""The lines of ``tests/payloads/run_lines.txt`` use every option and, rendered, say the same.

That each makes what the docker CLI makes of it: ``tests/integration/operations/test_parity.py``.
"""

from __future__ import annotations

import re
import shlex

import pytest

from console.engine.command.body import body
from console.engine.command.flags import FLAGS, LONG
from console.engine.command.parse import parse
from console.engine.command.render import words
from tests.integration.engine import run_lines
from tools.engines import capsule
from tools.setup import ROOT

USED = {name for line in run_lines.LINES for name in run_lines.options(line)}


@pytest.mark.parametrize("line", run_lines.LINES)
def test_a_line_that_was_rendered_says_the_same(line: str) -> None:
    spec = parse(line).spec
    assert parse(shlex.join(words(spec))).spec == spec
    assert body(spec) == body(parse(shlex.join(words(spec))).spec)


def test_every_option_is_in_a_line() -> None:
    assert {flag.name for flag in FLAGS} - run_lines.NOT_IN_A_LINE == USED


@pytest.mark.parametrize("verb", ["run", "create"])
def test_every_option_of_the_command_line_is_known(verb: str) -> None:
    said = capsule.run("docker", "container", verb, "--help").stdout
    offered = set(re.findall(r"^ +(?:-\w, )?--([a-z0-9-]+)", said, re.MULTILINE)) - {"help"}
    assert len(offered) > 90
    assert offered <= set(LONG)


def test_what_does_nothing_here_is_listed_with_its_reason() -> None:
    page = (ROOT / "docs" / "run-options.md").read_text()
    listed = dict(re.findall(r"^\| `--([a-z0-9-]+)` \| (.+?) \|$", page, re.MULTILINE))
    assert listed == {flag.name: flag.remark for flag in FLAGS if flag.remark} | dict(run_lines.NOT_EVERYWHERE)
