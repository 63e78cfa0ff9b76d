"""Answers that come as a row of JSON messages while the engine works: pull, push, build, load."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from console.engine.client import EngineClient
from console.engine.errors import Malformed
from console.engine.text import text
from console.engine.translate import raise_for, translated
from console.engine.transport import Session

IDLE: Final = 900.0  # seconds of silence after which the engine is given up
LONGEST: Final = 1024 * 1024  # bytes of one message
MOST: Final = 64 * 1024 * 1024  # bytes of all; the engine's own words for a very large build
Message = Mapping[str, Any]


class Messages:
    """One call whose answer is JSON messages. ``close`` ends it from another thread, and with it the engine's work."""

    def __init__(
        self,
        client: EngineClient,
        path: str,
        params: dict[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        body: Iterable[bytes] | None = None,
    ) -> None:
        self._address = client.address
        self._path = f"/v{client.api_version()}{path}"
        self._session = Session(client.address, client.api_version())
        self._asked = (params, IDLE, headers, body)

    def __iter__(self) -> Iterator[Message]:
        """The messages as they come. Raises the ``EngineError`` tree; also for a call that was closed."""
        with translated(self._address):
            parts = self._session.stream("POST", self._path, *self._asked)
            try:
                status = int(next(parts))
                if status >= 300:
                    raise_for(status, _bounded(parts))
                yield from _messages(parts)
            finally:
                self._session.close()

    def close(self) -> None:
        """End the call."""
        self._session.deadline.abort()


def _messages(parts: Iterator[bytes]) -> Iterator[Message]:
    rest, size = b"", 0
    for part in parts:
        size += len(part)
        *lines, rest = (rest + part).split(b"\n")
        if len(rest) > LONGEST or size > MOST:
            raise Malformed("The engine's answer is too large.")
        for line in lines:
            if (message := _message(line)) is not None:
                yield message
    if (message := _message(rest)) is not None:
        yield message


def _message(line: bytes) -> Message | None:
    if not line.strip():
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Malformed("The engine's answer is not a row of JSON messages.") from error
    return found if isinstance(found, dict) else None


def _bounded(parts: Iterator[bytes]) -> bytes:
    found = b""
    for part in parts:
        found += part
        if len(found) > LONGEST:
            break
    return found


def error_of(message: Message) -> str:
    """The engine's sentence when the message says that the work failed, or ""."""
    detail = message.get("errorDetail")
    said = detail.get("message") if isinstance(detail, dict) else None
    return text(said or message.get("error") or "", 8192, multiline=True)
