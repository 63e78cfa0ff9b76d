"""The past of a log in batches: the first at once, the rest together, nothing lost when the connection is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.engine.demux import Line
from console.engine.errors import Unreachable
from console.live.logs import BATCH_BYTES, batches, encode

WORDS = [b"%d" % number for number in range(9)]


async def reads(words: list[bytes], lost: bool = False) -> AsyncIterator[list[Line]]:
    for word in words:
        yield [Line("stdout", word, 1)]
    if lost:
        raise Unreachable("lost")


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.live.logs.BATCH_DELAY", 3600.0)


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the delay had passed before every read."""
    monkeypatch.setattr("console.live.logs.BATCH_DELAY", 0.0)


async def test_small_reads_make_one_batch() -> None:
    found = [[line.data for line in batch.lines] async for batch in batches(reads(WORDS))]
    assert [word for batch in found for word in batch] == WORDS
    assert len(found) <= 2


@pytest.mark.usefixtures("slowly")
async def test_what_comes_slowly_comes_at_once() -> None:
    assert [len(batch.lines) async for batch in batches(reads(WORDS))] == [1] * len(WORDS)


async def test_a_batch_is_full_at_its_bound() -> None:
    large = [b"x" * BATCH_BYTES] * 3
    assert [len(batch.lines) async for batch in batches(reads(large))] == [1, 1, 1]


async def test_what_was_read_before_the_connection_was_lost_is_told() -> None:
    found: list[bytes] = []

    async def read() -> None:
        async for batch in batches(reads(WORDS, lost=True)):
            found.extend(line.data for line in batch.lines)

    with pytest.raises(Unreachable):
        await read()
    assert found == WORDS


@given(
    st.lists(st.one_of(st.binary(max_size=20), st.text(max_size=20).map(lambda words: words.encode(errors="replace"))))
)
@example([b"\x7f", b"plain"])
@example([b"\xe2", b"\x82\xac"])
@example([])
def test_all_bytes_are_encoded_as_each_line_by_itself_would_be(words: list[bytes]) -> None:
    found = encode(Line("stderr", word, 7, 1 if word == b"cut" else 0) for word in words)
    assert json.loads(found.data) == [[2, "7", word.decode("utf-8", "replace")] for word in words]
