"""A claimed operation whose verb is a work: the thread that does it, and beside it its progress and cancellation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

from django.db import DatabaseError

from console.engine.client import EngineClient
from console.engine.errors import Conflict, EngineError, Malformed, Unreachable
from console.models import Engine, Operation
from console.operations import outcome, store
from console.operations.claim import ClaimLost, InDatabase, InThread, crash_at
from console.operations.outcome import NEVER_SENT, Outcome
from console.operations.params import Params
from console.operations.verb import Verb
from console.operations.work import Cancelled, Result, Work, WorkFailed, WorkKind

TICK: Final = 0.25  # seconds between two looks at progress and cancellation
INTERRUPTED: Final = "The console stopped while this was being done, and nothing tells how far it came."
LOST: Final = "The engine's answer was lost while this was being done, and nothing tells how far it came."

logger = logging.getLogger(__name__)


class Working:
    """Does one work to its end. As ``job.Job``, which makes it."""

    def __init__(
        self, operation: Operation, engine: Engine, client: EngineClient, in_thread: InThread, in_database: InDatabase
    ) -> None:
        self.operation = operation
        self.engine = engine
        self.client = client
        self.in_thread = in_thread
        self.in_database = in_database

    async def end(self, verb: Verb, kind: WorkKind, params: Params, refused: str = "") -> Outcome:
        """Do it, or go on after a crash; ``refused``: why it may not go on. Raises ``ClaimLost``."""
        interrupted = bool(self.operation.before)
        if interrupted and refused:
            kind = replace(kind, recover=kind.undo)
        if interrupted and kind.recover is None:
            return outcome.unknown(f"{refused} {INTERRUPTED}".strip())
        work = self._work(params)
        work.refused = refused
        if not interrupted and not await self.in_database(store.note_before)(self.operation, {"kept": {}}):
            raise ClaimLost
        self.operation.before = self.operation.before or {"kept": {}}
        crash_at("before-call")
        watch = asyncio.create_task(self._watch(work))
        try:
            return await self._done(verb, kind, work, interrupted)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            with suppress(DatabaseError):  # a database that is busy: what counts is the end
                await self._tell(work)

    def _work(self, params: Params) -> Work:
        loop = asyncio.get_running_loop()

        def ask(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            """From the work's thread."""
            asked = self.in_database(function)(*args, **kwargs)
            return asyncio.run_coroutine_threadsafe(_awaited(asked), loop).result()

        return Work(self.operation, self.engine, self.client, params, ask, store.note_before)

    async def _done(self, verb: Verb, kind: WorkKind, work: Work, interrupted: bool) -> Outcome:
        call: Callable[[Work], Result | None] = kind.run
        if interrupted and kind.recover is not None:
            call = kind.recover
        try:
            result = await self.in_thread(lambda: call(work))
        except asyncio.CancelledError:
            await asyncio.shield(self.in_thread(work.stop))  # the worker stops: the next one looks after it
            raise
        except ClaimLost:
            raise
        except Exception as error:
            crash_at("after-call")
            if work.stopped:
                return self._stopped(work, error)
            if isinstance(error, WorkFailed):
                failed = outcome.failed(error.sentence, error.engine_text)
                return Outcome(failed.state, failed.error, error.result | failed.result, error.output)
            if isinstance(error, EngineError):
                return await self._refused(verb, kind, work, error, interrupted)
            raise
        crash_at("after-call")
        if result is None:
            return outcome.unknown(f"{work.refused} {INTERRUPTED}".strip())
        return Outcome(Operation.State.SUCCEEDED, result={"note": verb.past, **result})

    def _stopped(self, work: Work, error: Exception) -> Outcome:
        """It ended because it was told to."""
        if not work.cancelled_by:
            raise ClaimLost
        remains = error.remains if isinstance(error, Cancelled) and error.remains else work.remains
        return outcome.cancelled(work.cancelled_by, remains)

    async def _refused(self, verb: Verb, kind: WorkKind, work: Work, error: EngineError, interrupted: bool) -> Outcome:
        """What the engine's refusal means, or its silence."""
        if isinstance(error, Unreachable) and error.problem in NEVER_SENT and not interrupted:
            return outcome.failed("The engine is not reachable.", error.message)
        if isinstance(error, Unreachable | Malformed):
            if interrupted or kind.recover is None:
                return outcome.unknown(INTERRUPTED if interrupted else LOST, error.message)
            return await self._done(verb, kind, work, interrupted=True)
        if isinstance(error, Conflict):
            return outcome.failed("The state of things does not allow it.", error.message)
        return outcome.failed("The engine refused.", error.message)

    async def _watch(self, work: Work) -> None:
        """Write down progress, look whether somebody cancelled or took over."""
        while True:
            await asyncio.sleep(TICK)
            try:
                await self._tell(work)
                asked = None if work.stopped else await self.in_database(store.told_to_stop)(self.operation)
            except DatabaseError:
                logger.exception("The progress of %s cannot be written down", self.operation.pk)
                continue
            if asked is not None:
                await self.in_thread(partial(work.stop, asked))

    async def _tell(self, work: Work) -> None:
        values = work.untold()
        if values is None:
            return
        try:
            await self.in_database(store.note_progress)(self.operation, values)
        except (DatabaseError, asyncio.CancelledError):  # cancelled: the work ended while this waited for a thread
            work.tell_again()
            raise


async def _awaited(value: Any) -> Any:
    return await value
