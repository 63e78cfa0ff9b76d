"""Registries with what the console knows of them. ``operations.registries`` alone writes it."""

from __future__ import annotations

from django.db import models


class Registry(models.Model):
    """A registry by its host, as it stands in references: "docker.io", "registry.example:5000"."""

    class State(models.TextChoices):
        NEW = "new", "Not tested"
        FINE = "fine", "Answers"
        FAILED = "failed", "Failed"

    host = models.CharField(max_length=300, unique=True)
    name = models.CharField(max_length=100, blank=True)
    username = models.CharField(max_length=200, blank=True)
    sealed = models.TextField(blank=True)  # host, username and secret, encrypted: worth nothing in another row
    ca = models.TextField(blank=True)  # PEM of the authority that the console trusts for it
    plain_http = models.BooleanField(default=False)
    auth_server = models.CharField(max_length=300, blank=True)  # another host that may be given the credentials
    default = models.BooleanField(default=False)  # offered where an image is pushed
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    said = models.TextField(blank=True)  # what came of the last test, a sentence
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["host"]
        verbose_name_plural = "registries"
        constraints = [
            models.UniqueConstraint(fields=["default"], condition=models.Q(default=True), name="registry_one_default")
        ]

    def __str__(self) -> str:
        return self.name or self.host
