"""The only road from a request or a socket to a row.

Verbs are classed by blast radius (docs/security.md): observe < logs < operate < shell < deploy < host < admin.
A foreign object and a missing one look the same: every ``…_for`` with a reference raises ``Http404`` for both.
A visible object and a missing right raise ``PermissionDenied``.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from console.models import (
    AuditEntry,
    Container,
    Engine,
    Event,
    Image,
    Network,
    Operation,
    OperationOutput,
    Shell,
    User,
    Volume,
)

Actor: TypeAlias = User | AnonymousUser

VERBS: Final = ("observe", "logs", "operate", "shell", "deploy", "host", "admin")
ROLES: Final[dict[str, frozenset[str]]] = {
    User.Role.VIEWER.value: frozenset({"observe"}),
    User.Role.ADMIN.value: frozenset(VERBS),
}


def can(user: Actor, verb: str) -> bool:
    """Whether ``user`` holds ``verb``. Unknown verbs, unknown roles and disabled people: no."""
    if not isinstance(user, User) or not user.is_active or verb not in VERBS:
        return False
    return verb in ROLES.get(user.role, frozenset())


def require(user: Actor, verb: str) -> None:
    """Raises ``PermissionDenied`` unless ``user`` holds ``verb``."""
    if not can(user, verb):
        raise PermissionDenied(verb)


def engines_for(user: Actor) -> QuerySet[Engine]:
    """The engines that ``user`` may see."""
    return Engine.objects.all() if can(user, "observe") else Engine.objects.none()


def engine_for(user: Actor, slug: str, verb: str = "observe") -> Engine:
    """One engine by its slug. Raises ``Http404`` or ``PermissionDenied``."""
    engine = engines_for(user).filter(slug=slug).first()
    if engine is None:
        raise Http404("engine")
    require(user, verb)
    return engine


def containers_for(user: Actor, engine: Engine) -> QuerySet[Container]:
    """The containers of ``engine`` that ``user`` may see."""
    return Container.objects.filter(engine=engine) if can(user, "observe") else Container.objects.none()


def all_containers_for(user: Actor) -> QuerySet[Container]:
    """The containers of all engines that ``user`` may see."""
    return Container.objects.filter(engine__in=engines_for(user)) if can(user, "observe") else Container.objects.none()


def container_for(user: Actor, engine: Engine, reference: str, verb: str = "observe") -> Container:
    """One container by name or by id (12 digits or more). Raises ``Http404`` or ``PermissionDenied``."""
    rows = containers_for(user, engine)
    found = rows.filter(container_id=reference).first() or rows.filter(name=reference).first()
    if found is None and len(reference) >= 12 and set(reference) <= set("0123456789abcdef"):
        found = rows.filter(container_id__startswith=reference).first()
    if found is None:
        raise Http404("container")
    require(user, verb)
    return found


def images_for(user: Actor, engine: Engine) -> QuerySet[Image]:
    """The images of ``engine`` that ``user`` may see."""
    return Image.objects.filter(engine=engine) if can(user, "observe") else Image.objects.none()


def image_for(user: Actor, engine: Engine, reference: str, verb: str = "observe") -> Image:
    """One image by id (12 digits or more, with or without ``sha256:``) or tag. Raises as ``container_for``."""
    rows = images_for(user, engine)
    digits = reference.removeprefix("sha256:")
    found = None
    if len(digits) >= 12 and set(digits) <= set("0123456789abcdef"):
        found = rows.filter(image_id__startswith=f"sha256:{digits}").first()
    found = found or rows.filter(tags__reference=reference).first()
    if found is None:
        raise Http404("image")
    require(user, verb)
    return found


def networks_for(user: Actor, engine: Engine) -> QuerySet[Network]:
    """The networks of ``engine`` that ``user`` may see."""
    return Network.objects.filter(engine=engine) if can(user, "observe") else Network.objects.none()


def network_for(user: Actor, engine: Engine, reference: str, verb: str = "observe") -> Network:
    """One network by id (12 digits or more) or name. Raises as ``container_for``."""
    rows = networks_for(user, engine)
    found = rows.filter(network_id=reference).first() or rows.filter(name=reference).first()
    if found is None and len(reference) >= 12 and reference.isalnum():
        found = rows.filter(network_id__startswith=reference).first()
    if found is None:
        raise Http404("network")
    require(user, verb)
    return found


def volumes_for(user: Actor, engine: Engine) -> QuerySet[Volume]:
    """The volumes of ``engine`` that ``user`` may see."""
    return Volume.objects.filter(engine=engine) if can(user, "observe") else Volume.objects.none()


def volume_for(user: Actor, engine: Engine, name: str, verb: str = "observe") -> Volume:
    """One volume by name. Raises as ``container_for``."""
    found = volumes_for(user, engine).filter(name=name).first()
    if found is None:
        raise Http404("volume")
    require(user, verb)
    return found


def events_for(user: Actor) -> QuerySet[Event]:
    """The engine events that ``user`` may see."""
    return Event.objects.filter(engine__in=engines_for(user)) if can(user, "observe") else Event.objects.none()


def operations_for(user: Actor) -> QuerySet[Operation]:
    """The operations that ``user`` may see: all of them, as everybody's work is on the same engines."""
    return Operation.objects.all() if can(user, "observe") else Operation.objects.none()


def operation_for(user: Actor, operation_id: str, verb: str = "observe") -> Operation:
    """One operation by its id. Raises as ``container_for``."""
    found = operations_for(user).filter(pk=operation_id).first()
    if found is None:
        raise Http404("operation")
    require(user, verb)
    return found


def output_for(user: Actor, operation: Operation) -> OperationOutput | None:
    """What a command in a container printed: for those who may run one, as it may hold secrets."""
    return OperationOutput.objects.filter(operation=operation).first() if can(user, "shell") else None


def shells_for(user: Actor) -> QuerySet[Shell]:
    """The terminal sessions that people opened: for admins."""
    return Shell.objects.all() if can(user, "admin") else Shell.objects.none()


def audit_for(user: Actor) -> QuerySet[AuditEntry]:
    """What people looked at: for admins."""
    return AuditEntry.objects.all() if can(user, "admin") else AuditEntry.objects.none()
