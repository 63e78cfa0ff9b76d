"""One command in a container, to its end: its output with the stream that it came from, its exit code. Blocking.

Reads all that the command prints, keeps the first ``KEPT`` bytes and counts the rest. What runs too long is ended by
the mark in its environment (``live.kill``), with all that it started.
"""

from __future__ import annotations

import asyncio
import codecs
from dataclasses import dataclass
from typing import Final

from console.engine import execs
from console.engine.client import EngineClient
from console.engine.demux import Chunk, FrameParser
from console.engine.errors import NotFound
from console.engine.text import text
from console.live import kill
from console.operations.exec_params import ExecParams

KEPT: Final = 256 * 1024  # bytes of output
MOST_PARTS: Final = 2000  # changes between stdout and stderr that are kept
POLL: Final = 0.1  # seconds between looks at a command whose output has ended

Part = tuple[str, str]  # stream, text


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended. ``exit_code`` None: it did not end by itself, ``reason`` says in sentences why."""

    exit_code: int | None
    output: tuple[Part, ...] = ()
    dropped: int = 0  # bytes that were not kept
    reason: str = ""


class Output:
    """Takes output as it comes and keeps the beginning."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, bytearray]] = []
        self._size = 0
        self.dropped = 0

    def add(self, chunk: Chunk) -> None:
        """More output."""
        data = b"" if self.dropped else chunk.data[: KEPT - self._size]
        if data and (not self._parts or self._parts[-1][0] != chunk.stream):
            if len(self._parts) == MOST_PARTS:
                data = b""
            else:
                self._parts.append((chunk.stream, bytearray()))
        if data:
            self._parts[-1][1].extend(data)
            self._size += len(data)
        self.dropped += len(chunk.data) - len(data)

    def parts(self) -> tuple[Part, ...]:
        """As text that is safe to store and show; a character cut between two parts of a stream is whole."""
        decoders = {stream: codecs.getincrementaldecoder("utf-8")("replace") for stream, _ in self._parts}
        found: list[Part] = []
        for stream, data in self._parts:
            decoded = decoders[stream].decode(bytes(data)).replace("\r\n", "\n")
            if decoded:
                found.append((stream, text(decoded, 8 * KEPT, multiline=True)))
        return tuple(found)


def run(client: EngineClient, container_id: str, params: ExecParams, marker: str) -> Ran:
    """Run it and wait for its end. ``marker``: of this run alone. Raises the ``EngineError`` tree.

    Source: Docker Engine API, ``POST /containers/{id}/exec`` and ``POST /exec/{id}/start``.
    """
    return asyncio.run(_run(client, client.api_version(), container_id, params, marker))


async def _run(client: EngineClient, version: str, container_id: str, params: ExecParams, marker: str) -> Ran:
    spec = execs.ExecSpec(
        params.words,
        user=params.user,
        working_dir=params.workdir,
        env=(*params.env, f"{kill.VARIABLE}={marker}"),
    )
    exec_id = await execs.create(client.address, container_id, spec, version=version)
    output = Output()
    try:
        async with asyncio.timeout(params.timeout):
            async with execs.start(client.address, exec_id, spec, version=version) as terminal:
                parser = FrameParser()
                while data := await terminal.read():
                    for chunk in parser.feed(data):
                        output.add(chunk)
            code = await _exit_code(client, exec_id, version)
    except TimeoutError:
        target = kill.Target(client.address, container_id, version)
        left = await kill.end(target, marker, params.user, exec_id=exec_id)
        reason = f"It ran longer than {params.timeout} s and was ended. {left}".strip()
        return Ran(None, output.parts(), output.dropped, reason)
    except NotFound:
        return Ran(None, output.parts(), output.dropped, "The container stopped or was removed while it ran.")
    return Ran(code, output.parts(), output.dropped)


async def _exit_code(client: EngineClient, exec_id: str, version: str) -> int:
    """The exit code. A command may close its output long before it ends."""
    while True:
        state = await execs.state(client.address, exec_id, version=version)
        if not state.running and state.exit_code is not None:
            return state.exit_code
        await asyncio.sleep(POLL)
