"""A registry that can be made to misbehave, on a port of loopback or of the way to a private engine."""

from __future__ import annotations

import socketserver
import ssl
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes]
Script = Callable[[str, str, dict[str, str]], Answer]  # method, path with query, headers in lower case
STALLED = 30.0  # seconds; ``FakeRegistry.close`` ends it earlier


class FakeRegistry:
    """``script`` answers; ``asked`` has what came: (method, path, headers)."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> None:
        self.script = script
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer((address, 0), _handler(self))
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.host = f"{address}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stall(self) -> None:
        """For a script: answer no more."""
        self.closing.wait(STALLED)

    @property
    def credentials(self) -> list[str]:
        """The account and secret of every request that had one."""
        found = [headers.get("authorization", "") for _, _, headers in self.asked]
        return [b64decode(words[6:]).decode() for words in found if words.startswith("Basic ")]

    def close(self) -> None:
        """End it."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(registry: FakeRegistry) -> type[socketserver.BaseRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            registry.asked.append((self.command, self.path, headers))
            status, given, body = registry.script(self.command, self.path, headers)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), "Connection": "close", **given}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                with suppress(OSError):  # whoever asked has gone
                    self.wfile.write(body)
            self.close_connection = True

        do_GET = do_HEAD = do_DELETE = answer

        def log_message(self, *args: object) -> None:
            """Quiet."""

    return Handler


@contextmanager
def fake_registry(
    script: Script, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> Iterator[FakeRegistry]:
    """One that lives for a test."""
    made = FakeRegistry(script, tls, address)
    try:
        yield made
    finally:
        made.close()
