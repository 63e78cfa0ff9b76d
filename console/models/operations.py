"""What somebody asked for: audit trail, progress page and retry in one row. ``operations`` alone writes it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from console.models.engines import Engine


class Operation(models.Model):
    """One thing asked of one object. Parameters hold no secrets; ``command`` is the docker command it stands for."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        UNKNOWN = "unknown", "Unknown"  # the console stopped while the engine worked, and looking did not tell

    OPEN = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    batch = models.UUIDField(null=True, blank=True, db_index=True)  # asked for together
    engine = models.ForeignKey(Engine, null=True, on_delete=models.SET_NULL, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    user_name = models.CharField(max_length=150)
    verb = models.CharField(max_length=60)  # container.stop
    kind = models.CharField(max_length=30)  # container
    object_id = models.CharField(max_length=300, blank=True)
    object_name = models.CharField(max_length=300, blank=True)
    params = models.JSONField(default=dict)
    command = models.TextField(blank=True)
    sealed = models.TextField(blank=True)  # parameters with secrets, encrypted; erased when the engine is asked
    state = models.CharField(max_length=20, choices=State, default=State.QUEUED, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(max_length=100, blank=True)  # the worker that runs it
    claim_expires = models.DateTimeField(null=True, blank=True)
    attempt = models.IntegerField(default=0)
    before = models.JSONField(default=dict)  # what the object was when the engine was asked: lets a restart look first
    progress = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)  # the engine's own text, whole
    cancel_requested = models.BooleanField(default=False)
    version = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["engine", "object_id"], name="operation_object"),
            models.Index(fields=["-created_at"], name="operation_time"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.object_name}"


class OperationOutput(models.Model):
    """What a command printed: beside the row, so that lists do not read it. ``parts``: [[stream, text], …]."""

    operation = models.OneToOneField(Operation, on_delete=models.CASCADE, primary_key=True, related_name="output")
    parts = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"output of {self.operation_id}"
