"""A rendered command says exactly what its spec says."""

from __future__ import annotations

import shlex
from dataclasses import fields, replace

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from console import masks
from console.engine.command.check import contradictions
from console.engine.command.flags import DEFAULTS, FLAGS, LONG
from console.engine.command.mask import Mask
from console.engine.command.parse import parse
from console.engine.command.render import render, render_lines, words
from console.engine.command.spec import Mount, NetworkAttachment, RunSpec, Variable
from tests.unit.engine.command.specs import ALWAYS, FIELDS, RUN_ONLY, run_specs

MASK = Mask(lambda name, value: masks.masked(name, value, masks.PLAIN_MASK), masks.masked_words)
THOROUGH = settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@THOROUGH
@given(run_specs())
@example(RunSpec(image="x", networks=(NetworkAttachment("default", mac_address="02:42:ac:11:00:02"),)))
@example(RunSpec(image="-x", command=("-d", "--", "")))
def test_a_rendered_command_is_read_as_the_same_spec(spec: RunSpec) -> None:
    found = parse(render(spec))
    assert found.spec == spec
    assert [note.sentence for note in found.unmapped if note.source == ""] == contradictions(spec)
    assert all("not an option" not in note.sentence for note in found.unmapped)
    assert not found.variables  # all is quoted


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(run_specs())
def test_a_shell_splits_it_to_the_same_words(spec: RunSpec) -> None:
    assert shlex.split(render(spec)) == words(spec)
    assert parse(render_lines(spec)).spec == spec


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_single_option_survives(data: st.DataObject) -> None:
    for name, strategy in (FIELDS | RUN_ONLY).items():
        spec = replace(RunSpec(image="nginx"), **{name: data.draw(strategy)})
        assert parse(render(spec)).spec == spec, name


def test_every_field_has_an_option_and_every_option_a_field() -> None:
    names = {field.name for field in fields(RunSpec)}
    own = {flag.field for flag in FLAGS if not flag.first}
    assert own | ALWAYS == names == set(FIELDS) | set(RUN_ONLY) | ALWAYS == set(DEFAULTS)
    assert {flag.field for flag in FLAGS if flag.first} <= {field.name for field in fields(NetworkAttachment)}
    assert len(LONG) >= 105


def test_secrets_are_hidden() -> None:
    spec = RunSpec(
        image="registry.example/app",
        env=(
            Variable("DB_PASSWORD", "hunter2"),
            Variable("URL", "postgres://u:hunter2@db/x"),
            Variable("MODE", "prod"),
        ),
        label=(("api.token", "hunter2"),),
        log_opt=(("splunk-token", "hunter2"),),
        health_cmd="check --password=hunter2 --fast",
        mount=(Mount(target="/d", volume_opts=(("o", "username=u,password=hunter2"),)),),
        entrypoint="serve",
        command=("--token", "hunter2", "SECRET='hunter2 hunter2' sh -c 'TOKEN=hunter2 x'"),
    )
    shown = render(spec, MASK)
    assert "hunter2" not in shown
    assert "hunter2" in render(spec)
    assert "MODE=prod" in shown
    assert "username=u" in shown
    assert "--fast" in shown
