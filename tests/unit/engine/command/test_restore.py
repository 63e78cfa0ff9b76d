"""What stands for something that is hidden is put back; what stands for nothing is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.engine.command.parse import parse
from console.engine.command.restore import Restored, hidden_in, restore, shown
from console.engine.command.spec import NetworkAttachment, RunSpec, Variable
from console.masks import PLAIN_MASK
from console.reads.command import MASK

OLD = parse(
    "docker run -d --name web -e A_TOKEN=one -e B_TOKEN=two -e C=3 -l my.secret=four --health-cmd 'curl -u x --token "
    "five host' -v data:/data nginx serve --password six --token seven"
).spec


def back(typed: RunSpec, *sources: RunSpec) -> Restored:
    return restore(typed, sources or (OLD,), MASK, PLAIN_MASK)


def test_what_is_not_touched_is_as_it_was() -> None:
    told = shown(OLD, MASK)
    assert "one" not in repr(told.env)
    assert "six" not in repr(told.command)
    assert back(told) == Restored(OLD)


def test_items_are_put_back_one_by_one() -> None:
    told = shown(OLD, MASK)
    typed = replace(told, env=(Variable("NEW", "x"), told.env[1], Variable("A_TOKEN", "typed"), told.env[2]))
    found = back(typed)
    assert found.left == ()
    assert found.spec.env == (
        Variable("NEW", "x"), Variable("B_TOKEN", "two"), Variable("A_TOKEN", "typed"), Variable("C", "3"),
    )  # fmt: skip


def test_two_that_look_alike_are_told_apart_by_their_order_or_not_at_all() -> None:
    told = shown(OLD, MASK)
    assert told.command == ("serve", "--password", "***", "--token", "***")
    found = back(replace(told, command=("serve", "-v", "--password", "***", "--token", "***")))
    assert found.spec.command == ("serve", "-v", "--password", "six", "--token", "seven")
    found = back(replace(told, command=("serve", "--token", "***")))
    assert found.spec.command == ("serve", "--token", "***")
    assert found.left == (("command", 2),)


def test_a_mask_that_stands_for_nothing_is_told_with_its_row() -> None:
    told = shown(OLD, MASK)
    found = back(replace(told, env=(*told.env, Variable("D_TOKEN", "***")), health_cmd="curl --token *** other"))
    assert set(found.left) == {("env", 3), ("health-cmd", 0)}


def test_stars_where_nothing_was_hidden_are_stars() -> None:
    plain = parse("docker run --name web -e A=1 nginx").spec
    found = back(replace(plain, env=(Variable("A", "***"),)), plain)
    assert found == Restored(replace(plain, env=(Variable("A", "***"),)))


def test_the_first_source_wins() -> None:
    earlier = replace(OLD, env=(Variable("A_TOKEN", "of old"),), command=("x",))
    found = back(replace(shown(OLD, MASK), env=(Variable("A_TOKEN", "***"), Variable("B_TOKEN", "***"))), earlier, OLD)
    assert found.spec.env == (Variable("A_TOKEN", "of old"), Variable("B_TOKEN", "two"))
    assert found.spec.command == OLD.command


@pytest.mark.parametrize("first", ["default", "one"])
def test_what_a_command_makes_lower_case_is_as_it_was(first: str) -> None:
    spec = replace(OLD, networks=(NetworkAttachment(first), NetworkAttachment("Two", aliases=("Upper",))))
    told = shown(spec, MASK)
    assert told.networks[1].aliases == ("upper",)
    assert back(replace(told, memory=1024**3), spec).spec.networks == spec.networks


def test_masks_of_a_command_that_was_copied_are_found() -> None:
    line = "docker run -e A=1 -e B_TOKEN=*** -e URL=pg://me:***@db/x --name '***' nginx serve --password *** '***'"
    assert sorted(hidden_in(parse(line).spec, MASK, PLAIN_MASK)) == [("command", 2), ("env", 1), ("env", 2)]
    assert hidden_in(shown(OLD, MASK), MASK, PLAIN_MASK) != []
    assert hidden_in(OLD, MASK, PLAIN_MASK) == []
