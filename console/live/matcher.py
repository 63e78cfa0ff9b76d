"""Tries a search on lines of logs. An expression runs in a process of its own.

Python's ``re`` backtracks: an expression like ``(a+)+$`` can take hours on one line, and it holds the interpreter lock
meanwhile, so a thread with a time-out would not save the server. The process (``python -I -S matcher.py``) has limits
for memory and is killed when one batch of lines takes longer than ``SLOW`` seconds. Plain words of a usual length need
none of that.

The protocol, one JSON text a line: in ``{"pattern", "case"}``, then lists of lines; out ``{"ok"}`` or ``{"error"}``,
then lists of spans.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Sequence
from typing import Any, Final, TextIO

LONGEST_WORDS: Final = 32  # characters that are looked for here: without case, each costs on every place of a line
LOOK: Final = 16 * 1024  # characters of a line that are looked at
MOST_SPANS: Final = 50  # matches in one line that are told
SLOW: Final = 3.0  # seconds for a batch of lines
MEMORY: Final = 512 * 1024 * 1024  # bytes that the process may take
LARGEST: Final = 64 * 1024 * 1024  # bytes of an answer

Spans = list[tuple[int, int]]


class BadPattern(Exception):
    """The expression cannot be used; the text says why."""


class TooSlow(Exception):
    """The expression takes too long on these lines."""


def compiled(pattern: str, case: bool) -> re.Pattern[str]:
    """The pattern, or ``BadPattern``."""
    try:
        return re.compile(pattern, 0 if case else re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(str(error)) from None


def spans(pattern: re.Pattern[str], line: str) -> Spans:
    """Where the pattern is in the line; a match of nothing counts as a match without a place."""
    found: Spans = []
    for match in pattern.finditer(line[:LOOK]):
        if match.end() > match.start() or not found:
            found.append(match.span())
        if len(found) == MOST_SPANS:
            break
    return found


class Words:
    """Plain words, a few: here."""

    def __init__(self, words: str, case: bool) -> None:
        self._pattern = compiled(re.escape(words), case)

    async def start(self) -> None:
        """Nothing to start."""

    async def find(self, lines: Sequence[str]) -> list[Spans]:
        """For every line where it matches."""
        search = self._pattern.search
        return [spans(self._pattern, line) if search(line, 0, LOOK) else [] for line in lines]

    async def end(self) -> None:
        """Nothing to end."""


class Expression:
    """A regular expression, in a process of its own that serves one search."""

    def __init__(self, pattern: str, case: bool) -> None:
        self._asked = {"pattern": pattern, "case": case}
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Starts the process. Raises ``BadPattern``, ``TooSlow``."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            __file__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LARGEST,
            env={},
        )
        answer = await self._ask(self._asked)
        if "error" in answer:
            raise BadPattern(answer["error"])

    async def find(self, lines: Sequence[str]) -> list[Spans]:
        """For every line where it matches. Raises ``TooSlow``; nothing can be found afterwards."""
        async with self._lock:
            found = await self._ask([line[:LOOK] for line in lines])
        return [[(start, end) for start, end in line] for line in found]

    async def _ask(self, question: Any) -> Any:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise TooSlow
        try:
            async with asyncio.timeout(SLOW):
                process.stdin.write(json.dumps(question).encode() + b"\n")
                await process.stdin.drain()
                answer = await process.stdout.readline()
        except (TimeoutError, OSError):
            answer = b""
        if not answer:
            await self.end()
            raise TooSlow
        return json.loads(answer)

    async def end(self) -> None:
        """Ends the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()


def matcher_of(words: str, case: bool, regex: bool) -> Words | Expression:
    """What looks for ``words``: long ones, as expressions, in a process that can be ended."""
    if regex:
        return Expression(words, case)
    return Words(words, case) if len(words) <= LONGEST_WORDS else Expression(re.escape(words), case)


def _serve(asked: TextIO, told: TextIO) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
    first = json.loads(asked.readline())
    try:
        pattern = compiled(first["pattern"], first["case"])
    except (BadPattern, MemoryError) as error:
        print(json.dumps({"error": str(error) or "It is too large."}), file=told, flush=True)
        return
    print(json.dumps({"ok": True}), file=told, flush=True)
    for line in asked:
        print(json.dumps([spans(pattern, text) for text in json.loads(line)]), file=told, flush=True)


if __name__ == "__main__":
    _serve(sys.stdin, sys.stdout)
