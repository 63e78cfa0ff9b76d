"""The parameters of a command: split like a shell does, refused at the field, without secrets where they are kept."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.operations.exec_params import ExecParams, shell_signs
from console.operations.params import InvalidParams

BASE = "docker container exec"


def test_a_whole_form() -> None:
    found = ExecParams.read(
        {"command": " ls -la '/a b' ", "user": "app:1", "workdir": "/srv", "env": "A=1\n\n B=x y \n", "timeout": "5"}
    )
    assert found == ExecParams(("ls", "-la", "/a b"), "app:1", "/srv", ("A=1", "B=x y"), 5)
    assert found.command(BASE, "web") == (
        f"{BASE} --env A=1 --env 'B=x y' --user app:1 --workdir /srv web ls -la '/a b'"
    )


def test_what_is_left_out() -> None:
    assert ExecParams.read({"command": "true"}) == ExecParams(("true",), timeout=60)
    assert ExecParams().command(BASE, "web") == f"{BASE} web COMMAND"


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({"command": ""}, "command", "Which command?"),
        ({"command": "echo 'x"}, "command", "A quotation mark is not closed"),
        ({"command": "echo \\"}, "command", "It ends in a lone backslash"),
        ({"command": "'' x"}, "command", "The first word names the program"),
        ({"command": "x " * 300}, "command", "At most 256 words"),
        ({"command": "x" * 9000}, "command", "At most 8,192 characters"),
        ({"command": "a\0b"}, "command", "A character"),
        ({"user": "a b"}, "user", "A user, or user:group"),
        ({"user": "a:b:c"}, "user", "A user, or user:group"),
        ({"workdir": "srv"}, "workdir", "A path that begins"),
        ({"env": "A=1\nno equals"}, "env", "One NAME=value a line; “no equals” is none."),
        ({"env": "=x"}, "env", "One NAME=value a line"),
        ({"env": "A=1\n" * 101}, "env", "At most 100 variables"),
        ({"timeout": "0"}, "timeout", "A whole number"),
        ({"timeout": "601"}, "timeout", "A whole number"),
        ({"timeout": "soon"}, "timeout", "A whole number"),
    ],
)
def test_what_is_refused_at_which_field(data: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidParams) as refused:
        ExecParams.read({"command": "true"} | data)
    assert list(refused.value.errors) == [field]
    assert refused.value.errors[field].startswith(words)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidParams) as refused:
        ExecParams.read({"command": "", "timeout": "x"})
    assert set(refused.value.errors) == {"command", "timeout"}


def test_secrets_are_neither_shown_nor_kept() -> None:
    whole = ExecParams.read(
        {"command": "psql --password=hunter2 --token hunter3 postgres://u:hunter4@db", "env": "PGPASSWORD=hunter5\nA=1"}
    )
    for text in (whole.command(BASE, "db"), json.dumps(whole.public().to_json())):
        assert "hunter" not in text
        assert "A=1" in text
    assert whole.public().public() == whole.public()
    assert ExecParams.read({"command": "ls"}).public() == ExecParams.read({"command": "ls"})


@pytest.mark.parametrize(
    ("line", "signs"),
    [
        ("ls | wc", True),
        ("a && b", True),
        ("x > y", True),
        ("echo $(id)", True),
        ("sh -c 'ls | wc'", False),
        ("ls", False),
    ],
)
def test_a_line_for_a_shell_is_told_from_others(line: str, signs: bool) -> None:
    assert shell_signs(line) is signs


FIELD = st.one_of(st.text(max_size=40), st.integers(), st.none(), st.booleans())


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine draws slowly
@given(st.dictionaries(st.sampled_from(["command", "user", "workdir", "env", "timeout"]), FIELD))
def test_whatever_is_sent_is_read_or_refused(data: dict[str, Any]) -> None:
    with suppress(InvalidParams):
        found = ExecParams.read(data)
        assert ExecParams.read(json.loads(json.dumps(found.to_json()))) == found


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), min_size=1, max_size=6))
def test_any_argument_list_can_be_typed(words: list[str]) -> None:
    line = shlex.join(words)
    if words[0] and line == line.strip():
        assert ExecParams.read({"command": line}).words == tuple(words)
