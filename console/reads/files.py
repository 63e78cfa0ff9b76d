"""Files of a volume or a container, read now: a folder's list, a file's first bytes, downloads as streams.

All raise the ``EngineError`` tree, and ``IsLink`` where a link stands on the way to a path.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from console.engine import archive, paths, programs, tar
from console.engine.archive import IsLink, Listed, Stat
from console.engine.client import EngineClient
from console.engine.errors import EngineError, NotFound, Unreachable
from console.engine.looking import LIFE, TRANSFER_LIFE, NoImage, looking
from console.engine.tar import Entry
from console.engine.types import ContainerState, FilesystemChange
from console.models import Container, Engine, Volume
from console.reads.ask import ask
from console.reads.lent import lent

__all__ = ["Found", "IsLink", "Listed", "NoImage", "Place", "Stat", "file", "find", "folder", "picture"]

MOST_DOWNLOADS: Final = 16  # at once, of this process
SECONDS: Final = 8.0  # for a page
LIST_SECONDS: Final = 2.5  # of it to read a folder's tar
FIND_SECONDS: Final = 1.5
MOST_ASKED: Final = 300  # names that are asked one by one
SHOWN: Final = 256 * 1024  # bytes of a text that a page shows
PICTURE: Final = 8 * 1024 * 1024  # bytes of a picture that a page shows


_places = threading.BoundedSemaphore(MOST_DOWNLOADS)


@dataclass(frozen=True, slots=True)
class Place:
    """A tree of files: of a volume (``key``: its name) or of a container (its id)."""

    engine: Engine
    kind: str
    key: str
    name: str
    running: bool = False

    @classmethod
    def of(cls, engine: Engine, thing: Volume | Container) -> Place:
        """Of a row of the mirror."""
        if isinstance(thing, Volume):
            return cls(engine, "volume", thing.name, thing.name)
        running = thing.state == ContainerState.RUNNING
        return cls(engine, "container", thing.container_id, thing.name or thing.short_id, running)


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at a path. ``folder``: where the list is of: the path itself, or what holds it.

    ``content``: the first bytes of a file. ``changes``: what a container changed against its image, None when not told.
    """

    path: str
    stat: Stat
    folder: str
    listed: Listed
    entry: Entry | None = None
    content: bytes = b""
    changes: tuple[FilesystemChange, ...] | None = None


@contextmanager
def opened(client: EngineClient, place: Place, life: float = LIFE) -> Iterator[tuple[str, str]]:
    """A container's id and the folder in it where the tree begins."""
    if place.kind == "container":
        yield place.key, "/"
        return
    with looking(client, place.key, life=life) as found:
        yield found.container_id, found.base


def find(place: Place, path: str) -> Found:
    """What is at ``path``, with the list of its folder. ``GET`` and ``HEAD /containers/{id}/archive``."""

    def question(client: EngineClient) -> Found:
        with opened(client, place) as (container, base):
            stat = archive.look(client, container, path, base)
            folder = path if stat.kind == tar.FOLDER else paths.parent(path)
            entry, content = None, b""
            if stat.kind == tar.FILE:
                entry, content = archive.read_file(client, container, paths.joined(base, path), SHOWN)
            listed = archive.list_folder(client, container, paths.joined(base, folder), seconds=LIST_SECONDS)
            if not listed.whole and place.running:
                listed = _completed(client, container, folder, listed)
            return Found(path, stat, folder, listed, entry, content, _changes(client, place))

    return ask(place.engine, question, SECONDS)


def _changes(client: EngineClient, place: Place) -> tuple[FilesystemChange, ...] | None:
    with suppress(EngineError):
        return client.changes(place.key) if place.kind == "container" else None
    return None


def _completed(client: EngineClient, container: str, folder: str, listed: Listed) -> Listed:
    """A list that took too long, with the names that the running container's own ``find`` tells; as it was without.

    What stands at them the engine is asked one by one, so at most ``MOST_ASKED``; it does not tell the owner.
    """
    if not paths.is_text(folder):
        return listed
    known = {entry.name for entry in listed.entries}
    more = []
    try:
        missing = sorted(set(programs.names_in(client, container, folder, FIND_SECONDS)) - known)
        for name in missing[:MOST_ASKED]:
            with suppress(NotFound):  # gone meanwhile
                more.append(_entry(name, archive.stat(client, container, paths.child(folder, name))))
    except (EngineError, paths.BadPath):
        return listed
    reason = "" if len(missing) <= MOST_ASKED else f"{len(missing) - MOST_ASKED:,} more names are not shown."
    return Listed((*listed.entries, *more), not reason, reason)


def _entry(name: str, stat: Stat) -> Entry:
    try:
        mtime = datetime.fromisoformat(stat.mtime).timestamp()
    except ValueError:
        mtime = 0.0
    return Entry(name, stat.kind, stat.size, stat.mode, archive.UNKNOWN, archive.UNKNOWN, mtime, stat.leads)


def picture(place: Place, path: str) -> bytes:
    """A file of at most ``PICTURE`` bytes; b"" when it is longer, or no file."""

    def question(client: EngineClient) -> bytes:
        with opened(client, place) as (container, base):
            stat = archive.look(client, container, path, base)
            if stat.kind != tar.FILE or stat.size > PICTURE:
                return b""
            return archive.read_file(client, container, paths.joined(base, path), PICTURE)[1]

    return ask(place.engine, question, SECONDS)


def kind_of(place: Place, path: str) -> Stat:
    """What stands at ``path``."""

    def question(client: EngineClient) -> Stat:
        with opened(client, place) as (container, base):
            return archive.look(client, container, path, base)

    return ask(place.engine, question, SECONDS)


@asynccontextmanager
async def _opened(place: Place) -> AsyncIterator[tuple[str, str, str]]:
    """As ``opened`` with the version to speak, for a stream that may take hours; blocking calls go to threads."""
    if not _places.acquire(blocking=False):
        raise Unreachable("Too many downloads are under way already. Try again in a moment.", "timeout")
    client = EngineClient(place.engine.address)

    def after() -> None:
        client.close()
        _places.release()

    async with lent(opened(client, place, TRANSFER_LIFE), after) as (container, base):
        yield container, base, await asyncio.to_thread(client.api_version)


async def file(place: Place, path: str) -> AsyncGenerator[Entry | bytes, None]:
    """A file: its entry, then its bytes as they come; ends with an error when not all of them came."""
    async with _opened(place) as (container, base, version):
        pieces = archive.file_bytes(place.engine.address, version, container, paths.joined(base, path))
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece if isinstance(piece, Entry) else bytes(piece)


async def exported(place: Place) -> AsyncGenerator[Entry | bytes, None]:
    """A container's file system as ``docker container export`` gives it, as it comes."""
    async with (
        _opened(place) as (container, _, version),
        aclosing(archive.export_bytes(place.engine.address, version, container)) as parts,
    ):
        async for part in parts:
            yield part


async def folder(place: Place, path: str) -> AsyncGenerator[Entry | bytes, None]:
    """The tar of a folder as it comes, as ``docker container cp NAME:PATH -`` writes it."""
    async with _opened(place) as (container, base, version):
        parts = archive.tar_bytes(place.engine.address, version, container, paths.joined(base, path))
        async with aclosing(parts):
            async for part in parts:
                yield part
