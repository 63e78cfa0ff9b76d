"""A volume read as a whole, for a download."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from console.engine.client import EngineClient
from console.engine.copies import volume_tar
from console.engine.looking import TRANSFER_LIFE, looking
from console.models import Engine
from console.reads.lent import lent

LEVEL: Final = 3  # of gzip: a core packs some 80 MB/s, and most of what can be won is


async def volume_archive(engine: Engine, volume: str) -> AsyncGenerator[bytes, None]:
    """A volume as tar.gz, as it comes: nothing is held. Raises ``EngineError``, in the middle too.

    The container that it is read through is there for as long as this is read; close the generator.
    """
    client = EngineClient(engine.address)
    async with lent(looking(client, volume, life=TRANSFER_LIFE), client.close) as found:
        version = await asyncio.to_thread(client.api_version)
        parts = volume_tar(client, version, found.container_id)
        async with aclosing(parts), aclosing(_packed(parts)) as packed:
            async for data in packed:
                yield data


async def _packed(parts: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)  # 31: as gzip
    async for part in parts:
        if data := await asyncio.to_thread(packer.compress, part):
            yield data
    yield packer.flush()
