"""A name for a container that was given none, so that it can be found again: ``nginx-3f9a``."""

from __future__ import annotations

import re
import secrets


def made_up(image: str) -> str:
    """Return a new name from the reference of an image."""
    bare = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    last = re.sub(r"[^a-zA-Z0-9_.-]", "", bare).lstrip("_.-")[:40]
    return f"{last or 'container'}-{secrets.token_hex(2)}"
