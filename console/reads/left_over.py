"""Removes what a crash of the console left on the engines: containers that were made to look into a volume."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from channels.db import database_sync_to_async

from console.engine import looking
from console.engine.errors import EngineError
from console.models import Engine
from console.reads.ask import ask

EVERY: Final = 60.0  # seconds

logger = logging.getLogger(__name__)


async def sweep_engines(stop: asyncio.Event, owner: str) -> None:
    """At once, and every minute, until ``stop`` is set. Several workers may do it at once."""
    while not stop.is_set():
        await database_sync_to_async(sweep, thread_sensitive=False)()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY)


def sweep() -> int:
    """Look at every engine that answers; how many containers were removed."""
    gone = 0
    for engine in Engine.objects.all():
        try:
            found = ask(engine, looking.sweep)
        except EngineError:
            continue  # later
        if found:
            logger.warning("%s: %d containers of a console that crashed were removed", engine, found)
        gone += found
    return gone
