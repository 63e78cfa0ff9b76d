"""What a web process owes its streams: an end when it stops, and what a crashed one left."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from console.live import logs, orphans, shells, stats
from console.models import Engine

log = logging.getLogger(__name__)

EVERY: Final = 15.0  # seconds


def api_version(engine: Engine) -> str:
    """The API version that is spoken with this engine."""
    return str(engine.info.get("negotiated_api_version") or engine.api_version)


async def clean_up(stop: asyncio.Event) -> None:
    """Ends what shells left running whose session is over, until ``stop``."""
    while not stop.is_set():
        try:
            await orphans.clean_up(api_version)
        except Exception:
            log.exception("Cleaning up after shells failed; it is tried again")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY)


async def close() -> None:
    """Ends every shell of this process, with all it started, and every upstream."""
    await asyncio.gather(shells.shells.close(), logs.hubs.close(), stats.feeds.close())
