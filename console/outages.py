"""Whether an exception says that something the console needs is away, and what: that is for whoever runs it to mend."""

from __future__ import annotations

import sys
from typing import Final, Literal

from django.db import InterfaceError, OperationalError, connection

# SQLite calls nearly everything operational, also a query that is wrong.
_SQLITE: Final = ("locked", "unable to open", "disk I/O error", "is full", "readonly")


def away(error: BaseException | None) -> Literal["database", "Redis", ""]:
    """What did not answer, or could not be written to; "" for all other failures."""
    if isinstance(error, OperationalError | InterfaceError):
        mistake = connection.vendor == "sqlite" and not any(words in str(error) for words in _SQLITE)
        return "" if mistake else "database"
    redis = sys.modules.get("redis.exceptions")  # whose client is loaded only where it is used
    return "Redis" if redis is not None and isinstance(error, redis.RedisError) else ""


def one_line(error: BaseException) -> str:
    """What it says, at most 500 characters."""
    return " ".join(str(error).split())[:500]
