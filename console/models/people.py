"""People, their roles, and what they looked at."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person. ``epoch`` grows when a right changes: open sockets compare it."""

    class Role(models.TextChoices):
        VIEWER = "viewer", "Viewer"
        ADMIN = "admin", "Admin"

    role = models.CharField(max_length=20, choices=Role, default=Role.VIEWER)
    epoch = models.BigIntegerField(default=0)
    theme = models.CharField(max_length=10, default="system")  # system, light, dark
    density = models.CharField(max_length=15, default="compact")  # compact, comfortable


class AuditEntry(models.Model):
    """Something that a person looked at or did that is no operation: reveal, sign-in, stream opened."""

    time = models.DateTimeField(auto_now_add=True, db_index=True)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    user_name = models.CharField(max_length=150)
    address = models.CharField(max_length=60, blank=True)  # of the person's browser
    action = models.CharField(max_length=60)  # container.env.reveal
    engine = models.ForeignKey("Engine", null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=30, blank=True)
    object_id = models.CharField(max_length=300, blank=True)
    object_name = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-time", "-id"]

    def __str__(self) -> str:
        return f"{self.user_name} {self.action} {self.object_name}"
