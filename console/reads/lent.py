"""A blocking context manager for who waits on a loop and may be cancelled at any moment: the browser went away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, Final, TypeVar

T = TypeVar("T")
_LEAVING: Final[set[asyncio.Task[None]]] = set()  # the loop itself holds tasks only weakly


@asynccontextmanager
async def lent(manager: AbstractContextManager[T], after: Callable[[], None]) -> AsyncIterator[T]:
    """Enter and leave ``manager`` in threads; ``after`` is called when it was left, or could not be entered.

    It is left also when the waiting itself is cancelled: what it needs for that is closed by ``after``, not before.
    """
    entering = asyncio.ensure_future(asyncio.to_thread(manager.__enter__))
    try:
        yield await asyncio.shield(entering)
    finally:
        leaving = asyncio.create_task(_leave(entering, manager, after))
        _LEAVING.add(leaving)
        leaving.add_done_callback(_LEAVING.discard)
        await asyncio.shield(leaving)


async def _leave(entering: asyncio.Future[T], manager: AbstractContextManager[Any], after: Callable[[], None]) -> None:
    try:
        await asyncio.wait([entering])
        if entering.cancelled() or entering.exception() is not None:
            return
        await asyncio.to_thread(manager.__exit__, None, None, None)
    finally:
        after()
