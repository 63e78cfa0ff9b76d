"""Operation workers that die where a test says.

``python -m tests.dying_workers`` reads one JSON object a line and forks a worker for each; it prints the worker's exit
status. Keys: ``owner``; ``operation``, the id after whose end the worker stops by itself; ``crash``, a point of
``operations.claim.CRASH_POINTS``, or "in-call": killed a moment after the engine is asked; ``moment`` in seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parents[1]
CRASHED = 70


class Workers:
    """The process that makes workers, for the database file of this test run. ``data``: their data folder."""

    def __init__(self, database: str, data: Path) -> None:
        self.data = data
        environment = {
            "DATABASE_URL": f"sqlite:///{database}",
            "QUARTERDECK_DATA": str(data),
            "QUARTERDECK_TESTING": "1",
            "QUARTERDECK_SECRET_KEY": "of a test",
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("QUARTERDECK_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.dying_workers"],
            cwd=ROOT,
            env=clean | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, operation: UUID, crash: str = "", owner: str = "first", moment: float = 0.0) -> int:
        """Let a worker run until the operation has ended or the worker is dead; its exit status.

        The claim of a dead one runs out at once: nothing waits for ``store.CLAIM_FOR``.
        """
        from console.models import Operation

        assert self._process.stdin
        assert self._process.stdout
        order = {"operation": str(operation), "crash": crash, "owner": owner, "moment": moment, "data": str(self.data)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        if status:
            Operation.objects.filter(pk=operation, state=Operation.State.RUNNING).update(claim_expires=None)
        return status

    def end(self) -> None:
        """No more workers."""
        self._process.communicate(timeout=10)


def main() -> None:
    """Fork a worker for every line of standard input."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    import django

    django.setup()
    from console.operations import facts, runner  # noqa: F401  # each fork has them all

    facts.SLACK, facts.GRACE = 1.0, 1  # type: ignore[misc]  # the engine is quick here, and so are the tests
    for line in sys.stdin:
        child = os.fork()
        if not child:
            work(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def work(order: dict[str, Any]) -> None:
    """Be a worker."""
    from django.conf import settings

    settings.DATA_DIR = Path(order["data"])
    if order["crash"] != "in-call":
        os.environ["QUARTERDECK_CRASH"] = order["crash"]
    status = 1
    with suppress(Exception):
        asyncio.run(until_end(order))
        status = 0
    os._exit(status)


async def until_end(order: dict[str, Any]) -> None:
    """Perform operations until this one has ended."""
    from channels.db import database_sync_to_async

    from console.models import Operation
    from console.operations import perform, verbs
    from console.operations.runner import run_operations

    if order["crash"] == "in-call":
        for verb, call in perform.CALLS.items():
            perform.CALLS[verb] = dying(call, order["moment"])  # type: ignore[index]
        for verb, work in verbs.WORKS.items():
            verbs.WORKS[verb] = replace(work, run=dying(work.run, order["moment"]))  # type: ignore[index]

    def ended() -> bool:
        return not Operation.objects.filter(pk=order["operation"], state__in=Operation.OPEN).exists()

    stop = asyncio.Event()
    running = asyncio.create_task(run_operations(stop, order["owner"]))
    end = time.monotonic() + 60
    while not running.done() and time.monotonic() < end:
        if await database_sync_to_async(ended, thread_sensitive=False)():
            break
        await asyncio.sleep(0.05)
    stop.set()
    await running


def dying(call: Any, moment: float) -> Any:
    """The engine call, during which the process is killed."""

    def asked(*arguments: Any) -> Any:
        threading.Timer(moment, os.kill, (os.getpid(), signal.SIGKILL)).start()
        call(*arguments)
        time.sleep(5)

    return asked


if __name__ == "__main__":
    main()
