"""Commands of one kind of object as values (``docker network …``), rendered and parsed from a table.

A command is a frozen dataclass whose fields are its flags and the names that follow them. ``docker container run`` is
too rich for this; it has ``spec``, ``parse`` and ``render``.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from console.engine.command.words import MAX_LENGTH, split

Pairs = tuple[tuple[str, str], ...]
C = TypeVar("C")
_TRUE: Final = frozenset({"", "1", "t", "true"})


@dataclass(frozen=True, slots=True)
class Option:
    """One flag. ``kind``: text, bool, many (repeated texts) or pairs (repeated NAME=value)."""

    name: str
    kind: str = "text"
    short: str = ""
    always: bool = False  # it is written though it has its usual value

    @property
    def field(self) -> str:
        """Its field of the command."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Row(Generic[C]):
    """One verb: its words after ``docker KIND``, its flags and the names that follow them."""

    made: Callable[..., C]
    words: tuple[str, ...]  # the first is the one that is written
    options: tuple[Option, ...]
    names: tuple[str, ...]


@dataclass(slots=True)
class Parsed(Generic[C]):
    """What a text said. ``command`` is None where it is none of the table; ``notes``: what could not be taken over."""

    command: C | None = None
    notes: list[str] = field(default_factory=list)


class Table(Generic[C]):
    """The verbs of one kind: ``Table("network", rows)``."""

    def __init__(self, kind: str, *rows: Row[C]) -> None:
        self.kind = kind
        self.rows = rows
        self._by_type: Mapping[Any, Row[C]] = {row.made: row for row in rows}

    def words(self, command: C) -> list[list[str]]:
        """The command as groups of words: what one line of it holds."""
        row = self._by_type[type(command)]
        plain = row.made()
        groups = [["docker", self.kind, row.words[0]]]
        for option in row.options:
            value = getattr(command, option.field)
            if value == getattr(plain, option.field) and not (option.always and value):
                continue
            flag = f"--{option.name}"
            if option.kind == "bool":
                groups.append([flag])
            elif option.kind == "many":
                groups += [[flag, item] for item in value]
            elif option.kind == "pairs":
                groups += [[flag, f"{name}={item}" if item else name] for name, item in value]
            else:
                groups.append([flag, value])
        return [*groups, [getattr(command, name) for name in row.names]]

    def render(self, command: C) -> str:
        """The command on one line, as a shell accepts it; what is not said yet stands in capitals."""
        return " ".join(shlex.quote(word) for group in self._filled(command) for word in group)

    def render_lines(self, command: C) -> str:
        """The command with one option a line, joined by backslashes."""
        return " \\\n  ".join(" ".join(shlex.quote(word) for word in group) for group in self._filled(command))

    def _filled(self, command: C) -> list[list[str]]:
        *flags, names = self.words(command)
        wanted = self._by_type[type(command)].names
        return [*flags, [word or name.upper() for word, name in zip(names, wanted, strict=True)]]

    def parse(self, text: str) -> Parsed[C]:
        """Read one command as a person types it. Never raises; nothing is dropped without a note."""
        if len(text) > MAX_LENGTH:
            note = f"This is longer than {MAX_LENGTH:,} characters; nothing of it was read."
            return Parsed[C](notes=[note])
        found = split(text)
        given = [word.text for word in found.words]
        parsed = Parsed[C](notes=[note.sentence for note in (*found.unmapped, *found.variables)])
        if given[:1] == ["sudo"]:
            given = given[1:]
        verb = given[2] if given[:2] == ["docker", self.kind] and len(given) > 2 else ""
        row = next((row for row in self.rows if verb in row.words), None)
        if row is None:
            *others, last = (row.words[0] for row in self.rows)
            verbs = f"{', '.join(others)} or {last}" if others else last
            parsed.notes.append(f"This is not docker {self.kind} {verbs}.")
            return parsed
        values: dict[str, Any] = {}
        names: list[str] = []
        rest = iter(given[3:])
        for word in rest:
            if word == "--":
                names += list(rest)
            elif word.startswith("-") and len(word) > 1:
                self._option(row, word, rest, values, parsed.notes)
            else:
                names.append(word)
        for extra in names[len(row.names) :]:
            parsed.notes.append(f"“{extra}” is one name too many.")
        values |= dict(zip(row.names, names, strict=False))
        parsed.command = row.made(**values)
        return parsed

    def _option(self, row: Row[C], word: str, rest: Iterator[str], values: dict[str, Any], notes: list[str]) -> None:
        name, equals, value = word.partition("=")
        found = next((o for o in row.options if name in {f"--{o.name}", f"-{o.short}" if o.short else ""}), None)
        if found is None and not word.startswith("--"):  # -dbridge
            found = next((o for o in row.options if o.short and word[1] == o.short), None)
            equals, value = ("=", word[2:].removeprefix("=")) if found else ("", "")
        if found is None:
            notes.append(f"“{word}” is not an option of docker {self.kind} {row.words[0]} here.")
            return
        if found.kind == "bool":
            values[found.field] = value.lower() in _TRUE
            return
        if not equals:
            value = next(rest, "")
        if found.kind == "text":
            values[found.field] = value
        elif found.kind == "many":
            values[found.field] = (*values.get(found.field, ()), *value.split(","))
        else:
            key, _, content = value.partition("=")
            values[found.field] = tuple({**dict(values.get(found.field, ())), key: content}.items())
