"""Exact values from an inspect: a command has to say what is there, however long and in whatever characters.

``engine.fields`` makes texts fit to be stored and shown; here a line break stays one. What is shown of a command is
quoted by ``render`` and escaped by the template.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def string(raw: Mapping[str, Any], key: str) -> str:
    """Return the string at ``key``, or the empty one."""
    value = raw.get(key)
    return value if isinstance(value, str) else ""


def strings(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return the strings in the list at ``key``."""
    value = raw.get(key)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def pairs(raw: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the strings of an object by name, in its order."""
    return tuple((str(name), value) for name, value in raw.items() if isinstance(value, str))
