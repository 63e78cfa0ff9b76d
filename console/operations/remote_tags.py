"""What tags are in their registries: the rows of the last check, and which images are behind."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from console.models import Engine, Image, ImageTag, RemoteTag


def note(engine: Engine, reference: str, digest: str) -> None:
    """Write down what a tag is in its registry now; "" forgets it."""
    with transaction.atomic():
        if digest:
            seen = {"digest": digest, "checked_at": timezone.now()}
            RemoteTag.objects.update_or_create(engine=engine, reference=reference, defaults=seen)
        else:
            RemoteTag.objects.filter(engine=engine, reference=reference).delete()


def sweep(engine: Engine) -> None:
    """Forget tags that no image of the engine has any more."""
    with transaction.atomic():
        known = ImageTag.objects.filter(image__engine=engine).values("reference")
        RemoteTag.objects.filter(engine=engine).exclude(reference__in=known).delete()


def checkable(engine: Engine, most: int) -> list[str]:
    """The tags of images that came from a registry or went to one."""
    rows = ImageTag.objects.filter(image__engine=engine).exclude(image__digests=[]).order_by("reference")
    return list(rows.values_list("reference", flat=True)[:most])


def behind(engine: Engine) -> dict[int, str]:
    """Images whose tag is another image in its registry: the tag, by the image's key. One query."""
    remote = RemoteTag.objects.filter(engine=engine)
    digests = dict(remote.values_list("reference", "digest"))
    if not digests:
        return {}
    rows = ImageTag.objects.filter(image__engine=engine, reference__in=list(digests)).select_related("image")
    return {row.image_id: row.reference for row in rows if not has(row.image, digests[row.reference])}


def has(image: Image, digest: str) -> bool:
    """Whether an image is the one of a digest."""
    held = image.digests if isinstance(image.digests, list) else []
    return any(str(one).partition("@")[2] == digest for one in held)
