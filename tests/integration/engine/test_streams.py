"""Logs and exec processes of a real engine, byte for byte as the docker command line shows them."""

from __future__ import annotations

import asyncio

import pytest

from console.engine import execs
from console.engine.address import Address
from console.engine.demux import Line
from console.engine.errors import Conflict, EngineError, NotFound
from console.engine.logs import LogQuery, chunks, lines
from tests.engines import PrivateEngine


def run(engine: PrivateEngine, *arguments: str) -> str:
    """Starts a container that ends by itself, waits for its end and gives its id."""
    container = engine.docker("run", "--detach", *arguments)
    engine.docker("wait", container)
    return container


async def read(engine: PrivateEngine, query: LogQuery) -> list[Line]:
    address = Address(engine.url)
    return [line async for some in lines(address, query, version=engine.api_version) for line in some]


SIZES = (16383, 16384, 16385, 89_000)
LONG = "; ".join(f"head -c {size} /dev/zero | tr '\\0' x; echo" for size in SIZES)


@pytest.mark.parametrize("tty", [False, True])
async def test_long_lines_are_whole(clean_engine: PrivateEngine, tty: bool) -> None:
    container = run(clean_engine, *(["-t"] if tty else []), "alpine", "sh", "-c", LONG)
    got = await read(clean_engine, LogQuery(container, tty))
    assert [line.data.removesuffix(b"\r") for line in got] == [b"x" * size for size in SIZES]
    assert [line.time_ns for line in got] == sorted(line.time_ns for line in got)


async def test_streams_are_told_apart_and_bytes_kept(clean_engine: PrivateEngine) -> None:
    script = r"printf 'out\377\n'; sleep 0.1; printf 'err\r50%%\r100%%\n' >&2; sleep 0.1; printf 'no newline'"
    container = run(clean_engine, "--log-driver", "local", "alpine", "sh", "-c", script)  # json-file loses bytes
    got = await read(clean_engine, LogQuery(container, tty=False))
    assert [(line.stream, line.data) for line in got] == [
        ("stdout", b"out\xff"),
        ("stderr", b"err\r50%\r100%"),
        ("stdout", b"no newline"),
    ]
    assert not got[-1].ended


async def test_a_time_range_is_inclusive(clean_engine: PrivateEngine) -> None:
    container = run(clean_engine, "alpine", "sh", "-c", "for i in 1 2 3 4; do echo $i; sleep 0.05; done")
    every = await read(clean_engine, LogQuery(container, tty=False))
    some = await read(clean_engine, LogQuery(container, False, since_ns=every[1].time_ns, until_ns=every[2].time_ns))
    assert some == every[1:3]
    assert await read(clean_engine, LogQuery(container, False, tail=1)) == every[3:]


async def test_the_log_of_nothing(clean_engine: PrivateEngine) -> None:
    with pytest.raises(NotFound):
        await read(clean_engine, LogQuery("f" * 64, tty=False))


async def test_a_driver_that_cannot_be_read_says_so(clean_engine: PrivateEngine) -> None:
    container = run(clean_engine, "--log-driver", "none", "alpine", "echo", "lost")
    with pytest.raises(EngineError, match="logging driver does not support reading"):
        await read(clean_engine, LogQuery(container, tty=False))


async def test_following_ends_with_the_container(clean_engine: PrivateEngine) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done")
    async with asyncio.timeout(10):
        got = await read(clean_engine, LogQuery(container, tty=False, follow=True))
    assert [line.data for line in got] == [b"1", b"2", b"3"]


async def test_chunks_are_the_exact_bytes(clean_engine: PrivateEngine) -> None:
    container = run(clean_engine, "--log-driver", "local", "alpine", "sh", "-c", "head -c 300000 /dev/urandom")
    address, query = Address(clean_engine.url), LogQuery(container, tty=False, timestamps=False)
    got = b"".join(
        [chunk.data async for some in chunks(address, query, version=clean_engine.api_version) for chunk in some]
    )
    assert len(got) == 300_000  # the json-file driver would have replaced what is not UTF-8


async def test_one_command_with_its_output_and_exit_code(clean_engine: PrivateEngine) -> None:
    container, version = clean_engine.docker("run", "-d", "alpine", "sleep", "60"), clean_engine.api_version
    address = Address(clean_engine.url)
    spec = execs.ExecSpec(
        ("sh", "-c", "echo out; echo err >&2; pwd; id -u; echo $A; exit 3"), env=("A=b",), user="12", working_dir="/tmp"
    )
    exec_id = await execs.create(address, container, spec, version=version)
    output = b""
    async with execs.start(address, exec_id, spec, version=version) as terminal:
        assert terminal.framed
        while data := await terminal.read():
            output += data
    assert b"err\n" in output
    assert b"/tmp\n" in output
    assert b"12\n" in output
    assert await execs.state(address, exec_id, version=version) == execs.ExecState(
        running=False, exit_code=3, pid=(await execs.state(address, exec_id, version=version)).pid
    )


async def test_a_terminal_in_both_directions(clean_engine: PrivateEngine) -> None:
    container, version = clean_engine.docker("run", "-d", "alpine", "sleep", "60"), clean_engine.api_version
    address, spec = Address(clean_engine.url), execs.ExecSpec(("sh",), tty=True, stdin=True)
    exec_id = await execs.create(address, container, spec, version=version)
    async with asyncio.timeout(10), execs.start(address, exec_id, spec, version=version) as terminal:
        assert not terminal.framed
        await execs.resize(address, exec_id, rows=33, columns=77, version=version)
        await terminal.write(b"stty size; echo $((6*7)); exit\n")
        output = b""
        while data := await terminal.read():
            output += data
    assert b"33 77\r\n" in output
    assert b"42\r\n" in output
    assert (await execs.state(address, exec_id, version=version)).exit_code == 0


async def test_a_paused_container_refuses_in_the_engines_words(clean_engine: PrivateEngine) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "sleep", "60")
    clean_engine.docker("pause", container)
    with pytest.raises(Conflict, match="is paused"):
        await execs.create(
            Address(clean_engine.url), container, execs.ExecSpec(("ls",)), version=clean_engine.api_version
        )


async def test_attaching_to_the_main_process(clean_engine: PrivateEngine) -> None:
    container, version = clean_engine.docker("run", "-di", "alpine", "cat"), clean_engine.api_version
    address = Address(clean_engine.url)
    async with asyncio.timeout(10), execs.attach(address, container, tty=False, stdin=True, version=version) as main:
        await main.write(b"hello\n")
        assert (await main.read())[8:] == b"hello\n"
    assert clean_engine.docker("inspect", "-f", "{{.State.Running}}", container) == "true"
