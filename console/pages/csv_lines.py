"""Rows as lines of CSV: RFC 4180, UTF-8, and nothing in them that a spreadsheet would run as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from io import StringIO
from typing import Final

MOST: Final = 10_000  # rows of a file, the newest
AT_ONCE: Final = 500  # rows that are read and written together
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a cell begins with that spreadsheets take for one


def cell(value: object) -> str:
    """``value`` as text; one that looks like a formula gets an apostrophe in front, which makes it text there too."""
    text = moment(value) if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def moment(when: datetime) -> str:
    """2026-03-04T12:00:00.123456Z: sorts as text."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def lines(rows: Iterable[Iterable[object]]) -> str:
    """The lines of ``rows``, each with CRLF at its end; cells with a comma, a quote or a line end are quoted."""
    written = StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([cell(value) for value in row] for row in rows)
    return written.getvalue()
