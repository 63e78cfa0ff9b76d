"""Shells that the console started in containers: who, where, how long, and what must be cleaned up after a crash."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from console.models.engines import Engine


class Shell(models.Model):
    """One terminal session. What is typed is never recorded. ``live`` alone writes it.

    ``marker`` stands in the environment of everything the session started, so that it can be found and ended even after
    the console crashed. ``ended_at`` empty and ``owner`` gone, or none: to be cleaned up (``live.orphans``).
    """

    class Kind(models.TextChoices):
        EXEC = "exec", "Shell"
        ATTACH = "attach", "Attach"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    engine = models.ForeignKey(Engine, null=True, on_delete=models.SET_NULL, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    user_name = models.CharField(max_length=150)
    address = models.CharField(max_length=60, blank=True)  # of the person's browser
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.EXEC)
    container_id = models.CharField(max_length=64)
    container_name = models.CharField(max_length=300)
    command = models.JSONField(default=list)
    run_as = models.CharField(max_length=100, blank=True)
    tty = models.BooleanField(default=True)
    exec_id = models.CharField(max_length=64, blank=True)
    marker = models.CharField(max_length=40, blank=True)
    owner = models.CharField(max_length=100)  # the process that holds the connection
    alive_at = models.DateTimeField(auto_now_add=True)  # its last sign of life
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)  # why it ended, in a sentence

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [models.Index(fields=["ended_at", "alive_at"], name="shell_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.container_name}"
