"""From a command whose secrets are hidden back to the whole one, with the container that it was made from beside it.

A form shows a spec masked and in the words of the command line; what comes back unchanged is taken as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from console.engine.command.flags import FLAGS
from console.engine.command.form import Key
from console.engine.command.mask import Mask
from console.engine.command.parse import parse
from console.engine.command.render import render
from console.engine.command.spec import RunSpec

NAMES: Final = {flag.field: flag.name for flag in FLAGS if not flag.first} | {"command": "command", "image": "image"}


@dataclass(frozen=True, slots=True)
class Restored:
    """``spec``: the whole one. ``left``: the fields, and their items, whose mask stands for nothing that is known."""

    spec: RunSpec
    left: tuple[Key, ...] = ()


def shown(spec: RunSpec, mask: Mask | None) -> RunSpec:
    """Return ``spec`` as a command tells it: masked, and with what a command cannot say left out."""
    return parse(render(spec, mask)).spec


def restore(typed: RunSpec, sources: Sequence[RunSpec], mask: Mask, hidden: str) -> Restored:
    """Return ``typed`` with whatever stands for something of ``sources`` (the first first) put back.

    ``hidden``: what the mask writes in the place of a secret.
    """
    values: dict[str, Any] = {}
    left: list[Key] = []
    seen = [(source, shown(source, mask), shown(source, None)) for source in sources]
    for field in fields(RunSpec):
        value, name = getattr(typed, field.name), field.name
        rows = [(getattr(s, name), getattr(m, name)) for s, m, _ in seen]
        whole = next((real for real, told in rows if told == value), None)
        values[name] = whole if whole is not None or value is None else _items(value, rows)
        masks = any(getattr(m, name) != getattr(plain, name) for _, m, plain in seen)
        if whole is None and masks:
            left += [(NAMES.get(name, name), row) for row in _holding(values[name], value, hidden)]
    return Restored(RunSpec(**values), tuple(left))


def hidden_in(spec: RunSpec, mask: Mask, hidden: str) -> list[Key]:
    """The fields, and their items, that hold ``hidden`` where the mask would put it: it was copied masked."""
    line = render(spec)
    if hidden not in line:
        return []
    plain = parse(line.replace(hidden, "unhidden")).spec
    told, found = shown(plain, mask), list[Key]()
    for field in fields(RunSpec):
        name = field.name
        pairs = [(_rows(getattr(s, name))) for s in (spec, plain, told)]
        rows = zip(*pairs, strict=False)
        found += [(NAMES.get(name, name), row) for row, (own, open_, shut) in enumerate(rows) if own == shut != open_]
    return found


def _rows(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _items(value: Any, rows: Sequence[tuple[Any, Any]]) -> Any:
    """The items of ``value``, each as the source has it that shows it so.

    Several that look alike and are not (two passwords in a command) are told apart by their order, if all are there.
    """
    if not isinstance(value, tuple):
        return value
    real: dict[Any, list[Any]] = {}
    for whole, told in rows:
        if isinstance(whole, tuple) and isinstance(told, tuple) and len(whole) == len(told):
            own: dict[Any, list[Any]] = {}
            for item, shows in zip(whole, told, strict=True):
                own.setdefault(shows, []).append(item)
            real = own | real
    found, used = [], Counter[Any]()
    for item in value:
        known = real.get(item, [])
        if len(set(known)) > 1 and len(known) != value.count(item):
            known = []
        found.append(known[min(used[item], len(known) - 1)] if known else item)
        used[item] += 1
    return tuple(found)


def _holding(value: Any, typed: Any, hidden: str) -> list[int]:
    """The items that hold a mask and were not put back."""
    if not isinstance(value, tuple):
        return [0] if isinstance(value, str) and hidden in value and value == typed else []
    return [
        row
        for row, (item, given) in enumerate(zip(value, typed, strict=True))
        if item == given and hidden in (item if isinstance(item, str) else repr(item))
    ]
