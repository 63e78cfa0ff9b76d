"""Parameters: what is taken, what is refused with which sentence, and docker's own spelling."""

from __future__ import annotations

import shlex
import subprocess
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.operations.params import (
    SIGNALS,
    InvalidParams,
    KillParams,
    Params,
    RemoveParams,
    RenameParams,
    StopParams,
)

GOOD: list[tuple[type[Params], dict[str, Any], Params, str]] = [
    (Params, {"anything": "else"}, Params(), "docker x c"),
    (StopParams, {}, StopParams(), "docker x c"),
    (StopParams, {"timeout": " "}, StopParams(), "docker x c"),
    (StopParams, {"timeout": "0"}, StopParams(0), "docker x --time 0 c"),
    (StopParams, {"timeout": 30}, StopParams(30), "docker x --time 30 c"),
    (StopParams, {"timeout": "3600"}, StopParams(3600), "docker x --time 3600 c"),
    (KillParams, {}, KillParams("SIGKILL"), "docker x c"),
    (KillParams, {"signal": "hup"}, KillParams("SIGHUP"), "docker x --signal SIGHUP c"),
    (KillParams, {"signal": "SIGTERM"}, KillParams("SIGTERM"), "docker x --signal SIGTERM c"),
    (KillParams, {"signal": "09"}, KillParams("9"), "docker x --signal 9 c"),
    (RenameParams, {"name": " new-1 "}, RenameParams("new-1"), "docker x c new-1"),
    (RenameParams, {"name": "/new"}, RenameParams("new"), "docker x c new"),
    (RemoveParams, {}, RemoveParams(), "docker x c"),
    (RemoveParams, {"force": "on", "volumes": True}, RemoveParams(True, True), "docker x --force --volumes c"),
    (RemoveParams, {"force": False, "volumes": "0"}, RemoveParams(), "docker x c"),
]
BAD: list[tuple[type[Params], dict[str, Any], str]] = [
    (StopParams, {"timeout": "3601"}, "timeout"),
    (StopParams, {"timeout": "-1"}, "timeout"),
    (StopParams, {"timeout": "1.5"}, "timeout"),
    (StopParams, {"timeout": "ten"}, "timeout"),
    (StopParams, {"timeout": "٣"}, "timeout"),
    (StopParams, {"timeout": "9" * 400}, "timeout"),
    (KillParams, {"signal": "0"}, "signal"),
    (KillParams, {"signal": "65"}, "signal"),
    (KillParams, {"signal": "SIGNONE"}, "signal"),
    (KillParams, {"signal": "KILL; rm"}, "signal"),
    (RenameParams, {}, "name"),
    (RenameParams, {"name": "x"}, "name"),
    (RenameParams, {"name": "-x"}, "name"),
    (RenameParams, {"name": "a b"}, "name"),
    (RenameParams, {"name": "naïve"}, "name"),
    (RenameParams, {"name": "a\n"}, "name"),
    (RenameParams, {"name": "a" * 256}, "name"),
    (RemoveParams, {"force": "maybe"}, "force"),
]


@pytest.mark.parametrize(("kind", "data", "params", "command"), GOOD)
def test_what_is_taken(kind: type[Params], data: dict[str, Any], params: Params, command: str) -> None:
    read = kind.read(data)
    assert read == params
    assert read.command("docker x", "c") == command
    assert kind.read(read.to_json()) == read


@pytest.mark.parametrize(("kind", "data", "field"), BAD)
def test_what_is_refused(kind: type[Params], data: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidParams) as refused:
        kind.read(data)
    assert list(refused.value.errors) == [field]
    assert refused.value.errors[field].endswith(".")


@given(
    st.sampled_from([Params, StopParams, KillParams, RenameParams, RemoveParams]),
    st.dictionaries(
        st.sampled_from(["timeout", "signal", "name", "force", "volumes"]),
        st.one_of(st.text(max_size=40), st.integers(), st.booleans(), st.none(), st.floats()),
    ),
)
def test_whatever_is_sent_is_read_or_refused(kind: type[Params], data: dict[str, Any]) -> None:
    with suppress(InvalidParams):
        read = kind.read(data)
        assert kind.read(read.to_json()) == read


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=30))
def test_a_command_is_quoted_for_a_shell(name: str) -> None:
    assert shlex.split(Params().command("docker container stop", name)) == ["docker", "container", "stop", name]


def test_the_signals_are_known_to_linux() -> None:
    known = subprocess.run(["/bin/kill", "-L"], capture_output=True, text=True, check=True).stdout.split()
    assert {signal.removeprefix("SIG") for signal in SIGNALS} <= set(known)
