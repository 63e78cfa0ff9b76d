"""What looking tells: a table of before, now and verdict for every verb."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.operations.facts import Facts, Verdict, judge, patience
from console.operations.params import KillParams, Params, RemoveParams, RenameParams, StopParams
from console.operations.verbs import CONTAINER_VERBS

RUNNING = Facts(exists=True, name="web", state="running", started_at="t1", finished_at="t0")
EXITED = replace(RUNNING, state="exited", finished_at="t2", exit_code=137)
PAUSED = replace(RUNNING, state="paused")
CREATED = Facts(exists=True, name="web", state="created")
AGAIN = replace(RUNNING, started_at="t3", finished_at="t2")  # stopped and started since
FLAPPING = replace(RUNNING, state="restarting", finished_at="t2", restart_count=3)
GONE = Facts()
DONE, NOT_YET, LOST, UNTOLD = Verdict.DONE, Verdict.NOT_YET, Verdict.GONE, Verdict.UNTOLD

TABLE: list[tuple[str, Params, Facts, Facts, Verdict]] = [
    ("exec", Params(), RUNNING, RUNNING, Verdict.UNTOLD),  # what a command did shows nowhere
    ("exec", Params(), RUNNING, GONE, Verdict.UNTOLD),
    ("start", Params(), CREATED, RUNNING, DONE),
    ("start", Params(), CREATED, CREATED, NOT_YET),
    ("start", Params(), EXITED, replace(EXITED, started_at="t3", finished_at="t4"), DONE),  # it ended at once
    ("start", Params(), RUNNING, EXITED, DONE),  # it ran when the engine was asked
    ("start", Params(), EXITED, GONE, LOST),
    ("stop", StopParams(), RUNNING, EXITED, DONE),
    ("stop", StopParams(), RUNNING, RUNNING, NOT_YET),
    ("stop", StopParams(), RUNNING, AGAIN, DONE),
    ("stop", StopParams(), RUNNING, replace(AGAIN, restart_count=1), NOT_YET),  # its policy started it again
    ("stop", StopParams(), FLAPPING, replace(FLAPPING, finished_at="t5", restart_count=4), NOT_YET),
    ("stop", StopParams(), FLAPPING, EXITED, DONE),
    ("stop", StopParams(), RUNNING, GONE, LOST),
    ("stop", StopParams(), replace(RUNNING, auto_remove=True), GONE, DONE),
    ("restart", StopParams(), RUNNING, AGAIN, DONE),
    ("restart", StopParams(), RUNNING, RUNNING, NOT_YET),
    ("restart", StopParams(), RUNNING, EXITED, NOT_YET),  # in between
    ("restart", StopParams(), EXITED, AGAIN, DONE),
    ("restart", StopParams(), RUNNING, replace(AGAIN, restart_count=1), UNTOLD),  # or its policy did it
    ("restart", StopParams(), FLAPPING, replace(FLAPPING, started_at="t6"), UNTOLD),
    ("kill", KillParams(), RUNNING, EXITED, DONE),
    ("kill", KillParams(), RUNNING, AGAIN, DONE),
    ("kill", KillParams(), RUNNING, RUNNING, NOT_YET),
    ("kill", KillParams("SIGHUP"), RUNNING, RUNNING, UNTOLD),
    ("kill", KillParams("SIGTERM"), RUNNING, EXITED, DONE),
    ("kill", KillParams(), replace(RUNNING, auto_remove=True), GONE, DONE),
    ("kill", KillParams("SIGHUP"), replace(RUNNING, auto_remove=True), GONE, LOST),
    ("pause", Params(), RUNNING, PAUSED, DONE),
    ("pause", Params(), RUNNING, RUNNING, NOT_YET),
    ("unpause", Params(), PAUSED, RUNNING, DONE),
    ("unpause", Params(), PAUSED, PAUSED, NOT_YET),
    ("rename", RenameParams("new"), RUNNING, replace(RUNNING, name="new"), DONE),
    ("rename", RenameParams("new"), RUNNING, RUNNING, NOT_YET),
    ("rename", RenameParams("new"), RUNNING, replace(RUNNING, name="third"), UNTOLD),
    ("remove", RemoveParams(), EXITED, GONE, DONE),
    ("remove", RemoveParams(), EXITED, EXITED, NOT_YET),
]


@pytest.mark.parametrize(("verb", "params", "before", "now", "verdict"), TABLE)
def test_judge(verb: str, params: Params, before: Facts, now: Facts, verdict: Verdict) -> None:
    assert judge(f"container.{verb}", params, before, now) is verdict


def test_every_verb_is_judged() -> None:
    assert {row[0] for row in TABLE} == {verb.short for verb in CONTAINER_VERBS}


@pytest.mark.parametrize(
    ("verb", "params", "before", "seconds"),
    [
        ("container.stop", StopParams(), RUNNING, 15),
        ("container.stop", StopParams(60), RUNNING, 65),
        ("container.stop", StopParams(0), replace(RUNNING, stop_timeout=90), 5),
        ("container.restart", StopParams(), replace(RUNNING, stop_timeout=90), 95),
        ("container.stop", StopParams(), replace(RUNNING, stop_timeout=-1), 5),
        ("container.remove", RemoveParams(), RUNNING, 15),
        ("container.pause", Params(), RUNNING, 5),
    ],
)
def test_the_engine_gets_its_time(verb: str, params: Params, before: Facts, seconds: float) -> None:
    assert patience(verb, params, before) == seconds


@pytest.mark.parametrize("facts", [RUNNING, GONE, FLAPPING])
def test_facts_are_kept_as_json(facts: Facts) -> None:
    data: dict[str, Any] = facts.to_json()
    assert Facts.read(data) == facts


def test_words() -> None:
    assert [facts.words for facts in (RUNNING, EXITED, GONE)] == ["running", "exited (137)", "no longer exists"]
