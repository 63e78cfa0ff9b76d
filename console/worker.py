"""What works beside the web: following engines, performing operations, sweeping; each restarted when it fails."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from console.operations.runner import run_operations
from console.reads.left_over import sweep_engines
from console.sync.watch import watch_engines

log = logging.getLogger(__name__)

Job = Callable[[asyncio.Event, str], Awaitable[None]]
JOBS: Final[dict[str, Job]] = {"sync": watch_engines, "operations": run_operations, "sweep": sweep_engines}
FIRST_PAUSE: Final = 1.0  # seconds before a failed job starts again; doubles up to the longest
LONGEST_PAUSE: Final = 30.0


def new_owner() -> str:
    """Return a name for this process in lease rows and claims: where it runs, and unlike any other."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"


async def run_worker(stop: asyncio.Event, owner: str) -> None:
    """Follow the engines, perform the operations and sweep until ``stop`` is set."""
    await asyncio.gather(*(keep_running(name, job, stop, owner) for name, job in JOBS.items()))


async def keep_running(name: str, job: Job, stop: asyncio.Event, owner: str) -> None:
    """Run ``job`` until ``stop``; when it raises or returns early, log it and start it again after a growing pause."""
    pause, loop = 0.0, asyncio.get_running_loop()
    while not stop.is_set():
        began = loop.time()
        try:
            await job(stop, owner)
            if not stop.is_set():
                log.error("%s ended by itself", name)
        except Exception:
            log.exception("%s failed", name)
        if stop.is_set():
            return
        if loop.time() - began > LONGEST_PAUSE:
            pause = 0.0  # it ran well for a while
        pause = min(max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        log.info("%s starts again in %.0f s", name, pause)
        try:
            await asyncio.wait_for(stop.wait(), pause)
        except TimeoutError:
            continue
