"""One search through the past of one container's log, with context and bounds."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Final

from console.engine.demux import Line
from console.engine.logs import LogQuery, lines
from console.live.logs import Source
from console.live.matcher import Expression, Spans, Words

CONTEXT: Final = 2  # lines before and after a match
MOST_OF_ONE: Final = 1000  # matches of a container that are shown; the rest is counted
MOST_BYTES: Final = 4 * 1024**3  # of one log
BATCH_LINES, BATCH_CHARACTERS = 2000, 512 * 1024  # that are matched together
SHOWN: Final = 2000  # characters of a line around its first match
BEFORE: Final = 400  # of them before it

# An escape ends a string whatever follows, as in a terminal: so every beginning matches, and no line takes longer than
# its length.
_SEQUENCES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$|(?=\x1b))"
)


@dataclass(slots=True)
class Found:
    """What a part of a log gave. ``rows``: ``[stream, "nanoseconds", text, spans, begins]`` as JSON, "" for none.

    ``begins`` is 1 for the first row after a gap. The numbers are totals of this log. ``full``: there is
    more than ``MOST_BYTES``.
    """

    rows: str
    bytes: int
    lines: int
    matches: int
    full: bool = False


@dataclass(slots=True)
class _Context:
    """Which lines are shown: the matches and what stands around them, each once."""

    before: deque[tuple[Line, str]] = field(default_factory=lambda: deque(maxlen=CONTEXT))
    after: int = 0
    gap: bool = True

    def take(self, line: Line, text: str, spans: Spans) -> list[list[Any]]:
        if not spans:
            if self.after:
                self.after -= 1
                return [_row(line, text, [], False)]
            self.gap = self.gap or len(self.before) == CONTEXT
            self.before.append((line, text))
            return []
        rows = [_row(*kept, [], self.gap and number == 0) for number, kept in enumerate(self.before)]
        rows.append(_row(line, text, spans, self.gap and not rows))
        self.before.clear()
        self.after, self.gap = CONTEXT, False
        return rows


def _row(line: Line, text: str, spans: Spans, begins: bool) -> list[Any]:
    cut = 0
    if len(text) > SHOWN:
        cut = max(0, (spans[0][0] if spans else 0) - BEFORE)
        text = ("… " if cut else "") + text[cut : cut + SHOWN] + " …"
        cut -= 2 if cut else 0
    placed = [(start - cut, end - cut) for start, end in spans if end - cut <= len(text)]
    stream = 2 if line.stream == "stderr" else 1
    return [stream, str(line.time_ns), text, placed or ([[0, 0]] if spans else []), int(begins)]


def searched(line: Line) -> str:
    """The text of a line that is searched and shown: without sequences for a terminal."""
    text = line.data.decode("utf-8", "replace")
    if "\x1b" in text or "\x9b" in text or "\x9d" in text:
        text = _SEQUENCES.sub("", text)
    return text.rstrip("\r").replace("\r", "\u240d")


async def search(
    source: Source, matcher: Words | Expression, *, since_ns: int, until_ns: int
) -> AsyncGenerator[Found, None]:
    """Reads the log from ``since_ns`` on (0 is its beginning) and tells what it found, part by part.

    Raises ``EngineError``, and what ``matcher`` raises.
    """
    query = LogQuery(source.container_id, source.tty, since_ns=since_ns, until_ns=until_ns)
    context, total = _Context(), Found("", 0, 0, 0)
    held: list[Line] = []
    size = 0

    async def part() -> Found:
        nonlocal held, size
        texts = [searched(line) for line in held]
        rows: list[list[Any]] = []
        for line, text, spans in zip(held, texts, await matcher.find(texts), strict=True):
            total.matches += bool(spans)
            if total.matches <= MOST_OF_ONE:
                rows += context.take(line, text, spans)
        total.lines += len(held)
        held, size = [], 0
        encoded = json.dumps(rows, ensure_ascii=False, separators=(",", ":")) if rows else ""
        return Found(encoded, total.bytes, total.lines, total.matches, total.full)

    async for some in lines(source.address, query, version=source.version):
        for line in some:
            held.append(line)
            size += len(line.data)
            total.bytes += len(line.data) + 1
            if len(held) >= BATCH_LINES or size >= BATCH_CHARACTERS:
                yield await part()
        if total.bytes > MOST_BYTES:
            total.full = True
            break
    yield await part()
