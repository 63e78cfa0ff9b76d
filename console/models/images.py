"""Images and their tags."""

from __future__ import annotations

from django.db import models

from console.models.engines import Engine, Mirrored


class Image(Mirrored):
    """An image as ``GET /images/{name}/json`` tells it (``engine.types.Image``)."""

    image_id = models.CharField(max_length=80)  # sha256:…
    parent_id = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(null=True)
    size = models.BigIntegerField(default=0)  # bytes
    os = models.CharField(max_length=40, blank=True)
    architecture = models.CharField(max_length=40, blank=True)
    digests = models.JSONField(default=list)  # RepoDigests
    labels = models.JSONField(default=dict)
    layers = models.JSONField(default=list)
    intermediate = models.BooleanField(default=False)  # only in `docker image ls --all`
    details = models.JSONField(default=dict)  # the other fields of engine.types.Image

    class Meta:
        ordering = ["-created_at", "image_id"]
        constraints = [models.UniqueConstraint(fields=["engine", "image_id"], name="image_key")]

    def __str__(self) -> str:
        return self.short_id

    @property
    def short_id(self) -> str:
        """Twelve digits without the algorithm, as ``docker image ls`` shows them."""
        return self.image_id.removeprefix("sha256:")[:12]


class ImageTag(models.Model):
    """One tag of an image: ``repository`` includes the registry's host."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="tags")
    reference = models.CharField(max_length=600, db_index=True)  # repository:tag
    repository = models.CharField(max_length=500, db_index=True)
    tag = models.CharField(max_length=200)

    class Meta:
        ordering = ["reference"]

    def __str__(self) -> str:
        return self.reference


class RemoteTag(models.Model):
    """What a tag was in its registry when somebody asked last. No part of the mirror: ``operations`` writes it."""

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="+")
    reference = models.CharField(max_length=600)  # repository:tag
    digest = models.CharField(max_length=80)
    checked_at = models.DateTimeField()

    class Meta:
        ordering = ["reference"]
        constraints = [models.UniqueConstraint(fields=["engine", "reference"], name="remote_tag_key")]

    def __str__(self) -> str:
        return self.reference
