"""Output of a small program in a running container, as bytes: an argument list, never a shell's line. Blocking."""

from __future__ import annotations

import asyncio
from typing import Final

from console.engine import execs, paths
from console.engine.client import EngineClient
from console.engine.demux import FrameParser
from console.engine.errors import Failed, Malformed, Unreachable

MOST: Final = 4 * 1024 * 1024  # bytes of output


def names_in(client: EngineClient, container_id: str, folder: str, seconds: float) -> list[str]:
    """The names in a folder, by the container's own ``find``. Raises ``Failed`` when it has none that can do it."""
    words = ("find", folder, "-mindepth", "1", "-maxdepth", "1", "-print0")
    found = asyncio.run(_output(client, client.api_version(), container_id, words, seconds))
    return [paths.name_of(paths.decoded(path)) for path in found.split(b"\0") if path]


async def _output(
    client: EngineClient, version: str, container_id: str, words: tuple[str, ...], seconds: float
) -> bytes:
    spec = execs.ExecSpec(words)
    found = bytearray()
    try:
        async with asyncio.timeout(seconds):
            exec_id = await execs.create(client.address, container_id, spec, version=version)
            async with execs.start(client.address, exec_id, spec, version=version) as terminal:
                parser = FrameParser()
                while data := await terminal.read():
                    for chunk in parser.feed(data):
                        found += chunk.data if chunk.stream == "stdout" else b""
                    if len(found) > MOST:
                        raise Malformed("The program prints too much.")
            state = await execs.state(client.address, exec_id, version=version)
    except TimeoutError as error:
        raise Unreachable(f"The program did not end within {seconds:g} s.", "timeout") from error
    if state.exit_code not in (0, None):
        raise Failed(f"“{words[0]}” ended with {state.exit_code}.")
    return bytes(found)
