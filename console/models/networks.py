"""Networks. Who is on one: ``Endpoint`` rows of the containers."""

from __future__ import annotations

from django.db import models

from console.models.engines import Mirrored


class Network(Mirrored):
    """A network as ``GET /networks/{id}`` tells it (``engine.types.Network``)."""

    network_id = models.CharField(max_length=64)
    name = models.CharField(max_length=300, db_index=True)
    driver = models.CharField(max_length=100, blank=True)
    scope = models.CharField(max_length=30, blank=True)
    created_at = models.DateTimeField(null=True)
    internal = models.BooleanField(default=False)
    attachable = models.BooleanField(default=False)
    ingress = models.BooleanField(default=False)
    ipv6 = models.BooleanField(default=False)
    ipam_driver = models.CharField(max_length=100, blank=True)
    ipam = models.JSONField(default=list)  # [engine.types.IpamConfig as a dict, …]
    options = models.JSONField(default=dict)
    labels = models.JSONField(default=dict)

    class Meta:
        ordering = ["name", "network_id"]
        constraints = [models.UniqueConstraint(fields=["engine", "network_id"], name="network_key")]

    def __str__(self) -> str:
        return self.name

    @property
    def short_id(self) -> str:
        """The first twelve digits."""
        return self.network_id[:12]
