"""Processes started in a container (``POST /containers/{id}/exec``) and the main process attached to.

The engine leaves an exec process running when its client goes away and has no call to stop one: who starts a shell
records the process group and ends it with ``end`` (docs/architecture.md, "Shells").
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from console.engine.address import Address
from console.engine.errors import EngineError, Malformed
from console.engine.logs import framed
from console.engine.wire import ANSWER, Answer, exchange

ANSWER_CAP: Final = 1024 * 1024  # bytes of a JSON answer


@dataclass(frozen=True, slots=True)
class ExecSpec:
    """A process to start: argument list (never a shell string), TTY, user, folder, environment as NAME=value."""

    command: tuple[str, ...]
    tty: bool = False
    stdin: bool = False
    user: str = ""
    working_dir: str = ""
    env: tuple[str, ...] = ()
    detach_keys: str = "ctrl-],ctrl-]"  # so that Ctrl-P is not held back

    def content(self) -> dict[str, Any]:
        """The body of the request."""
        return {
            "AttachStdin": self.stdin,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": self.tty,
            "Cmd": list(self.command),
            "User": self.user,
            "WorkingDir": self.working_dir,
            "Env": list(self.env),
            "DetachKeys": self.detach_keys,
        }


@dataclass(frozen=True, slots=True)
class ExecState:
    """``GET /exec/{id}/json``: ``pid`` is the engine host's, 0 before the start; ``exit_code`` None while it runs."""

    running: bool
    exit_code: int | None
    pid: int


@dataclass(frozen=True, slots=True)
class Terminal:
    """A connection to a process: bytes in both directions. ``framed``: output is multiplexed (no TTY)."""

    answer: Answer
    framed: bool

    async def read(self) -> bytes:
        """The next bytes, empty at the end. Raises ``Unreachable``."""
        return await self.answer.read()

    async def write(self, data: bytes) -> None:
        """Types ``data``; waits while the process does not read. Raises ``Unreachable``."""
        await self.answer.write(data)

    def write_eof(self) -> None:
        """Ends the process's input."""
        self.answer.write_eof()


async def ask(
    address: Address,
    method: str,
    path: str,
    *,
    version: str,
    content: Any = None,
    query: Any = None,
    deadline: float = ANSWER,
) -> Any:
    """A small JSON answer, None for an empty one; ``deadline`` in seconds. Raises the ``EngineError`` tree."""
    body = b""
    async with exchange(
        address, method, path, version=version, content=content, query=query, deadline=deadline
    ) as answer:
        async for piece in answer.body():
            body += piece
            if len(body) > ANSWER_CAP:
                raise Malformed("The answer is too large.")
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError as error:
        raise Malformed("The answer is not JSON.") from error


async def create(address: Address, container_id: str, spec: ExecSpec, *, version: str) -> str:
    """Prepares a process; returns the exec's id. Raises ``NotFound``, ``Conflict`` (paused, not running)."""
    answer = await ask(address, "POST", f"/containers/{container_id}/exec", version=version, content=spec.content())
    if not isinstance(answer, dict) or not isinstance(answer.get("Id"), str):
        raise Malformed("The engine gave no id for the exec.")
    return str(answer["Id"])


async def paused(address: Address, container_id: str, *, version: str) -> bool:
    """Whether the container is paused (``GET /containers/{id}/json``). Raises ``NotFound``."""
    answer = await ask(address, "GET", f"/containers/{container_id}/json", version=version)
    return isinstance(answer, dict) and (answer.get("State") or {}).get("Paused") is True


@asynccontextmanager
async def start(address: Address, exec_id: str, spec: ExecSpec, *, version: str) -> AsyncIterator[Terminal]:
    """Starts a prepared process and takes the connection over. Leaving it closes the connection, not the process."""
    async with exchange(
        address,
        "POST",
        f"/exec/{exec_id}/start",
        version=version,
        content={"Detach": False, "Tty": spec.tty},
        upgrade=True,
    ) as answer:
        yield Terminal(answer, framed(answer, spec.tty))


@asynccontextmanager
async def attach(
    address: Address, container_id: str, *, tty: bool, stdin: bool, version: str
) -> AsyncIterator[Terminal]:
    """A connection to a container's main process. Leaving it does not stop the process."""
    query: dict[str, str | int] = {
        "stream": 1,
        "stdout": 1,
        "stderr": 1,
        "stdin": int(stdin),
        "detachKeys": "ctrl-],ctrl-]",
    }
    async with exchange(
        address, "POST", f"/containers/{container_id}/attach", version=version, query=query, upgrade=True
    ) as answer:
        yield Terminal(answer, framed(answer, tty))


async def state(address: Address, exec_id: str, *, version: str) -> ExecState:
    """How a process stands. Raises ``NotFound`` some minutes after it ended, or with its container."""
    answer = await ask(address, "GET", f"/exec/{exec_id}/json", version=version)
    if not isinstance(answer, dict):
        raise Malformed("The engine said nothing of the exec.")
    running = answer.get("Running") is True
    code = answer.get("ExitCode")
    return ExecState(
        running=running,
        exit_code=code if isinstance(code, int) and not running else None,
        pid=answer["Pid"] if isinstance(answer.get("Pid"), int) else 0,
    )


async def resize(address: Address, exec_id: str, rows: int, columns: int, *, version: str) -> None:
    """Tells the terminal's size in cells. An exec that ended meanwhile is no error."""
    try:
        await ask(address, "POST", f"/exec/{exec_id}/resize", version=version, query={"h": rows, "w": columns})
    except EngineError:
        return


async def resize_main(address: Address, container_id: str, rows: int, columns: int, *, version: str) -> None:
    """Tells the main process's terminal its size in cells. A container that ended meanwhile is no error."""
    try:
        await ask(
            address, "POST", f"/containers/{container_id}/resize", version=version, query={"h": rows, "w": columns}
        )
    except EngineError:
        return
