"""Hints that something changed, sent on commit. They carry ids and a version, never data.

A receiver rereads the rows through ``access``. Layers drop messages; databases do not: a page that sees a version jump
in a beat asks for a fresh view.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from typing import Any, Final, Literal, TypedDict

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

log = logging.getLogger(__name__)

Kind = Literal["container", "image", "network", "volume", "engine", "event"]


def _redis_errors() -> tuple[type[Exception], ...]:
    """Redis's own, where it is used: its client takes 5 MB of memory."""
    if not settings.REDIS_URL:
        return ()
    from redis.exceptions import RedisError

    return (RedisError,)


REDIS_ERRORS: Final[tuple[type[Exception], ...]] = _redis_errors()
LAYER_ERRORS: Final[tuple[type[Exception], ...]] = (
    OSError,
    *REDIS_ERRORS,
)  # what a channel layer raises that cannot be reached
WITHIN: Final = 2.0  # seconds that a hint or a group may take: a layer that hangs must not hold what was committed
MOST_IDS: Final = 200  # above it a message says "many" (ids None): look at everything


class ObjectsChanged(TypedDict):
    """Rows of one kind changed, appeared or went. ``ids``: the engine's ids, None for many."""

    type: Literal["objects.changed"]
    engine: int
    kind: str
    ids: list[str] | None
    version: int


class EngineBeat(TypedDict):
    """The engine row was looked after: its freshness or state moved on."""

    type: Literal["engine.beat"]
    engine: int
    version: int


class OperationChanged(TypedDict):
    """An operation moved on."""

    type: Literal["operation.changed"]
    engine: int | None
    id: str
    version: int


class RightsChanged(TypedDict):
    """Somebody's rights changed: their sockets look again at once."""

    type: Literal["rights.changed"]
    user: int


class Wake(TypedDict):
    """There is work: look at the operations."""

    type: Literal["wake"]


Message = ObjectsChanged | EngineBeat | OperationChanged | RightsChanged | Wake


def engine_group(engine_pk: int) -> str:
    """The group of everybody who shows something of this engine."""
    return f"engine.{engine_pk}"


def person_group(user_pk: int) -> str:
    """The group of one person's sockets."""
    return f"person.{user_pk}"


OPERATIONS_GROUP: Final = "operations"
WORKERS_GROUP: Final = "workers"


def objects_changed(engine_pk: int, kind: Kind, ids: Iterable[str], version: int) -> None:
    """Tell on commit that these objects changed."""
    listed = list(ids)
    if listed:
        message = ObjectsChanged(
            type="objects.changed",
            engine=engine_pk,
            kind=kind,
            ids=listed if len(listed) <= MOST_IDS else None,
            version=version,
        )
        _on_commit(engine_group(engine_pk), message)


def operation_changed(engine_pk: int | None, operation_id: str, version: int) -> None:
    """Tell on commit that an operation moved on."""
    _on_commit(
        OPERATIONS_GROUP,
        OperationChanged(type="operation.changed", engine=engine_pk, id=operation_id, version=version),
    )


def rights_changed(user_pk: int) -> None:
    """Tell on commit that a person's rights changed."""
    _on_commit(person_group(user_pk), RightsChanged(type="rights.changed", user=user_pk))


def wake_workers() -> None:
    """Tell the workers on commit that an operation waits. They poll as well: a lost wake costs latency, not work."""
    _on_commit(WORKERS_GROUP, Wake(type="wake"))


async def beat(engine_pk: int, version: int) -> None:
    """Tell that the engine row was looked after; sent at once, from the event loop."""
    await _send(engine_group(engine_pk), EngineBeat(type="engine.beat", engine=engine_pk, version=version))


def _on_commit(group: str, message: Message) -> None:
    transaction.on_commit(lambda: async_to_sync(_send)(group, message))


async def _send(group: str, message: Message) -> None:
    """A hint that cannot be sent is lost, and what it speaks of is committed all the same."""
    layer = get_channel_layer()
    if layer is not None:
        await _reached(layer.group_send(group, dict(message)))


async def join(layer: Any, group: str, channel: str) -> bool:
    """Have ``channel`` hear of a group; False when the layer cannot be reached. Again costs nothing."""
    return await _reached(layer.group_add(group, channel))


async def leave(layer: Any, group: str, channel: str) -> bool:
    """The opposite of ``join``; False when the layer cannot be reached, which then has nobody to tell anyway."""
    return await _reached(layer.group_discard(group, channel))


_layer = {"answers": True}  # as this process saw it last


async def _reached(asked: Awaitable[None]) -> bool:
    """Whether the layer did it. An outage is one line in the log at its begin, and one at its end."""
    try:
        async with asyncio.timeout(WITHIN):
            await asked
    except LAYER_ERRORS as error:
        if _layer["answers"]:
            log.warning("The channel layer does not answer, pages lag behind until it does: %s", error)
        _layer["answers"] = False
        return False
    if not _layer["answers"]:
        log.warning("The channel layer answers again")
    _layer["answers"] = True
    return True
