"""A large context goes up in pieces and is built by a console process: whole, ignoring what it says, in flat memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from console.engine.tar import BLOCK, END, FILE, Entry, header
from console.operations.uploads import PIECE
from tests.bench.stand import stand
from tests.engines import PrivateEngine
from tests.integration.test_large_files import content
from tests.visitor import Visitor, memory

MIB = 1024 * 1024
SMALL = {"Dockerfile": b"FROM busybox\nCOPY . /srv\n", ".dockerignore": b"*.log\n", "left.log": bytes(MIB)}


def head(name: str, size: int) -> bytes:
    return header(Entry(name, FILE, size, 0o644, 0, 0, 0.0))


def context(mebibytes: int) -> Iterator[bytes]:
    """A tar of a Dockerfile and a large file, in pieces of a good size."""
    for name, text in SMALL.items():
        yield head(name, len(text)) + text + bytes(-len(text) % BLOCK)
    yield head("big", mebibytes * MIB)
    yield from content(mebibytes)
    yield END


@pytest.mark.parametrize(
    ("mebibytes", "most"),
    [(48, 40), pytest.param(640, 64, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])],
    ids=["48 MiB", "640 MiB"],
)
def test_a_large_context_is_built(mebibytes: int, most: int, clean_engine: PrivateEngine) -> None:
    wanted = hashlib.sha256(b"".join(content(mebibytes))).hexdigest()
    size = sum(map(len, context(mebibytes)))
    assert max(map(len, context(2))) <= PIECE
    with stand(clean_engine) as console, Visitor(console) as visitor:
        assert visitor.done(visitor.post("images/build", {"tag": "warm:1", "dockerfile": "FROM busybox"}))
        with memory(console) as samples:
            token = visitor.send(context(mebibytes), size)
            asked = visitor.post("images/build", {"tag": "large:1", "upload": token, "file": "context.tar"})
            state, result = visitor.done(asked)
        assert state == "succeeded", result
        summed = clean_engine.docker("run", "--rm", "large:1", "sha256sum", "/srv/big", timeout=300)
        assert summed.split()[0] == wanted
        assert clean_engine.docker("run", "--rm", "large:1", "ls", "/srv").split() == ["Dockerfile", "big"]
        grown = (max(samples) - samples[0]) / MIB
        assert grown < most, f"{grown:.0f} MiB more for a context of {mebibytes} MiB"
        for folder in ("uploads", "build"):
            assert not list((console.data / "spool" / folder).iterdir())
