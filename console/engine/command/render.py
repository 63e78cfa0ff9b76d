"""From a ``RunSpec`` to a command that a shell accepts, in one order for equal things."""

from __future__ import annotations

import shlex
from typing import Any

from console.engine.command.fields import write_network
from console.engine.command.flags import DEFAULTS, FLAGS, Flag
from console.engine.command.mask import Mask, masked
from console.engine.command.spec import NetworkAttachment, RunSpec


def render(spec: RunSpec, mask: Mask | None = None) -> str:
    """Return the command on one line; with ``mask`` its secrets are hidden, and it is to be read, not to be run."""
    return " ".join(shlex.quote(word) for word in words(spec if mask is None else masked(spec, mask)))


def render_lines(spec: RunSpec, mask: Mask | None = None) -> str:
    """Return the command with one option a line, joined by backslashes."""
    shown = spec if mask is None else masked(spec, mask)
    lines = [" ".join(shlex.quote(word) for word in group) for group in _groups(shown)]
    return " \\\n  ".join(lines)


def words(spec: RunSpec) -> list[str]:
    """Return the command as the words that a program is started with."""
    return [word for group in _groups(spec) for word in group]


def _groups(spec: RunSpec) -> list[list[str]]:
    groups = [["docker", "container", "run" if spec.start else "create"]]
    for flag in FLAGS:
        if flag.field == "networks":
            groups += [[f"--{flag.name}", _network(network, n)] for n, network in enumerate(spec.networks)]
        elif flag.first:
            if spec.networks:
                groups += _options(flag, getattr(spec.networks[0], flag.field))
        elif not (flag.run_only and not spec.start):
            value = getattr(spec, flag.field)
            groups += _options(flag, value) if value != DEFAULTS[flag.field] else []
    image = ["--", spec.image] if spec.image.startswith("-") and spec.image != "-" else [spec.image]
    return [*groups, [*image, *spec.command]] if spec.image else groups


def _options(flag: Flag, value: Any) -> list[list[str]]:
    if flag.bool:
        name = f"-{flag.short}" if flag.short in {"d", "i", "t"} else f"--{flag.name}"
        return [[name if value else f"--{flag.name}=false"]]
    if flag.many:
        return [_option(flag, item) for item in value]
    return [_option(flag, value)] if value or not flag.first else []


def _option(flag: Flag, value: Any) -> list[str]:
    text = flag.codec.write(value)
    if not text:
        return [f"--{flag.name}="]
    return [f"-{flag.short}" if flag.short in {"e", "p", "v"} else f"--{flag.name}", text]


def _network(network: NetworkAttachment, index: int) -> str:
    """The first network has options of its own; the others say all in one value."""
    if index:
        return write_network(network)
    return write_network(
        NetworkAttachment(network.name, driver_opts=network.driver_opts, gw_priority=network.gw_priority)
    )
