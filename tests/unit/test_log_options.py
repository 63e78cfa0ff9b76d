"""The options of a log page: what an address means, and what it is told about."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from console.pages.log_options import SECOND, LogOptions, moment
from console.pages.logs import visible

NOW = 1_795_000_000 * SECOND + 123


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("10m", NOW - 600 * SECOND),
        ("1h30m", NOW - 5400 * SECOND),
        ("2d", NOW - 2 * 86400 * SECOND),
        ("1795000000", 1_795_000_000 * SECOND),
        ("1795000000.000000001", 1_795_000_000 * SECOND + 1),
        ("1970-01-02", 86400 * SECOND),
        ("1970-01-01T00:00:01", SECOND),
        ("1970-01-01T01:00:01+01:00", SECOND),
        ("1970-01-01T00:00:01.123456789Z", SECOND + 123_456_789),
    ],
)
def test_times_as_docker_takes_them(text: str, expected: int) -> None:
    assert moment(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["yesterday", "-5m", "9999-99-99", "1900-01-01", "99999999999", "10m ago", "٣m", "1e9", "m"]
)
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        moment(text, NOW)


def test_options_of_an_address() -> None:
    query = QueryDict("since=10m&until=now&tail=99999&stream=both&q=x&regex=1")
    options = LogOptions.from_query(query, tail=1000, now_ns=NOW)
    assert set(options.errors or {}) == {"until", "tail"}
    assert (options.tail, options.stream, options.q, options.regex, options.case) == (1000, "", "x", True, False)
    assert options.since_ns == NOW - 600 * SECOND


@pytest.mark.parametrize("tail", ["-1", "20001", "1e3", "٣", "9" * 5000, "x" * 5000])
def test_a_tail_that_is_no_number_of_lines_is_told(tail: str) -> None:
    options = LogOptions.from_query(QueryDict(f"tail={tail}"), tail=1000, now_ns=NOW)
    assert (set(options.errors or {}), options.tail) == ({"tail"}, 1000)


def test_links_keep_what_is_not_changed() -> None:
    options = LogOptions.from_query(QueryDict("since=1h&q=a%26b&regex=1"), tail=1000, now_ns=NOW)
    assert options.link([("c", "web")], since="10m", until="") == "?c=web&since=10m&q=a%26b&regex=1"
    assert options.link([], tail="5000") == "?tail=5000&q=a%26b&regex=1"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain", "plain"),
        (b"\x1b[31mred\x1b[0m", "red"),
        (b"\x1b]52;c;aGk=\x07after", "after"),
        (b'\x1bP$q"p\x1b\\\x1b[cafter', "after"),
        (b" 10%\r 100%\r", " 100%"),
        (b"a\x00b", "a\u2400b"),
        (b"\xff", "\ufffd"),
        ("\u202egnp.exe".encode(), "\\u202egnp.exe"),
        (b"\x1b", "\u241b"),
    ],
)
def test_a_line_without_script_is_only_text(raw: bytes, shown: str) -> None:
    assert visible(raw) == shown
