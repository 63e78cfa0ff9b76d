"""``manage.py serve``: the whole console in one process."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from console.management import startup

WORKER_ENDS_WITHIN: Final = 1.5  # seconds


class Command(BaseCommand):
    """Prepares what is missing, then serves pages and sockets, with the worker beside them unless Redis is set."""

    help = "Starts the console at HOST:PORT: migrates, makes the first admin, then serves."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGINT or SIGTERM. Raises CommandError with one sentence when the console cannot start."""
        os.environ.setdefault("ASGI_THREADS", str(startup.THREADS))  # Daphne reads it when imported
        try:
            if connections["default"].vendor == "sqlite":
                with startup.only_process(settings.DATA_DIR):
                    self.start()
            else:
                self.start()
        except startup.StartupError as error:
            raise CommandError(str(error)) from None
        startup.leave()

    def start(self) -> None:
        """Prepare and serve."""
        if startup.migrate():
            self.say("The database is up to date.")
        startup.collect_static()
        engine = startup.engine_row(os.environ)
        connections.close_all()

        from console.asgi import application
        from console.live import streams
        from console.server import PortTaken, Server, end
        from console.worker import new_owner, run_worker

        async def beside(stop: asyncio.Event) -> None:
            tasks = [asyncio.create_task(streams.clean_up(stop))]
            if not settings.REDIS_URL:  # grown: manage.py worker does the work
                tasks.append(asyncio.create_task(run_worker(stop, new_owner())))
            await stop.wait()
            await asyncio.gather(streams.close(), end(tasks, WORKER_ENDS_WITHIN))

        def ready(url: str) -> None:
            password = startup.first_admin(os.environ)  # only now: had the port been taken, nobody would have read it
            connections.close_all()
            if password:
                self.say(f"First start. Sign in as admin with the password {password}  (it is not shown again)")
            self.say(f"Engine: {engine.url} ({engine.source})")
            self.say(f"Quarterdeck is at {settings.PUBLIC_URL or url}  –  Ctrl-C ends it")
            gc.collect()
            gc.freeze()  # what start-up made stays: the collector need not look at it again

        server = Server(application, settings.HOST, settings.PORT, behind_proxy=bool(settings.PUBLIC_URL))
        try:
            server.serve(beside, ready)
        except PortTaken as error:
            raise startup.StartupError(str(error)) from None
        connections.close_all()
        self.say("Ended.")

    def say(self, text: str) -> None:
        """Print a line at once, also into a pipe."""
        self.stdout.write(text)
        self.stdout.flush()
