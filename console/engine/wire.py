"""HTTP/1.1 on a plain asyncio connection, for the streams of an engine.

One exchange a connection. The SDK's streams end silently when the engine dies and leak descriptors, and the general
HTTP clients cost half of the log throughput (docs/performance.md): what the engine's streams need is small. Sources:
RFC 9112 (messages, chunked coding), Docker Engine API ``POST /exec/{id}/start`` (the connection is taken over).
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlencode

from console.engine.address import Address
from console.engine.errors import (
    AlreadySo,
    Conflict,
    EngineError,
    Failed,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Unreachable,
    Unsupported,
)
from console.engine.text import text

Query: TypeAlias = Mapping[str, str | int | bytes | Sequence[str]]

READ: Final = 256 * 1024  # bytes a read
HEAD_CAP: Final = 64 * 1024  # bytes of an answer's head
ERROR_CAP: Final = 64 * 1024  # bytes of an error's body that are read
CONNECT: Final = 3.0  # seconds
ANSWER: Final = 10.0  # seconds until the head of the answer


class Chunked:
    """Takes the chunked coding off, in any chunking. ``done`` after the last chunk: the answer is whole."""

    def __init__(self) -> None:
        self._held = b""
        self._left = 0  # bytes of the open chunk, with its CRLF
        self.done = False

    @property
    def between(self) -> bool:
        """Whether the next byte begins a chunk."""
        return not (self._left or self._held or self.done)

    def held(self) -> bytes:
        """The beginning of a size that was not whole, given back: to be fed again before what follows it."""
        held, self._held = self._held, b""
        return held

    def end(self, data: bytes, at: int) -> int:
        """Where in ``data`` the chunk that is open, or begins, at ``at`` ends; its own end if that is sooner."""
        if self._left:
            return min(len(data), at + self._left)
        line = data.find(b"\r\n", at, at + 64)
        size = data[at:line].partition(b";")[0] if line >= 0 else b""
        if not _SIZE.fullmatch(size) or not size.strip(b"0"):
            return len(data)
        return min(len(data), line + 2 + int(size, 16) + 2)

    def feed(self, data: bytes) -> bytes:
        """The payload in ``data``. Raises ``Malformed``."""
        if self._held:
            data = self._held + data
            self._held = b""
        out: list[bytes] = []
        at, end = 0, len(data)
        left = self._left
        while at < end and not self.done:
            if left:
                take = min(left, end - at)
                payload = min(take, left - 2)  # the last two bytes of a chunk are its CRLF
                if payload > 0:
                    out.append(data[at : at + payload])
                at += take
                left -= take
                continue
            line = data.find(b"\r\n", at, at + 64)
            if line < 0:
                if end - at >= 64:
                    raise Malformed("a chunk without a size")
                self._held = data[at:]
                break
            try:
                size = int(data[at:line].partition(b";")[0], 16)
            except ValueError:
                raise Malformed("a chunk without a size") from None
            at = line + 2
            if size == 0:
                self.done = True
            left = size + 2
        self._left = left
        return b"".join(out) if len(out) != 1 else out[0]


_SIZE: Final = re.compile(rb"[0-9a-fA-F]{1,16}")


class Answer:
    """The engine's answer: its head, and its body as it comes."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str]
    ) -> None:
        self.status = status
        self.headers = headers
        self.reader = reader
        self.writer = writer

    @property
    def content_type(self) -> str:
        """Without parameters, in small letters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def body(self) -> AsyncGenerator[bytes, None]:
        """The body, piece by piece. Raises ``Unreachable`` when the connection ends before the body does."""
        async for data, chunked in self.coded():
            taken = data if chunked is None else chunked.feed(data)
            if taken:
                yield taken

    async def coded(self) -> AsyncGenerator[tuple[bytes, Chunked | None], None]:
        """The body as it comes, with what takes its coding off: to be fed before the next piece. As ``body``."""
        chunked = Chunked() if "chunked" in self.headers.get("transfer-encoding", "").lower() else None
        length = self.headers.get("content-length", "")
        left = int(length) if length.isdigit() else None
        while (chunked is None or not chunked.done) and left != 0:
            data = await self.read()
            if not data:
                if chunked is None and left is None:
                    return  # RFC 9112 §6.3: the end of the connection ends the body
                raise Unreachable("The connection to the engine was lost.")
            if chunked is None and left is not None:
                data = data[:left]
                left -= len(data)
            yield data, chunked

    async def read(self) -> bytes:
        """The next bytes of a connection that was taken over; empty at its end."""
        try:
            return await self.reader.read(READ)
        except (OSError, ssl.SSLError) as error:
            raise Unreachable(f"The connection to the engine was lost: {error}") from error

    async def write(self, data: bytes) -> None:
        """Sends on a connection that was taken over; waits while the engine does not read."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (OSError, ssl.SSLError) as error:
            raise Unreachable(f"The connection to the engine was lost: {error}") from error

    def write_eof(self) -> None:
        """Closes our direction: the process reads the end of its input."""
        if self.writer.can_write_eof():
            self.writer.write_eof()


async def connect(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the engine. Raises ``Unreachable``."""
    try:
        async with asyncio.timeout(CONNECT):
            if address.socket_path:
                return await asyncio.open_unix_connection(address.socket_path, limit=READ)
            context = address.ssl_context()
            reader, writer = await asyncio.open_connection(
                address.host,
                address.port,
                ssl=context,
                server_hostname=address.host if context else None,
                limit=READ,
            )
    except (OSError, ssl.SSLError, TimeoutError) as error:
        raise Unreachable(f"The engine does not answer: {error or 'time-out'}") from error
    raw = writer.get_extra_info("socket")
    if raw is not None:
        keep_alive(raw)
    return reader, writer


def keep_alive(raw: socket.socket) -> None:
    """Lets the kernel notice within 30 s that the other end of a TCP connection went away."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)


@asynccontextmanager
async def exchange(
    address: Address,
    method: str,
    path: str,
    *,
    version: str,
    query: Query | None = None,
    content: Any = None,
    upgrade: bool = False,
    deadline: float = ANSWER,
) -> AsyncIterator[Answer]:
    """One request on a connection of its own, closed at the end.

    ``path`` starts with a slash and has no version; ``version`` is the API version to speak ("1.41"). ``content`` is
    sent as JSON. ``upgrade`` asks to take the connection over. ``deadline``: seconds until the answer's head. Raises
    the ``EngineError`` that fits the status, ``Unreachable``, ``Malformed``.
    """
    reader, writer = await connect(address)
    try:
        body = b"" if content is None else json.dumps(content).encode()
        target = f"/v{version}{quote(path)}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        head = [f"{method} {target} HTTP/1.1", "Host: docker", "User-Agent: quarterdeck"]
        if content is not None:
            head.append("Content-Type: application/json")
        if content is not None or method == "POST":
            head.append(f"Content-Length: {len(body)}")
        head += ["Connection: Upgrade", "Upgrade: tcp"] if upgrade else ["Connection: close"]
        try:
            async with asyncio.timeout(deadline):
                writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
                await writer.drain()
                answer = await _head(reader, writer)
                if answer.status >= 300:
                    raise error_for(answer.status, await _error_text(answer))
        except TimeoutError as error:
            raise Unreachable(f"The engine did not answer within {deadline:g} s.", "timeout") from error
        except OSError as error:
            raise Unreachable(f"The connection to the engine was lost: {error}") from error
        yield answer
    finally:
        writer.close()
        try:
            async with asyncio.timeout(1):
                await writer.wait_closed()
        except (OSError, ssl.SSLError, TimeoutError):
            writer.transport.abort()


async def _head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise Malformed("The answer's head has no end.") from error
    except asyncio.IncompleteReadError as error:
        raise Unreachable("The engine closed the connection without an answer.") from error
    if len(raw) > HEAD_CAP:
        raise Malformed("The answer's head is too large.")
    first, *lines = raw.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise Malformed("The answer is not HTTP.")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return Answer(reader, writer, int(words[1]), headers)


async def _error_text(answer: Answer) -> bytes:
    text = b""
    async for piece in answer.body():
        text += piece
        if len(text) > ERROR_CAP:
            break
    return text[:ERROR_CAP]


_BY_STATUS: Final[Mapping[int, type[EngineError]]] = {
    304: AlreadySo,
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    501: Unsupported,
}


def error_for(status: int, body: bytes) -> EngineError:
    """The error that fits a status, in the engine's own words (``{"message": …}``)."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        message = body.decode("utf-8", "replace").strip() or f"The engine answered with status {status}."
    return _BY_STATUS.get(status, Failed if status >= 500 else Invalid)(text(message, multiline=True))
