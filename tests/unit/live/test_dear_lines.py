"""Lines that a container chose so that reading them takes long: the time grows with their length, not with its square.

Where it does not, these take hours, and pytest ends them.
"""

from __future__ import annotations

import pytest

from console.engine.demux import Line
from console.live.log_search import searched
from console.live.matcher import LONGEST_WORDS, Expression, Words, matcher_of
from console.pages.logs import visible

MANY = 400_000
DEAR = {
    "strings that a cancelled one ends": "\x9d" * MANY + "\x1b \x01",
    "strings without an end": "\x1b]" * MANY,
    "parameters without an end": "\x9b" + "1;" * MANY + "\x01",
    "blanks without an end": "\x1b" + " " * MANY + "\x01",
    "escapes": "\x1b" * MANY,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", DEAR)
def test_a_dear_line_is_read_in_the_time_of_its_length(kind: str) -> None:
    text = DEAR[kind]
    line = Line("stdout", f"{text}end".encode())
    assert len(searched(line)) <= len(text) + 3
    assert "\x1b" not in visible(line.data)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("\x1b]0;title\x07shown", "shown"),
        ("\x1b]0;title\x1b\\shown", "shown"),
        ("\x9d52;c;aGF\x9cshown", "shown"),
        ("\x1b]0;no end", ""),
        ("\x1b]0;cancelled\x1b[31mshown", "shown"),
        ("\x1bPheld\x1b[1mshown\x1b]x\x07.", "shown."),
    ],
)
def test_strings_for_a_terminal_are_taken_out(raw: str, text: str) -> None:
    assert searched(Line("stdout", raw.encode())) == text
    assert visible(raw.encode()) == text


def test_long_words_are_looked_for_in_a_process_that_can_be_ended() -> None:
    """Without case every place of a line costs as many steps as the words have characters."""
    assert isinstance(matcher_of("a" * LONGEST_WORDS, False, False), Words)
    assert isinstance(matcher_of("a" * (LONGEST_WORDS + 1), False, False), Expression)
    assert isinstance(matcher_of("a", False, True), Expression)
