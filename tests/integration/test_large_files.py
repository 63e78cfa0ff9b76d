"""A large file goes through the file browser of a console process, up and down: whole, and at no cost of memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from console.operations.uploads import PIECE
from tests.bench.stand import stand
from tests.engines import PrivateEngine
from tests.visitor import Visitor, memory

MIB = 1024 * 1024


def content(mebibytes: int) -> Iterator[bytes]:
    """Pieces of which no two are alike, always the same ones for a size."""
    block = hashlib.shake_128(b"quarterdeck").digest(PIECE - 8)
    for number in range(mebibytes * MIB // PIECE):
        yield number.to_bytes(8, "big") + block


@pytest.mark.parametrize(
    ("mebibytes", "most"),
    [(64, 40), pytest.param(1024, 64, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])],
    ids=["64 MiB", "1 GiB"],
)
def test_a_large_file_goes_up_and_comes_down(mebibytes: int, most: int, clean_engine: PrivateEngine) -> None:
    clean_engine.docker("volume", "create", "large")
    clean_engine.docker("run", "-d", "--name", "user", "-v", "large:/v", "busybox", "sleep", "3600")
    summed = hashlib.sha256()
    for piece in content(mebibytes):
        summed.update(piece)
    size, wanted = mebibytes * MIB, summed.hexdigest()
    with stand(clean_engine) as console:
        console.until("SELECT count(*) FROM console_volume WHERE name = 'large'", 1)
        with Visitor(console) as visitor:
            files = "volumes/large/files"
            warm = visitor.send(iter([b"x" * 1000]), 1000)  # what such a request loads is loaded
            assert visitor.done(visitor.post(f"{files}/file-upload?path=/", {"upload": warm, "file": "warm"}))
            assert visitor.download(f"{files}/download?path=/warm")[0] == 1000
            with memory(console) as samples:
                token = visitor.send(content(mebibytes), size)
                asked = visitor.post(f"{files}/file-upload?path=/", {"upload": token, "file": "big"})
                state, result = visitor.done(asked)
                assert state == "succeeded", result
                assert clean_engine.docker("exec", "user", "sha256sum", "/v/big", timeout=300).split()[0] == wanted
                assert visitor.download(f"{files}/download?path=/big") == (size, wanted)
            grown = (max(samples) - samples[0]) / MIB
            assert len(samples) > 5
            assert grown < most, f"{grown:.0f} MiB more for a file of {mebibytes} MiB"
            assert not list((console.data / "spool" / "uploads").iterdir())
