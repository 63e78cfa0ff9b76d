"""Values of forms and of kept parameters, read alike by verbs that are told many: texts, lists, NAME=value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from console import masks
from console.engine.command.table import Pairs

MOST_LINES: Final = 64
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_BLANKS: Final = re.compile(r"[\s\x00-\x1f]")


def lines(text: str) -> Pairs:
    """``NAME=value`` a line. A name that stands there twice is there twice: ``wrong_pairs`` says so."""
    found = (line.strip().partition("=") for line in text.splitlines() if line.strip())
    return tuple((name.strip(), value.strip()) for name, _, value in found)


def joined(pairs: Iterable[tuple[str, str]]) -> str:
    """The lines that ``lines`` reads."""
    return "\n".join(f"{name}={value}" if value else name for name, value in pairs)


def over(pairs: Iterable[tuple[str, str]], more: Pairs) -> Pairs:
    """``pairs`` without those that ``more`` names too, then ``more``."""
    named = {name for name, _ in more}
    return (*((name, value) for name, value in pairs if name not in named), *more)


def masked(pairs: Pairs) -> Pairs:
    """Pairs with what is secret replaced."""
    return tuple((name, masks.masked(name, value, masks.PLAIN_MASK)) for name, value in pairs)


def hidden_in(pairs: Pairs) -> bool:
    """Whether a value holds the mask where a secret would be: copied from what the console shows, or kept by it.

    For forms: what an operation keeps is read again with its masks, so parameters do not refuse them.
    """
    open_ = tuple((name, value.replace(masks.PLAIN_MASK, "unhidden")) for name, value in pairs)
    found = zip(pairs, open_, masked(open_), strict=True)
    return any(own == shut != plain for own, plain, shut in found)


def wrong_pairs(pairs: Pairs) -> str:
    """What is wrong with pairs that the engine keeps by their name, as a sentence; "" for nothing."""
    if any(not name or _BLANKS.search(name) for name, _ in pairs):
        return "One NAME=value a line; a name has no blanks."
    if any(CONTROL.search(value) for _, value in pairs):
        return "A value has no control characters."
    if len(pairs) > MOST_LINES:
        return f"At most {MOST_LINES} lines."
    twice = next((name for name, n in Counter(name for name, _ in pairs).items() if n > 1), "")
    return f"“{twice}” stands there twice." if twice else ""


def plain(value: Any) -> Any:
    """A value of a command as JSON: tuples as lists."""
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def text_of(data: Mapping[str, Any], name: str) -> str:
    """A text without blanks around it."""
    value = data.get(name)
    return "" if value is None else str(value).strip()


def texts_of(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts, without the empty ones."""
    value = data.get(name)
    return tuple(str(item).strip() for item in value if str(item).strip()) if isinstance(value, (list, tuple)) else ()


def pairs_of(data: Mapping[str, Any], name: str) -> Pairs:
    """A list of pairs."""
    value = data.get(name)
    pairs = value if isinstance(value, (list, tuple)) else ()
    return tuple((str(p[0]), str(p[1])) for p in pairs if isinstance(p, (list, tuple)) and len(p) == 2)
