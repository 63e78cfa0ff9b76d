"""An asyncio connection to an engine, for everything that streams: events, and later logs, shells and stats.

The docker SDK's own streams end silently when the engine dies and leak descriptors, so streams are read here, over
aiohttp. A stream belongs to one ``async with`` and is closed with it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import aiohttp

from console.engine import parse
from console.engine.address import Address
from console.engine.diagnose import explain, first_contact, not_docker, refused_ping, timed_out
from console.engine.errors import EngineError, Invalid, Malformed, NotFound, Unreachable, Unsupported
from console.engine.translate import raise_for
from console.engine.transport import CONNECT_TIMEOUT, KEEP_ALIVE, NEWEST_VERSION

ERROR_CAP = 64 * 1024  # bytes read of an answer that says no
SILENCE = 2.0  # seconds without a byte after which a stream's connection is looked at


@dataclass(frozen=True, slots=True)
class Pong:
    """What an engine says to ``GET /_ping``. ``time``: its clock, whole seconds, None if it does not tell."""

    api_version: str  # its newest, or the empty string
    time: datetime | None
    podman: bool


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """Turn whatever aiohttp raises below into an ``EngineError``."""
    try:
        yield
    except EngineError:
        raise
    except TimeoutError as error:  # aiohttp's time-outs are such
        raise timed_out(address) from error
    except (aiohttp.ClientResponseError, aiohttp.InvalidURL) as error:
        raise not_docker(address) from error
    except (aiohttp.ClientError, OSError) as error:
        raise explain(address, error) from error


class Connection:
    """A session of any number of streams to one engine. Use as ``async with Connection(address) as connection``."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._base = "http://engine"
        if address.socket_path is None:
            self._base = ("https" if address.tls else "http") + address.url.removeprefix("tcp")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        with translated(self.address):
            context = await asyncio.to_thread(self.address.ssl_context)
        connector: aiohttp.BaseConnector
        if self.address.socket_path is not None:
            connector = aiohttp.UnixConnector(self.address.socket_path, limit=0)
        else:
            connector = aiohttp.TCPConnector(ssl=context or True, limit=0, socket_factory=_alive_socket)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=None),
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self, method: str, path: str, params: Mapping[str, str] | None = None, **options: Any
    ) -> aiohttp.ClientResponse:
        """Send a request and return its answer once the headers are there. ``path`` includes the version (``/v1.41``).

        No time-out beyond connecting: the caller knows how long its stream may be silent. A status other than 2xx or
        101 raises the error it means. The caller closes the answer, or uses ``stream``.
        """
        if self._session is None:
            raise Unreachable("The connection to this engine was not opened.")
        with translated(self.address):
            answer = await self._session.request(
                method, self._base + path, params=params, allow_redirects=False, **options
            )
            if not (200 <= answer.status < 300 or answer.status == 101):
                try:
                    async with asyncio.timeout(5):
                        body = await answer.content.read(ERROR_CAP)
                finally:
                    answer.close()
                raise_for(answer.status, body)
        return answer

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, params: Mapping[str, str] | None = None, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """As ``request``, closing the answer (and so the stream) at the end of the block."""
        answer = await self.request(method, path, params, **options)
        try:
            yield answer
        finally:
            answer.close()

    async def chunks(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Yield the body of an answer as it comes; return at its end. aiohttp stops reading while nobody asks."""
        while True:
            with translated(self.address):
                chunk = await _read(answer)
            if not chunk:
                return
            yield chunk

    async def ping(self, timeout: float = 2.0) -> Pong:
        """Ask ``GET /_ping``; raise ``Unreachable`` if no engine answers within ``timeout`` seconds."""
        try:
            with translated(self.address):
                async with asyncio.timeout(timeout), self.stream("GET", "/_ping") as answer:
                    body = await answer.content.read(ERROR_CAP)
        except (NotFound, Invalid, Unsupported, Malformed) as error:
            raise refused_ping(self.address, error) from error
        except Unreachable as error:
            raise first_contact(self.address, error) from error.__cause__
        headers = answer.headers
        version = parse.api_version(headers, "Api-Version")
        if not version and not body.strip().endswith(b"OK"):
            raise not_docker(self.address)
        return Pong(version, _http_date(headers.get("Date")), "Libpod-Api-Version" in headers)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The next bytes of a body. Raises what aiohttp raises.

    aiohttp 3.14 never wakes its reader when a chunk that is none breaks a body off (the connection is closed then), and
    raises ``RuntimeError`` at whoever asks later.
    """
    while True:
        try:
            async with asyncio.timeout(SILENCE):
                return await answer.content.readany()
        except (TimeoutError, RuntimeError) as error:
            silent = error
        if answer.connection is None or answer.connection.transport is None:
            raise aiohttp.ClientPayloadError("The body broke off.")
        if isinstance(silent, RuntimeError):
            raise silent


def versioned(pong: Pong, path: str) -> str:
    """Return the path under the newest API version that both sides speak."""
    if not pong.api_version:
        return path
    versions = (pong.api_version, NEWEST_VERSION)
    return f"/v{min(versions, key=lambda version: tuple(map(int, version.split('.'))))}{path}"


def _alive_socket(info: Any) -> socket.socket:
    family, kind, protocol, _, _ = info
    created = socket.socket(family, kind, protocol)
    for level, option, value in KEEP_ALIVE:
        created.setsockopt(level, option, value)
    return created


def _http_date(value: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(value) if value else None
    except ValueError:
        return None
