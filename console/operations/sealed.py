"""Secrets of an operation between its asking and its doing: encrypted in the row, erased before the engine is asked.

The key is made from ``SECRET_KEY``: who reads the database alone reads nothing.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


def seal(values: Mapping[str, Any]) -> str:
    """Parameters as one unreadable word."""
    return _key().encrypt(json.dumps(values).encode()).decode()


def unseal(word: str) -> dict[str, Any] | None:
    """What ``seal`` was given; None when it cannot be read: the secret key of the console has changed."""
    try:
        found: dict[str, Any] = json.loads(_key().decrypt(word.encode()))
    except (InvalidToken, ValueError):
        return None
    return found


def _key() -> Fernet:
    return Fernet(urlsafe_b64encode(sha256(b"console.operations.sealed" + settings.SECRET_KEY.encode()).digest()))
