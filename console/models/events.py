"""The engine's event log as far as it was heard, with retention."""

from __future__ import annotations

from django.db import models

from console.models.engines import Engine


class Event(models.Model):
    """One event of an engine (``GET /events``)."""

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="+")
    time = models.DateTimeField()
    time_ns = models.BigIntegerField()
    type = models.CharField(max_length=30)
    action = models.CharField(max_length=60)
    detail = models.TextField(blank=True)
    actor_id = models.CharField(max_length=300, blank=True)
    actor_name = models.CharField(max_length=300, blank=True)
    attributes = models.JSONField(default=dict)
    operation = models.ForeignKey("Operation", null=True, blank=True, on_delete=models.SET_NULL, related_name="events")

    class Meta:
        ordering = ["-time_ns", "-id"]
        indexes = [
            models.Index(fields=["engine", "-time_ns"], name="event_engine_time"),
            models.Index(fields=["engine", "actor_id"], name="event_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.action} {self.actor_name}"
