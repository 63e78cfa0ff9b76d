"""The output of a command: which stream, how much is kept, nothing in it that acts."""

from __future__ import annotations

from console.engine.demux import Chunk
from console.operations.execute import KEPT, MOST_PARTS, Output, Ran
from console.operations.outcome import ran


def test_streams_are_told_apart_and_joined() -> None:
    output = Output()
    for stream, data in (("stdout", b"a"), ("stdout", b"b\r\n"), ("stderr", b"c"), ("stdout", b"d")):
        output.add(Chunk(stream, data))  # type: ignore[arg-type]
    assert output.parts() == (("stdout", "ab\n"), ("stderr", "c"), ("stdout", "d"))
    assert output.dropped == 0


def test_the_beginning_is_kept_and_the_rest_counted() -> None:
    output = Output()
    output.add(Chunk("stdout", b"x" * (KEPT - 1)))
    output.add(Chunk("stderr", b"yz"))
    output.add(Chunk("stdout", b"w" * 10))
    assert [(stream, len(text)) for stream, text in output.parts()] == [("stdout", KEPT - 1), ("stderr", 1)]
    assert output.dropped == 11


def test_a_flood_of_changes_has_a_bound() -> None:
    output = Output()
    for number in range(MOST_PARTS + 100):
        output.add(Chunk("stdout" if number % 2 else "stderr", b"."))
    assert len(output.parts()) == MOST_PARTS
    assert output.dropped == 100


def test_control_characters_stand_there_visibly() -> None:
    output = Output()
    output.add(Chunk("stdout", b"\x1b]0;title\x07a\tb\n\xe2\x80\xaeevil\xff\0"))
    assert output.parts() == (("stdout", "␛]0;title␇a\tb\n\\u202eevil\ufffd␀"),)


def test_a_character_cut_by_the_other_stream_is_whole() -> None:
    output = Output()
    for stream, data in (("stdout", b"\xe2\x82"), ("stderr", b"!"), ("stdout", b"\xac")):
        output.add(Chunk(stream, data))  # type: ignore[arg-type]
    assert output.parts() == (("stderr", "!"), ("stdout", "€"))


def test_any_exit_code_is_an_end_and_being_ended_is_none() -> None:
    assert (ran(Ran(2)).state, ran(Ran(2)).result) == ("succeeded", {"note": "done with exit code 2", "exit_code": 2})
    ended = ran(Ran(None, (("stdout", "x"),), 7, "It ran longer than 1 s and was ended."))
    assert (ended.state, ended.output) == ("failed", (("stdout", "x"),))
    assert ended.result == {"dropped": 7, "reason": "It ran longer than 1 s and was ended."}
