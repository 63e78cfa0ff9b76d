"""A raw document as numbered lines: with what folds, and what a search finds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

MOST_LINES: Final = 4000  # on a page; the whole is a download
INLINE: Final = 90  # characters of a list or object that stays on one line


@dataclass(slots=True)
class Line:
    """One line. ``inner``: how many lines fold away under it; ``summary`` stands in their place."""

    text: str
    inner: int = 0
    summary: str = ""
    parts: tuple[tuple[str, bool], ...] = ()  # text and whether it was searched for, if there is a search
    number: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """The lines of a document, at most ``MOST_LINES``. ``matches``: how often the search was found in them."""

    lines: tuple[Line, ...]
    left_out: int
    matches: int


def document(value: Any, find: str = "") -> Document:
    """Lay out decoded JSON; ``find`` is searched without regard to case."""
    lines = list(_lines(None, value, 0, ""))
    shown = lines[:MOST_LINES]
    pattern = re.compile(re.escape(find), re.IGNORECASE) if find else None
    matches = 0
    for number, line in enumerate(shown, 1):
        line.number = number
        line.inner = min(line.inner, len(shown) - number)
        if pattern:
            line.parts = tuple(_marked(line.text, pattern))
            matches += sum(hit for _, hit in line.parts)
    return Document(tuple(shown), len(lines) - len(shown), matches)


def dumped(value: Any) -> str:
    """The document as a file."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _lines(key: str | None, value: Any, depth: int, comma: str) -> Iterator[Line]:
    indent, name = "  " * depth, "" if key is None else f"{json.dumps(key, ensure_ascii=False)}: "
    if not isinstance(value, dict | list) or not value or _fits(value):
        yield Line(f"{indent}{name}{_inline(value)}{comma}")
        return
    inner: list[Line] = []
    items: list[tuple[str | None, Any]] = (
        [(str(name), item) for name, item in value.items()] if isinstance(value, dict) else [(None, i) for i in value]
    )
    for index, (inner_key, item) in enumerate(items):
        inner += _lines(inner_key, item, depth + 1, "" if index == len(items) - 1 else ",")
    start, end, word = ("{", "}", "key") if isinstance(value, dict) else ("[", "]", "item")
    summary = f"{start} {len(items)} {word}{'' if len(items) == 1 else 's'} {end}{comma}"
    yield Line(f"{indent}{name}{start}", len(inner) + 1, summary)
    yield from inner
    yield Line(f"{indent}{end}{comma}")


def _fits(value: Any) -> bool:
    """Whether a list or object of plain values is short enough for one line."""
    parts = list(value.values()) if isinstance(value, dict) else value
    if len(parts) > 6 or any(isinstance(part, dict | list) and part for part in parts):
        return False
    return sum(len(part) if isinstance(part, str) else 8 for part in parts) < INLINE and len(_inline(value)) <= INLINE


def _inline(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"{{ {text[1:-1]} }}" if isinstance(value, dict) and value else text


def _marked(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, bool]]:
    at = 0
    for hit in pattern.finditer(text):
        if hit.start() > at:
            yield text[at : hit.start()], False
        yield hit.group(), True
        at = hit.end()
    if at < len(text):
        yield text[at:], False
