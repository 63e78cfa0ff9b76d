"""Asking for an operation: one row, one hint on commit. Whether it can be done now the engine decides later."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from console import access, changes, own
from console.models import Engine, Operation, User
from console.operations import store
from console.operations.params import InvalidParams, Params
from console.operations.sealed import seal
from console.operations.verbs import VERBS, WORKS, Verb

Target = tuple[str, str]  # the engine's full id of the object, and its name


class Refused(Exception):
    """It is not even asked: ``reason`` is a sentence for the person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def refusal(engine: Engine) -> str:
    """Why nothing may be asked of ``engine``, or "". One that does not answer may be asked: it may be back by then."""
    if engine.state == Engine.State.SWAPPED:
        return (
            f"Another engine answers at the address of {engine}. Nothing is done until an admin decides which is meant."
        )
    return ""


def request_operation(
    user: access.Actor,
    engine: Engine,
    verb: str,
    object_id: str,
    object_name: str,
    params: Params | Mapping[str, Any] | None = None,
    batch: uuid.UUID | None = None,
    retry_of: Operation | None = None,
) -> Operation:
    """Ask for ``verb`` ("container.stop") on one object; a worker does it.

    The same thing asked again while it is still open gives the operation that is there: a double click, or two people,
    restart a container once. Raises ``PermissionDenied``, ``InvalidParams``, ``Refused``.
    """
    row = _verb(verb)
    access.require(user, row.right)
    if not isinstance(user, User):
        raise PermissionDenied(row.right)
    if reason := refusal(engine):
        raise Refused(reason)
    if reason := own.refusal(verb, object_id):
        raise Refused(f"{object_name} is {reason}.")
    given = params if isinstance(params, Params) else row.params.read(params or {})
    for right in row.rights(given):
        access.require(user, right)
    public = given.public()
    secret = public != given
    with transaction.atomic():
        same = {"engine": engine, "verb": row.name, "object_id": object_id, "params": public.to_json()}
        found = Operation.objects.filter(**same, state__in=Operation.OPEN).first()
        if found is not None and not secret:
            return found
        operation = Operation.objects.create(
            **same,
            batch=batch,
            user=user,
            user_name=user.get_username(),
            kind=row.kind,
            object_name=object_name,
            command=row.command(object_name if row.kind != "engine" else "", given),
            sealed=seal(given.to_json()) if secret else "",
            result=({"retry_of": str(retry_of.pk)} if retry_of else {}) | ({"secrets": True} if secret else {}),
        )
        changes.operation_changed(engine.pk, str(operation.pk), operation.version)
        changes.wake_workers()
    return operation


def request_many(
    user: access.Actor,
    engine: Engine,
    verb: str,
    objects: Iterable[Target],
    params: Params | Mapping[str, Any] | None = None,
) -> list[Operation]:
    """Ask for one verb on several objects: one operation each, joined by their batch. Raises as for one."""
    batch = uuid.uuid4()
    with transaction.atomic():
        return [request_operation(user, engine, verb, id_, name, params, batch) for id_, name in objects]


def retry(user: access.Actor, operation: Operation) -> Operation:
    """Ask for the same thing once more. Raises as ``request_operation``."""
    access.require(user, _verb(operation.verb).right)
    if operation.state in Operation.OPEN:
        raise Refused("It has not ended yet.")
    if not _verb(operation.verb).again:
        raise Refused("What it was done with was not kept: ask for it anew.")
    if operation.result.get("secrets"):
        raise Refused("Its secrets were not kept: ask for it anew.")
    if operation.engine is None:
        raise Refused("Its engine is no longer known here.")
    return request_operation(
        user,
        operation.engine,
        operation.verb,
        operation.object_id,
        operation.object_name,
        operation.params,
        retry_of=operation,
    )


def cancel(user: access.Actor, operation: Operation) -> None:
    """Take a queued operation back, or end a running one that can be ended in the middle. Raises ``Refused``."""
    access.require(user, _verb(operation.verb).right)
    if not store.cancel(operation, user.get_username()):
        raise Refused("It is no longer in the queue: the engine has been asked, and cannot be asked to forget it.")


def look_again(user: access.Actor, operation: Operation) -> None:
    """Let a worker look how an operation of unknown end ended. Raises ``Refused``."""
    access.require(user, _verb(operation.verb).right)
    if operation.verb in WORKS:
        raise Refused("The console cannot tell by looking: see what is there, and ask anew if it is still wanted.")
    if not store.look_again(operation):
        raise Refused("Its end is known.")


def _verb(name: str) -> Verb:
    row = VERBS.get(name)
    if row is None:
        raise InvalidParams({"verb": f"There is no “{name}” to ask for."})
    return row
