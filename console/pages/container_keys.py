"""The keys of the filter over containers, and the ``docker`` command line that a filter stands for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from django.db.models import Q

from console import access, docker_words, filters
from console.engine.types import ContainerState, Health
from console.filters import FilterError, Key, Term
from console.models import Endpoint, Mount

# Labels whose values everybody may see: their makers know that they are public.
PUBLIC_LABELS: Final = ("com.docker.compose.", "org.opencontainers.image.", "org.label-schema.")
_DOCKER_FILTERS: Final = {
    "name": "name",
    "id": "id",
    "state": "status",
    "image": "ancestor",
    "health": "health",
    "exit": "exited",
    "label": "label",
    "network": "network",
    "volume": "volume",
}


def public_label(name: str) -> bool:
    """Whether everybody who sees the container may see this label's value."""
    return name.startswith(PUBLIC_LABELS)


def keys_for(user: access.Actor) -> Mapping[str, Key]:
    """The keys; who may not see a label's value may not search it either."""
    secrets = access.can(user, "shell")
    return {
        **_KEYS,
        "label": filters.label("labels", "label:tier=web", lambda name: secrets or public_label(name)),
    }


def word(value: str) -> Q:
    """A bare word: part of the name or the image, or the beginning of the id."""
    return Q(name__icontains=value) | Q(image__icontains=value) | Q(container_id__istartswith=value)


def command(terms: Sequence[Term], show: str) -> str:
    """``docker container ls`` with what it can say of the filter."""
    parts = ["docker", "container", "ls", *([] if show == "running" else ["--all"])]
    if show == "exited":
        parts += ["--filter", "status=exited"]
    for term in terms:
        name = _DOCKER_FILTERS.get(term.key or "name")
        if name and term.operator == ":" and not term.negated:
            parts += ["--filter", f"{name}={term.value}"]
    return shlex.join(parts)


def _port(operator: str, value: str) -> Q:
    if not value.isascii() or not value.isdigit() or not 0 < int(value) < 65536:
        raise FilterError(f"“{value}” is not a port (1 to 65535).")
    number = str(int(value))
    return filters.in_json(
        "ports", *(f'"{name}": {number}{end}' for name in ("host_port", "container_port") for end in ",}")
    )


def _restart(operator: str, value: str) -> Q:
    return Q(restart_policy__iexact=value) | Q(restart_policy__istartswith=f"{value}:")


_STATES: Final = [state.value for state in ContainerState]
_KEYS: Final[dict[str, Key]] = {
    "name": filters.contains("name", example="name:web"),
    "id": filters.starts("container_id", example="id:2a42e67572a6"),
    "image": filters.contains("image", "image_id", example="image:alpine"),
    "state": filters.choice("state", _STATES, "state:running", {"stopped": [s.value for s in docker_words.STOPPED]}),
    "health": filters.choice("health", [health.value for health in Health], "health:unhealthy"),
    "project": filters.like("project", "project:shop"),
    "service": filters.like("service", "service:web"),
    "label": filters.label("labels", "label:tier=web"),
    "network": filters.like(
        "network_name",
        "network:bridge",
        lambda found: Q(pk__in=Endpoint.objects.filter(found).values("container")),
    ),
    "volume": filters.like(
        "volume_name",
        "volume:vm1",
        lambda found: Q(pk__in=Mount.objects.filter(found).exclude(volume_name="").values("container")),
    ),
    "port": Key(_port, "port:8080"),
    "exit": filters.number("exit_code", "exit:137", Q(state__in=[s.value for s in docker_words.STOPPED])),
    "restart": Key(_restart, "restart:always"),
    "created": filters.age("created_at", "created<2h"),
    "started": filters.age("started_at", "started<10min"),
}
