"""Threads of requests: each has one of its own while it lasts, with the connection that an earlier one opened.

Django would start a thread for every request. It would open SQLite anew, which costs as much as five queries, and what
a request leaves open in it stays so until the garbage collector comes: hundreds of them, and PostgreSQL takes 100.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections, connections

KEPT: Final = 4  # threads that wait for the next request; each keeps a cache of SQLite's, up to 16 MB

give_back = sync_to_async(connections.close_all)  # in the request's own thread; nothing happens where none was used


class Threads:
    """Threads that do nothing now. A request that finds none gets a new one."""

    def __init__(self) -> None:
        self._idle: deque[ThreadPoolExecutor] = deque()

    def take(self) -> ThreadPoolExecutor:
        """A thread of one's own; the one that was used last, for its cache is warm."""
        try:
            return self._idle.pop()
        except IndexError:
            return ThreadPoolExecutor(max_workers=1, thread_name_prefix="request")

    def put(self, thread: ThreadPoolExecutor) -> None:
        """Let it wait for another request as soon as it has done all it was given: a request may end before that."""
        thread.submit(self._rest, thread)

    def _rest(self, thread: ThreadPoolExecutor) -> None:
        """In the thread: its connection goes back to a pool, or stays as long as ``CONN_MAX_AGE`` says."""
        if len(self._idle) < KEPT:
            close_old_connections()
            self._idle.append(thread)
        else:
            connections.close_all()
            thread.shutdown(wait=False)


class Handler(ASGIHandler):
    """Django's, with threads that are used again."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = Threads()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        thread = self.threads.take()
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)
        finally:
            self.threads.put(thread)

    async def send_response(self, response: Any, send: Any) -> None:
        """The answer. A download may take hours: it needs no connection for that."""
        if response.streaming:
            await give_back()
        await super().send_response(response, send)
