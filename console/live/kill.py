"""Ends what a shell session left running in its container.

The engine keeps exec processes running when their client goes away and has no call to stop one. Everything that a
session starts inherits a marker in its environment; another exec finds the marker in ``/proc`` and signals: HUP, then
KILL. Where the image has no ``sh`` or ``grep``, or the processes hide, the outcome says that something may still run.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from console.engine import execs
from console.engine.address import Address
from console.engine.errors import Conflict, EngineError, NotFound

log = logging.getLogger(__name__)

VARIABLE: Final = "QUARTERDECK_SHELL"
# $1: the marker, $2: the signal. Prints how many processes it found.
SCRIPT: Final = """n=0
for p in /proc/[0-9]*; do
  if grep -qs "$1" "$p/environ"; then n=$((n+1)); kill -"$2" "${p#/proc/}" 2>/dev/null; fi
done
echo "$n"
"""
STEPS: Final = (("HUP", 0.3), ("HUP", 0.7), ("KILL", 0.2), ("KILL", 0.5))  # signal, seconds to wait after it
DEADLINE: Final = 12.0  # seconds for the whole ladder


async def end(address: Address, container_id: str, marker: str, user: str, *, version: str) -> str:
    """Signals until nothing with the marker runs; returns "" or a sentence that says what may be left."""
    try:
        async with asyncio.timeout(DEADLINE):
            return await _climb(address, container_id, marker, user, version)
    except TimeoutError:
        return "The container did not answer in time: the shell's processes may still run."


async def count(address: Address, container_id: str, marker: str, user: str, *, version: str) -> int:
    """How many processes with the marker run; 0 also where that cannot be told."""
    try:
        async with asyncio.timeout(DEADLINE):
            found = await _signal(address, container_id, marker, "0", user, version)
    except (EngineError, TimeoutError):
        return 0
    return int(found) if found.isdecimal() else 0


async def _climb(address: Address, container_id: str, marker: str, user: str, version: str) -> str:
    left = "?"
    for signal, wait in STEPS:
        for run_as in dict.fromkeys((user, "0")):  # root sees the environment of others, where root is allowed
            try:
                left = await _signal(address, container_id, marker, signal, run_as, version)
            except (NotFound, Conflict):
                return ""  # no container, or it does not run: nothing runs in it
            except EngineError as error:
                log.info("ending a shell in %s as %s: %s", container_id[:12], run_as or "its user", error.message)
                continue
            if left == "0" and run_as == "0":
                return ""
        await asyncio.sleep(wait)
    if left == "0":
        return ""
    if left.isdecimal():
        return f"{left} process(es) of the shell did not end."
    return "The image has no tools to find the shell's processes: they may still run."


async def _signal(address: Address, container_id: str, marker: str, signal: str, user: str, version: str) -> str:
    spec = execs.ExecSpec(("sh", "-c", SCRIPT, "sh", f"{VARIABLE}={marker}", signal), tty=True, user=user)
    exec_id = await execs.create(address, container_id, spec, version=version)
    output = b""
    async with execs.start(address, exec_id, spec, version=version) as terminal:
        while data := await terminal.read():
            output = (output + data)[-4096:]
    words = output.split()
    return words[-1].decode("ascii", "replace") if words else "?"
