"""Calls that change images. Paths in docstrings are those of the Docker Engine API."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import quote

from console.engine.address import Address
from console.engine.archive import body_bytes
from console.engine.client import EngineClient, _key
from console.engine.errors import Malformed, NotFound
from console.engine.messages import Messages, _bounded
from console.engine.text import decode, text
from console.engine.translate import raise_for, translated
from console.engine.transport import Session

REMOTE_WITHIN: Final = 15.0  # seconds of silence
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
SAVE_IDLE: Final = 900.0  # seconds of silence; some engines write the whole tar before its first byte
COMMIT_WITHIN: Final = 900.0  # seconds; the engine packs what the container wrote


def pull(
    client: EngineClient, repository: str, tag: str, platform: str = "", auth: Mapping[str, str] | None = None
) -> Messages:
    """``POST /images/create``. ``tag``: a tag or a digest. ``auth``: username, password and serveraddress."""
    params = {"fromImage": repository, "tag": tag} | ({"platform": platform} if platform else {})
    return Messages(client, "/images/create", params, headers=_auth(auth) if auth else {})


def push(client: EngineClient, repository: str, tag: str, auth: Mapping[str, str] | None = None) -> Messages:
    """``POST /images/{name}/push``. ``auth``: as for ``pull``; the engine wants the header also without any."""
    return Messages(client, f"/images/{quote(repository, safe='')}/push", {"tag": tag}, headers=_auth(auth or {}))


def remote_digest(client: EngineClient, reference: str, auth: Mapping[str, str] | None = None) -> str:
    """``GET /distribution/{name}/json``: the digest that a tag has in its registry now, as the engine sees it."""
    session = Session(client.address, client.api_version())
    path = f"/v{client.api_version()}/distribution/{quote(reference, safe='')}/json"
    try:
        with translated(client.address):
            parts = session.stream("GET", path, {}, REMOTE_WITHIN, _auth(auth or {}))
            status, body = int(next(parts)), _bounded(parts)
            raise_for(status, body)
    finally:
        session.close()
    answer = decode(body)
    descriptor = answer.get("Descriptor") if isinstance(answer, dict) else None
    digest = (descriptor.get("digest") or descriptor.get("Digest")) if isinstance(descriptor, dict) else None
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise Malformed("The engine's answer has no digest.")
    return digest


def _auth(auth: Mapping[str, str]) -> dict[str, str]:
    return {"X-Registry-Auth": urlsafe_b64encode(json.dumps(dict(auth)).encode()).decode()}


async def save(address: Address, version: str, names: Sequence[str]) -> AsyncGenerator[bytes, None]:
    """``GET /images/get``: images as one tar, as it comes. ``names``: tags, or ids of images without one."""
    async with aclosing(body_bytes(address, version, "/images/get", {"names": names}, SAVE_IDLE)) as parts:
        async for part in parts:
            yield part


def load(client: EngineClient, tar: Iterable[bytes]) -> Messages:
    """``POST /images/load``: what ``save`` wrote, plain or packed."""
    return Messages(client, "/images/load", {}, headers={"Content-Type": "application/x-tar"}, body=tar)


def import_tar(client: EngineClient, tar: Iterable[bytes], params: Mapping[str, str]) -> Messages:
    """``POST /images/create`` from a root file system. ``params``: repo, tag, message, changes."""
    query = {name: value for name, value in params.items() if value} | {"fromSrc": "-"}
    return Messages(client, "/images/create", query, headers={"Content-Type": "application/x-tar"}, body=tar)


def commit(client: EngineClient, container_id: str, params: Mapping[str, str]) -> str:
    """``POST /commit``: an image of a container, its id. ``params``: repo, tag, comment, author, pause, changes."""
    query = {name: value for name, value in params.items() if value} | {"container": container_id}
    found = client.send("POST", "/commit", {}, query, COMMIT_WITHIN).get("Id")
    if not isinstance(found, str) or not found:
        raise Malformed("The engine's answer has no id of the image.")
    return found


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
    context: Iterable[bytes],
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
