"""Small helpers for the tasks that follow engines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
T = TypeVar("T")


def db(function: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Return ``function``, which uses the database, as a coroutine function that runs it in a thread."""
    return database_sync_to_async(function, thread_sensitive=False)


async def until_first(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run all jobs until the first one ends or fails, end the others, and raise what the first one raised."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    failures = [outcome for task, outcome in zip(tasks, outcomes, strict=True) if task in done]
    for failure in failures:
        if isinstance(failure, Exception):
            raise failure


async def wait_any(seconds: float | None, *events: asyncio.Event) -> None:
    """Return when one of the events is set or the time is over."""
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
