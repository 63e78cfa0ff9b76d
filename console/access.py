"""The only road from a request or a socket to a row.

Verbs are classed by blast radius (docs/security.md): observe < logs < operate < shell < deploy < host < admin.
A foreign object and a missing one look the same: every ``…_for`` with a reference raises ``Http404`` for both.
A visible object and a missing right raise ``PermissionDenied``.
"""

from __future__ import annotations

from typing import Final, TypeAlias, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404

from console.engine.risk import copies_race, rules_host
from console.models import (
    AuditEntry,
    Container,
    Engine,
    Event,
    Image,
    Network,
    Operation,
    OperationOutput,
    Registry,
    Shell,
    User,
    Volume,
)

Actor: TypeAlias = User | AnonymousUser
R = TypeVar("R", bound=Model)

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


def _visible(user: Actor, rows: QuerySet[R], verb: str = "observe") -> QuerySet[R]:
    return rows if can(user, verb) else rows.none()


def _one(user: Actor, found: R | None, verb: str) -> R:
    """What was found among the visible rows, for who holds ``verb``. Raises ``Http404`` or ``PermissionDenied``."""
    if found is None:
        raise Http404
    require(user, verb)
    return found


def engines_for(user: Actor) -> QuerySet[Engine]:
    """The engines that ``user`` may see."""
    return _visible(user, Engine.objects.all())


def engine_for(user: Actor, slug: str, verb: str = "observe") -> Engine:
    """One engine by its slug. Raises ``Http404`` or ``PermissionDenied``."""
    return _one(user, engines_for(user).filter(slug=slug).first(), verb)


def containers_for(user: Actor, engine: Engine) -> QuerySet[Container]:
    """The containers of ``engine`` that ``user`` may see."""
    return _visible(user, Container.objects.filter(engine=engine))


def all_containers_for(user: Actor) -> QuerySet[Container]:
    """The containers of all engines that ``user`` may see."""
    return _visible(user, Container.objects.filter(engine__in=engines_for(user)))


def container_for(user: Actor, engine: Engine, reference: str, verb: str = "observe") -> Container:
    """One container by name or by id (12 digits or more). Raises ``Http404`` or ``PermissionDenied``."""
    rows = containers_for(user, engine)
    found = rows.filter(container_id=reference).first() or rows.filter(name=reference).first()
    if found is None and len(reference) >= 12 and set(reference) <= set("0123456789abcdef"):
        found = rows.filter(container_id__startswith=reference).first()
    return _one(user, found, verb)


def shell_right(container: Container) -> str:
    """The right that commands in ``container``, and its files, need: ``host`` where they rule the host."""
    binds = container.mounts.filter(type="bind").values_list("source", flat=True)
    names = container.mounts.filter(type="volume").values_list("volume_name", flat=True)
    volumes = Volume.objects.filter(engine=container.engine_id, name__in=list(names), driver="local")
    devices = [str(options.get("device", "")) for options in volumes.values_list("options", flat=True)]
    return "host" if rules_host(container.details, [*binds, *filter(None, devices)]) else "shell"


def files_right(container: Container) -> str:
    """The right that the files of ``container`` need: as ``shell_right``, but ``host`` where copying them is a risk.

    That is while it runs, on an engine with which its programs can lead a copy astray.
    """
    running = container.state not in ("created", "exited", "dead")
    return "host" if running and copies_race(container.engine.server_version) else shell_right(container)


def images_for(user: Actor, engine: Engine) -> QuerySet[Image]:
    """The images of ``engine`` that ``user`` may see."""
    return _visible(user, Image.objects.filter(engine=engine))


def image_for(user: Actor, engine: Engine, reference: str, verb: str = "observe") -> Image:
    """One image by id (12 digits or more, with or without ``sha256:``) or tag. Raises as ``container_for``."""
    rows = images_for(user, engine)
    digits = reference.removeprefix("sha256:")
    found = None
    if len(digits) >= 12 and set(digits) <= set("0123456789abcdef"):
        found = rows.filter(image_id__startswith=f"sha256:{digits}").first()
    found = found or rows.filter(tags__reference=reference).first()
    return _one(user, found, verb)


def networks_for(user: Actor, engine: Engine) -> QuerySet[Network]:
    """The networks of ``engine`` that ``user`` may see."""
    return _visible(user, Network.objects.filter(engine=engine))


def network_for(user: Actor, engine: Engine, reference: str, verb: str = "observe") -> Network:
    """One network by id (12 digits or more) or name. Raises as ``container_for``."""
    rows = networks_for(user, engine)
    found = rows.filter(network_id=reference).first() or rows.filter(name=reference).first()
    if found is None and len(reference) >= 12 and reference.isalnum():
        found = rows.filter(network_id__startswith=reference).first()
    return _one(user, found, verb)


def volumes_for(user: Actor, engine: Engine) -> QuerySet[Volume]:
    """The volumes of ``engine`` that ``user`` may see."""
    return _visible(user, Volume.objects.filter(engine=engine))


def volume_for(user: Actor, engine: Engine, name: str, verb: str = "observe") -> Volume:
    """One volume by name. Raises as ``container_for``."""
    found = volumes_for(user, engine).filter(name=name).first()
    return _one(user, found, verb)


def events_for(user: Actor) -> QuerySet[Event]:
    """The engine events that ``user`` may see."""
    return _visible(user, Event.objects.filter(engine__in=engines_for(user)))


def operations_for(user: Actor) -> QuerySet[Operation]:
    """The operations that ``user`` may see: all of them, as everybody's work is on the same engines."""
    return _visible(user, Operation.objects.all())


def operation_for(user: Actor, operation_id: str, verb: str = "observe") -> Operation:
    """One operation by its id. Raises as ``container_for``."""
    found = operations_for(user).filter(pk=operation_id).first()
    return _one(user, found, verb)


def output_for(user: Actor, operation: Operation) -> OperationOutput | None:
    """What a command in a container printed: for those who may run one, as it may hold secrets."""
    return OperationOutput.objects.filter(operation=operation).first() if can(user, "shell") else None


def shells_for(user: Actor) -> QuerySet[Shell]:
    """The terminal sessions that people opened: for admins."""
    return _visible(user, Shell.objects.all(), "admin")


def open_shells(user: Actor, container: Container) -> int:
    """How many terminal sessions a container has now: for those who may end them all by replacing it."""
    require(user, "deploy")
    return Shell.objects.filter(engine=container.engine_id, container_id=container.container_id, ended_at=None).count()


def registries_for(user: Actor, verb: str = "admin") -> QuerySet[Registry]:
    """The registries that ``user`` may use as ``verb`` says: "admin" to manage them, "deploy" to look through them."""
    return Registry.objects.all() if can(user, verb) else Registry.objects.none()


def registry_for(user: Actor, registry_id: int, verb: str = "admin") -> Registry:
    """One registry by its number. Raises ``PermissionDenied``, ``Http404``."""
    found = Registry.objects.filter(pk=registry_id).first() if can(user, "observe") else None
    return _one(user, found, verb)


def audit_for(user: Actor) -> QuerySet[AuditEntry]:
    """What people looked at: for admins."""
    return _visible(user, AuditEntry.objects.all(), "admin")
