"""Any chunking of any frames gives the same lines."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.engine.demux import LINE_CAP, PART, Chunk, FrameParser, Line, LineAssembler, LineReader
from console.engine.errors import Malformed
from console.engine.wire import Chunked

T0 = int(datetime(2024, 5, 1, 10, tzinfo=UTC).timestamp()) * 1_000_000_000
STAMP = b"2024-05-01T10:00:00.%09dZ "
text = st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"\r"))


def frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


def logged(stream: int, number: int, line: bytes, *, framed: bool = True) -> bytes:
    """A line as the engine sends it with timestamps=1: cut in parts, a time before each."""
    parts = [line[at : at + PART] for at in range(0, len(line), PART)] or [b""]
    parts[-1] += b"\n"
    stamped = [STAMP % number + part for part in parts]
    return b"".join(frame(stream, part) if framed else part for part in stamped)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(at)]


def read(data: list[bytes], *, timestamps: bool = True, framed: bool = True) -> list[Line]:
    parser, lines = FrameParser(), LineAssembler(timestamps=timestamps, framed=framed)
    found: list[Line] = []
    for piece in data:
        for chunk in parser.feed(piece) if framed else [Chunk("stdout", piece)]:
            found += lines.feed(chunk)
    assert parser.between_frames
    reader = LineReader(framed=framed, timestamps=timestamps)
    assert [line for piece in data for line in reader.feed(piece)] == found
    rest = list(lines.pending())
    assert sorted(reader.close()) == sorted(rest)
    return found + rest


@settings(max_examples=1500, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), text), max_size=8),
    st.lists(st.integers(min_value=0, max_value=2000), max_size=30),
)
def test_any_chunking_of_framed_lines(lines: list[tuple[int, bytes]], cuts: list[int]) -> None:
    sent = b"".join(logged(stream, number, line) for number, (stream, line) in enumerate(lines))
    expected = [
        Line("stdout" if stream == 1 else "stderr", line, T0 + number) for number, (stream, line) in enumerate(lines)
    ]
    assert read(pieces(sent, cuts)) == expected


@settings(max_examples=1500, deadline=None)
@given(st.lists(text, max_size=8), st.lists(st.integers(min_value=0, max_value=2000), max_size=30))
def test_any_chunking_of_raw_lines(lines: list[bytes], cuts: list[int]) -> None:
    sent = b"".join(logged(1, number, line, framed=False) for number, line in enumerate(lines))
    assert read(pieces(sent, cuts), framed=False) == [
        Line("stdout", line, T0 + number) for number, line in enumerate(lines)
    ]


@settings(max_examples=1500, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=80)), max_size=12),
    st.lists(st.integers(min_value=0, max_value=2000), max_size=30),
)
def test_payload_bytes_are_kept_whatever_the_frames(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    sent = b"".join(frame(stream, payload) for stream, payload in frames)
    parser = FrameParser()
    got: dict[str, bytes] = {"stdout": b"", "stderr": b""}
    for piece in pieces(sent, cuts):
        for chunk in parser.feed(piece):
            got[chunk.stream] += chunk.data
    assert got == {
        name: b"".join(payload for stream, payload in frames if stream == number)
        for number, name in ((1, "stdout"), (2, "stderr"))
    }


@pytest.mark.parametrize("framed", [True, False])
@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART, 89_000])
@pytest.mark.parametrize("step", [1, 7, 4096, 1 << 20])
def test_split_lines_are_joined_and_inserted_times_removed(framed: bool, size: int, step: int) -> None:
    if step == 1 and size > PART + 1:
        step = 13
    line = bytes(range(32, 127)) * (size // 95 + 1)
    sent = logged(1, 5, line[:size], framed=framed) + logged(1, 6, b"next", framed=framed)
    got = read([sent[at : at + step] for at in range(0, len(sent), step)], framed=framed)
    assert got == [Line("stdout", line[:size], T0 + 5), Line("stdout", b"next", T0 + 6)]


@pytest.mark.parametrize("step", [7, 16384, 10**6])
def test_times_in_a_terminals_long_line_are_removed_where_the_driver_made_it_longer(step: int) -> None:
    """json-file writes three bytes for each that is no UTF-8: parts are longer than where they were cut."""
    stamp = b"2026-11-25T13:06:20.734022661Z "
    sent = stamp + b"x" * 16382 + b"\xef\xbf\xbd" * 2 + stamp + b"\xef\xbf\xbd" * 2 + b"\r\n" + stamp + b"next\r\n"
    reader = LineReader(framed=False)
    found = [line for at in range(0, len(sent), step) for line in reader.feed(sent[at : at + step])]
    assert [line.data for line in found] == [b"x" * 16382 + b"\xef\xbf\xbd" * 4 + b"\r", b"next\r"]


def test_an_endless_line_is_cut_and_the_rest_counted() -> None:
    got = read([logged(2, 0, b"x" * 2_000_000), logged(2, 1, b"y")])
    assert got[0].data == b"x" * LINE_CAP
    assert got[0].cut == 2_000_000 - LINE_CAP
    assert got[1] == Line("stderr", b"y", T0 + 1)


def test_the_end_without_a_newline_is_told() -> None:
    assert read([frame(1, STAMP % 3 + b"prompt> ")]) == [Line("stdout", b"prompt> ", T0 + 3, ended=False)]


def test_a_text_that_only_looks_like_a_time_is_kept() -> None:
    assert read([frame(1, b"2024-05-01 no stamp\n")]) == [Line("stdout", b"2024-05-01 no stamp", 0)]
    assert read([frame(1, STAMP % 1 + b"2024-05-01T10:00:00.5Z own time\n")]) == [
        Line("stdout", b"2024-05-01T10:00:00.5Z own time", T0 + 1)
    ]


@pytest.mark.parametrize("head", [b"\x03\0\0\0\0\0\0\x01", b"\x01\x01\0\0\0\0\0\x01", b"\x01\0\0\0\xff\xff\xff\xff"])
def test_garbage_is_an_error_not_text(head: bytes) -> None:
    with pytest.raises(Malformed):
        list(FrameParser().feed(head))


frames = st.one_of(
    st.tuples(st.sampled_from([0, 1, 2]), st.integers(0, 9), text).map(lambda one: logged(*one)),
    st.tuples(st.sampled_from([1, 2]), st.binary(max_size=80)).map(lambda one: frame(*one)),
    st.tuples(st.sampled_from([1, 2]), text).map(lambda one: frame(one[0], STAMP % 1 + one[1])),
    st.sampled_from((b"2024-02-30T10:00:00.000000001Z ", b"2024-05-01T10:00:00.00000001_Z ", b"2024-05-01T10:00:00Z "))
    .map(lambda stamp: frame(1, stamp + b"odd\n")),
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(frames, max_size=10), st.lists(st.integers(min_value=0, max_value=2000), max_size=20), st.booleans())
def test_the_short_way_reads_any_frames_as_the_long_way_does(
    sent: list[bytes], cuts: list[int], timestamps: bool
) -> None:
    read(pieces(b"".join(sent), cuts), timestamps=timestamps)


@settings(max_examples=1500, deadline=None)
@given(
    st.lists(st.one_of(frames, st.just(b"")), max_size=12),
    st.lists(st.integers(min_value=0, max_value=2000), max_size=20),
    st.lists(st.integers(min_value=0, max_value=2000), max_size=20),
    st.booleans(),
)
def test_lines_out_of_chunks_are_those_without_them(
    sent: list[bytes], apart: list[int], cuts: list[int], timestamps: bool
) -> None:
    """A frame a chunk, as engines do; and where ``apart`` says, chunks that begin and end anywhere."""
    pieces_of_frames = [piece for one in sent for piece in pieces(one, [cut for cut in apart if cut % 3 == 0])]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces_of_frames if one) + b"0\r\n\r\n"
    reader, chunked = LineReader(framed=True, timestamps=timestamps), Chunked()
    found = [line for piece in pieces(coded, cuts) for line in reader.feed_coded(piece, chunked)]
    assert chunked.done
    whole = read([b"".join(sent)], timestamps=timestamps)
    assert found == [line for line in whole if line.ended]
    assert sorted(reader.close()) == sorted(line for line in whole if not line.ended)


def test_a_text_that_looks_like_the_end_of_a_chunk_is_text() -> None:
    """What stands before a line says how long it is, not what the line looks like."""
    inner = logged(1, 2, b"inner")
    liar = frame(1, STAMP % 1 + b"one\n\r\n%x\r\n%b\r\n\n" % (len(inner), inner))
    sent = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in (logged(1, 0, b"zero"), liar, logged(1, 3, b"three")))
    found = LineReader(framed=True).feed_coded(sent, Chunked())
    assert found == read([logged(1, 0, b"zero") + liar + logged(1, 3, b"three")])
    assert [line.data for line in found][:2] == [b"zero", b"one"]


def test_a_chunk_that_holds_more_than_its_frame_is_read_to_its_end() -> None:
    both = logged(1, 0, b"zero") + logged(2, 1, b"one")
    assert LineReader(framed=True).feed_coded(b"%x\r\n%b\r\n" % (len(both), both), Chunked()) == read([both])


@pytest.mark.parametrize("header", [b"\x03\0\0\0\0\0\0\1x", b"\1\0\0\1\0\0\0\1x", b"\1\0\0\0\xff\0\0\0x"])
def test_garbage_is_no_header_for_the_reader_either(header: bytes) -> None:
    reader = LineReader(framed=True)
    with pytest.raises(Malformed):
        reader.feed(logged(1, 0, b"line") + header)
