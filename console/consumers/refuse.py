"""The end of the websocket route table."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer


class RefuseConsumer(AsyncWebsocketConsumer):
    """Refuses every handshake: no route stands for this address."""

    async def websocket_connect(self, message: Any) -> None:
        """Closes before accepting, which Daphne answers with 403."""
        await self.close()
