"""One terminal session: a process in a container, and the pages that look at it.

It reads on while nobody looks (into a bounded scrollback) and waits, like any terminal, while a page that looks does
not keep up. It ends when its process ends, when its person closes it, ``GRACE`` seconds after the last page left
(``IDLE`` if the person asked to keep it), or at an absolute limit; then nothing that it started is left in the
container. Where that is impossible for now, its row stays open and ``live.orphans`` comes back to it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from channels.db import database_sync_to_async
from django.utils import timezone

from console.engine import execs
from console.engine.address import Address
from console.engine.demux import FrameParser
from console.engine.errors import EngineError, NotFound, Unreachable
from console.live import kill
from console.models import Engine, Shell

SCROLLBACK: Final = 256 * 1024  # bytes that a page gets again when it comes back
QUEUE: Final = 512 * 1024  # bytes that wait for one page
INPUT: Final = 1024 * 1024  # bytes typed that the process has not read
GRACE: Final = 10.0  # seconds without a page: enough for a reload or a short drop of the line
IDLE: Final = 15 * 60.0  # seconds without a page, for a session that is to be kept
LONGEST: Final = 12 * 3600.0  # seconds of a session
STOPPED: Final = "The console stopped."
PAUSED: Final = "The container is paused: what the shell started stays in it, and is ended once it runs again."


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
    replay: int = 0  # bytes at its beginning that another page has shown: what asks for an answer in them has got one

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
        self._unfinished = False  # something may run on that can be ended later

    # For pages

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Screen]:
        """A screen that starts with the scrollback."""
        screen = Screen(replay=self._scrolled if self._looked.is_set() else 0)
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
            self.reason, self._unfinished = STOPPED, True
            raise
        finally:
            if not self.opened.done():
                self.opened.cancel()
            try:
                await asyncio.shield(self._record())
            finally:
                self._tell_pages()

    async def _record(self) -> None:
        if self._unfinished:
            await unfinished(self.shell, self.reason)
        else:
            await ended(self.shell, self.exit_code, self.reason)

    def _tell_pages(self) -> None:
        self.ended.set()
        for screen in self._screens:
            screen.end()

    async def _end_processes(self) -> str:
        """Leaves nothing running of what an exec started; returns "" or a sentence about what may be left."""
        place = self.place
        if not self.shell.exec_id:
            return ""
        try:
            return await kill.end(place.target, self.shell.marker, self.spec.user, exec_id=self.shell.exec_id)
        except kill.Paused:
            self._unfinished = True
            return PAUSED

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


async def _started(shell: Shell) -> None:
    await database_sync_to_async(shell.save, thread_sensitive=False)(update_fields=["exec_id"])


async def unfinished(shell: Shell, reason: str) -> None:
    """Nobody looks after it any more, and something of it may run: for ``live.orphans``."""
    shell.owner, shell.reason = "", reason[:300]
    await database_sync_to_async(shell.save, thread_sensitive=False)(update_fields=["owner", "reason"])


async def ended(shell: Shell, exit_code: int | None, reason: str) -> None:
    """Nothing of it is left that could be ended."""
    shell.exit_code, shell.reason, shell.ended_at = exit_code, reason[:300], timezone.now()
    await database_sync_to_async(shell.save, thread_sensitive=False)(update_fields=["exit_code", "reason", "ended_at"])
