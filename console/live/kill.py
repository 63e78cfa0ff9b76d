"""Ends what a shell session left running in its container.

The engine keeps exec processes running when their client goes away and has no call to stop one. Everything that a
session starts inherits a marker in its environment; another exec finds the marker in ``/proc`` and signals: HUP, then
KILL. Ends of one container that come together share their execs: each search costs the engine a process, and two
hundred shells that search each for themselves keep it busy for minutes. Where the image has no ``sh`` or ``grep``, or
the processes hide, the outcome says that something may still run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from console.engine import execs
from console.engine.address import Address
from console.engine.errors import Conflict, EngineError, NotFound, Unreachable

log = logging.getLogger(__name__)

VARIABLE: Final = "QUARTERDECK_SHELL"
# $1 $2 …: a marker and a signal, as often as there are ends. Prints "found MARKER NUMBER" for each, then "as UID".
SCRIPT: Final = """while [ $# -gt 1 ]; do
  n=0
  for f in $(grep -ls "$1" /proc/[0-9]*/environ 2>/dev/null); do
    p=${f#/proc/}; n=$((n+1)); kill -"$2" "${p%/environ}" 2>/dev/null
  done
  echo "found $1 $n"; shift 2
done
echo "as $(id -u 2>/dev/null)"
"""
# Signal, and seconds to wait after it. What starts others while it is looked for needs more than one KILL.
STEPS: Final = (("HUP", 0.3), ("HUP", 0.7), ("KILL", 0.2), ("KILL", 0.3), ("KILL", 0.5), ("0", 0.0))
DEADLINE: Final = 30.0  # seconds for the whole ladder
BEGUN: Final = 5.0  # seconds for a process that was asked for to stand
AT_ONCE: Final = 40  # markers of one search
AGAIN: Final = 1.0  # seconds until an engine that does not answer is asked again


class Paused(Exception):
    """The container is paused: nothing in it can be searched or signalled until it runs again."""


@dataclass(frozen=True, slots=True)
class Target:
    """A container, and how to reach its engine."""

    address: Address
    container_id: str
    version: str


async def end(target: Target, marker: str, user: str, *, exec_id: str = "") -> str:
    """Signals until nothing with the marker runs; returns "" or a sentence that says what may be left.

    ``exec_id``: of a process that was asked for just now and may only be about to start. Raises ``Paused``.
    """
    try:
        async with asyncio.timeout(DEADLINE):
            if exec_id:
                await _begun(target, exec_id)
            return await _climb(target, marker, user)
    except TimeoutError:
        return "The container did not answer in time: the shell's processes may still run."
    except NotFound:
        return ""  # no container: nothing runs in it
    except Conflict:
        if await _is_paused(target):
            raise Paused from None
        return ""  # it does not run


async def _is_paused(target: Target) -> bool:
    try:
        return await execs.paused(target.address, target.container_id, version=target.version)
    except NotFound:
        return False


async def count(target: Target, marker: str, user: str) -> int:
    """How many processes with the marker run; 0 also where that cannot be told."""
    try:
        async with asyncio.timeout(DEADLINE):
            found, _ = await _search(target, user, marker, "0")
    except (EngineError, TimeoutError):
        return 0
    return found or 0


async def _begun(target: Target, exec_id: str) -> None:
    """The engine answers before the process stands: one that is not there yet would be missed, and start after all."""
    try:
        async with asyncio.timeout(BEGUN):
            while True:
                state = await execs.state(target.address, exec_id, version=target.version)
                if state.pid or state.exit_code is not None:
                    return
                await asyncio.sleep(0.1)
    except (NotFound, Unreachable, TimeoutError):
        return


async def _climb(target: Target, marker: str, user: str) -> str:
    left: int | None = None
    for signal, wait in STEPS:
        left = await _signal(target, marker, user, signal)
        if left == 0:
            return ""
        await asyncio.sleep(wait)
    if left is None:
        return "The image has no tools to find the shell's processes: they may still run."
    return f"{left} process(es) of the shell did not end."


async def _signal(target: Target, marker: str, user: str, signal: str) -> int | None:
    """Signals as the session's user, and as root, who sees what changed its user; None where none can search.

    Without a capability that containers lack root does not see the environment of others: both must find nothing.
    """
    found: list[int] = []
    for run_as in dict.fromkeys((user, "0")):
        try:
            number, root = await _patiently(target, run_as, marker, signal)
        except (NotFound, Conflict):
            raise
        except EngineError as error:
            log.info("ending a shell in %s as %s: %s", target.container_id[:12], run_as or "its user", error.message)
            continue
        if number is not None:
            found.append(number)
        if root:
            break
    return max(found) if found else None


async def _patiently(target: Target, user: str, marker: str, signal: str) -> tuple[int | None, bool]:
    """As ``_search``; an engine that does not answer is asked again until the ladder's deadline."""
    while True:
        try:
            return await _search(target, user, marker, signal)
        except Unreachable:
            await asyncio.sleep(AGAIN)


@dataclass(slots=True)
class _Searches:
    """What is to be searched next in one container as one user."""

    waiting: dict[tuple[str, str], asyncio.Future[tuple[int | None, bool]]] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None


_searches: dict[tuple[asyncio.AbstractEventLoop, Target, str], _Searches] = {}


async def _search(target: Target, user: str, marker: str, signal: str) -> tuple[int | None, bool]:
    """How many processes had the marker and were signalled, None when nothing can search; and whether root looked."""
    loop = asyncio.get_running_loop()
    key = (loop, target, user)
    searches = _searches.setdefault(key, _Searches())
    wanted = searches.waiting.setdefault((marker, signal), loop.create_future())
    if searches.task is None:
        searches.task = asyncio.create_task(_work(key, searches), name="ending shells")
    return await asyncio.shield(wanted)


async def _work(key: tuple[asyncio.AbstractEventLoop, Target, str], searches: _Searches) -> None:
    """One exec after the other, each for all that came meanwhile."""
    _, target, user = key
    try:
        while searches.waiting:
            some = dict(list(searches.waiting.items())[:AT_ONCE])
            for one in some:
                del searches.waiting[one]
            try:
                found, root = await _run(target, user, list(some))
            except EngineError as error:
                for future in some.values():
                    future.set_exception(error)
                    future.exception()  # whoever asked may be gone
            else:
                for (marker, _), future in some.items():
                    future.set_result((found.get(marker), root))
    finally:
        searches.task = None
        _searches.pop(key, None)


async def _run(target: Target, user: str, pairs: list[tuple[str, str]]) -> tuple[Mapping[str, int], bool]:
    words = [word for marker, signal in pairs for word in (f"{VARIABLE}={marker}", signal)]
    spec = execs.ExecSpec(("sh", "-c", SCRIPT, "sh", *words), tty=True, user=user)
    exec_id = await execs.create(target.address, target.container_id, spec, version=target.version)
    output = b""
    async with execs.start(target.address, exec_id, spec, version=target.version) as terminal:
        while data := await terminal.read():
            output = (output + data)[-16384:]
    found: dict[str, int] = {}
    root = False
    for line in output.decode("ascii", "replace").splitlines():
        match line.split():
            case ["found", variable, number] if number.isdecimal():
                found[variable.removeprefix(f"{VARIABLE}=")] = int(number)
            case ["as", "0"]:
                root = True
    return found, root
