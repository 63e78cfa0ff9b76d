"""The claim of the product: what the mirror holds is what the engine is.

Three hands type random docker commands while the engine crashes and hangs and the console is killed; then
``manage.py mirror --verify --within 10`` must find no difference. The seed is printed; QD_SEED gives one, QD_SOAK_OPS
another number of commands to the long run.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.engines import EngineFactory, PrivateEngine
from tests.integration.random_operations import Operations

ROOT = Path(__file__).parents[2]
HANDS = 3


class Console:
    """The console as a user starts it, with a data folder of its own."""

    def __init__(self, private: PrivateEngine, data: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        self._environment = kept | {
            "QUARTERDECK_DATA": str(data),
            "QUARTERDECK_ADMIN_PASSWORD": secrets.token_urlsafe(12),
            "DOCKER_HOST": private.url,
            "HOST": "127.0.0.1",
            "PORT": str(port),
        }
        self._log = (data / "console.log").open("ab")
        self.log = data / "console.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "manage.py", "serve"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stdout=self._log, stderr=self._log, start_new_session=True
        )

    def kill(self) -> None:
        """End it as a power cut would, with all its processes."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def mirror(self, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        """Run ``manage.py mirror --json``; returns its exit status and what it says of each engine."""
        command = [sys.executable, "manage.py", "mirror", "--json", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=120, check=False
        )
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            return done.returncode, [{"state": "", "error": done.stdout + done.stderr}]

    def wait_live(self, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not any(report["state"] == "live" for report in self.mirror()[1]):
            assert time.monotonic() < end, self.log.read_text()[-4000:]
            time.sleep(0.2)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        self._log.close()


@pytest.fixture
def console(new_engine: EngineFactory, tmp_path: Path) -> Iterator[tuple[PrivateEngine, Console]]:
    private = new_engine(load=("alpine", "busybox"))
    made = Console(private, tmp_path)
    made.start()
    try:
        made.wait_live()
        yield private, made
    finally:
        made.close()


def exercise(private: PrivateEngine, console: Console, seed: str, count: int, faults: int) -> list[Operations]:
    """Type ``count`` random commands with several hands, with faults on the way."""
    hands = [Operations(private, f"{seed}/{number}") for number in range(HANDS)]
    left, lock = list(range(count)), threading.Lock()
    step = count // (faults + 1)
    planned = {step * number: number % 3 for number in range(1, faults + 1)}

    def fault(kind: int) -> None:
        if kind == 0:
            console.kill()
            console.start()
        elif kind == 1:
            private.kill()
            time.sleep(0.3)
            private.restart()
        else:
            private.hang()
            time.sleep(7)
            private.resume()

    def work(hand: Operations) -> None:
        while True:
            with lock:
                if not left:
                    return
                number = left.pop()
                kind = planned.pop(number, None)
            if kind is not None:
                fault(kind)
            end = time.monotonic() + 60
            while not hand.act():
                assert time.monotonic() < end, "the engine does not come back"
                time.sleep(0.1)

    with ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(work, hands))
    return hands


def run(console: tuple[PrivateEngine, Console], count: int, faults: int) -> None:
    private, served = console
    seed = os.environ.get("QD_SEED") or secrets.token_hex(4)
    print(f"QD_SEED={seed} for {count} operations")
    began = time.monotonic()
    hands = exercise(private, served, seed, count, faults)
    refused = sum(hand.refused for hand in hands)
    print(f"{sum(hand.done for hand in hands)} in {time.monotonic() - began:.0f} s, {refused} refused by the engine")
    status, (report,) = served.mirror("--verify", "--within", "10")
    print({name: value for name, value in report.items() if name != "differences"})
    last = "\n".join(word for hand in hands for word in hand.words[-15:])
    assert status == 0, f"{json.dumps(report, indent=1)[:8000]}\n{last}\n{served.log.read_text()[-4000:]}"
    assert report["differences"] == []
    assert report["state"] == "live"
    assert sum(hand.done for hand in hands) == count
    assert refused < count / 2, "most of what was typed shall have had an effect"
    assert "Traceback" not in served.log.read_text(), served.log.read_text()[-4000:]


@pytest.mark.timeout(300)
def test_the_mirror_is_exact_after_random_operations(console: tuple[PrivateEngine, Console]) -> None:
    run(console, 150, 3)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_the_mirror_is_exact_after_many_random_operations(console: tuple[PrivateEngine, Console]) -> None:
    count = int(os.environ.get("QD_SOAK_OPS", "2000"))
    run(console, count, max(3, count // 100))
