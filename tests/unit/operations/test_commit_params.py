"""What a commit can be told, as docker spells it, without secrets."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.operations.commit_params import CommitParams
from console.operations.params import InvalidParams


def command(**data: object) -> str:
    return CommitParams.read(data).command("docker container commit", "web")


def test_commands() -> None:
    assert command() == "docker container commit web"
    assert command(reference="shop/api", message="a b", author="me") == (
        "docker container commit --author me --message 'a b' web shop/api:latest"
    )
    changes = 'CMD ["sh", "-c"]\n\nENV DB_PASSWORD=hunter2 A=1\nexpose 80'
    shown = command(changes=changes, sent="1")
    assert shlex.split(shown)[3:10] == [
        "--change", 'CMD ["sh", "-c"]', "--change", "ENV DB_PASSWORD=*** A=1", "--change", "expose 80", "--pause=false",
    ]  # fmt: skip
    assert "hunter2" not in command(changes="ENV DB_PASSWORD hunter2")


def test_a_missing_tick_is_a_no_only_in_a_form() -> None:
    assert CommitParams.read({}).pause
    assert not CommitParams.read({"sent": "1"}).pause
    assert CommitParams.read({"sent": "1", "pause": "1"}).pause
    params = CommitParams.read({"sent": "1", "changes": "CMD x"})
    assert CommitParams.read(params.to_json()) == params


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"reference": "Not A Name"}, "reference"),
        ({"reference": "a@sha256:" + "0" * 64}, "reference"),
        ({"changes": "RUN rm -rf /"}, "changes"),
        ({"changes": "CMD"}, "changes"),
        ({"changes": "CMD x\n" * 101}, "changes"),
        ({"message": "a\nb"}, "message"),
        ({"author": "x" * 5000}, "author"),
    ],
)
def test_refused(data: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidParams) as caught:
        CommitParams.read(data)
    assert set(caught.value.errors) == {field}


@given(st.text(max_size=200))
def test_any_changes(changes: str) -> None:
    try:
        params = CommitParams.read({"changes": changes})
    except InvalidParams:
        return
    assert shlex.split(params.command("docker container commit", "web"))[-1] == "web"
