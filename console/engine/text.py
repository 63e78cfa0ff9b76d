"""The one decoder of hostile strings: what an engine says, made safe to store and to show as text.

A container, an image, a registry or an engine chooses these strings. After ``text`` they are valid Unicode without NUL
(PostgreSQL cannot hold it) and without lone surrogates (UTF-8 cannot hold them); control, bidirectional and invisible
format characters stand there visibly instead of acting; and the length has a bound.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from console.engine.errors import Malformed

LIMIT = 4096  # characters of one stored value
MINIMUM_LIMIT = 64  # room for the mark of a cut
SHOWN_STRING = 64 * 1024  # characters of one string in a raw document
SHOWN_DOCUMENT = 4 * 1024 * 1024  # characters of a raw document in all
SHOWN_DEPTH = 64

# C0 and DEL, C1, soft hyphen, Arabic letter mark, Mongolian vowel separator, zero-width and direction marks, line and
# paragraph separators, bidi embeddings and isolates, invisible operators, BOM, interlinear marks, tags, surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_UNSAFE_IN_LINES = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def text(value: object, limit: int = LIMIT, *, multiline: bool = False) -> str:
    """Return ``value`` as text that is safe to store and to show; never raises.

    ``value`` is a str, or bytes in UTF-8 (what is not UTF-8 becomes U+FFFD); None is the empty string. ``multiline``
    keeps line feeds and tabs. The result is at most ``limit`` (at least 64) characters long, including the mark
    "… (cut, 5,000,000 characters)" that a longer value gets. Calling it again changes nothing.
    """
    if isinstance(value, str):
        decoded = value
    elif isinstance(value, bytes | bytearray | memoryview):
        decoded = bytes(value).decode("utf-8", "replace")
    elif value is None:
        return ""
    elif isinstance(value, bool | int | float):
        try:
            decoded = str(value)
        except ValueError:  # an int with more digits than Python prints
            return "(a number too large to show)"
    else:
        decoded = f"({type(value).__name__})"
    limit = max(limit, MINIMUM_LIMIT)
    if len(decoded) <= limit and decoded.isascii() and decoded.isprintable():
        return decoded
    pattern = _UNSAFE_IN_LINES if multiline else _UNSAFE
    cleaned = pattern.sub(_visible, decoded[: limit + 1])
    if len(cleaned) <= limit:
        return cleaned
    mark = f"… (cut, {len(decoded):,} characters)"
    return cleaned[: limit - len(mark)] + mark


def decode(data: bytes) -> Any:
    """Decode an engine's JSON answer. Bad UTF-8 becomes U+FFFD; what is no JSON raises ``Malformed``."""
    try:
        return json.loads(data.decode("utf-8", "replace"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("The engine's answer is not valid JSON.") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class _Budget:
    """Characters left for a document that is being shown."""

    def __init__(self, characters: int) -> None:
        self.left = characters

    def take(self, value: str) -> str:
        self.left -= len(value)
        return value


def show(value: Any, limit: int = SHOWN_DOCUMENT) -> Any:
    """Return a decoded JSON value fit to be shown as a raw document: every string through ``text``.

    ``limit`` bounds the characters of all keys and strings together; what lies beyond is replaced by a visible mark.
    """
    return _show(value, _Budget(limit), 0)


def _show(value: Any, budget: _Budget, depth: int) -> Any:
    if budget.left <= 0:
        return "… (cut, the document is too large)"
    if value is None or isinstance(value, bool):
        budget.left -= 4
        return value
    if isinstance(value, int | float):
        budget.left -= 8
        return value if abs(value) < 1e300 else text(value)
    if isinstance(value, list):
        if depth >= SHOWN_DEPTH:
            return "… (cut, nested too deep)"
        items: list[Any] = []
        for index, item in enumerate(value):
            if budget.left <= 0:
                items.append(f"… (cut, {len(value) - index:,} more)")
                break
            budget.left -= 2
            items.append(_show(item, budget, depth + 1))
        return items
    if isinstance(value, Mapping):
        if depth >= SHOWN_DEPTH:
            return "… (cut, nested too deep)"
        shown: dict[str, Any] = {}
        for index, (key, item) in enumerate(value.items()):
            if budget.left <= 0:
                shown["…"] = f"(cut, {len(value) - index:,} more)"
                break
            shown[budget.take(text(key, 512))] = _show(item, budget, depth + 1)
        return shown
    return budget.take(text(value, min(SHOWN_STRING, max(MINIMUM_LIMIT, budget.left)), multiline=True))
