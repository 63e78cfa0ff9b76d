"""Images read as a whole, for a download."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from console.engine import images
from console.engine.client import EngineClient
from console.models import Engine


async def saved(engine: Engine, names: Sequence[str]) -> AsyncGenerator[bytes, None]:
    """Images as one tar, as it comes: nothing is held. Raises ``EngineError``, in the middle too."""
    with EngineClient(engine.address) as client:
        version = await asyncio.to_thread(client.api_version)
    async with aclosing(images.save(engine.address, version, names)) as parts:
        async for part in parts:
            yield part
