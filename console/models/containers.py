"""Containers, their mounts and their places on networks."""

from __future__ import annotations

from django.db import models

from console.engine.types import ContainerState, Health
from console.models.engines import Mirrored


class Container(Mirrored):
    """A container as ``GET /containers/{id}/json`` tells it (``engine.types.Container``)."""

    container_id = models.CharField(max_length=64)
    name = models.CharField(max_length=300, db_index=True)
    image = models.CharField(max_length=600)  # the reference it was created from
    image_id = models.CharField(max_length=80, db_index=True)
    created_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=20, choices=[(s.value, s.value) for s in ContainerState], db_index=True)
    health = models.CharField(max_length=20, choices=[(h.value, h.value) for h in Health], default=Health.NONE.value)
    exit_code = models.BigIntegerField(default=0)
    oom_killed = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    restart_count = models.BigIntegerField(default=0)
    restart_policy = models.CharField(max_length=60, blank=True)
    entrypoint = models.JSONField(default=list)
    command = models.JSONField(default=list)
    env = models.JSONField(default=list)  # [[name, value], …]
    labels = models.JSONField(default=dict)
    ports = models.JSONField(default=list)  # [engine.types.Port as a dict, …]
    network_mode = models.CharField(max_length=300, blank=True)
    tty = models.BooleanField(default=False)
    open_stdin = models.BooleanField(default=False)
    auto_remove = models.BooleanField(default=False)
    details = models.JSONField(default=dict)  # the other fields of engine.types.Container, by their names
    # From the labels that Compose sets
    project = models.CharField(max_length=300, blank=True, db_index=True)
    service = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["project", "name", "container_id"]
        constraints = [models.UniqueConstraint(fields=["engine", "container_id"], name="container_key")]

    def __str__(self) -> str:
        return self.name

    @property
    def short_id(self) -> str:
        """The first twelve digits, as ``docker ps`` shows them."""
        return self.container_id[:12]


class Mount(models.Model):
    """One mount of a container; ``volume_name`` joins it to a volume of the same engine."""

    container = models.ForeignKey(Container, on_delete=models.CASCADE, related_name="mounts")
    type = models.CharField(max_length=20)
    destination = models.TextField()
    volume_name = models.CharField(max_length=300, blank=True, db_index=True)
    source = models.TextField(blank=True)
    driver = models.CharField(max_length=100, blank=True)
    mode = models.CharField(max_length=100, blank=True)
    read_only = models.BooleanField(default=False)
    propagation = models.CharField(max_length=30, blank=True)

    class Meta:
        ordering = ["destination", "id"]

    def __str__(self) -> str:
        return self.destination


class Endpoint(models.Model):
    """A container's place on a network, from its inspect; ``network_id`` joins it to a network of the same engine."""

    container = models.ForeignKey(Container, on_delete=models.CASCADE, related_name="endpoints")
    network_id = models.CharField(max_length=64, blank=True, db_index=True)
    network_name = models.CharField(max_length=300, db_index=True)
    endpoint_id = models.CharField(max_length=64, blank=True)
    mac_address = models.CharField(max_length=40, blank=True)
    ipv4_address = models.CharField(max_length=40, blank=True)
    ipv4_prefix = models.IntegerField(default=0)
    ipv4_gateway = models.CharField(max_length=40, blank=True)
    ipv6_address = models.CharField(max_length=60, blank=True)
    ipv6_prefix = models.IntegerField(default=0)
    ipv6_gateway = models.CharField(max_length=60, blank=True)
    aliases = models.JSONField(default=list)

    class Meta:
        ordering = ["network_name", "id"]

    def __str__(self) -> str:
        return f"{self.network_name} {self.ipv4_address}"
