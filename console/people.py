"""What changes about people: the only writer of their roles, and of the record of what they looked at."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F
from django.http import HttpRequest

from console import changes
from console.models import AuditEntry, Engine, User


def set_role(user: User, role: str) -> None:
    """Give a person a role (``User.Role``). Open sockets look again at once. Raises ``ValueError``."""
    if role not in User.Role.values:
        raise ValueError(f"no such role: {role}")
    _change(user, role=role)


def set_active(user: User, active: bool) -> None:
    """Let a person in or shut them out; their sessions end with it."""
    _change(user, is_active=active)


def set_password(user: User, password: str) -> None:
    """Give a person a password; every session of theirs ends, for a session is bound to the password's hash."""
    user.set_password(password)
    _change(user, password=user.password)


def _change(user: User, **columns: Any) -> None:
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(**columns, epoch=F("epoch") + 1)
        changes.rights_changed(user.pk)
    user.refresh_from_db()


def address_of(request: HttpRequest) -> str:
    """The address of a person's browser, as the server sees it."""
    return str(request.META.get("REMOTE_ADDR") or "")


def record(
    user: User,
    action: str,
    *,
    address: str = "",
    engine: Engine | None = None,
    kind: str = "",
    object_id: str = "",
    object_name: str = "",
    **detail: Any,
) -> AuditEntry:
    """Write down what a person looked at or did that is no operation. ``detail`` must hold no secret."""
    return AuditEntry.objects.create(
        user=user,
        user_name=user.get_username(),
        address=address[:60],
        action=action,
        engine=engine,
        kind=kind,
        object_id=object_id,
        object_name=object_name,
        detail=detail,
    )
