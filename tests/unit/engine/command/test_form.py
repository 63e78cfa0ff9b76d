"""Every option reaches the form and comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from console.engine.command.flags import FLAGS
from console.engine.command.form import MOUNT_PARTS, NO_ENTRYPOINT, PUBLISH_PARTS, read, values_of
from console.engine.command.parse import parse
from console.engine.command.spec import PublishedPort, RunSpec
from tests.integration.engine.run_lines import LINES
from tests.unit.engine.command.specs import run_specs


def sayable(spec: RunSpec) -> RunSpec:
    """Without what an empty field says as well: empty items; and line breaks as a browser sends them."""
    values = {}
    for flag in FLAGS:
        if flag.first or flag.field == "networks":
            continue
        value = getattr(spec, flag.field)
        if flag.many:
            value = tuple(item for item in value if flag.codec.write(item))
        if isinstance(value, str):
            value = value.replace("\r\n", "\n")
        values[flag.field] = value
    return replace(spec, pull=values.pop("pull") or "missing", **values)


@given(run_specs())
@settings(max_examples=300, deadline=None)
def test_a_form_says_what_was_meant(spec: RunSpec) -> None:
    spec = sayable(spec)
    filled = read(values_of(spec), spec.start)
    assert filled.errors == {}
    assert filled.spec == spec


@pytest.mark.parametrize("line", LINES)
def test_a_pasted_line_goes_through_the_form(line: str) -> None:
    spec = parse(line).spec
    filled = read(values_of(spec), spec.start)
    assert filled.spec == spec
    assert filled.errors == {}


def test_every_option_has_a_field() -> None:
    names = set(PUBLISH_PARTS) | set(MOUNT_PARTS) | {NO_ENTRYPOINT, "image", "command"}
    seen: set[str] = set()
    for line in LINES:
        seen |= set(values_of(parse(line).spec))
    assert seen <= names | {flag.name for flag in FLAGS}
    assert len(seen) > 70


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"memory": ["much"]}, ("memory", 0)),
        ({"env": ["", "=x"]}, ("env", 1)),
        ({"publish-container": ["", "http"], "publish-host": ["", "80"]}, ("publish", 1)),
        ({"publish-container": [""], "publish-host": ["80"]}, ("publish", 0)),
        ({"publish-container": ["80"], "publish-ip": ["nowhere"]}, ("publish", 0)),
        ({"publish-container": ["80"], "publish-host": ["1:2"]}, ("publish", 0)),
        ({"mount-target": ["/x"], "mount-type": ["fog"]}, ("mount", 0)),
        ({"command": ["echo 'x"]}, ("command", 0)),
        ({"network": ["name=net,ip=10.0.0.1"], "ip": ["10.0.0.2"]}, ("ip", 0)),
    ],
)
def test_what_cannot_be_read_is_said_at_its_row(data: dict[str, list[str]], key: tuple[str, int]) -> None:
    assert list(read({"image": ["x"], **data}, start=True).errors) == [key]


def test_rows_that_are_empty_are_nothing() -> None:
    data = {
        "publish-ip": ["", ""],
        "publish-host": ["", "8080"],
        "publish-container": ["", "80"],
        "publish-protocol": ["tcp", "udp"],
        "mount-type": ["volume"],
        "mount-source": [""],
        "env": [""],
        "name": [""],
    }
    assert read(data, start=False).spec == RunSpec(start=False, publish=(PublishedPort("80", "8080", "", "udp"),))
