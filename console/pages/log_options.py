"""What a log page shows, as its address says it: so that every view of a log is a link.

``tail`` lines of each container, or a range ``since`` … ``until``; ``stream`` stdout or stderr; ``q`` a search, with
``regex`` and ``case``. Times as docker takes them: "10m", "1h30m", "2d", seconds since 1970, or RFC 3339 (UTC without a
zone). A length of time counts back from the console's clock, as the docker command counts from its own machine's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import urlencode

from django.http import QueryDict

MOST_TAIL: Final = 20_000
UNITS: Final[Mapping[str, int]] = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_LENGTH: Final = re.compile(r"(?:[0-9]{1,6}[dhms])+")
_PART: Final = re.compile(r"([0-9]+)([dhms])")
SECOND: Final = 1_000_000_000


def moment(text: str, now_ns: int) -> int:
    """A time as people write it, in nanoseconds since 1970; 0 for nothing. Raises ``ValueError`` with a sentence."""
    text = text.strip()
    if not text:
        return 0
    if _LENGTH.fullmatch(text):
        back = sum(int(amount) * UNITS[unit] for amount, unit in _PART.findall(text))
        return max(1, now_ns - back * SECOND)
    try:
        if re.fullmatch(r"[0-9]{1,11}(\.[0-9]{1,9})?", text):
            found = int(Decimal(text) * SECOND)
        else:
            when = datetime.fromisoformat(text)
            when = when if when.tzinfo else when.replace(tzinfo=UTC)
            fraction = re.search(r"\.(\d{1,9})", text)
            whole = int(when.replace(microsecond=0).timestamp()) * SECOND
            found = whole + (int(fraction[1].ljust(9, "0")) if fraction else 0)
    except (ValueError, OverflowError, InvalidOperation):
        raise ValueError(f"“{text[:40]}” is no time: write 10m, 2h, 3d or 2026-01-28T01:30.") from None
    if not 0 <= found < 2**63:
        raise ValueError("A time must lie between 1970 and 2262.")
    return found


@dataclass(frozen=True, slots=True)
class LogOptions:
    """The options as they were written, and what they mean. ``errors``: sentences by option name."""

    tail: int
    since: str = ""
    until: str = ""
    stream: str = ""
    q: str = ""
    regex: bool = False
    case: bool = False
    since_ns: int = 0
    until_ns: int = 0
    errors: Mapping[str, str] | None = None

    @classmethod
    def from_query(cls, query: QueryDict, *, tail: int, now_ns: int | None = None) -> LogOptions:
        """``tail``: the lines when nothing else is asked. What cannot be understood is left out and told."""
        now = time.time_ns() if now_ns is None else now_ns
        errors: dict[str, str] = {}
        times = {}
        for name in ("since", "until"):
            try:
                times[name] = moment(query.get(name, ""), now)
            except ValueError as error:
                errors[name], times[name] = str(error), 0
        if times["since"] and times["until"] and times["until"] < times["since"]:
            errors["until"] = "The end lies before the beginning."
        given = query.get("tail", "")
        lines = tail
        if given:
            if given.isascii() and given.isdecimal() and len(given) < 10 and int(given) <= MOST_TAIL:
                lines = int(given)
            else:
                errors["tail"] = f"A number of lines up to {MOST_TAIL:,}."
        stream = query.get("stream", "")
        return cls(
            tail=lines,
            since=query.get("since", "").strip()[:60],
            until=query.get("until", "").strip()[:60],
            stream=stream if stream in {"stdout", "stderr"} else "",
            q=query.get("q", "")[:1000],
            regex=query.get("regex") == "1",
            case=query.get("case") == "1",
            since_ns=times["since"],
            until_ns=times["until"],
            errors=errors,
        )

    def link(self, keep: list[tuple[str, str]], **changed: str) -> str:
        """A query string with other options: what is not named stays, a range and ``tail`` exclude each other."""
        pairs = dict.fromkeys(("tail", "since", "until"), "")
        if "tail" not in changed:
            pairs |= {"since": self.since, "until": self.until}
        pairs |= {"stream": self.stream, "q": self.q, "regex": "1" if self.regex else "", "case": "1" * self.case}
        pairs |= changed
        return "?" + urlencode([*keep, *((name, value) for name, value in pairs.items() if value)])

    def flags(self) -> str:
        """The options as flags of ``docker container logs``."""
        words = []
        if self.since:
            words.append(f"--since {self.since}")
        elif self.tail:
            words.append(f"--tail {self.tail}")
        if self.until:
            words.append(f"--until {self.until}")
        return " ".join(words)

    def without_errors(self) -> LogOptions:
        """The same where nothing is wrong to show."""
        return replace(self, errors={})
