"""An inspect in readable groups: the plain facts first, then every nested part as a group of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

MOST_PAIRS: Final = 400  # of one group


@dataclass(frozen=True, slots=True)
class Group:
    """One part of the document: its name and its facts, each (path, value)."""

    title: str
    pairs: tuple[tuple[str, str], ...]


def groups(shown: Mapping[str, Any], find: str = "") -> list[Group]:
    """The groups of a document (masked already), with the facts whose path or value holds ``find``."""
    wanted = find.lower()
    found = []
    for group in _groups(shown):
        pairs = [pair for pair in group.pairs if wanted in f"{group.title} {pair[0]} {pair[1]}".lower()]
        if len(pairs) > MOST_PAIRS:
            pairs[MOST_PAIRS:] = [("…", f"{len(pairs) - MOST_PAIRS} more")]
        if pairs:
            found.append(Group(group.title, tuple(pairs)))
    return found


def _groups(shown: Mapping[str, Any]) -> Iterator[Group]:
    plain = [(str(name), _words(value)) for name, value in shown.items() if not isinstance(value, dict | list)]
    if plain:
        yield Group("Object", tuple(plain))
    for name, value in shown.items():
        if isinstance(value, dict | list) and value:
            yield Group(str(name), tuple(_flat("", value)))


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _flat(f"{path} › {name}" if path else str(name), item)
    elif isinstance(value, list) and value:
        for at, item in enumerate(value, 1):
            yield from _flat(f"{path} › {at}" if path else str(at), item)
    else:
        yield path, _words(value)


def _words(value: Any) -> str:
    if value is None or value == {} or value == []:
        return "–"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
