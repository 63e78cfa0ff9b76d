"""HTTP for the streams: chunked coding in any chunking, truthful ends, the engine's words in errors."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.engine.address import Address
from console.engine.errors import AlreadySo, Conflict, EngineError, Failed, Malformed, NotFound, Unreachable
from console.engine.wire import Chunked, exchange


def coded(payloads: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in payloads if part) + b"0\r\n\r\n"


@settings(max_examples=2000, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=10), st.lists(st.integers(min_value=0, max_value=1500), max_size=40))
def test_chunked_coding_in_any_chunking(payloads: list[bytes], cuts: list[int]) -> None:
    sent = coded(payloads)
    at = sorted({cut % len(sent) for cut in cuts} | {0, len(sent)})
    chunked = Chunked()
    assert b"".join(chunked.feed(sent[a:b]) for a, b in itertools.pairwise(at)) == b"".join(payloads)
    assert chunked.done


def test_an_open_chunk_is_not_done() -> None:
    chunked = Chunked()
    assert chunked.feed(b"5\r\nab") == b"ab"
    assert not chunked.done


@pytest.mark.parametrize("bad", [b"x\r\n", b"\r\n\r\n", b"1" * 70])
def test_garbage_between_chunks(bad: bytes) -> None:
    with pytest.raises(Malformed):
        Chunked().feed(bad)


@asynccontextmanager
async def answering(folder: Path, answer: bytes, *, wait: float = 0.0) -> AsyncIterator[Address]:
    """A server on a Unix socket that gives one answer to whatever is asked, and closes after ``wait`` seconds."""
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await asyncio.sleep(wait)
        writer.close()
        closed.set()

    server = await asyncio.start_unix_server(serve, folder / "engine.sock")
    async with server:
        yield Address(f"unix://{folder / 'engine.sock'}")
        await closed.wait()
        await asyncio.sleep(0)


async def body_of(address: Address) -> bytes:
    async with exchange(address, "GET", "/x", version="1.41") as answer:
        return b"".join([piece async for piece in answer.body()])


async def test_a_body_with_its_length(tmp_path: Path) -> None:
    async with answering(tmp_path, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef") as address:
        assert await body_of(address) == b"abc"


async def test_a_body_until_the_end(tmp_path: Path) -> None:
    async with answering(tmp_path, b"HTTP/1.1 200 OK\r\n\r\nabc") as address:
        assert await body_of(address) == b"abc"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"",
    ],
)
async def test_a_body_that_breaks_off_is_not_an_end(tmp_path: Path, answer: bytes) -> None:
    async with answering(tmp_path, answer) as address:
        with pytest.raises(Unreachable):
            await body_of(address)


@pytest.mark.parametrize(
    ("status", "error"), [(304, AlreadySo), (404, NotFound), (409, Conflict), (500, Failed), (418, EngineError)]
)
async def test_the_engines_words(tmp_path: Path, status: int, error: type[EngineError]) -> None:
    text = b'{"message": "Container \\u0000 is paused"}'
    head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(text))
    async with answering(tmp_path, head + text) as address:
        with pytest.raises(error) as raised:
            await body_of(address)
    assert raised.value.message == "Container ␀ is paused"


@pytest.mark.parametrize("answer", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
async def test_something_else_answers(tmp_path: Path, answer: bytes) -> None:
    async with answering(tmp_path, answer) as address:
        with pytest.raises(Malformed):
            await body_of(address)


async def test_no_answer_within_the_deadline(tmp_path: Path) -> None:
    async with answering(tmp_path, b"", wait=0.2) as address:
        with pytest.raises(Unreachable) as raised:
            async with exchange(address, "GET", "/x", version="1.41", deadline=0.1):
                pass
    assert raised.value.problem == "timeout"


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        await body_of(Address(f"unix://{tmp_path}/none.sock"))
