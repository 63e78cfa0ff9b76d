"""The console knows the container that it runs in, and does not end it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from console import own
from console.models import Container, Operation
from console.operations.request import Refused, request_operation
from tests import factories

DOCKER = (
    "612 600 254:1 /var/lib/docker/containers/{id}/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/vda1 rw\n"
    "613 600 254:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw\n"
)
PODMAN = "9 8 0:26 /storage/overlay-containers/{id}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n"
# Another container's folder, mounted to be looked at
OTHER = "9 8 254:1 /var/lib/docker/containers/{id}/hostname /mnt/hostname rw - ext4 /dev/vda1 rw\n"


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "mountinfo"
    monkeypatch.setattr(own, "MOUNTS", path)
    own.container_id.cache_clear()
    yield path
    own.container_id.cache_clear()


@pytest.mark.parametrize(("text", "found"), [(DOCKER, True), (PODMAN, True), (OTHER, False), ("", False)])
def test_the_id_is_found_where_the_engine_mounts_its_files(mounts: Path, text: str, found: bool) -> None:
    mounts.write_text(text.format(id="ab" * 32))
    assert own.container_id() == ("ab" * 32 if found else "")


def test_without_a_container_there_is_none(mounts: Path) -> None:
    assert own.container_id() == ""
    assert own.refusal("container.stop", "") == ""


@pytest.mark.django_db
def test_it_is_not_ended(mounts: Path, client: Client) -> None:
    engine, user = factories.engine("here"), factories.user("mika")
    console: Container = factories.container(engine, "console")
    other = factories.container(engine, "other")
    mounts.write_text(DOCKER.format(id=console.container_id))
    client.force_login(user)
    for verb in ("stop", "restart", "kill", "pause", "remove"):
        url = reverse("container-action", args=["here", console.container_id, verb])
        answer = client.post(url, {"force": "1"})
        assert answer.status_code == 409, verb
        assert b"the console itself" in answer.content
        with pytest.raises(Refused):
            request_operation(user, engine, f"container.{verb}", console.container_id, "console")
    assert client.get(reverse("container-recreate", args=["here", console.container_id])).status_code == 409
    bulk = client.post(
        reverse("containers-bulk", args=["here"]), {"verb": "stop", "id": [console.container_id, other.container_id]}
    )
    assert bulk.status_code == 302
    assert list(Operation.objects.values_list("object_id", flat=True)) == [other.container_id]
