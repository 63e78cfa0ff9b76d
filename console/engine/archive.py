"""Files in a container's file system: ``/containers/{id}/archive``, which needs no program in it and no running one.

Paths are those of ``paths``. The engine follows links on the way to a path, inside the container's own root; ``look``
goes there step by step instead, and stops at the first link. Listing a folder is reading its tar, and the tar holds
all that is below it: the bounds of ``list_folder`` are in docs/files.md.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, TypeAlias
from urllib.parse import quote

from console.engine import paths, tar
from console.engine.address import Address
from console.engine.client import EngineClient
from console.engine.errors import Invalid, Malformed, NotFound, Unreachable
from console.engine.tar import Entry, Tail
from console.engine.text import decode
from console.engine.translate import raise_for, translated
from console.engine.transport import Session
from console.engine.wire import Query, exchange

IDLE: Final = 60.0  # seconds of silence after which the engine is given up
ERROR_CAP: Final = 64 * 1024
MOST_ENTRIES: Final = 20_000  # of one folder that are kept
MOST_BYTES: Final = 4 * 1024 * 1024 * 1024  # read to list one folder; time is the usual bound
LIST_SECONDS: Final = 3.0
UNKNOWN: Final = -1  # in place of an owner that the engine did not tell
Pieces: TypeAlias = AsyncGenerator[Entry | memoryview, None]
_HEADER: Final = "X-Docker-Container-Path-Stat"
# Go's os.FileMode, as the header has it.
_GO_KINDS: Final = (
    (1 << 31, tar.FOLDER),
    (1 << 27, tar.LINK),
    (1 << 21, "character device"),
    (1 << 26, "block device"),
    (1 << 25, "pipe"),
    (1 << 24, "socket"),
)
_GO_BITS: Final = ((1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000))


class IsLink(Exception):
    """A link stands on the way to a path: where, and where it leads ("": out of the tree)."""

    def __init__(self, path: str, leads: str) -> None:
        super().__init__(path)
        self.path, self.leads = path, leads


@dataclass(frozen=True, slots=True)
class Stat:
    """What stands at a path, itself and not what it leads to. ``mtime``: as the engine writes it.

    ``leads``: where a link leads in the end, as the engine found it, inside of the tree; "" for out of it.
    """

    kind: str  # as tar.Entry's, or "socket"
    size: int
    mode: int
    mtime: str
    leads: str = ""

    @property
    def seal(self) -> str:
        """Differs when the file was changed in between: size and time, to the nanosecond."""
        return f"{self.size}-{self.mtime}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A folder's entries by name. ``whole``: all of it was read; else ``reason`` says why not."""

    entries: tuple[Entry, ...]
    whole: bool
    reason: str = ""


def _path(container_id: str) -> str:
    return f"/containers/{quote(container_id, safe='')}/archive"


def stat(client: EngineClient, container_id: str, path: str) -> Stat:
    """``HEAD /containers/{id}/archive``: one path; a link at its end is told, one before it is followed by the engine.

    Raises ``NotFound`` and the rest of the tree.
    """
    found = client.headers(_path(container_id), {"path": paths.encoded(path)})
    try:
        raw = decode(base64.b64decode(found[_HEADER], validate=True))
        mode = raw["mode"]
        return Stat(
            kind=next((kind for bit, kind in _GO_KINDS if mode & bit), tar.FILE),
            size=int(raw["size"]),
            mode=mode & 0o777 | sum(bit for go, bit in _GO_BITS if mode & go),
            mtime=str(raw["mtime"])[:40],
            leads=str(raw.get("linkTarget") or ""),
        )
    except (KeyError, TypeError, ValueError, Malformed) as error:
        raise Malformed("The engine did not say what stands at the path.") from error


def look(client: EngineClient, container_id: str, path: str, base: str = "/") -> Stat:
    """What stands at ``path`` below ``base``; no link is followed. Raises ``IsLink``, else as ``stat``."""
    *above, last = [base, *(paths.joined(base, step) for step in paths.steps(path))]
    for step in above[1:]:
        found = stat(client, container_id, step)
        if found.kind == tar.LINK:
            raise IsLink(step.removeprefix(base.rstrip("/")), _inside(found.leads, base))
        if found.kind != tar.FOLDER:
            raise NotFound("There is no such file or folder.")
    found = stat(client, container_id, last)
    return replace(found, leads=_inside(found.leads, base)) if found.leads else found


def _inside(path: str, base: str) -> str:
    """``path`` as one below ``base``, "" when it is not."""
    try:
        found = paths.normal(path)
    except paths.BadPath:
        return ""
    top = base.rstrip("/")
    return found.removeprefix(top) or "/" if found == top or found.startswith(f"{top}/") else ""


class Transfer:
    """One call that streams. Iterate it once; ``close`` ends it from another thread. Raises ``EngineError``."""

    def __init__(
        self,
        client: EngineClient,
        method: str,
        path: str,
        params: Mapping[str, str | bytes],
        body: Iterable[bytes] | None = None,
        idle: float = IDLE,
    ) -> None:
        self._address = client.address
        self._path = f"/v{client.api_version()}{path}"
        self._session = Session(client.address, client.api_version())
        self._method, self._params, self._body, self._idle = method, params, body, idle

    def __iter__(self) -> Generator[bytes, None, None]:
        with translated(self._address):
            sent = self._sent(self._body) if self._body is not None else None
            headers = {"Content-Type": "application/x-tar"} if sent is not None else None
            parts = self._session.stream(self._method, self._path, self._params, self._idle, headers, sent)
            try:
                status = int(next(parts))
                if status >= 300:
                    raise_for(status, _bounded(parts))
                yield from parts
            finally:
                parts.close()
                self._session.close()

    def _sent(self, body: Iterable[bytes]) -> Iterator[bytes]:
        """The body, while it moves: a slow sender does not use up the time that the engine has to answer."""
        for piece in body:
            self._session.deadline.left()
            yield piece
            self._session.deadline.start(self._idle)

    def close(self) -> None:
        """End the call."""
        self._session.deadline.abort()


def _bounded(parts: Iterator[bytes]) -> bytes:
    found = b""
    for part in parts:
        found += part
        if len(found) > ERROR_CAP:
            break
    return found


def tar_of(client: EngineClient, container_id: str, path: str, idle: float = IDLE) -> Transfer:
    """``GET /containers/{id}/archive``: the tar of a file, or of a folder and all below it, as it comes.

    Names in it begin with the last part of ``path``. Ends without an error only when it is whole.
    """
    return Transfer(client, "GET", _path(container_id), {"path": paths.encoded(path)}, idle=idle)


def put(client: EngineClient, container_id: str, folder: str, body: Iterable[bytes], idle: float = IDLE) -> None:
    """``PUT /containers/{id}/archive``: unpack a tar into ``folder``, which exists; owners and times are the tar's.

    A folder is never replaced by a file, nor the other way round. What ``body`` raises ends the call.
    """
    params: dict[str, str | bytes] = {"noOverwriteDirNonDir": "true"}
    params["path"] = paths.encoded(folder)
    for _ in Transfer(client, "PUT", _path(container_id), params, body, idle):
        pass


def entry_of(client: EngineClient, container_id: str, path: str) -> Entry:
    """The header of a file or folder: owner and mode, which ``stat`` has not."""
    source, name = _source(path)
    one, parts = _One(name), iter(tar_of(client, container_id, source))
    try:
        for part in parts:
            for piece in one.feed(part):
                if isinstance(piece, Entry):
                    return piece
    finally:
        parts.close()
    raise Unreachable("The engine's archive ended early.")


def _source(path: str) -> tuple[str, str]:
    """What to ask the tar of, and the name to look for in it.

    The engine hands the last name of a path on as JSON, where bytes that are no UTF-8 are lost: then its tar is empty,
    and the tar of the folder is asked for instead.
    """
    name = paths.name_of(path)
    return (path, "") if paths.is_text(name) else (paths.parent(path), name)


class _One:
    """The pieces of one member: of the first, or of the one called ``name`` in the folder whose tar it is."""

    def __init__(self, name: str = "") -> None:
        self.reader = tar.Reader()
        self._name = name
        self._root: str | None = None
        self._on = False

    def feed(self, data: bytes) -> Iterator[Entry | memoryview]:
        for piece in self.reader.feed(data):
            if isinstance(piece, Entry):
                self._on = self._wanted(piece)
            if self._on:
                yield piece

    def _wanted(self, entry: Entry) -> bool:
        path = entry.name.strip("/")
        if self._root is None:
            self._root = "" if path in ("", ".") else path
            return not self._name
        return bool(self._name) and path == f"{self._root}/{self._name}".strip("/")


def list_folder(
    client: EngineClient,
    container_id: str,
    folder: str,
    *,
    seconds: float = LIST_SECONDS,
    most_bytes: int = MOST_BYTES,
    most_entries: int = MOST_ENTRIES,
) -> Listed:
    """What is in a folder, by its tar: headers are read, contents let pass, up to a bound of time, bytes and entries.

    The engine writes in the order of the names' bytes, with all below a folder after it: a list that was cut has the
    first names. Sockets have no place in a tar: they are not listed.
    """
    source, name = _source(folder)
    call = tar_of(client, container_id, source, idle=max(seconds, 1.0))
    found = _Folder(most_entries, name)
    end, left = time.monotonic() + seconds, most_bytes
    parts = iter(call)
    try:
        for part in parts:
            left -= len(part)
            found.feed(part)
            if found.done:
                return found.listed()
            if found.full:
                return found.listed(f"It has more than {most_entries:,} entries.")
            if left < 0 or time.monotonic() > end:
                return found.listed("Reading all that is below it takes too long.")
    finally:
        parts.close()
    return found.listed() if found.done else found.listed("The engine's archive ended early.")


class _Folder:
    """Keeps the direct entries of a folder's tar. A hard link is a file, of the size that its first name has."""

    def __init__(self, most: int, name: str = "") -> None:
        self._reader = tar.Reader()
        self._most = most
        self._name = name  # of a folder in the one whose tar it is
        self._root: str | None = None
        self._sizes: dict[str, Entry] = {}
        self._entries: dict[str, Entry] = {}

    @property
    def done(self) -> bool:
        return self._reader.done

    @property
    def full(self) -> bool:
        return len(self._entries) >= self._most

    def feed(self, data: bytes) -> None:
        for entry in self._reader.feed(data):
            if isinstance(entry, Entry):
                self._take(entry)

    def _take(self, entry: Entry) -> None:
        path = entry.name.strip("/")
        if self._root is None:
            self._root = f"{'' if path in ('', '.') else path}/{self._name}".strip("/")
            return
        inside = not self._root or path.startswith(f"{self._root}/")
        name = path[len(self._root) :].strip("/") if inside else ""
        if entry.kind == tar.FILE and len(self._sizes) < 10 * self._most:
            self._sizes[entry.name] = entry
        if entry.kind == "hard link":
            first = self._sizes.get(entry.target)
            entry = replace(entry, kind=tar.FILE, size=first.size if first else 0, target="")
        if name and "/" not in name and len(self._entries) < self._most:
            self._entries[name] = replace(entry, name=name)

    def listed(self, reason: str = "") -> Listed:
        return Listed(tuple(self._entries.values()), not reason, reason)


async def tar_bytes(address: Address, version: str, container_id: str, path: str) -> AsyncGenerator[bytes, None]:
    """As ``tar_of``, for who waits on a loop: with the back-pressure of its reader. Raises ``Failed`` when the engine
    ends it too early."""
    async with aclosing(body_bytes(address, version, _path(container_id), {"path": paths.encoded(path)})) as parts:
        async for part in parts:
            yield part


async def export_bytes(address: Address, version: str, container_id: str) -> AsyncGenerator[bytes, None]:
    """``GET /containers/{id}/export``: its file system as a tar, without what is mounted in it. As ``tar_bytes``."""
    async with aclosing(body_bytes(address, version, f"/containers/{container_id}/export", {})) as parts:
        async for part in parts:
            yield part


async def body_bytes(
    address: Address, version: str, route: str, query: Query, idle: float = IDLE
) -> AsyncGenerator[bytes, None]:
    """A tar that a GET answers, as it comes, for who waits on a loop; ``idle`` seconds of silence end it. Raises
    ``Failed`` when the engine ends it too early."""
    end = Tail()
    async with (
        exchange(address, "GET", route, version=version, query=query, deadline=idle) as answer,
        aclosing(answer.body()) as parts,
    ):
        while True:
            try:
                async with asyncio.timeout(idle):
                    part = await anext(parts)
            except StopAsyncIteration:
                break
            except TimeoutError as error:
                raise Unreachable("The engine went silent.", "timeout") from error
            end.feed(part)
            yield part
    end.check()


async def file_bytes(address: Address, version: str, container_id: str, path: str) -> Pieces:
    """The file at ``path``: its entry, then its content. Raises ``Invalid`` when it is no file, ``Unreachable`` when
    the connection ends before the content does."""
    source, name = _source(path)
    one, left = _One(name), -1
    async with aclosing(tar_bytes(address, version, container_id, source)) as parts:
        async for part in parts:
            for piece in one.feed(part):
                left = _file(piece).size if isinstance(piece, Entry) else left - len(piece)
                yield piece
            if left == 0:
                return
    raise Unreachable("The connection to the engine was lost.")


def _file(entry: Entry) -> Entry:
    if entry.kind != tar.FILE:
        raise Invalid("It is no file.")
    return entry


def read_file(client: EngineClient, container_id: str, path: str, most: int) -> tuple[Entry, bytes]:
    """The entry of a file and its first ``most`` bytes. Raises ``Invalid`` when it is no file."""
    source, name = _source(path)
    one, entry, content = _One(name), None, bytearray()
    parts = iter(tar_of(client, container_id, source))
    try:
        for part in parts:
            for piece in one.feed(part):
                if isinstance(piece, Entry):
                    entry = _file(piece)
                else:
                    content += piece[: most - len(content)]
            if entry is not None and len(content) >= min(most, entry.size):
                return entry, bytes(content)
    finally:
        parts.close()
    raise Unreachable("The engine's archive ended early.")
