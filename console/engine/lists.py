"""Entries of the engine's lists: only enough to see that an object came, went or changed since it was inspected."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from console.engine.errors import Malformed
from console.engine.fields import NAME, child, identity, items, string, strings
from console.engine.types import ContainerSummary, ImageSummary, Raw

CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
IMAGE_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode
_STABLE = ("Id", "Image", "ImageID", "Command", "Created", "State", "Labels", "HostConfig")


def container_summary(entry: Raw) -> ContainerSummary:
    """Parse one entry of ``GET /containers/json``."""
    container_id = identity(entry, "Id", CONTAINER_ID, "a container")
    names = sorted(name.removeprefix("/") for name in strings(entry, "Names", NAME))
    own = [name for name in names if "/" not in name]  # an old link appears as other/alias
    running = string(entry, "State", NAME) in {"running", "paused", "restarting"}
    return ContainerSummary(container_id, (own or names or [""])[0], summary_digest(entry), running)


def summary_digest(entry: Raw) -> str:
    """Return a digest of the stable parts of an entry of ``GET /containers/json``.

    The age in ``Status`` ("Up 5 minutes (healthy)") is left out and what is in its brackets kept: health, exit code,
    paused. The endpoints' ids are in it, and an engine gives a container new ones at each start. Not seen: a stopped
    container that ran again and stopped with the same exit code; its events tell.
    """
    return _digest(
        {key: entry.get(key) for key in _STABLE},
        sorted(_sortable(name) for name in items(entry, "Names")),
        sorted(_sortable(port) for port in items(entry, "Ports")),
        sorted(_sortable(mount) for mount in items(entry, "Mounts")),
        child(entry, "NetworkSettings", "Networks"),
        re.findall(r"\(([^()]{1,64})\)", string(entry, "Status", NAME)),
    )


def image_summary(entry: Raw, intermediate: bool) -> ImageSummary:
    """Parse one entry of ``GET /images/json``."""
    own_id = image_id(identity(entry, "Id", IMAGE_ID, "an image"))
    tags, digests = references(entry, "RepoTags"), references(entry, "RepoDigests")
    intermediate = intermediate and not tags
    stable = {key: entry.get(key) for key in ("ParentId", "Created", "Size", "Labels")}
    return ImageSummary(own_id, _digest(own_id, stable, tags, digests, intermediate), intermediate)


def image_id(value: object) -> str:
    """Return an image's id as "sha256:…", or the empty string where it is none."""
    if not isinstance(value, str) or not IMAGE_ID.fullmatch(value):
        return ""
    return value if value.startswith("sha256:") else f"sha256:{value}"


def references(raw: Raw, key: str) -> tuple[str, ...]:
    """Return the image references at ``key``, sorted, without <none>."""
    return tuple(sorted({name for name in strings(raw, key, 512) if not name.startswith("<none>")}))


def _sortable(value: Any) -> str:
    """Return any decoded JSON value as one string."""
    try:
        return _encode(value)
    except RecursionError as error:
        raise Malformed("The engine's answer is nested too deep.") from error


def _digest(*parts: Any) -> str:
    return hashlib.sha256(_sortable(parts).encode("ascii")).hexdigest()
