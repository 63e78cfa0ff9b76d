"""Who uses an object: its containers, as a short table on the object's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from console import docker_words
from console.models import Container, Engine
from console.pages import links
from console.pages.container_rows import state_of

COLUMNS: Final = (
    "container_id",
    "name",
    "image",
    "image_id",
    "state",
    "health",
    "exit_code",
    "created_at",
    "started_at",
    "finished_at",
)


@dataclass(frozen=True, slots=True)
class UsedBy:
    """One container. ``detail``: what it uses of the object: reference, path, address."""

    name: str
    url: str
    status: docker_words.Dense
    detail: str = ""
    more: str = ""


def dense(container: Container) -> docker_words.Dense:
    """A container's status in the console's words."""
    state, health = state_of(container)
    return docker_words.dense(
        state, health, container.exit_code, container.created_at, container.started_at, container.finished_at
    )


def used_by(engine: Engine, containers: QuerySet[Container] | Sequence[Container]) -> list[UsedBy]:
    """Containers with the reference they were made from."""
    return [
        UsedBy(
            container.name or container.short_id,
            links.container_url(engine.slug, container.name, container.container_id),
            dense(container),
            docker_words.image_reference(container.image, container.image_id),
        )
        for container in containers
    ]
