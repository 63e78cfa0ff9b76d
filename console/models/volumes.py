"""Volumes. Who uses one: ``Mount`` rows of the containers."""

from __future__ import annotations

from django.db import models

from console.models.engines import Mirrored


class Volume(Mirrored):
    """A volume as ``GET /volumes/{name}`` tells it (``engine.types.Volume``); its key is its name."""

    name = models.CharField(max_length=300)
    driver = models.CharField(max_length=100, blank=True)
    mountpoint = models.TextField(blank=True)
    scope = models.CharField(max_length=30, blank=True)
    created_at = models.DateTimeField(null=True)
    options = models.JSONField(default=dict)
    labels = models.JSONField(default=dict)
    anonymous = models.BooleanField(default=False)  # the engine named it: 64 hex digits

    class Meta:
        ordering = ["anonymous", "name"]
        constraints = [models.UniqueConstraint(fields=["engine", "name"], name="volume_key")]

    def __str__(self) -> str:
        return self.name
