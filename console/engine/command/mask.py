"""A ``RunSpec`` with its secrets hidden, as whoever asks defines them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from console.engine.command.spec import Mount, NetworkAttachment, Pairs, RunSpec, Variable

_BLANKS = re.compile(r"(\s+)")
_MARKS = re.compile(r"([\s'\"();|&]+)")
_QUOTED = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(['\"])(.*?)\2", re.DOTALL)
_PAIRS: Final = ("label", "annotation", "log_opt", "storage_opt", "sysctl")
_TEXTS: Final = ("image", "hostname", "domainname", "user", "workdir")


@dataclass(frozen=True, slots=True)
class Mask:
    """What hides secrets. ``value(name, value)``: of a named value; ``words``: of the words of a command."""

    value: Callable[[str, str], str]
    words: Callable[[list[str]], list[str]]


def masked(spec: RunSpec, mask: Mask) -> RunSpec:
    """Return ``spec`` as it may be shown."""
    command = command_words([*([spec.entrypoint] if spec.entrypoint else []), *spec.command], mask)
    changes: dict[str, Any] = {name: _pairs(getattr(spec, name), mask) for name in _PAIRS}
    changes |= {name: mask.value("", getattr(spec, name)) for name in _TEXTS}
    return replace(
        spec,
        **changes,
        env=tuple(Variable(v.name, None if v.value is None else mask.value(v.name, v.value)) for v in spec.env),
        entrypoint=command[0] if spec.entrypoint else spec.entrypoint,
        command=tuple(command[1:] if spec.entrypoint else command),
        health_cmd=_shell(spec.health_cmd, mask),
        mount=tuple(_mount(mount, mask) for mount in spec.mount),
        networks=tuple(_network(network, mask) for network in spec.networks),
        gpus=tuple(replace(request, options=_pairs(request.options, mask)) for request in spec.gpus),
        security_opt=tuple(mask.value("", option) for option in spec.security_opt),
    )


def command_words(words: Sequence[str], mask: Mask) -> list[str]:
    """Return the words of a command as they may be shown; one with blanks may be a command of its own (``sh -c``)."""
    inner = [_shell(word, mask) if _BLANKS.search(word) else word for word in words]
    return mask.words(inner)


def _shell(line: str, mask: Mask) -> str:
    """A line for a shell: words within quotes are looked at too."""
    line = _QUOTED.sub(lambda found: f"{found[1]}={found[2]}{mask.value(found[1], found[3])}{found[2]}", line)
    for marks in (_BLANKS, _MARKS):
        pieces = marks.split(line)
        pieces[::2] = mask.words(pieces[::2])
        line = "".join(pieces)
    return line


def _pairs(pairs: Pairs, mask: Mask) -> Pairs:
    return tuple((name, mask.value(name, value)) for name, value in pairs)


def _options(pairs: Pairs, mask: Mask) -> Pairs:
    """Options of a driver; one value may be a list of such (``o=username=…,password=…``)."""
    return tuple((name, mask.value(name, ",".join(_part(part, mask) for part in v.split(",")))) for name, v in pairs)


def _part(part: str, mask: Mask) -> str:
    name, equals, value = part.partition("=")
    return f"{name}={mask.value(name, value)}" if equals else part


def _mount(mount: Mount, mask: Mask) -> Mount:
    return replace(
        mount, volume_labels=_pairs(mount.volume_labels, mask), volume_opts=_options(mount.volume_opts, mask)
    )


def _network(network: NetworkAttachment, mask: Mask) -> NetworkAttachment:
    return replace(network, driver_opts=_pairs(network.driver_opts, mask))
