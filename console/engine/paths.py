"""Paths inside a container or a volume: bytes that somebody else chose, normal in one place.

A path is a str whose bytes that are no UTF-8 stand as lone surrogates (``surrogateescape``), so that it comes back as
it was. Such a str is for the engine only: shown is ``shown(path)``, an address carries ``quoted(path)``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, quote

from console.engine.text import text

LONGEST: Final = 4096  # bytes, PATH_MAX of Linux
LONGEST_NAME: Final = 255  # bytes, NAME_MAX
DEEPEST: Final = 64  # folders


class BadPath(ValueError):
    """No path that can be used; the message is a sentence for the person."""


def normal(raw: str) -> str:
    """An absolute path without empty, "." and ".." parts; "/" for the top. Raises ``BadPath``.

    ".." is refused and not resolved: what it means depends on links that only the engine sees.
    """
    if "\0" in raw:
        raise BadPath("A path has no NUL in it.")
    parts = [part for part in raw.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadPath("A path with “..” is not followed.")
    if len(parts) > DEEPEST or len(encoded(raw)) > LONGEST:
        raise BadPath("The path is too long.")
    if any(len(encoded(part)) > LONGEST_NAME for part in parts):
        raise BadPath("A name in the path is longer than 255 bytes.")
    return "/" + "/".join(parts)


def child(folder: str, name: str) -> str:
    """The path of ``name`` in ``folder``. Raises ``BadPath`` when ``name`` is not one name."""
    if name in ("", ".", "..") or "/" in name:
        raise BadPath("This is not a name of a file or folder.")
    return normal(f"{folder}/{name}")


def parent(path: str) -> str:
    """The folder that it is in; the top is in itself."""
    return path.rpartition("/")[0] or "/"


def name_of(path: str) -> str:
    """The last part; "" for the top."""
    return path.rpartition("/")[2]


def steps(path: str) -> list[str]:
    """Every path on the way to it, from below the top to itself."""
    parts = [part for part in path.split("/") if part]
    return ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))]


def joined(base: str, path: str) -> str:
    """``path`` below ``base``, both normal."""
    return normal(f"{base}/{path}")


def mount_of(mounts: Iterable[str], path: str) -> str:
    """The mount that ``path`` is in, below its own folder; "" for none, and for that folder itself."""
    around = [at for at in mounts if path == at or path.startswith(f"{at.rstrip('/')}/")]
    found = max(around, key=len, default="")
    return "" if found == path else found


def is_text(name: str) -> bool:
    """Whether its bytes are UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def encoded(path: str) -> bytes:
    """Its bytes. Lone surrogates that stand for no byte become "?"."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return path.encode("utf-8", "replace")


def decoded(path: bytes) -> str:
    """From bytes."""
    return path.decode("utf-8", "surrogateescape")


def shown(path: str, limit: int = LONGEST) -> str:
    """As text that is safe to show: control characters visible, what is no UTF-8 as U+FFFD."""
    return text(path, limit)


def quoted(path: str) -> str:
    """For the query string of an address."""
    return quote(encoded(path), safe="/")


def from_query(query: str, key: str = "path") -> str:
    """The normal path that a raw query string carries under ``key``; "/" without one. Raises ``BadPath``."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape", max_num_fields=50)
    except ValueError as error:
        raise BadPath("The address has too many parts.") from error
    return normal(next((value for name, value in pairs if name == key), "/"))
