"""One canonical JSON form of the engine's objects, to compare, to store and to digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode  # ASCII only

_PLAIN = frozenset((str, int, float, bool, type(None)))  # what JSON has, and most of what is asked for


def to_json(value: Any) -> Any:
    """Return a dataclass of ``types`` (or a part of one) as plain JSON values.

    Dataclasses and mappings become dicts (mappings sorted by key), tuples lists, times ISO 8601, enums their value.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple or kind is list:
        return [item if type(item) in _PLAIN else to_json(item) for item in value]
    if is_dataclass(kind):
        return {name: to_json(getattr(value, name)) for name in kind.__dataclass_fields__}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): to_json(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | float):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def digest(value: Any) -> str:
    """Return the SHA-256 (hex) of ``to_json(value)``: equal for equal objects, in every process."""
    return hashlib.sha256(_encode(to_json(value)).encode("ascii")).hexdigest()
