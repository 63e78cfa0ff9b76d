"""A volume read and written as a whole through a container that never runs (``looking``), and who uses it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from console.engine.archive import Transfer, tar_bytes, tar_of
from console.engine.client import EngineClient
from console.engine.fields import child, string
from console.engine.looking import BASE
from console.engine.tar import Tail
from console.engine.text import text

IDLE: Final = 300.0  # seconds of silence after which a copy is given up
TOP: Final = BASE.strip("/")  # the first part of all names in a tar for ``write``


async def volume_tar(client: EngineClient, version: str, container_id: str) -> AsyncGenerator[bytes, None]:
    """The volume as a tar of ``./…``, as it comes. Raises ``EngineError``, also when the tar ends too early."""
    async with aclosing(tar_bytes(client.address, version, container_id, f"{BASE}/.")) as parts:
        async for part in parts:
            yield part


class Reading:
    """A volume as a tar of ``TOP/…``, for a thread. ``close`` ends it from another thread."""

    def __init__(self, client: EngineClient, container_id: str) -> None:
        self._transfer = tar_of(client, container_id, BASE, IDLE)

    def __iter__(self) -> Iterator[bytes]:
        """The tar, in parts. Raises ``EngineError``, also when it ends too early."""
        end = Tail()
        for part in self._transfer:
            end.feed(part)
            yield part
        end.check()

    def close(self) -> None:
        """End it."""
        self._transfer.close()


def write(client: EngineClient, container_id: str, tar: Iterable[bytes]) -> None:
    """``PUT /containers/{id}/archive``: unpack a tar of ``TOP/…``. What ``tar`` raises is raised.

    Unpacked at the root, so that the volume's own folder gets its owner, mode and time too. Never with ``copyUIDGID``:
    it gives all files to the user of the image.
    """
    carried: list[BaseException] = []
    params = {"path": "/", "noOverwriteDirNonDir": "true"}
    path = f"/containers/{container_id}/archive"
    try:
        for _ in Transfer(client, "PUT", path, params, _carrying(tar, carried.append), IDLE):
            pass
    except BaseException as error:
        if carried:
            raise carried[0] from error
        raise


def _carrying(tar: Iterable[bytes], carry: Callable[[BaseException], None]) -> Iterator[bytes]:
    """``tar``; what it raises is kept, for the connection's own error would hide it."""
    try:
        yield from tar
    except GeneratorExit:
        raise
    except BaseException as error:
        carry(error)
        raise


@dataclass(frozen=True, slots=True)
class User:
    """A running container that has a volume. ``why_not``: why it must not be stopped, or ""."""

    id: str
    name: str
    why_not: str = ""


def users(client: EngineClient, volume: str) -> list[User]:
    """The running containers that have a volume."""
    wanted = json.dumps({"volume": [volume], "status": ["running", "restarting"]})
    found = client.send("GET", "/containers/json", params={"filters": wanted}, many=True)
    return [_user(client, entry) for entry in found if isinstance(entry, dict) and _has(entry, volume)]


def _user(client: EngineClient, entry: Mapping[str, Any]) -> User:
    id_, names = string(entry, "Id", 96), entry.get("Names")
    name = text(names[0], 255).lstrip("/") if isinstance(names, list) and names else id_[:12]
    raw = client.send("GET", f"/containers/{id_}/json")
    if child(raw, "HostConfig").get("AutoRemove") is True:
        return User(id_, name, "it was started with --rm and would be gone")
    if "com.docker.swarm.task.id" in child(entry, "Labels"):
        return User(id_, name, "it belongs to a service of the swarm, which would start another")
    return User(id_, name)


def _has(entry: Mapping[str, Any], volume: str) -> bool:
    """The engine's filter takes a path for a name too."""
    mounts = entry.get("Mounts")
    found = mounts if isinstance(mounts, list) else []
    return any(isinstance(mount, dict) and mount.get("Name") == volume for mount in found)
