"""Refuses mixtures of settings that cannot work, before anything starts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning


@register(Tags.compatibility)
def run_mode(**_: Any) -> list[CheckMessage]:
    """PostgreSQL without Redis means several processes that cannot wake each other; Redis with SQLite likewise."""
    sqlite = settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
    redis = bool(settings.REDIS_URL)
    found: list[CheckMessage] = []
    if redis and sqlite:
        found.append(
            Error(
                "REDIS_URL is set but the database is SQLite.",
                hint="Set DATABASE_URL to a PostgreSQL database as well, or unset REDIS_URL to run as one process.",
                id="console.E001",
            )
        )
    if not sqlite and not redis:
        found.append(
            CheckWarning(
                "PostgreSQL without Redis: run one process only, for others would not be woken by changes.",
                hint="Set REDIS_URL before you start a second process.",
                id="console.W001",
            )
        )
    return found


@register(Tags.security)
def public_url(**_: Any) -> list[CheckMessage]:
    """``QUARTERDECK_URL`` must be an origin: scheme and host, nothing else."""
    from urllib.parse import urlsplit

    url = settings.PUBLIC_URL
    if not url:
        return []
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query or parts.username:
        return [
            Error(
                f"QUARTERDECK_URL is not an origin: {url!r}",
                hint="Give scheme, host and port only, as in https://console.example.org",
                id="console.E002",
            )
        ]
    return []
