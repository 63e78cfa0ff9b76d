"""A ``RunSpec`` as the fields of a form, and back: every option has a field, named as the option.

A field is a list of texts, as a browser sends it. Ports and mounts are rows of several fields (``publish-host``,
``mount-source`` …); ``command`` is one line that is split as a shell splits it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from console.engine.command.fields import write_network
from console.engine.command.flags import DEFAULTS, FLAGS, Flag
from console.engine.command.parts import PUBLISH, ports
from console.engine.command.spec import NetworkAttachment, PublishedPort, RunSpec
from console.engine.command.values import BadValue, address, csv, to_csv

Values = dict[str, list[str]]
Key = tuple[str, int]  # the option, and which of its rows

PUBLISH_PARTS: Final = ("publish-ip", "publish-host", "publish-container", "publish-protocol")
MOUNT_PARTS: Final = ("mount-type", "mount-source", "mount-target", "mount-mode", "mount-options")
NO_ENTRYPOINT: Final = "no-entrypoint"
MOST_ROWS: Final = 500  # of one option
_MOUNT_OWN: Final = ("type=", "source=", "target=")


@dataclass(slots=True)
class Filled:
    """What a form says. ``errors``: a sentence for each field that cannot be read; the others are in ``spec``.

    ``rows``: of an option that may be repeated, the rows from which its values in ``spec`` come.
    """

    spec: RunSpec
    errors: dict[Key, str] = field(default_factory=dict)
    rows: dict[str, list[int]] = field(default_factory=dict)


def values_of(spec: RunSpec) -> Values:
    """Return the fields that say ``spec``; what has its default is left out."""
    found: Values = {"image": [spec.image]} if spec.image else {}
    if spec.command:
        found["command"] = [shlex.join(spec.command)]
    for flag in FLAGS:
        if flag.run_only and not spec.start:
            continue
        texts = _texts(flag, spec)
        if flag.name == "publish":
            _spread(found, PUBLISH_PARTS, [_publish_row(port) for port in spec.publish])
        elif flag.name == "mount":
            _spread(found, MOUNT_PARTS, [_mount_row(text) for text in texts])
        elif flag.name == "entrypoint" and spec.entrypoint == "":
            found[NO_ENTRYPOINT] = ["true"]
        elif texts:
            found[flag.name] = texts
    return found


def _texts(flag: Flag, spec: RunSpec) -> list[str]:
    if flag.field == "networks":
        return [_network(network, index) for index, network in enumerate(spec.networks)]
    if flag.first:
        value = getattr(spec.networks[0], flag.field) if spec.networks else None
        return ([flag.codec.write(item) for item in value] if flag.many else [value]) if value else []
    value = getattr(spec, flag.field)
    if value == DEFAULTS[flag.field]:
        return []
    return [flag.codec.write(item) for item in value] if flag.many else [flag.codec.write(value)]


def _network(network: NetworkAttachment, index: int) -> str:
    """The first network has fields of its own; the others say all in one text."""
    if index == 0:
        network = NetworkAttachment(network.name, driver_opts=network.driver_opts, gw_priority=network.gw_priority)
    return write_network(network)


def _publish_row(port: PublishedPort) -> tuple[str, ...]:
    return port.host_ip, port.host_port, port.container_port, port.protocol


def _mount_row(text: str) -> tuple[str, ...]:
    own = {"type=": "", "source=": "", "target=": ""}
    rest, mode = [], ""
    for part in csv(text):
        key = next((key for key in _MOUNT_OWN if part.startswith(key)), "")
        if key:
            own[key] = part.removeprefix(key)
        elif part == "readonly":
            mode = "ro"
        else:
            rest.append(part)
    return own["type="], own["source="], own["target="], mode, to_csv(rest)


def _spread(found: Values, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        found |= {name: [row[column] for row in rows] for column, name in enumerate(names)}


def read(data: Mapping[str, Sequence[str]], start: bool) -> Filled:
    """Read the fields of a form. Never raises; line breaks are taken as ``\\n``, empty fields as not given."""
    given = {name: [text.replace("\r\n", "\n") for text in texts[:MOST_ROWS]] for name, texts in data.items()}
    filled = Filled(RunSpec())
    for name in (name for name, texts in data.items() if len(texts) > MOST_ROWS):
        option = "publish" if name in PUBLISH_PARTS else "mount" if name in MOUNT_PARTS else name
        filled.errors[option, MOST_ROWS - 1] = f"At most {MOST_ROWS} of them can be given."
    values: dict[str, Any] = {"start": start, "image": _first(given, "image")}
    first: dict[str, Any] = {}
    try:
        values["command"] = tuple(shlex.split(_first(given, "command")))
    except ValueError:
        filled.errors["command", 0] = "A quotation mark is not closed, or it ends in a lone backslash."
    for flag in FLAGS:
        if flag.run_only and not start:
            continue
        pairs = list(_read(flag, given, filled))
        found = [value for _, value in pairs]
        filled.rows[flag.name] = [row for row, _ in pairs]
        if found:
            where = first if flag.first else values
            where[flag.field] = tuple(found) if flag.many else found[0]
    if _first(given, NO_ENTRYPOINT) and "entrypoint" not in values:
        values["entrypoint"] = ""
    values["networks"] = _networks(values.get("networks", ()), first, filled)
    filled.spec = RunSpec(**values)
    return filled


def _first(given: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(given.get(name, ())), "")


def _read(flag: Flag, given: Values, filled: Filled) -> Iterator[tuple[int, Any]]:
    for row, text in enumerate(_row_texts(flag, given)):
        if not text:
            continue
        try:
            value = _publish(text) if isinstance(text, tuple) else flag.codec.read(text)
        except BadValue as error:
            filled.errors[flag.name, row] = str(error)
        else:
            yield row, value


def _row_texts(flag: Flag, given: Values) -> Sequence[str | tuple[str, ...]]:
    if flag.name == "publish":
        return [row if any(row[:3]) else "" for row in _rows(given, PUBLISH_PARTS)]
    if flag.name == "mount":
        return [_mount_text(*row) for row in _rows(given, MOUNT_PARTS)]
    texts = given.get(flag.name, [])
    return texts if flag.many else texts[:1]


def _rows(given: Values, names: Sequence[str]) -> list[tuple[str, ...]]:
    columns = [given.get(name, []) for name in names]
    length = max(map(len, columns))
    return [tuple(column[row] if row < len(column) else "" for column in columns) for row in range(length)]


def _mount_text(kind: str, source: str, target: str, mode: str, options: str) -> str:
    if not (source or target or options):
        return ""
    fields = [f"type={kind or 'volume'}"]
    fields += [f"{key}={value}" for key, value in (("source", source), ("target", target)) if value]
    fields += ["readonly"] if mode == "ro" else []
    text = to_csv(fields)
    return f"{text},{options}" if options else text


def _publish(row: tuple[str, ...]) -> PublishedPort:
    host_ip, host, inside, protocol = (part.strip() for part in row)
    if not inside:
        raise BadValue("The port of the container is missing.")
    if host_ip:
        host_ip = address(host_ip.removeprefix("[").removesuffix("]"))
    ports(inside)
    if host:
        ports(host, "port of the host")
    shown = f"[{host_ip}]" if ":" in host_ip else host_ip
    head = f"{shown}:{host}:" if shown else f"{host}:" if host else ""
    found: PublishedPort = PUBLISH.read(f"{head}{inside}/{protocol or 'tcp'}")
    return found


def _networks(
    networks: tuple[NetworkAttachment, ...], first: Mapping[str, Any], filled: Filled
) -> tuple[NetworkAttachment, ...]:
    if not first:
        return networks
    head, *others = networks or (NetworkAttachment(),)
    for flag in FLAGS:
        if flag.first and flag.field in first and (own := getattr(head, flag.field)) and own != first[flag.field]:
            filled.errors[flag.name, 0] = f"{head.name} has {own} already."
    return replace(head, **first), *others
