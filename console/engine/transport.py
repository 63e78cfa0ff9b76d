"""The docker SDK's connections with bounds: a deadline for a whole call, TCP keep-alive, one connection per session.

The SDK's own session has a time-out per read only, so that an engine which sends a byte now and then holds a call for
ever, and its Unix adapter opens a connection for every different URL. Here each read gets what is left of the call.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import docker
import docker.tls
import urllib3
from docker.constants import DEFAULT_DOCKER_API_VERSION, MINIMUM_DOCKER_API_VERSION
from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool
from requests.adapters import HTTPAdapter

from console.engine.address import Address

CONNECT_TIMEOUT = 3  # seconds
OLDEST_VERSION = MINIMUM_DOCKER_API_VERSION
NEWEST_VERSION = DEFAULT_DOCKER_API_VERSION

SocketOption = tuple[int, int, int]
# Keep-alive after 15 s, 3 probes 5 s apart; unacknowledged data gives up after 20 s: a silent peer is noticed.
KEEP_ALIVE: list[SocketOption] = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 20_000),
]


class Deadline:
    """When the running call has to be over. One per session, and a session has one call at a time."""

    def __init__(self) -> None:
        self._end = 0.0
        self._connection: socket.socket | None = None
        self._aborted = False

    def reads(self, connection: socket.socket) -> None:
        """Remember whose reads end with ``abort``."""
        self._connection = connection

    def abort(self) -> None:
        """End the running call now, from another thread: its read fails."""
        self._aborted = True
        if self._connection is not None:
            with suppress(OSError):  # it has ended
                self._connection.shutdown(socket.SHUT_RDWR)

    def start(self, seconds: float) -> None:
        """Give the next call ``seconds`` from now."""
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left; raise ``TimeoutError`` if there are none."""
        left = self._end - time.monotonic()
        if left <= 0 or self._aborted:
            raise TimeoutError("the call took too long")
        return left


class _Reader(io.RawIOBase):
    """A socket's file of which every read ends at the deadline."""

    def __init__(self, inner: io.RawIOBase, connection: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._inner, self._connection, self._deadline = inner, connection, deadline
        deadline.reads(connection)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(self._deadline.left())
        return self._inner.readinto(buffer)

    def close(self) -> None:
        self._inner.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, deadline: Deadline, connection: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(connection, *args, **options)
        self.fp = io.BufferedReader(_Reader(self.fp.detach(), connection, deadline))


class _Pool(urllib3.HTTPConnectionPool):
    deadline: Deadline

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()
        connection.response_class = partial(_Response, self.deadline)
        return connection


class _TLSPool(urllib3.HTTPSConnectionPool):
    deadline: Deadline

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()
        connection.response_class = partial(_Response, self.deadline)
        return connection


class _UnixConnection(UnixHTTPConnection):
    def connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self.timeout)
            connection.connect(self.unix_socket)
        except OSError:
            connection.close()  # the SDK leaves it open
            raise
        self.sock = connection


class _UnixPool(UnixHTTPConnectionPool):
    deadline: Deadline

    def _new_conn(self) -> Any:
        connection: Any = _UnixConnection(self.base_url, self.socket_path, CONNECT_TIMEOUT)
        connection.response_class = partial(_Response, self.deadline)
        return connection


class _TCPAdapter(HTTPAdapter):
    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, socket_options=KEEP_ALIVE, **options)
        bound = {"deadline": self._deadline}
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("Pool", (_Pool,), bound),
            "https": type("TLSPool", (_TLSPool,), bound),
        }


class _UnixAdapter(UnixHTTPAdapter):
    def __init__(self, socket_url: str, deadline: Deadline) -> None:
        super().__init__(socket_url, timeout=CONNECT_TIMEOUT, pool_connections=1, max_pool_size=1)
        self._deadline = deadline

    def get_connection(self, url: Any, proxies: Any = None) -> Any:
        with self.pools.lock:
            pool = self.pools.get("engine")
            if pool is None:
                pool = _UnixPool("http+unix://engine", self.socket_path, CONNECT_TIMEOUT, maxsize=1)
                pool.deadline = self._deadline
                self.pools["engine"] = pool
        return pool


class _Client(docker.APIClient):
    def get_redirect_target(self, response: Any) -> None:
        """No answer of an engine leads elsewhere (and looking there would read its body without a bound)."""


class Session:
    """One docker SDK client and its deadline, for one thread at a time."""

    def __init__(self, address: Address, version: str) -> None:
        tls = address.tls
        url = address.url if tls is None else "https" + address.url.removeprefix("tcp")
        config: docker.tls.TLSConfig | bool = False
        if tls is not None:
            tls.check()
            pair = (tls.cert, tls.key) if tls.cert and tls.key else None
            config = docker.tls.TLSConfig(client_cert=pair, ca_cert=tls.ca, verify=tls.verify)
        self.deadline = Deadline()
        self.api = _Client(base_url=url, version=version, tls=config)
        self.api.trust_env = False  # neither proxies nor CA bundles of the environment
        self.api.headers["Accept-Encoding"] = "identity"
        if address.socket_path is not None:
            self.api.mount("http+docker://", _UnixAdapter(f"http+unix://{address.socket_path}", self.deadline))
        else:
            adapter = _TCPAdapter(self.deadline)
            self.api.mount("http://", adapter)
            self.api.mount("https://", adapter)

    def request(
        self, method: str, path: str, params: dict[str, str], seconds: float, cap: int, body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Send one request, ``body`` being JSON, and return its status and body.

        The call ends within ``seconds`` of its connection; a body above ``cap`` bytes raises ``TooLarge``.
        """
        connect = min(CONNECT_TIMEOUT, seconds)
        self.deadline.start(connect + seconds)
        response = self.api.request(
            method,
            self.api.base_url + path,
            params=params,
            data=body,
            headers={"Content-Type": "application/json"} if body is not None else None,
            timeout=(connect, seconds),
            stream=True,
            allow_redirects=False,
        )
        try:
            parts, size = [], 0
            while part := response.raw.read(1024 * 1024, decode_content=False):
                size += len(part)
                if size > cap:
                    raise TooLarge
                parts.append(part)
        finally:
            response.close()
        return response.status_code, b"".join(parts)

    def head(self, path: str, params: Mapping[str, str | bytes], seconds: float) -> tuple[int, Mapping[str, str]]:
        """Send a HEAD request and return its status and headers, within ``seconds`` of its connection."""
        connect = min(CONNECT_TIMEOUT, seconds)
        self.deadline.start(connect + seconds)
        response = self.api.request(
            "HEAD",
            self.api.base_url + path,
            params=params,
            timeout=(connect, seconds),
            stream=True,
            allow_redirects=False,
        )
        response.close()
        return response.status_code, response.headers

    def stream(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | bytes],
        idle: float,
        headers: Mapping[str, str] | None = None,
        body: Iterable[bytes] | None = None,
    ) -> Generator[bytes, None, None]:
        """Send one request and give its status as a line, then its body as it comes.

        Silence of ``idle`` seconds ends it with ``TimeoutError``, ``abort`` of the deadline at once.
        """
        self.deadline.start(idle)
        response = self.api.request(
            method,
            self.api.base_url + path,
            params=params,
            timeout=(CONNECT_TIMEOUT, idle),
            headers=dict(headers or {}),
            data=body,
            stream=True,
            allow_redirects=False,
        )
        try:
            yield str(response.status_code).encode()
            for part in response.raw.stream(65_536, decode_content=False):
                self.deadline.start(idle)
                yield part
        finally:
            response.close()

    def close(self) -> None:
        """Close the session's connection."""
        self.api.close()


class TooLarge(Exception):
    """The engine's answer is larger than the call allows."""
