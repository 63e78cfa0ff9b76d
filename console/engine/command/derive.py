"""From an existing container to the command that would make it again.

A container's inspect also holds what its image gave, what the engine chose and what it fills in; that is left out, so
that the command is the one that somebody could have typed. What no command can say is in ``notes``.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from console.engine.command.derive_host import host_options
from console.engine.command.derive_network import network_options, port_options
from console.engine.command.raw import pairs, string, strings
from console.engine.command.spec import Pairs, RunSpec, Variable, Volume
from console.engine.fields import boolean, child
from console.engine.types import Raw

COMPOSE: Final = "com.docker.compose."


@dataclass(frozen=True, slots=True)
class Derived:
    """A command. ``notes``: one sentence for each thing that it leaves out or says otherwise."""

    spec: RunSpec
    notes: tuple[str, ...] = ()


def derive(container: Raw, image: Raw, info: Raw, whole: bool = False) -> Derived:
    """Return the command of a container.

    ``container``: ``GET /containers/{id}/json``; ``image``: that of its image, empty if it is gone (then all that the
    image gave is part of the command); ``info``: ``GET /info``. ``whole``: it is to be made again as it is, with the
    labels of Compose and with networks that one command cannot join.
    """
    notes: list[str] = []
    config, host = child(container, "Config"), child(container, "HostConfig")
    given = child(image, "Config") or child(image, "ContainerConfig")
    values: dict[str, Any] = {
        "image": string(config, "Image"),
        "name": string(container, "Name").removeprefix("/"),
        "start": string(child(container, "State"), "Status") != "created",
        "hostname": _hostname(container, info),
        "domainname": string(config, "Domainname"),
        "env": _environment(strings(config, "Env"), strings(given, "Env")),
        "label": _labels(child(config, "Labels"), child(given, "Labels"), notes, whole),
        "stop_timeout": _stop_timeout(config),
        "volume": _volumes(host, child(config, "Volumes"), child(given, "Volumes")),
    }
    for field, key in (("user", "User"), ("workdir", "WorkingDir"), ("stop_signal", "StopSignal")):
        value = string(config, key)
        values[field] = "" if value == string(given, key) else value
    values |= _attached(config, values["start"])
    values |= _command(config, given, notes)
    values |= _health(child(config, "Healthcheck"), child(given, "Healthcheck"), notes)
    values |= port_options(config, given, host)
    values |= network_options(container, notes, info, whole)
    values |= host_options(container, info, notes)
    return Derived(RunSpec(**values), tuple(notes))


def _hostname(container: Raw, info: Raw) -> str:
    name, host = string(child(container, "Config"), "Hostname"), child(container, "HostConfig")
    if name == string(container, "Id")[:12] or string(host, "NetworkMode").startswith("container:"):
        return ""
    shared = "host" in {string(host, "NetworkMode"), string(host, "UTSMode")}
    return "" if shared and name == string(info, "Name") else name


def _environment(found: tuple[str, ...], image: tuple[str, ...]) -> tuple[Variable, ...]:
    """Return what was given: the engine adds the image's variables behind it, those whose name is not there."""
    for count in range(len(found) + 1):
        names = {item.partition("=")[0] for item in found[:count]}
        if (*found[:count], *(item for item in image if item.partition("=")[0] not in names)) == found:
            return tuple(_variable(item) for item in found[:count])
    return tuple(_variable(item) for item in found if item not in set(image))


def _variable(item: str) -> Variable:
    name, equals, value = item.partition("=")
    return Variable(name, value if equals else None)


def _labels(found: Raw, image: Raw, notes: list[str], whole: bool) -> Pairs:
    own = [(name, value) for name, value in pairs(found) if image.get(name) != value]
    if whole:
        return tuple(own)
    kept = tuple((name, value) for name, value in own if not name.startswith(COMPOSE))
    if len(kept) < len(own):
        count = len(own) - len(kept)
        one = "1 label of Compose is left out: with it"
        which = one if count == 1 else f"{count} labels of Compose are left out: with them"
        notes.append(f"{which} Compose would take the container as its own.")
    return kept


def _stop_timeout(config: Raw) -> int | None:
    value = config.get("StopTimeout")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _volumes(host: Raw, found: Raw, image: Raw) -> tuple[Volume, ...]:
    bound = []
    for bind in strings(host, "Binds"):
        source, _, rest = bind.partition(":")
        target, _, mode = rest.partition(":")
        bound.append(Volume(target, source, mode))
    targets = {volume.target for volume in bound}
    return (*bound, *(Volume(path) for path in sorted(found) if path not in image and path not in targets))


def _attached(config: Raw, start: bool) -> dict[str, Any]:
    streams = {name: boolean(config, f"Attach{name.capitalize()}") for name in ("stdin", "stdout", "stderr")}
    interactive = boolean(config, "OpenStdin")
    values: dict[str, Any] = {"interactive": interactive, "tty": boolean(config, "Tty")}
    if start and not any(streams.values()):
        values["detach"] = True
    elif not (streams["stdout"] and streams["stderr"] and streams["stdin"] <= interactive) and any(streams.values()):
        values["attach"] = tuple(name for name, on in streams.items() if on and not (name == "stdin" and interactive))
    return values


def _command(config: Raw, image: Raw, notes: list[str]) -> dict[str, Any]:
    entrypoint, command = strings(config, "Entrypoint"), strings(config, "Cmd")
    if entrypoint == strings(image, "Entrypoint") and (command or not strings(image, "Cmd")):
        return {} if command == strings(image, "Cmd") else {"command": command}
    if len(entrypoint) > 1:
        notes.append("The entrypoint has more than one word; the command has the others before its arguments.")
    return {"entrypoint": entrypoint[0] if entrypoint else "", "command": (*entrypoint[1:], *command)}


def _health(found: Raw, image: Raw, notes: list[str]) -> dict[str, Any]:
    test, own = strings(found, "Test"), strings(image, "Test")
    if test[:1] == ("NONE",):
        return {} if own == test else {"no_healthcheck": True}
    values: dict[str, Any] = {}
    if test and test != own:
        shell = test[0] == "CMD-SHELL" and len(test) == 2
        values["health_cmd"] = test[1] if shell else shlex.join(test[1:])
        if not shell:
            notes.append("The health check runs without a shell; the command can only run it in one.")
    for field, key in (
        ("health_interval", "Interval"),
        ("health_timeout", "Timeout"),
        ("health_start_period", "StartPeriod"),
        ("health_start_interval", "StartInterval"),
        ("health_retries", "Retries"),
    ):
        number = _number(found, key)
        if number > 0 and number != _number(image, key):
            values[field] = number
    return values


def _number(raw: Mapping[str, Any], key: str) -> int:
    value = raw.get(key)
    return value if isinstance(value, int) else 0
