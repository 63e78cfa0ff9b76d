"""The terminal sessions of this process: who may open how many, what ends them, and their signs of life."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from console import access
from console.engine import execs
from console.live import kill
from console.live.session import STOPPED, Place, Session
from console.models import Shell, User

log = logging.getLogger(__name__)

KEPT: Final = 60.0  # seconds that an ended session can still tell why it ended
A_PERSON: Final = 20  # sessions of one person
A_PROCESS: Final = 400
ALIVE: Final = 10.0  # seconds between signs of life in the database
RECHECK: Final = 5.0  # seconds between looks whether people still may have a shell, also when no page is open
WITHDRAWN: Final = "Closed: the right was withdrawn."


class TooMany(Exception):
    """The person, or the process, has as many sessions as are allowed."""


def _allowed(people: Iterable[int]) -> set[int]:
    return {user.pk for user in User.objects.filter(pk__in=people) if access.can(user, "shell")}


class Shells:
    """The sessions of this process. One instance serves all consumers: ``console.live.shells.shells``."""

    def __init__(self, kept: float = KEPT) -> None:
        self._sessions: dict[str, Session] = {}
        self._kept = kept
        self._keeper: asyncio.Task[None] | None = None
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def __len__(self) -> int:
        return sum(not session.ended.is_set() for session in self._sessions.values())

    def get(self, session_id: str, user_pk: int) -> Session | None:
        """A session of this person, open or just ended."""
        session = self._sessions.get(session_id)
        return session if session is not None and session.shell.user_id == user_pk else None

    def of(self, user_pk: int, container_id: str) -> list[Session]:
        """The open sessions of a person in a container, oldest first."""
        return [
            session
            for session in self._sessions.values()
            if session.shell.user_id == user_pk
            and session.place.container_id == container_id
            and not session.ended.is_set()
        ]

    async def open(self, user: Any, place: Place, spec: execs.ExecSpec, *, address: str, attach: bool) -> Session:
        """Start a process, or attach to the main one. Raises ``TooMany`` and the engine's ``EngineError``."""
        mine = sum(s.shell.user_id == user.pk and not s.ended.is_set() for s in self._sessions.values())
        if mine >= A_PERSON or len(self) >= A_PROCESS:
            raise TooMany
        marker = secrets.token_hex(12)
        if not attach:
            spec = execs.ExecSpec(
                spec.command, spec.tty, True, spec.user, spec.working_dir, (*spec.env, f"{kill.VARIABLE}={marker}")
            )
        shell = await database_sync_to_async(Shell.objects.create, thread_sensitive=False)(
            pk=uuid.uuid4(),
            engine=place.engine,
            user=user,
            user_name=user.get_username(),
            address=address[:60],
            kind=Shell.Kind.ATTACH if attach else Shell.Kind.EXEC,
            container_id=place.container_id,
            container_name=place.container_name,
            command=list(spec.command),
            run_as=spec.user,
            tty=place.tty if attach else spec.tty,
            marker="" if attach else marker,
            owner=self.owner,
        )
        session = self._sessions[str(shell.pk)] = Session(shell, place, spec)
        session.task = asyncio.create_task(session.run(), name=f"shell in {place.container_name}")
        session.task.add_done_callback(lambda task: self._after(session, task))
        if self._keeper is None or self._keeper.done() or self._keeper.get_loop() is not asyncio.get_running_loop():
            self._keeper = asyncio.create_task(self._keep(), name="shells")
        await asyncio.shield(session.opened)
        return session

    def _after(self, session: Session, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.error("A shell session failed: %s", session.id, exc_info=task.exception())
        loop = asyncio.get_running_loop()
        loop.call_later(self._kept, self._sessions.pop, session.id, None)

    async def _keep(self) -> None:
        """Limits, and signs of life for those that clean up after a crash."""
        told = 0.0
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while len(self):
            now = timezone.now()
            if loop.time() - looked >= RECHECK:
                looked = loop.time()
                await self._recheck()
            for session in list(self._sessions.values()):
                session.look_after(now)
            if loop.time() - told > ALIVE:
                told = loop.time()
                await self._tell(now)
            await asyncio.sleep(1)

    async def _tell(self, now: datetime) -> None:
        """A sign of life. That it cannot be written must not end the watch over the sessions."""
        alive = Shell.objects.filter(owner=self.owner, ended_at=None)
        try:
            await database_sync_to_async(alive.update, thread_sensitive=False)(alive_at=now)
        except DatabaseError:
            log.exception("The sign of life of shells could not be written")

    async def _recheck(self) -> None:
        """End the sessions of people who may have none any more. One that a page shows ends through its socket too."""
        people = {s.shell.user_id for s in self._sessions.values() if s.shell.user_id is not None}
        try:
            allowed = await database_sync_to_async(_allowed, thread_sensitive=False)(people)
        except DatabaseError:
            log.exception("Rights to shells could not be looked up")
            return
        for session in list(self._sessions.values()):
            if session.shell.user_id not in allowed:
                session.close(WITHDRAWN)

    async def close(self, keep: Callable[[Session], bool] = lambda _: False, why: str = STOPPED) -> None:
        """End sessions and wait until nothing of them is left; all of them unless ``keep`` says so."""
        ending = [s for s in self._sessions.values() if not s.ended.is_set() and not keep(s)]
        for session in ending:
            session.close(why)
        for session in ending:
            if session.task is not None:
                with suppress(asyncio.CancelledError):
                    await session.task
        keeper = self._keeper
        if keeper is not None and not len(self):
            self._keeper = None
            if keeper.get_loop() is asyncio.get_running_loop():
                keeper.cancel()
                await asyncio.gather(keeper, return_exceptions=True)


shells = Shells()
