"""The rights of all open sockets of this process, looked at again together.

One pass reads every session and every person in one query each, and asks ``admit`` once for all sockets of a person
that have the same address. It closes whatever the hints of ``changes`` missed (docs/security.md, "Sockets").
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from channels.db import database_sync_to_async
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db import Error as DatabaseFailure
from django.http import Http404
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from console.models import User

log = logging.getLogger(__name__)

SIGNED_OUT, WITHDRAWN, MISSING, UNKNOWN = 4401, 4403, 4404, 4500  # closing codes
AT_ONCE: Final = 500  # sessions in one query


class Held(Protocol):
    """An open socket, as a pass sees it."""

    scope: Any
    user: User

    def admit(self) -> None:
        """Raises ``Http404`` or ``PermissionDenied`` when the socket may not be open."""

    async def refuse(self, code: int) -> None:
        """End it."""

    async def listen(self) -> None:
        """Join the group that hints come by, again."""


def refusals(sockets: Sequence[Held]) -> list[int | None]:
    """Why each socket may not be open, as a closing code; None for those that may. Runs in a thread."""
    keys = [_key(socket) for socket in sockets]
    people = signed_in({key for key in keys if key})
    asked: dict[tuple[Any, ...], int | None] = {}
    found: list[int | None] = []
    for socket, key in zip(sockets, keys, strict=True):
        user = people.get(key)
        if user is None:
            found.append(SIGNED_OUT)
            continue
        socket.user = user
        same = (type(socket), user.pk, socket.scope.get("path"), socket.scope.get("query_string"))
        if same not in asked:
            asked[same] = _admitted(socket)
        found.append(asked[same])
    return found


def _key(socket: Held) -> str:
    session = socket.scope.get("session")
    return (session.session_key or "") if session is not None else ""


def _admitted(socket: Held) -> int | None:
    try:
        socket.admit()
    except Http404:
        return MISSING
    except PermissionDenied:
        return WITHDRAWN
    except DatabaseFailure:
        raise
    except Exception:
        log.exception("The right to a socket cannot be told: %s", socket.scope.get("path"))
        return UNKNOWN
    return None


def signed_in(keys: Iterable[str]) -> Mapping[str, User]:
    """Who is signed in by each of these sessions; those that are over, or whose person is disabled, are left out."""
    listed = sorted(keys)
    stored: dict[str, dict[str, Any]] = {}
    for at in range(0, len(listed), AT_ONCE):
        rows = Session.objects.filter(session_key__in=listed[at : at + AT_ONCE], expire_date__gt=timezone.now())
        stored |= {row.session_key: row.get_decoded() for row in rows}
    ids = {key: str(values[SESSION_KEY]) for key, values in stored.items() if SESSION_KEY in values}
    people = {str(user.pk): user for user in User.objects.filter(pk__in=set(ids.values()), is_active=True)}
    hashes = {pk: user.get_session_auth_hash() for pk, user in people.items()}
    return {
        key: people[pk]
        for key, pk in ids.items()
        if pk in people and constant_time_compare(stored[key].get(HASH_SESSION_KEY, ""), hashes[pk])
    }


class Watch:
    """Looks at all sockets that are open, every ``seconds()``, as long as there is one."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._sockets: dict[Held, None] = {}
        self._task: asyncio.Task[None] | None = None
        self._beside: set[asyncio.Task[None]] = set()

    def add(self, socket: Held) -> None:
        """It is open: look at it from now on."""
        task = self._task
        if task is not None and task.get_loop() is not asyncio.get_running_loop():
            self._sockets.clear()  # their loop has ended
            task = None
        self._sockets[socket] = None
        if task is None or task.done():
            self._task = asyncio.create_task(self._look(), name="rights of sockets")

    def discard(self, socket: Held) -> None:
        """It is closed."""
        self._sockets.pop(socket, None)
        if not self._sockets and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._seconds())
            sockets = list(self._sockets)
            try:
                codes = await database_sync_to_async(refusals, thread_sensitive=False)(sockets)
            except Exception:  # whatever it is, the next pass is made
                log.warning("Rights of open sockets could not be looked up; they are looked up again", exc_info=True)
                continue
            stay = []
            for socket, code in zip(sockets, codes, strict=True):
                if code is not None:
                    self._spawn(socket.refuse(code))
                else:
                    stay.append(socket)
            self._spawn(self._listen(stay))

    async def _listen(self, sockets: Sequence[Held]) -> None:
        """The channel layer may not have answered when a socket opened, or have forgotten it since."""
        for socket in sockets:
            if socket in self._sockets:
                await socket.listen()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Beside the passes: a socket whose end takes long, or a layer that hangs, holds up no other."""
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._beside.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("A socket could not be ended, or not join its group again", exc_info=task.exception())
