"""How a clean-up goes through its items: rounds, crashes, cancellation. What removes one is a function of the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from console.engine.client import EngineClient
from console.engine.errors import Conflict, NotFound, Unreachable
from console.operations.kinds.prune import Busy, Left, prune
from console.operations.params import InvalidParams
from console.operations.prune_params import MOST, Item, PruneParams
from console.operations.work import Cancelled, Work, WorkFailed


class FakeWork:
    """Notes and progress in lists; ``cancel_after`` looks it is cancelled."""

    def __init__(self, *names: str, kept: dict[str, Any] | None = None, cancel_after: int = 99) -> None:
        self.params = PruneParams(tuple(Item(name, name, "", 5) for name in names))
        self.kept: dict[str, Any] = dict(kept or {})
        self.client = None
        self.remains = ""
        self.shown: dict[str, Any] = {}
        self.looks = cancel_after

    def keep(self, **notes: Any) -> None:
        self.kept |= notes

    def progress(self, **values: Any) -> None:
        self.shown |= values

    def check(self) -> None:
        if not self.looks:
            raise Cancelled(self.remains)
        self.looks -= 1


def run(work: FakeWork, remove: Callable[[EngineClient, Item, bool], int | None]) -> dict[str, tuple[str, str, int]]:
    result = prune(cast("Work", work), remove)
    return {name: (state, words, freed) for name, state, words, freed in result["rows"]}


def test_what_another_one_is_in_the_way_of_goes_in_a_later_round() -> None:
    gone: list[str] = []

    def remove(_: EngineClient, item: Item, again: bool) -> int | None:
        children = {"a": "b", "b": "c"}
        if (child := children.get(item.id)) and child not in gone:
            raise Conflict(f"{child} needs it")
        gone.append(item.id)
        return None

    assert run(FakeWork("a", "b", "c"), remove) == dict.fromkeys("abc", ("removed", "", 5))
    assert gone == ["c", "b", "a"]


def test_what_never_goes_is_said_in_the_engines_words_and_the_others_go() -> None:
    calls: list[str] = []

    def remove(_: EngineClient, item: Item, again: bool) -> int | None:
        calls.append(item.id)
        if item.id == "held":
            raise Conflict("held by something")
        if item.id == "busy":
            raise Busy("in use")
        if item.id == "changed":
            raise Left("it changed")
        if item.id == "gone":
            raise NotFound("none")
        return 7

    assert run(FakeWork("held", "busy", "changed", "gone", "free"), remove) == {
        "held": ("refused", "held by something", 0),
        "busy": ("busy", "in use", 0),
        "changed": ("left", "it changed", 0),
        "gone": ("gone", "somebody else removed it", 0),
        "free": ("removed", "", 7),
    }
    assert calls.count("held") == 3  # as one went in the first round, but none in the second
    assert calls.count("changed") == 1


def test_after_a_crash_only_the_rest_is_done_and_what_was_under_way_counts_as_removed() -> None:
    seen: dict[str, bool] = {}

    def remove(_: EngineClient, item: Item, again: bool) -> int | None:
        seen[item.id] = again
        if item.id == "b":
            raise NotFound("none")
        return None

    kept = {"outcomes": {"a": ["removed", "", 5]}, "doing": "b"}
    assert run(FakeWork("a", "b", "c", kept=kept), remove) == dict.fromkeys("abc", ("removed", "", 5))
    assert seen == {"b": True, "c": False}


def test_cancelled_between_two_what_went_is_shown() -> None:
    work = FakeWork("a", "b", cancel_after=1)
    with pytest.raises(Cancelled, match="stays removed"):
        run(work, lambda *_: None)
    assert work.shown["rows"] == [["a", "removed", "", 5]]
    assert work.shown["text"] == "1 of 2"


def test_an_engine_that_is_lost_ends_it_with_notes_to_go_on_from() -> None:
    def remove(_: EngineClient, item: Item, again: bool) -> int | None:
        if item.id == "b":
            raise Unreachable("lost")
        return None

    work = FakeWork("a", "b")
    with pytest.raises(Unreachable):
        run(work, remove)
    assert (list(work.kept["outcomes"]), work.kept["doing"]) == (["a"], "b")


def test_none_removed_is_a_failure_that_names_each() -> None:
    def remove(_: EngineClient, item: Item, again: bool) -> int | None:
        raise Left("it is running now")

    with pytest.raises(WorkFailed) as failed:
        run(FakeWork("web"), remove)
    assert failed.value.result["rows"] == [["web", "left", "it is running now", 0]]
    assert "web: it is running now" in failed.value.engine_text


@pytest.mark.parametrize(
    "items",
    [
        None,
        [],
        "abc",
        [{"id": "", "name": "a", "mark": ""}],
        [{"id": "a", "name": "a"}],
        [{"id": "a", "name": "a", "mark": "", "tags": "x"}],
        [{"id": "a" * 601, "name": "a", "mark": ""}],
        [{"id": "a", "name": "a", "mark": ""}] * (MOST + 1),
        [7],
    ],
)
def test_parameters_that_cannot_be_right(items: object) -> None:
    with pytest.raises(InvalidParams):
        PruneParams.read({"items": items})


def test_the_command_names_every_tag_and_is_quoted() -> None:
    params = PruneParams((Item("sha256:1", "a:1, b:2", "", 1, ("a:1", "b:2")), Item("x", "odd name", "")))
    assert params.command("docker image rm", "2 images") == "docker image rm a:1 b:2 'odd name'"
    assert PruneParams.read(params.to_json()) == params
