"""``manage.py worker``: follows engines and performs operations apart from the web, any number of times.

With ``--check`` it only says whether the workers of this database do that: the health check of its container.
"""

from __future__ import annotations

import asyncio
import signal
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from console.management import startup
from console.views.health import readiness
from console.worker import new_owner, run_worker


class Command(BaseCommand):
    """For the grown mode: PostgreSQL and Redis. With SQLite the worker runs inside ``serve``."""

    help = "Runs a worker process (needs DATABASE_URL and REDIS_URL)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only say what /readyz says; exit 1 if it is not ready"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until SIGINT or SIGTERM. Raises CommandError: no Redis, an old schema, not ready (``--check``)."""
        if options["check"]:
            lacking = [name for name, ready in readiness().items() if not ready]
            if lacking:
                raise CommandError(f"Not ready: {', '.join(lacking)}.")
            self.stdout.write("Ready: the schema is current, and every engine is watched.")
            return
        if not settings.REDIS_URL:
            raise CommandError("Without REDIS_URL the worker runs inside “manage.py serve”: start that instead.")
        unapplied = startup.unapplied()
        if unapplied:
            raise CommandError(f"The database lacks {len(unapplied)} migrations: start “manage.py serve” first.")
        connections.close_all()
        owner = new_owner()
        self.stdout.write(f"Works as {owner}  –  Ctrl-C ends it")
        self.stdout.flush()
        asyncio.run(work(owner))
        connections.close_all()
        startup.leave()


async def work(owner: str) -> None:
    """Run the worker under this name until a signal, then give it a moment to end in order."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.set_default_executor(ThreadPoolExecutor(startup.THREADS))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    worker = asyncio.create_task(run_worker(stop, owner))
    await stop.wait()
    await asyncio.wait([worker], timeout=2.0)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
