"""A console started as a person starts it: ``manage.py serve`` as a process, with its own data folder and port."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STARTS_WITHIN = 30.0  # seconds, also on a busy machine


class Console:
    """``with Console(data, {"DOCKER_HOST": url}) as console``: running, and gone afterwards.

    ``output`` collects what it prints, both streams, while it runs. ``under`` is a command that starts it, such as
    ``setpriv`` with its options.
    """

    command = "serve"
    ready = r"Quarterdeck is at (\S+)"

    def __init__(self, data: Path, environment: dict[str, str] | None = None, under: Sequence[str] = ()) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("QUARTERDECK_", "DOCKER_"))}
        own = {"PORT": "0", "QUARTERDECK_DATA": str(data), "DOCKER_HOST": f"unix://{data}/nothing.sock"}
        self.output = ""
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [*under, sys.executable, "manage.py", self.command],
            cwd=ROOT,
            env=clean | own | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Console:
        self.wait_ready()
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    @property
    def url(self) -> str:
        """Where it listens; waits for that."""
        return self.wait_ready()

    @property
    def password(self) -> str | None:
        """The password that it printed, if it printed one."""
        found = re.search(r"with the password (\S+)", self.output)
        return found.group(1) if found else None

    def wait_ready(self) -> str:
        """Wait until it listens and return the URL; fails when it ends instead."""
        deadline = self.began + STARTS_WITHIN
        while True:
            found = re.search(self.ready, self.output)
            if found:
                return found.group(1)
            if self.process.poll() is not None or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        raise AssertionError(f"the console did not start ({self.process.poll()}):\n{self.output}")

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of one page, without a session."""
        host = self.url.removeprefix("http://")
        with closing(http.client.HTTPConnection(host, timeout=10)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def end(self, number: signal.Signals = signal.SIGTERM, within: float = 10.0) -> int:
        """Send a signal unless it has ended, and return the exit status. Kills it when it takes longer."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.process.returncode

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line


class Worker(Console):
    """``manage.py worker``, in the same way. It has no address: ``wait_ready`` gives the name under which it works."""

    command = "worker"
    ready = r"Works as (\S+)"
