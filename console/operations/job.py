"""One claimed operation, from the first look to its end.

Before the engine is asked the row keeps what the object was (``before``). A row that has it and no end was interrupted
while the engine was being asked, or the engine's answer was lost: then nobody knows, and the object tells.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Final

from django.utils import timezone

from console import access
from console.engine.errors import EngineError, Unreachable
from console.models import Engine, Operation, User
from console.operations import outcome, store
from console.operations.claim import ClaimLost, InDatabase, InThread, crash_at
from console.operations.facts import Facts, Verdict, judge, patience
from console.operations.outcome import Outcome
from console.operations.params import InvalidParams, Params
from console.operations.perform import CALLS, Clients, look, same_engine
from console.operations.request import refusal
from console.operations.sealed import unseal
from console.operations.verbs import WORKS, Verb, right_for, verb_of
from console.operations.verification import verified
from console.operations.working import Working
from console.sync.refresh import refreshed, request_refresh

LOOK_EVERY: Final = 0.5  # seconds
LOOK_FOR: Final = 30.0  # seconds that an engine which does not answer is asked what happened
REFRESH_FOR: Final = 60.0  # seconds

logger = logging.getLogger(__name__)


class Job:
    """An operation that this process has claimed."""

    def __init__(self, operation: Operation, clients: Clients, in_thread: InThread, in_database: InDatabase) -> None:
        self.operation = operation
        self.engine = operation.engine or Engine()  # without one it ends before that is used
        self.clients = clients
        self.in_thread = in_thread
        self.in_database = in_database

    async def run(self) -> None:
        """Do it, or find out what became of it; write down the end."""
        crash_at("after-claim")
        try:
            end = await self._end()
        except ClaimLost:
            logger.warning("Operation %s was taken over by another worker", self.operation.pk)
            return
        except Exception:
            logger.exception("Operation %s failed in a way that nobody foresaw", self.operation.pk)
            end = outcome.failed(f"Internal error. The console's log has it under {self.operation.pk}.")
            if self.operation.before:
                end = outcome.unknown(str(end.result["reason"]))
        crash_at("before-finish")
        if not await self.in_database(store.finish)(self.operation, end.state, end.error, end.result, end.output):
            logger.warning("Operation %s was taken over by another worker", self.operation.pk)

    async def _end(self) -> Outcome:
        operation = self.operation
        verb = verb_of(operation)
        if verb is None:
            return outcome.failed(f"This version of the console does not know “{operation.verb}”.")
        try:
            params = self._params(verb)
        except InvalidParams as error:
            return outcome.failed(str(error))
        if operation.engine is None:
            return outcome.failed("Its engine is no longer known here.")
        try:
            self.client = self.clients.of(operation.engine)
        except ValueError as error:
            return outcome.failed(str(error))
        work = WORKS.get(verb.name)
        if operation.before and work is None:
            return await self._find_out(verb, params, again=not operation.before.get("look_only"))
        if operation.before and work is not None:
            if not await self._same_engine():  # going on would change what has the same name there
                return outcome.unknown("Another engine answers at this address.")
            refused = self._not_allowed(verb, params) or await self.in_database(self._not_there)(verb)
            return await self._work().end(verb, work, params, refused)
        if no := self._not_now(verb, params) or await self.in_database(self._not_there)(verb):
            return outcome.failed(no)
        if work is not None:
            if not await self._same_engine():
                return outcome.failed("Another engine answers at this address.")
            return await self._work().end(verb, work, params)
        if verb.name == "engine.refresh":
            return await self._refresh(verb, params)
        if verb.name == "engine.verify":
            return await self._verify()
        return await self._ask(verb, params)

    def _params(self, verb: Verb) -> Params:
        """The parameters, with their secrets as long as the engine was not asked. Raises ``InvalidParams``."""
        operation = self.operation
        if not operation.sealed:
            return verb.params.read(operation.params)
        whole = unseal(operation.sealed)
        if whole is None:
            raise InvalidParams({"env": "Its secrets can no longer be read: the console's secret key has changed."})
        return verb.params.read(whole)

    def _work(self) -> Working:
        return Working(self.operation, self.engine, self.client, self.in_thread, self.in_database)

    def _not_allowed(self, verb: Verb, params: Params) -> str:
        """Whether the person has lost the right since it was asked for: the reason, or ""."""
        operation = self.operation
        user = operation.user
        if not isinstance(user, User) or not all(access.can(user, right) for right in verb.rights(params)):
            return f"{operation.user_name} no longer has the right to do this."
        return ""

    def _not_now(self, verb: Verb, params: Params) -> str:
        """Rights and circumstances of the moment, not of the asking: the reason not to do it, or ""."""
        operation = self.operation
        if no := self._not_allowed(verb, params):
            return no
        if store.too_old(operation):
            return "It waited longer than an hour while the console was down. Ask again if it is still wanted."
        return refusal(self.engine)

    def _not_there(self, verb: Verb) -> str:
        """Whether the person lacks the right on this very container: the reason, or "". Asks the database."""
        user = self.operation.user
        if verb.right != "shell" or not isinstance(user, User):
            return ""
        rows = access.containers_for(user, self.engine).filter(container_id=self.operation.object_id)
        found = rows.only("details").first()
        if found is None or access.can(user, right_for(verb, found)):
            return ""
        return f"{self.operation.user_name} has no right to do this in a container that reaches the host."

    async def _ask(self, verb: Verb, params: Params) -> Outcome:
        """The first and usually only time that the engine is asked."""
        operation = self.operation
        try:
            before = await self.in_thread(lambda: look(self.client, operation.object_id))
        except Unreachable as error:
            return outcome.failed("The engine is not reachable.", error.message)
        except EngineError as error:
            return outcome.of_error(verb, params, error) or outcome.failed(
                "The engine cannot be understood.", str(error)
            )
        if before is not None and not before.exists:
            if not await self._same_engine():
                return outcome.failed("Another engine answers at this address.")
            gone = verb.name == "container.remove"
            return outcome.done(verb, params, "already gone") if gone else outcome.failed("It no longer exists.")
        kept = {"facts": (before or Facts(exists=True)).to_json(), "called_at": timezone.now().isoformat()}
        if not await self.in_database(store.note_before)(operation, kept):
            raise ClaimLost
        operation.before = kept
        crash_at("before-call")
        call = CALLS[verb.name]
        try:
            ran = await self.in_thread(lambda: call(self.client, operation.object_id, params))
        except EngineError as error:
            crash_at("after-call")
            end = outcome.of_error(verb, params, error)
            if end is None:
                return await self._find_out(verb, params, again=False, lost=error.message)
            return await self._looked(end, before) if end.state == Operation.State.FAILED else end
        crash_at("after-call")
        return outcome.done(verb, params) if ran is None else outcome.ran(ran)

    async def _find_out(self, verb: Verb, params: Params, again: bool, lost: str = "") -> Outcome:
        """The engine was asked, perhaps, and the answer is lost. Look until the object tells.

        ``again``: what was surely not done is done now; else that is said. ``lost``: why there was no answer.
        """
        operation = self.operation
        again = again and not self._not_now(verb, params)
        before = Facts.read(operation.before["facts"])
        called = datetime.fromisoformat(operation.before["called_at"])
        error = lost
        clock = asyncio.get_running_loop().time
        began = clock()
        give_up = began + LOOK_FOR
        while True:
            try:
                now = await self.in_thread(lambda: look(self.client, operation.object_id))
            except EngineError as failure:
                error = failure.message
                if clock() > give_up:
                    return outcome.unknown("The engine does not answer, so nobody can tell whether it was done.", error)
                await asyncio.sleep(LOOK_EVERY)
                continue
            give_up = clock() + LOOK_FOR
            if now is None:
                return outcome.unknown("Its inspect cannot be read, so nobody can tell whether it was done.", error)
            verdict = judge(verb.name, params, before, now)
            if not now.exists and not await self._same_engine():
                return outcome.unknown("Another engine answers at this address.", error)
            if verdict is Verdict.DONE:
                note = outcome.AFTER_SILENCE if lost else outcome.AFTER_RESTART
                return outcome.done(verb, params, note)
            if verdict is Verdict.GONE:
                return outcome.failed("It no longer exists.", error)
            # The clock may have been put back since: the engine's time is over at the latest when we waited for it.
            waited = max((timezone.now() - called).total_seconds(), clock() - began)
            if waited < patience(verb.name, params, before):
                await asyncio.sleep(LOOK_EVERY)
                continue
            if verdict is Verdict.UNTOLD:
                reason = "The console did not hear how it ended, and the container does not show it."
                return outcome.with_look(outcome.unknown(reason, error), before, now)
            if again:
                return await self._ask(verb, params)
            return outcome.with_look(outcome.failed("It was not done.", error), before, now)

    async def _looked(self, end: Outcome, before: Facts | None) -> Outcome:
        """A failure, with what a fresh look says."""
        operation = self.operation
        try:
            return outcome.with_look(end, before, await self.in_thread(lambda: look(self.client, operation.object_id)))
        except EngineError:
            return end

    async def _same_engine(self) -> bool:
        try:
            return await self.in_thread(lambda: same_engine(self.client, self.engine.engine_id))
        except EngineError:
            return True

    async def _refresh(self, verb: Verb, params: Params) -> Outcome:
        """Ask for a full comparison and wait for it. Nothing of the engine's changes: it may be asked twice."""
        await self.in_database(request_refresh)(self.engine.pk)
        clock = asyncio.get_running_loop().time
        end = clock() + REFRESH_FOR
        while clock() < end:
            if await self.in_database(refreshed)(self.engine.pk):
                return outcome.done(verb, params)
            await asyncio.sleep(LOOK_EVERY / 2)
        return outcome.failed(f"The engine was not compared within {REFRESH_FOR:.0f} s: it does not answer.")

    async def _verify(self) -> Outcome:
        """Compare every object with a fresh inspect. Nothing changes anywhere: it may be done twice."""
        try:
            found = await self.in_database(verified)(self.engine)
        except EngineError as error:
            return outcome.failed("The engine does not answer: nothing was compared.", error.message)
        return Outcome(Operation.State.SUCCEEDED, result=found)
