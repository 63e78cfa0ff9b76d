"""Logs and shells against the docker command line: ``python -m tests.bench.bench_streams``.

Every line that was written is counted, and its content compared, after the clock has stopped.
"""

from __future__ import annotations

import asyncio
import os
import pty
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from playwright.sync_api import sync_playwright

from tests import rawsocket
from tests.bench import table
from tests.bench.stand import COOKIE, Reader, Stand, docker_away, docker_command, percentile, rows_of, run, stand
from tests.engines import PrivateEngine, start_engine
from tools import frontend
from tools.screenshots import CHROMIUM, FLAGS

ROUNDS = int(os.environ.get("QD_BENCH_ROUNDS", "5"))
LINES = int(os.environ.get("QD_BENCH_LINES", "300000"))
BULK = int(os.environ.get("QD_BENCH_BULK", "100000000"))  # bytes
VIEWERS, RATE, SECONDS = int(os.environ.get("QD_BENCH_VIEWERS", "200")), 1000, 20
KEYS = 200
DUMP, PAGE = "log to a websocket client", "log to a rendered page"
FOLLOW, ECHO, CAT = "follow, a line", "shell, a key's echo", "shell, cat of 100 MB"


def create(private: PrivateEngine, name: str, script: str) -> str:
    """A running container of a shell script; its id."""
    return private.docker("run", "-d", "--network", "none", "--name", name, "alpine", "sh", "-c", script)


def numbered(count: int) -> str:
    """A script that writes so many lines of 100 bytes, each with its number."""
    return f"seq 1 {count} | awk '{{printf \"%099d\\n\", $1}}'"


# ── logs ──


async def read_past(console: Stand, container: str) -> list[str]:
    """The messages of a whole log, from the beginning."""
    found: list[str] = []
    async with console.socket(f"logs?c={container}&since=1") as opened:
        async for message in Reader(opened).messages():
            assert isinstance(message, str)
            found.append(message)
            if message.startswith('{"t":"mark"') and '"past"' in message:
                return found
    raise AssertionError("the socket closed before the end of the past")


def dump(console: Stand) -> list[table.Line]:
    """A log of many lines, to a client that only reads, against docker logs to /dev/null."""
    container = create(console.engine, "bench-dump", numbered(LINES))
    console.engine.docker("wait", container)
    console.until("SELECT state FROM console_container WHERE container_id = ?", "exited", container)
    delivered: list[list[str]] = []

    def by_socket() -> None:
        delivered.append(run(read_past(console, container)))

    taken = table.rounds(
        {DUMP: by_socket, "docker logs": lambda: docker_away(console.engine, "logs", container)}, ROUNDS
    )
    for messages in delivered:
        number = 0
        for message in messages:
            if message.startswith('{"t":"lines"'):
                for row in rows_of(message):
                    number += 1
                    assert int(row[2]) == number
                    assert len(row[2]) == 99
        assert number == LINES
    return [table.speed(taken, DUMP, "docker logs", "≥ 1.2 times as fast")]


# The number in the last row that stands in the document; 0 while there is none.
LAST_ROW = "Number([...document.querySelectorAll('.log li .m')].at(-1)?.textContent ?? 0)"
NUMBERS = "[...document.querySelectorAll('.log li .m')].map((text) => Number(text.textContent))"


def rendered(console: Stand) -> list[table.Line]:
    """The same log to a page in Chromium, from its address to its last line on screen."""
    container = console.engine.docker("ps", "-aq", "--no-trunc", "--filter", "name=bench-dump")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": COOKIE, "value": console.sessions[0], "url": console.console.url}])

        def by_page() -> None:
            page = context.new_page()
            page.goto(f"{console.console.url}/e/{console.slug}/containers/{container}/logs?since=1")
            page.wait_for_function(f"last => {LAST_ROW} === last", arg=LINES, timeout=120_000)
            shown = page.evaluate(NUMBERS)
            assert shown == list(range(LINES - len(shown) + 1, LINES + 1))
            page.close()

        taken = table.rounds(
            {PAGE: by_page, "docker logs": lambda: docker_away(console.engine, "logs", container)}, ROUNDS
        )
        browser.close()
    return [table.speed(taken, PAGE, "docker logs", "≥ 0.9 times as fast")]


def follow(console: Stand) -> list[table.Line]:
    """From the engine's time of a line until it is there, by both ways at once."""
    private, count = console.engine, 200
    script = f"sleep 2; i=0; while [ $i -lt {count} ]; do i=$((i+1)); echo line $i; usleep 50000; done; sleep 3600"
    container = create(private, "bench-follow", script)
    console.until("SELECT state FROM console_container WHERE container_id = ?", "running", container)
    by_command: list[float] = []

    def command_line() -> None:
        command, environment = docker_command(private, "logs", "-f", "-t", container)
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            for _ in range(count):
                stamp = process.stdout.readline().split(b" ", 1)[0].decode()
                now = time.time()
                whole, _, digits = stamp.rstrip("Z").partition(".")
                then = time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone
                by_command.append(now - then - float(f"0.{digits}"))
            process.terminate()

    async def by_socket() -> list[float]:
        found: list[float] = []
        async with console.socket(f"logs?c={container}&tail=0") as opened:
            async for message in Reader(opened).messages():
                now = time.time()
                if isinstance(message, str) and message.startswith('{"t":"lines"'):
                    found += [now - int(row[1]) / 1e9 for row in rows_of(message)]
                if len(found) >= count:
                    break
        return found

    thread = threading.Thread(target=command_line)
    thread.start()
    socket_times = run(by_socket())
    thread.join()
    assert len(socket_times) == len(by_command) == count
    taken = {FOLLOW: socket_times, "docker logs -f": by_command}
    return table.latencies(taken, FOLLOW, "docker logs -f", "≤ 1.5")


# ── shells ──


async def opened_shell(opened: Any, command: list[str], tty: bool = True) -> Reader:
    """Open a process on a socket; returns when it runs."""
    await opened.send_json({"type": "open", "command": command, "tty": tty, "rows": 24, "columns": 80})
    reader = Reader(opened)
    async for message in reader.messages():
        if isinstance(message, str) and message.startswith('{"t":"session"'):
            return reader
        assert isinstance(message, bytes) or '"refused"' not in message, message
    raise AssertionError("the shell did not open")


def echo(console: Stand, container: str) -> list[table.Line]:
    """A key's way to the terminal of a process and back, by turns."""
    command, environment = docker_command(console.engine, "exec", "-it", container, "cat")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, environment)  # noqa: S606 (a list, and an environment of its own)

    def key_by_command() -> float:
        began = time.perf_counter()
        os.write(terminal, b"x")
        assert select.select([terminal], [], [], 10)[0]
        assert os.read(terminal, 100) == b"x"
        return time.perf_counter() - began

    async def measure() -> dict[str, list[float]]:
        taken: dict[str, list[float]] = {ECHO: [], "docker exec -it": []}
        async with console.socket(f"containers/{container}/shell") as opened:
            messages = (await opened_shell(opened, ["cat"])).messages()
            await asyncio.sleep(1)
            for _ in range(KEYS):
                taken["docker exec -it"].append(key_by_command())
                await asyncio.sleep(0.01)
                began = time.perf_counter()
                await opened.send_bytes(b"x")
                async for message in messages:
                    if message == b"x":
                        break
                taken[ECHO].append(time.perf_counter() - began)
                await asyncio.sleep(0.01)
            await opened.send_json({"type": "close"})
        return taken

    try:
        taken = run(measure())
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    return table.latencies(taken, ECHO, "docker exec -it", "≤ 2")


def bulk(console: Stand, container: str) -> list[table.Line]:
    """A large file through a terminal, whose line ends become two bytes."""
    lines = BULK // 100
    console.engine.docker("exec", container, "sh", "-c", f"{numbered(lines)} > /tmp/bulk")

    async def read() -> None:
        async with console.socket(f"containers/{container}/shell") as opened:
            reader, received = await opened_shell(opened, ["cat", "/tmp/bulk"]), 0
            async for message in reader.messages():
                if isinstance(message, bytes):
                    received += len(message)
                elif message.startswith('{"t":"end"'):
                    break
            assert received == lines * 101, (received, lines * 101)

    away: Callable[[], None] = lambda: docker_away(console.engine, "exec", "-t", container, "cat", "/tmp/bulk")  # noqa: E731
    taken = table.rounds({CAT: lambda: run(read()), "docker exec -t": away}, ROUNDS)
    return [table.speed(taken, CAT, "docker exec -t", "≥ 1.2 times as fast")]


# ── many viewers ──


def viewers(console: Stand) -> list[table.Value]:
    """Many viewers of one log: what they got, how late, and what it cost."""
    private, total = console.engine, RATE * SECONDS
    body = "i=0; while [ $i -lt 10 ]; do i=$((i+1)); n=$((n+1)); echo line $n; done; usleep 9000"
    script = f"while [ ! -e /tmp/go ]; do sleep 0.1; done; n=0; while [ $n -lt {total} ]; do {body}; done; sleep 3600"
    container = create(private, "bench-viewers", script)
    console.until("SELECT state FROM console_container WHERE container_id = ?", "running", container)
    late: list[float] = []
    spent: dict[str, float] = {}

    async def one(person: int, ready: asyncio.Semaphore) -> tuple[int, int]:
        got = skipped = 0
        async with console.socket(f"logs?c={container}&tail=0", person) as opened:
            async for message in Reader(opened).messages():
                now = time.time()
                assert isinstance(message, str)
                if message.startswith('{"t":"lines"'):
                    got += message.count("],[") + 1
                    at = message.index('[[1,"') + 5
                    late.append(now - int(message[at : at + 19]) / 1e9)
                elif message.startswith('{"t":"skip"'):
                    skipped += int(message.partition('"n":')[2].rstrip("}"))
                elif '"past"' in message:
                    ready.release()
                if got + skipped >= total:
                    break
        return got, skipped

    async def all_of_them() -> list[tuple[int, int]]:
        ready = asyncio.Semaphore(0)
        tasks = [asyncio.ensure_future(one(number // 20, ready)) for number in range(VIEWERS)]
        for _ in tasks:
            await asyncio.wait_for(ready.acquire(), 60)
        await asyncio.sleep(1)
        used, began = console.cpu(), time.monotonic()
        await asyncio.to_thread(private.docker, "exec", container, "touch", "/tmp/go")
        results = await asyncio.wait_for(asyncio.gather(*tasks), 180)
        spent["seconds"] = time.monotonic() - began
        spent["cpu"] = (console.cpu() - used) / spent["seconds"]
        return results

    results = run(all_of_them())
    assert all(got + skipped == total for got, skipped in results)
    followed = console.calls(f"/containers/{container}/logs?stdout=1&stderr=1&follow=1")
    assert followed == 1, followed
    lost = sum(skipped for _, skipped in results)
    who = f"{VIEWERS} viewers, {total / spent['seconds']:,.0f} lines/s"
    return [
        table.Value(f"{who}: lines of {total * VIEWERS:,}", "all" if not lost else f"{lost:,} told as skipped", "all"),
        table.Value(f"{who}: processor", f"{spent['cpu']:.0%} of a core", "≤ 15 %"),
        table.Value(f"{who}: oldest line of a message, p99", f"{percentile(late, 0.99) * 1000:.0f} ms", "< 120 ms"),
        table.Value(f"{who}: streams from the engine", str(followed), "1"),
    ]


def deaf(console: Stand, count: int = 10) -> list[table.Value]:
    """Viewers that ask for a long log and read nothing."""
    container = console.engine.docker("ps", "-aq", "--no-trunc", "--filter", "name=bench-dump")
    run(read_past(console, container))
    time.sleep(1)
    before = console.rss()
    sockets: list[socket.socket] = []
    try:
        for _ in range(count):
            headers = [("Host", f"127.0.0.1:{console.port}".encode())]
            headers += [(name, value.encode()) for name, value in console.headers().items()]
            path = f"/ws/e/{console.slug}/logs?c={container}&since=1"
            status, opened = rawsocket.handshake(console.port, path, headers)
            assert status == 101, (status, len(sockets))
            sockets.append(opened)
        most = 0
        for _ in range(40):
            time.sleep(0.25)
            most = max(most, console.rss() - before)
        for opened in sockets:
            with closing(opened):
                opened.settimeout(5)
                assert opened.recv(4096, socket.MSG_PEEK)
    finally:
        for opened in sockets:
            opened.close()
    return [table.Value(f"a viewer that reads nothing (of {count})", f"{most / count / 1e6:.1f} MB more", "< 5 MB")]


async def slow(console: Stand, count: int = 10) -> list[table.Value]:
    """Viewers that ask for a long log, read 64 KB of it in a second, and acknowledge what they have read."""
    container = console.engine.docker("ps", "-aq", "--no-trunc", "--filter", "name=bench-dump")
    before, most, read = console.rss(), 0, [0] * count

    async def view(number: int) -> None:
        async with console.socket(f"logs?c={container}&since=1") as opened:
            began = time.monotonic()
            async for message in Reader(opened).messages():
                read[number] += len(message)
                await asyncio.sleep(max(0.0, read[number] / 64_000 - (time.monotonic() - began)))

    viewers = [asyncio.create_task(view(number)) for number in range(count)]
    try:
        for _ in range(40):
            await asyncio.sleep(0.25)
            most = max(most, console.rss() - before)
        assert min(read) > 0
        assert not any(viewer.done() for viewer in viewers)
    finally:
        for viewer in viewers:
            viewer.cancel()
        await asyncio.gather(*viewers, return_exceptions=True)
    name = f"a viewer that reads 64 KB/s (of {count})"
    return [table.Value(name, f"{most / count / 1e6:.1f} MB more", "< 5 MB")]


def main() -> int:
    """Start an engine and a console, measure, print the tables."""
    assert frontend.main() == 0
    private = start_engine(load=("alpine",), flags=["--debug"])
    try:
        with stand(private, people=11) as console:
            lines = dump(console) + rendered(console) + follow(console)
            container = create(private, "bench-shell", "sleep 86400")
            console.until("SELECT state FROM console_container WHERE container_id = ?", "running", container)
            lines += echo(console, container) + bulk(console, container)
            table.show(f"Streams ({ROUNDS} rounds, medians)", lines)
            values = viewers(console) + deaf(console) + asyncio.run(slow(console))
    finally:
        private.stop()
    table.show_values("Viewers of one log", values)
    return 0


if __name__ == "__main__":
    sys.exit(main())
