"""What the shell around every page shows: engines, counts, running operations, theme.

Everything is lazy: a fragment for htmx that uses none of it asks the database nothing. A full page costs two queries.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from django.db.models import Count, IntegerField, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from console import access
from console.models import Engine, Operation

THEMES: Final = ("system", "light", "dark")
DENSITIES: Final = ("compact", "comfortable")
# Which entry of the side bar a page belongs to, by the first part of its URL name.
SECTIONS: Final[dict[str, str]] = {
    "dashboard": "dashboard",
    "container": "containers",
    "image": "images",
    "volume": "volumes",
    "network": "networks",
    "operation": "operations",
    "event": "events",
    "engine": "engine",
    "audit": "audit",
    "registry": "registries",
    "registries": "registries",
}
COMMANDS: Final[dict[str, str]] = {
    "containers": "docker container ls --all",
    "images": "docker image ls",
    "volumes": "docker volume ls",
    "networks": "docker network ls",
    "events": "docker system events",
    "engine": "docker system info",
    "registries": "docker login",
}


def _count(rows: QuerySet[Any]) -> Coalesce:
    """The number of ``rows`` as a subquery."""
    counted = rows.order_by().annotate(one=Value(1)).values("one").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


class Shell:
    """The shell's data for one request; each part is read when a template first asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user = request.user

    @cached_property
    def section(self) -> str:
        """The side bar's current entry, or ""."""
        match = self.request.resolver_match
        first = ((match and match.url_name) or "").partition("-")[0]
        return SECTIONS.get(first) or SECTIONS.get(first.removesuffix("s"), "")

    @cached_property
    def engines(self) -> list[Engine]:
        """The engines that the person may see."""
        return list(access.engines_for(self.user))

    @cached_property
    def engine(self) -> Engine | None:
        """The engine of the page's address, else the one looked at last, else the first."""
        match = self.request.resolver_match
        kwargs = match.kwargs if match else {}
        wanted = kwargs.get("slug") or kwargs.get("engine") or getattr(self.request, "session", {}).get("engine")
        found = [engine for engine in self.engines if engine.slug == wanted]
        return found[0] if found else next(iter(self.engines), None)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """How many there are of everything, in one query."""
        return numbers_for(self.user, self.engine)


def numbers_for(user: access.Actor, engine: Engine | None) -> dict[str, int]:
    """How many a person sees: ``running`` operations and, of an engine, containers, images, volumes and networks."""
    if not access.can(user, "observe"):
        return {}
    open_operations = access.operations_for(user).filter(state__in=Operation.OPEN)
    if engine is None:
        return {"running": open_operations.count()}
    wanted: dict[str, Coalesce] = {
        "running": _count(open_operations),
        "containers": _count(access.containers_for(user, engine)),
        "images": _count(access.images_for(user, engine)),
        "volumes": _count(access.volumes_for(user, engine)),
        "networks": _count(access.networks_for(user, engine)),
    }
    row = Engine.objects.filter(pk=engine.pk).values_list(*wanted.values()).first()
    return dict(zip(wanted, row, strict=True)) if row else {}


def _choice(request: HttpRequest, name: str, allowed: tuple[str, ...]) -> str:
    """The person's setting, else the cookie's, else the first of ``allowed``."""
    value = getattr(request.user, name, "") or request.COOKIES.get(name, "")
    return value if value in allowed else allowed[0]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Data of side bar, top bar and foot bar.

    ``engine`` (row or falsy), ``engines``, ``counts`` {containers, images, volumes, networks}, ``running_operations``,
    ``nav`` (current section), ``admin`` (may see what is for admins), ``default_command``, ``theme``, ``density``. A
    view's own context wins.
    """
    if not hasattr(request, "user"):  # an error before the middleware was through
        return {"theme": "system", "density": "compact"}
    data = Shell(request)
    return {
        "engine": SimpleLazyObject(lambda: data.engine),
        "engines": SimpleLazyObject(lambda: data.engines),
        "counts": SimpleLazyObject(lambda: data.numbers),
        "running_operations": SimpleLazyObject(lambda: data.numbers.get("running", 0)),
        "nav": data.section,
        "admin": access.can(request.user, "admin"),
        "default_command": COMMANDS.get(data.section, ""),
        "theme": _choice(request, "theme", THEMES),
        "density": _choice(request, "density", DENSITIES),
    }
