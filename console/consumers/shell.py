"""A terminal: ``/ws/e/<engine>/containers/<id>/shell`` for a process, ``…/attach`` for the container's main one.

The browser opens with ``{"type": "open", …}`` (command, user, workdir, env, tty, rows, columns) or takes up a session
with ``{"type": "open", "session": id}``. Then binary messages are keys and output; beside them ``resize`` (rows,
columns), ``keep`` (on), ``eof``, ``close`` from the browser and ``session`` (id, command, tty, keep, replay: bytes of
output that a page has shown before), ``refused`` (text), ``end`` (text, code) to it. Output counts in bytes towards the
acknowledgements of ``consumers.stream``.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from django.http import Http404

from console import access
from console.consumers.guard import ABUSE
from console.consumers.stream import StreamConsumer
from console.engine.errors import EngineError
from console.engine.execs import ExecSpec
from console.live.session import Place, Screen, Session
from console.live.shells import WITHDRAWN, TooMany, shells
from console.live.streams import api_version
from console.models import Container, Engine

LONGEST_WORD: Final = 4096  # characters of one argument
MOST_WORDS: Final = 256
LARGEST_SCREEN: Final = 1000  # cells in one direction
WAIT_FOR_OPEN: Final = 10.0  # seconds
SIZED_WITHIN: Final = 1.0  # seconds; of a process that could not be started the engine takes a size after ten


class ShellConsumer(StreamConsumer):
    """One page of one session."""

    messages: ClassVar[dict[str, str]] = {
        **StreamConsumer.messages,
        "open": "on_open",
        "resize": "on_resize",
        "keep": "on_keep",
        "eof": "on_eof",
        "close": "on_close",
    }
    attach: ClassVar[bool] = False

    _engine: Engine
    _container: Container
    _session: Session | None = None
    _asked: asyncio.Future[dict[str, Any]]

    def admit(self) -> None:
        """The container, and the right to a shell; ``host`` where a shell rules the host."""
        kwargs = self.scope["url_route"]["kwargs"]
        self._engine = access.engine_for(self.user, kwargs["slug"])
        container = access.container_for(self.user, self._engine, kwargs["container_id"])
        if container.container_id != kwargs["container_id"]:
            raise Http404("container")
        access.require(self.user, access.shell_right(container))
        self._container = container

    async def opened(self) -> None:
        """Waits for the browser to say what to open."""
        self._asked = asyncio.get_running_loop().create_future()
        await super().opened()

    async def serve(self) -> None:
        """Opens or takes up a session and shows it until it ends."""
        try:
            async with asyncio.timeout(WAIT_FOR_OPEN):
                asked = await self._asked
        except TimeoutError:
            await self.stop(ABUSE)
            return
        try:
            session = await self._session_for(asked)
        except (EngineError, TooMany) as error:
            text = error.message if isinstance(error, EngineError) else "Too many shells are open: close one first."
            await self.push("refused", text=text)
            return
        if session is None:
            await self.push("refused", text="That session has ended.", gone=True)
            return
        self._session = session
        spec = session.spec
        resizing = asyncio.create_task(self._resize(session, asked))
        try:
            await asyncio.wait({resizing}, timeout=SIZED_WITHIN)
            async with session.look() as screen:
                await self.push(
                    "session",
                    id=session.id,
                    command=list(spec.command),
                    tty=session.shell.tty,
                    keep=session.keep,
                    replay=screen.replay,
                )
                await self._show(session, screen)
        finally:
            resizing.cancel()
            await asyncio.gather(resizing, return_exceptions=True)

    async def _show(self, session: Session, screen: Screen) -> None:
        while data := await screen.get():
            await self.push_bytes(data)
        await session.ended.wait()
        await self.push("end", text=session.reason, code=session.exit_code)

    async def _session_for(self, asked: dict[str, Any]) -> Session | None:
        wanted = asked.get("session")
        if wanted is not None:
            found = shells.get(str(wanted), self.user.pk)
            return found if found and found.place.container_id == self._container.container_id else None
        container = self._container
        place = Place(
            self._engine,
            container.container_id,
            container.name,
            self._engine.address,
            api_version(self._engine),
            container.tty,
            container.open_stdin,
        )
        spec = ExecSpec(("(main process)",)) if self.attach else _spec(asked)
        return await shells.open(self.user, place, spec, address=self.address, attach=self.attach)

    def withdrawn(self) -> None:
        """Nothing that this person started goes on, whatever was to be kept."""
        if self._session is not None:
            self._session.close(WITHDRAWN)

    # From the browser

    async def on_open(self, said: dict[str, Any]) -> None:
        """What to open; only once."""
        try:
            if self._asked.done():
                raise ValueError("opened already")
            if not self.attach and said.get("session") is None:
                _spec(said)
        except ValueError:
            await self.stop(ABUSE)
            return
        self._asked.set_result(said)

    async def received_bytes(self, data: bytes) -> None:
        """Keys. More than the process reads: the page is told to wait by being closed, never the console grown."""
        await self.on_beat({})
        if self._session is None or not self._session.type(data):
            await self.stop(ABUSE)

    async def on_resize(self, said: dict[str, Any]) -> None:
        """The page's size in cells."""
        if self._session is not None:
            await self._resize(self._session, said)

    async def _resize(self, session: Session, said: dict[str, Any]) -> None:
        rows, columns = said.get("rows"), said.get("columns")
        if not session.shell.tty or not isinstance(rows, int) or not isinstance(columns, int):
            return
        if 1 <= rows <= LARGEST_SCREEN and 1 <= columns <= LARGEST_SCREEN:
            await session.resize(rows, columns)

    async def on_keep(self, said: dict[str, Any]) -> None:
        """Whether the session is to live on without a page."""
        if self._session is not None:
            self._session.keep = said.get("on") is True

    async def on_eof(self, said: dict[str, Any]) -> None:
        """The end of the input."""
        if self._session is not None:
            self._session.end_input()

    async def on_close(self, said: dict[str, Any]) -> None:
        """The person closes the session."""
        if self._session is not None:
            self._session.close("Closed.")


class AttachConsumer(ShellConsumer):
    """The container's main process; closing lets go of it and never stops it."""

    attach: ClassVar[bool] = True


def _spec(said: dict[str, Any]) -> ExecSpec:
    """The process that the browser asks for. Raises ``ValueError``."""
    command, env = said.get("command"), said.get("env", [])
    if not _words(command) or not command or not _words(env) or any("=" not in pair for pair in env):
        raise ValueError("command")
    texts = [said.get("user", ""), said.get("workdir", "")]
    if not _words(texts) or not isinstance(said.get("tty", True), bool):
        raise ValueError("user, workdir or tty")
    return ExecSpec(
        tuple(command), tty=said.get("tty", True), stdin=True, user=texts[0], working_dir=texts[1], env=tuple(env)
    )


def _words(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_WORDS
        and all(isinstance(word, str) and len(word) <= LONGEST_WORD and "\0" not in word for word in value)
    )
