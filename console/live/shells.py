"""Terminal sessions that live on the server: a page that comes back finds the same shell and its scrollback.

A session belongs to one person and one process of the console. It reads on while nobody looks (into a bounded
scrollback) and waits, like any terminal, while a page that looks does not keep up. It ends when its process ends, when
its person closes it, ``GRACE`` seconds after the last page left (``IDLE`` if the person asked to keep it), or at an
absolute limit; then nothing that it started is left in the container.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from console import access
from console.engine import execs
from console.engine.address import Address
from console.engine.demux import FrameParser
from console.engine.errors import EngineError, NotFound, Unreachable
from console.live import kill
from console.models import Engine, Shell, User

log = logging.getLogger(__name__)

SCROLLBACK: Final = 256 * 1024  # bytes that a page gets again when it comes back
QUEUE: Final = 512 * 1024  # bytes that wait for one page
INPUT: Final = 1024 * 1024  # bytes typed that the process has not read
GRACE: Final = 10.0  # seconds without a page: enough for a reload or a short drop of the line
IDLE: Final = 15 * 60.0  # seconds without a page, for a session that is to be kept
LONGEST: Final = 12 * 3600.0  # seconds of a session
KEPT: Final = 60.0  # seconds that an ended session can still tell why it ended
A_PERSON: Final = 20  # sessions of one person
A_PROCESS: Final = 400
ALIVE: Final = 10.0  # seconds between signs of life in the database
DEAD: Final = 40.0  # seconds without one: the owner is gone
RECHECK: Final = 5.0  # seconds between looks whether people still may have a shell, also when no page is open
WITHDRAWN: Final = "Closed: the right was withdrawn."


class TooMany(Exception):
    """The person, or the process, has as many sessions as are allowed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session runs."""

    engine: Engine
    container_id: str
    container_name: str
    address: Address
    version: str
    tty: bool  # of the container's main process, for attaching
    open_stdin: bool

    @property
    def target(self) -> kill.Target:
        """For ``kill``."""
        return kill.Target(self.address, self.container_id, self.version)


@dataclass(slots=True, eq=False)
class Screen:
    """One page that looks at a session: a bounded queue of output."""

    _parts: deque[bytes] = field(default_factory=deque)
    _size: int = 0
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    room: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    def __post_init__(self) -> None:
        self.room.set()

    def put(self, data: bytes) -> None:
        """Output for this page; above the bound the session waits for ``room``."""
        self._parts.append(data)
        self._size += len(data)
        if self._size >= QUEUE:
            self.room.clear()
        self._woken.set()

    def end(self) -> None:
        """Nothing follows."""
        self.ended = True
        self._woken.set()

    async def get(self) -> bytes:
        """All that waits, as one piece of at most 64 KiB; empty when nothing follows."""
        while not self._parts:
            if self.ended:
                return b""
            self._woken.clear()
            await self._woken.wait()
        data = self._parts.popleft()
        while self._parts and len(data) + len(self._parts[0]) <= 65536:
            data += self._parts.popleft()
        self._size -= len(data)
        if self._size < QUEUE:
            self.room.set()
        return data


class Session:
    """One terminal: a process in a container, and the pages that look at it."""

    def __init__(self, shell: Shell, place: Place, spec: execs.ExecSpec) -> None:
        self.id = str(shell.pk)
        self.shell = shell
        self.place = place
        self.spec = spec
        self.reason = ""
        self.exit_code: int | None = None
        self.keep = False  # while no page looks
        self.ended = asyncio.Event()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None
        self._screens: set[Screen] = set()
        self._scrollback: deque[bytes] = deque()
        self._scrolled = 0
        self._typed: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._typing = 0
        self._left_at = asyncio.get_running_loop().time()
        self._closing = asyncio.Event()
        self._looked = asyncio.Event()  # a page has looked
        self._why = ""

    # For pages

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Screen]:
        """A screen that starts with the scrollback."""
        screen = Screen()
        self._looked.set()
        for part in self._scrollback:
            screen.put(part)
        if self.ended.is_set():
            screen.end()
        self._screens.add(screen)
        try:
            yield screen
        finally:
            self._screens.discard(screen)
            screen.room.set()
            self._left_at = asyncio.get_running_loop().time()

    def type(self, data: bytes) -> bool:
        """Input for the process; False when it does not read what was typed before."""
        if self._typing + len(data) > INPUT:
            return False
        self._typing += len(data)
        self._typed.put_nowait(data)
        return True

    async def resize(self, rows: int, columns: int) -> None:
        """The size of the terminal in cells."""
        place = self.place
        if self.shell.kind == Shell.Kind.ATTACH:
            await execs.resize_main(place.address, place.container_id, rows, columns, version=place.version)
        elif self.shell.exec_id:
            await execs.resize(place.address, self.shell.exec_id, rows, columns, version=place.version)

    def close(self, why: str) -> None:
        """Ask for the end; ``ended`` tells when it has come."""
        self._why = self._why or why
        self._closing.set()

    def look_after(self, now: datetime) -> None:
        """Ends the session when a limit is reached."""
        unseen = 0.0 if self._screens else asyncio.get_running_loop().time() - self._left_at
        if unseen > (IDLE if self.keep else GRACE):
            self.close("Closed: no page showed it any more.")
        elif (now - self.shell.started_at).total_seconds() > LONGEST:
            self.close(f"Closed after {LONGEST / 3600:.0f} hours.")

    # The process

    async def run(self) -> None:
        """From the start of the process to the last of its traces."""
        try:
            async with AsyncExitStack() as stack:
                terminal = await self._open(stack)
                if not self.opened.done():
                    self.opened.set_result(None)
                await self._serve(terminal)
            self.reason = self._why or await self._how_it_ended()
            if self._why:
                self.reason = f"{self.reason} {await self._end_processes()}".strip()
        except EngineError as error:
            self.reason = error.message
            if not self.opened.done():
                self.opened.set_exception(error)
                self.opened.exception()
            self._tell_pages()  # the line to the engine broke, the process may run on: nobody need wait for that
            self.reason = f"{self.reason} {await self._end_processes()}".strip()
        except asyncio.CancelledError:
            self.reason = "The console stopped."
            await asyncio.shield(self._end_processes())
            raise
        finally:
            if not self.opened.done():
                self.opened.cancel()
            try:
                await asyncio.shield(_ended(self.shell, self.exit_code, self.reason))
            finally:
                self._tell_pages()

    def _tell_pages(self) -> None:
        self.ended.set()
        for screen in self._screens:
            screen.end()

    async def _end_processes(self) -> str:
        """Leaves nothing running of what an exec started; returns "" or a sentence about what may be left."""
        place = self.place
        if not self.shell.exec_id:
            return ""
        return await kill.end(place.target, self.shell.marker, self.spec.user, exec_id=self.shell.exec_id)

    async def _open(self, stack: AsyncExitStack) -> execs.Terminal:
        place, shell = self.place, self.shell
        if shell.kind == Shell.Kind.ATTACH:
            return await stack.enter_async_context(
                execs.attach(
                    place.address, place.container_id, tty=place.tty, stdin=place.open_stdin, version=place.version
                )
            )
        shell.exec_id = await execs.create(place.address, place.container_id, self.spec, version=place.version)
        await _started(shell)
        return await stack.enter_async_context(
            execs.start(place.address, shell.exec_id, self.spec, version=place.version)
        )

    async def _serve(self, terminal: execs.Terminal) -> None:
        reading = asyncio.create_task(self._read(terminal))
        writing = asyncio.create_task(self._write(terminal))
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait({reading, closing}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
        finally:
            for task in (reading, writing, closing):
                task.cancel()
            await asyncio.gather(reading, writing, closing, return_exceptions=True)

    async def _read(self, terminal: execs.Terminal) -> None:
        parser = FrameParser() if terminal.framed else None
        while data := await terminal.read():
            if parser is not None:
                data = b"".join(chunk.data for chunk in parser.feed(data))
            if not data:
                continue
            self._keep(data)
            for screen in list(self._screens):
                screen.put(data)
            for screen in list(self._screens):
                await screen.room.wait()
            if self._scrolled >= SCROLLBACK // 4 and not self._looked.is_set():
                # The page that asked for the process is on its way: until then nothing may leave the scrollback.
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._looked.wait(), GRACE)

    def _keep(self, data: bytes) -> None:
        self._scrollback.append(data[-SCROLLBACK:])
        self._scrolled += len(self._scrollback[-1])
        while self._scrolled - len(self._scrollback[0]) >= SCROLLBACK:
            self._scrolled -= len(self._scrollback.popleft())

    async def _write(self, terminal: execs.Terminal) -> None:
        while (data := await self._typed.get()) is not None:
            await terminal.write(data)
            self._typing -= len(data)
        terminal.write_eof()

    def end_input(self) -> None:
        """Close the process's input (Ctrl-D for one without a TTY)."""
        self._typed.put_nowait(None)

    async def _what_runs_on(self) -> str:
        """A shell that ended by itself may have left something in the background on purpose: said, not killed."""
        left = await kill.count(self.place.target, self.shell.marker, self.spec.user)
        return f" {left} process(es) that it started still run." if left else ""

    async def _how_it_ended(self) -> str:
        place = self.place
        if self.shell.kind == Shell.Kind.ATTACH:
            return "The container's main process ended, or let go of its output."
        for _ in range(10):  # the engine says "running" for a moment after the output has ended
            try:
                state = await execs.state(place.address, self.shell.exec_id, version=place.version)
            except NotFound:
                return "The container stopped or was removed."
            except Unreachable as error:
                return error.message
            if not state.running:
                self.exit_code = state.exit_code
                return f"The process ended with exit code {state.exit_code}.{await self._what_runs_on()}"
            await asyncio.sleep(0.1)
        return "The process let go of its output and still runs."


def _allowed(people: Iterable[int]) -> set[int]:
    return {user.pk for user in User.objects.filter(pk__in=people) if access.can(user, "shell")}


async def _started(shell: Shell) -> None:
    await database_sync_to_async(shell.save, thread_sensitive=False)(update_fields=["exec_id"])


async def _ended(shell: Shell, exit_code: int | None, reason: str) -> None:
    shell.exit_code, shell.reason, shell.ended_at = exit_code, reason[:300], timezone.now()
    await database_sync_to_async(shell.save, thread_sensitive=False)(update_fields=["exit_code", "reason", "ended_at"])


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

    async def close(self, keep: Callable[[Session], bool] = lambda _: False, why: str = "The console stopped.") -> None:
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


def orphans() -> list[Shell]:
    """Shells whose process of the console is gone."""
    since = timezone.now() - timedelta(seconds=DEAD)
    rows = Shell.objects.filter(Q(ended_at=None) & Q(alive_at__lt=since)).select_related("engine")
    return list(rows[:100])


async def clean_up(version_of: Callable[[Engine], str]) -> int:
    """End what shells of crashed processes left running; returns how many were looked after."""
    found = await database_sync_to_async(orphans, thread_sensitive=False)()
    for shell in found:
        reason = "The console was interrupted."
        if shell.kind == Shell.Kind.EXEC and shell.engine is not None:
            try:
                target = kill.Target(shell.engine.address, shell.container_id, version_of(shell.engine))
                left = await kill.end(target, shell.marker, shell.run_as)
            except (EngineError, ValueError) as error:
                log.warning("A shell of a crashed console cannot be ended yet: %s", error)
                continue
            reason = f"{reason} {left}".strip()
        await _ended(shell, None, reason)
    return len(found)
