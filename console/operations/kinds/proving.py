"""Whether a container that was just started is good: it runs for a while, or its health check says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from console.engine.command.raw import string
from console.engine.errors import EngineError
from console.engine.fields import boolean, child, integer
from console.engine.logs import LogQuery, chunks
from console.operations.execute import Output, Part
from console.operations.work import Work, WorkFailed

STEADY: Final = 5.0  # seconds that a container without a health check has to run
LOOK_EVERY: Final = 0.5
HEALTHY_WITHIN: Final = (60.0, 600.0)  # seconds: at least, at most
SECOND: Final = 1_000_000_000  # nanoseconds
LAST_LINES: Final = 100
READ_WITHIN: Final = 10.0  # seconds for the last lines of its log


def good(work: Work, look: Callable[[], dict[str, Any]]) -> None:
    """Wait until it is good. ``look``: its inspect, empty when it is gone. Raises ``WorkFailed``, ``Cancelled``."""
    began = time.monotonic()
    while True:
        found = look()
        state, waited = child(found, "State"), time.monotonic() - began
        health = string(child(state, "Health"), "Status")
        checked = health not in {"", "none"}
        within = bound(child(found, "Config", "Healthcheck")) if checked else STEADY
        if not found:
            raise WorkFailed("Somebody removed the new one.")
        if integer(found, "RestartCount") or boolean(state, "Restarting"):
            raise WorkFailed(f"The new one ends{_code(state)} and is restarted again and again.", _error(state))
        if not boolean(state, "Running"):
            raise WorkFailed(f"The new one ended{_code(state)}.", _error(state))
        if health == "healthy" or (not checked and waited >= STEADY):
            return
        if health == "unhealthy":
            raise WorkFailed("The new one is unhealthy.", "Its health check failed too often.")
        if waited > within:
            raise WorkFailed(f"The new one was not healthy within {within:.0f} s.")
        words = f"{health or 'running'} for {waited:.0f} s, at most {within:.0f} s"
        work.progress(text=words, percent=int(100 * waited / within))
        work.wait(LOOK_EVERY)


def bound(check: Any) -> float:
    """Seconds that a health check (``Config.Healthcheck``) may take until it has said yes."""
    interval, timeout = integer(check, "Interval") or 30 * SECOND, integer(check, "Timeout") or 30 * SECOND
    whole = integer(check, "StartPeriod") + (interval + timeout) * ((integer(check, "Retries") or 3) + 1)
    return min(max(whole / SECOND, HEALTHY_WITHIN[0]), HEALTHY_WITHIN[1])


def last_words(work: Work, container_id: str, tty: bool) -> tuple[Part, ...]:
    """The end of its log, as far as the engine gives it within a moment."""
    output = Output()

    async def read() -> None:
        query = LogQuery(container_id, tty, tail=LAST_LINES, timestamps=False)
        async with asyncio.timeout(READ_WITHIN):
            async for some in chunks(work.client.address, query, version=work.client.api_version()):
                for chunk in some:
                    output.add(chunk)

    with suppress(EngineError, TimeoutError):
        asyncio.run(read())
    return output.parts()


def _code(state: Any) -> str:
    """With which exit code its last run ended; when the next one has begun the engine no longer tells."""
    code = integer(state, "ExitCode")
    return f" with exit code {code}" if code or not boolean(state, "Running") else ""


def _error(state: Any) -> str:
    return string(state, "Error")
