"""Containers that are stopped while their volume is copied, and started again: also after a crash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from console import own
from console.engine import copies
from console.engine.errors import AlreadySo, EngineError, NotFound
from console.operations.work import Work, WorkFailed


@contextmanager
def quiet(work: Work, volume: str) -> Iterator[list[str]]:
    """Stop all running users of ``volume``, and start them again at the end. Raises ``WorkFailed``, ``EngineError``.

    The notes say who is to be started again before anybody is stopped; a second run after a crash adds to them. The
    list has, at the end, who did not start and why.
    """
    found = copies.users(work.client, volume)
    for user in found:
        if why_not := user.why_not or own.refusal("container.stop", user.id):
            resume(work)
            raise WorkFailed(f"{user.name} is not stopped: {why_not}. Stop it yourself, or copy without stopping.")
    known = {user.id: {"id": user.id, "name": user.name} for user in found}
    work.keep(users=[*(user for user in _kept(work) if user["id"] not in known), *known.values()])
    unstarted: list[str] = []
    try:
        for user in found:
            work.check()
            work.progress(text=f"stopping {user.name}")
            try:
                work.client.stop(user.id)
            except (AlreadySo, NotFound):
                continue
        yield unstarted
    finally:
        unstarted += resume(work)


def resume(work: Work) -> list[str]:
    """Start who was stopped; who does not start, and why."""
    failed = []
    for user in _kept(work):
        work.progress(text=f"starting {user['name']}")
        try:
            work.client.start(user["id"])
        except AlreadySo:
            continue
        except NotFound:
            continue  # somebody removed it meanwhile
        except EngineError as error:
            failed.append(f"{user['name']}: {error.message}")
    return failed


def _kept(work: Work) -> list[dict[str, Any]]:
    found = work.kept.get("users", [])
    return [user for user in found if isinstance(user, dict)]
