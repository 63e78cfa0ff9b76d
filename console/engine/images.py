"""Calls that change images. Paths in docstrings are those of the Docker Engine API."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import IO, Any

from console.engine.client import EngineClient, _key
from console.engine.errors import Malformed, NotFound
from console.engine.messages import Messages
from console.engine.text import decode, text


def pull(
    client: EngineClient, repository: str, tag: str, platform: str = "", auth: Mapping[str, str] | None = None
) -> Messages:
    """``POST /images/create``. ``tag``: a tag or a digest. ``auth``: username, password and serveraddress."""
    params = {"fromImage": repository, "tag": tag} | ({"platform": platform} if platform else {})
    headers = {"X-Registry-Auth": urlsafe_b64encode(json.dumps(dict(auth)).encode()).decode()} if auth else {}
    return Messages(client, "/images/create", params, headers=headers)


def identity(client: EngineClient, reference: str) -> tuple[str, tuple[str, ...]] | None:
    """The image's id and digests (``GET /images/{name}/json``), or None if there is none of that name or id."""
    try:
        raw = client.raw_image(reference)
    except NotFound:
        return None
    found = raw.get("Id")
    if not isinstance(found, str) or not found:
        raise Malformed("The engine's answer has no id of the image.")
    digests = raw.get("RepoDigests")
    return found, tuple(str(digest) for digest in digests) if isinstance(digests, list) else ()


def tag(client: EngineClient, image_id: str, repository: str, name: str) -> None:
    """``POST /images/{name}/tag``."""
    client._ask("POST", f"/images/{_key(image_id)}/tag", {"repo": repository, "tag": name}, 30.0)


def remove(client: EngineClient, reference: str, force: bool = False) -> tuple[list[str], list[str]]:
    """``DELETE /images/{name}``: what was untagged, and what was deleted. ``Conflict`` if something needs it."""
    body = client._ask("DELETE", f"/images/{_key(reference)}", {"force": str(int(force))}, 120.0)
    answer: Any = decode(body)
    rows = [row for row in answer if isinstance(row, dict)] if isinstance(answer, list) else []
    return (
        [text(row["Untagged"], 600) for row in rows if "Untagged" in row],
        [text(row["Deleted"], 600) for row in rows if "Deleted" in row],
    )


def build(
    client: EngineClient,
    context: IO[bytes],
    *,
    tag: str,
    args: Mapping[str, str],
    target: str = "",
    platform: str = "",
    no_cache: bool = False,
    pull: bool = False,
) -> Messages:
    """``POST /build`` with a tar of the context, whose Dockerfile is at its top. The classic builder."""
    params = {"t": tag, "dockerfile": "Dockerfile", "buildargs": json.dumps(dict(args)), "rm": "1", "forcerm": "1"}
    params |= {name: value for name, value in (("target", target), ("platform", platform)) if value}
    params |= {"nocache": "1"} if no_cache else {}
    params |= {"pull": "1"} if pull else {}
    return Messages(client, "/build", params, headers={"Content-Type": "application/x-tar"}, body=context)
