"""Ask an engine over its unix socket, with nothing but the standard library."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import IO, Any

from tools.engines.state import EngineError


class Refused(EngineError):
    """The engine answered with an error; `status` is that of HTTP."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class SocketConnection(http.client.HTTPConnection):
    """An HTTP connection over a unix socket; `timeout` in seconds for each step."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("engine", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def call(path: Path, method: str, target: str, body: bytes | IO[bytes] | None = None, timeout: float = 60.0) -> bytes:
    """Answer of one request, for example `call(socket, "GET", "/containers/json?all=1")`.

    Raises Refused with the engine's own sentence when it refuses, OSError when it cannot be reached.
    """
    connection = SocketConnection(path, timeout)
    try:
        headers = {"Content-Type": "application/x-tar"} if body is not None else {}
        # Without this a file goes out in chunks, and the engine cannot tell a cut-off archive from a whole one.
        if body is not None and not isinstance(body, bytes):
            headers["Content-Length"] = str(body.seek(0, 2))
            body.seek(0)
        connection.request(method, target, body=body, headers=headers)
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    if answer.status >= 400:
        raise Refused(answer.status, f"{method} {target}: {answer.status} {_message(data)}")
    return data


def get_json(path: Path, target: str, timeout: float = 60.0) -> Any:
    """Decoded JSON answer of a GET."""
    return json.loads(call(path, "GET", target, timeout=timeout))


def answers(path: Path, timeout: float = 2.0) -> bool:
    """Whether the engine answers `/_ping` within the time, in seconds."""
    try:
        return call(path, "GET", "/_ping", timeout=timeout) == b"OK"
    except (OSError, EngineError, http.client.HTTPException):
        return False


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data[:200].decode(errors="replace")
