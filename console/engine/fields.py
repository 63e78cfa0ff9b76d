"""Tolerant readers of an engine's JSON: a missing, null or wrongly typed optional field is its default, never an error.

Engines differ: Podman and old engines leave fields out, send null for an empty list, or a number for a string.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from console.engine.errors import Malformed
from console.engine.text import LIMIT, text

MAX_ENTRIES = 256  # of labels and options
MAX_ITEMS = 1024  # of a list of strings
NAME = 255  # characters of a name
INT32 = 2**31 - 1
INT64 = 2**63 - 1

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?\s?(Z|[+-]\d\d:?\d\d)?")


def child(raw: Any, *path: str) -> Mapping[str, Any]:
    """Return the object at ``path`` inside ``raw``, or an empty one."""
    for key in path:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw if isinstance(raw, Mapping) else {}


def items(raw: Mapping[str, Any], key: str) -> list[Any]:
    """Return the list at ``key``, or an empty one."""
    value = raw.get(key)
    return value if isinstance(value, list) else []


def objects(raw: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """Return the objects in the list at ``key``."""
    return (item for item in items(raw, key) if isinstance(item, Mapping))


def string(raw: Mapping[str, Any], key: str, limit: int = LIMIT) -> str:
    """Return the string (or number) at ``key`` as safe text, or the empty string."""
    value = raw.get(key)
    return text(value, limit) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def strings(raw: Mapping[str, Any], key: str, limit: int = LIMIT) -> tuple[str, ...]:
    """Return the strings at ``key``: a list, one string, or an object's keys. Past the bound a mark says how many."""
    value = raw.get(key)
    if isinstance(value, str):
        return (text(value, limit),) if value else ()
    if isinstance(value, Mapping):
        value = sorted(key for key in value if isinstance(key, str))
    if not isinstance(value, list):
        return ()
    kept = tuple(text(item, limit) for item in value[:MAX_ITEMS] if item is not None)
    return kept if len(value) <= MAX_ITEMS else (*kept, f"… {len(value) - MAX_ITEMS:,} more")


def mapping(raw: Mapping[str, Any], key: str, limit: int = LIMIT) -> dict[str, str]:
    """Return the strings by name at ``key``, sorted by name. Past the bound an entry "…" says how many more."""
    value = child(raw, key)
    names = sorted((name for name in value if isinstance(name, str)), key=lambda name: text(name, NAME))
    result = {text(name, NAME): text(value[name], limit) for name in names[:MAX_ENTRIES]}
    if len(names) > MAX_ENTRIES:
        result["…"] = f"{len(names) - MAX_ENTRIES:,} more"
    return result


def integer(raw: Mapping[str, Any], key: str, largest: int = INT64, default: int = 0) -> int:
    """Return the whole number at ``key`` (or a string of digits), or ``default`` if absent or beyond ``largest``."""
    value = raw.get(key)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        value = int(value)
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -largest - 1 <= value <= largest:
        return default
    return value


def boolean(raw: Mapping[str, Any], key: str, default: bool = False) -> bool:
    """Return the truth value at ``key``, or ``default``."""
    value = raw.get(key)
    return value if isinstance(value, bool) else default


def moment(value: object) -> datetime | None:
    """Return the time that an RFC 3339 string (to microseconds) or a number of Unix seconds says, in UTC.

    None for what is no time and for the engine's zero times (year 1, Unix second 0).
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC) if value > 0 else None
        match = _TIME.match(value) if isinstance(value, str) else None
        if match is None:
            return None
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        micro = int((match[7] or "0").ljust(6, "0")[:6])
        when = datetime(year, month, day, hour, minute, second, micro, _zone(match[8]))
        return when.astimezone(UTC) if year > 1 else None
    except (ValueError, OverflowError, OSError):
        return None


def _zone(value: str | None) -> timezone:
    if value is None or value == "Z":
        return UTC
    minutes = int(value[1:3]) * 60 + int(value[-2:])
    return timezone(timedelta(minutes=minutes if value[0] == "+" else -minutes))


def identity(raw: object, key: str, pattern: re.Pattern[str], what: str) -> str:
    """Return the id at ``key``; raise ``Malformed`` where it is missing or not of the form ``pattern``."""
    value = raw.get(key) if isinstance(raw, Mapping) else None
    if not isinstance(value, str) or not pattern.fullmatch(value):
        shown = text(value, 96) if isinstance(value, str) else "none"
        raise Malformed(f"The engine described {what} without a valid {key} ({shown}).")
    return value
