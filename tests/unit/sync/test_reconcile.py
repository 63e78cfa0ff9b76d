"""The writer of the mirror: by difference, in one transaction, under the fence."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from console import changes
from console.engine.types import ContainerState, Unparsed
from console.models import Container, Endpoint, Engine, Image, ImageTag, Mount, Network, Volume
from console.sync.lease import LeaseLost
from console.sync.reconcile import apply, digests
from tests.unit.sync import objects

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine() -> Engine:
    return objects.engine()


def version(engine: Engine) -> int:
    return Engine.objects.get(pk=engine.pk).version


def test_new_changed_unchanged_gone(engine: Engine) -> None:
    one, two, three = (objects.container(number) for number in (1, 2, 3))
    assert apply(engine.pk, "container", [one, two, three], fence=1) == [one.id, two.id, three.id]
    assert version(engine) == 1
    assert {row.version for row in Container.objects.all()} == {1}

    assert apply(engine.pk, "container", [one, two, three], fence=1) == []
    assert version(engine) == 1, "nothing changed, so nothing was written"

    paused = objects.container(2, state=ContainerState.PAUSED)
    assert apply(engine.pk, "container", [one, paused], [three.id], fence=1) == [two.id, three.id]
    assert version(engine) == 2
    assert {(row.container_id, row.state, row.version) for row in Container.objects.all()} == {
        (one.id, "running", 1),
        (two.id, "paused", 2),
    }
    assert apply(engine.pk, "container", [], [three.id], fence=1) == [], "gone already"
    assert version(engine) == 2


def test_equal_digests_are_not_written(engine: Engine) -> None:
    found = [objects.container(number) for number in range(20)]
    apply(engine.pk, "container", found, fence=1)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        apply(engine.pk, "container", found, fence=1)
    assert len(queries) == 1
    assert queries[0]["sql"].startswith("SELECT")


def test_the_number_of_queries_does_not_grow(engine: Engine) -> None:
    def queries(first: int, count: int) -> int:
        found = [objects.container(first + number, mounts=(objects.mount(),)) for number in range(count)]
        with CaptureQueriesContext(connection) as captured:
            apply(engine.pk, "container", found, fence=1)
        return len(captured)

    assert queries(0, 10) <= queries(100, 1) + 2


def test_children_follow(engine: Engine) -> None:
    mounts, endpoints = (objects.mount("/a"), objects.mount("/b")), (objects.endpoint("one"),)
    found = objects.container(mounts=mounts, endpoints=endpoints)
    apply(engine.pk, "container", [found], fence=1)
    kept = list(Mount.objects.values_list("pk", flat=True))
    assert len(kept) == 2

    moved = objects.container(mounts=mounts, endpoints=(objects.endpoint("two"), objects.endpoint("three")))
    apply(engine.pk, "container", [moved], fence=1)
    assert list(Mount.objects.values_list("pk", flat=True)) == kept, "equal children stay as they are"
    assert set(Endpoint.objects.values_list("network_name", flat=True)) == {"two", "three"}

    apply(engine.pk, "container", [objects.container(mounts=(), endpoints=())], fence=1)
    assert not Mount.objects.exists()
    assert not Endpoint.objects.exists()


def test_a_tag_moves(engine: Engine) -> None:
    one, two = objects.image(1, tags=("app:1", "app:2")), objects.image(2, tags=())
    apply(engine.pk, "image", [one, two], fence=1)
    apply(engine.pk, "image", [objects.image(1, tags=("app:1",)), objects.image(2, tags=("app:2",))], fence=1)
    assert {(tag.reference, tag.image.image_id) for tag in ImageTag.objects.all()} == {
        ("app:1", one.id),
        ("app:2", two.id),
    }
    apply(engine.pk, "image", [], [two.id], fence=1)
    assert list(ImageTag.objects.values_list("reference", flat=True)) == ["app:1"]


def test_names_swap_in_one_go(engine: Engine) -> None:
    apply(engine.pk, "container", [objects.container(1, name="a"), objects.container(2, name="b")], fence=1)
    apply(engine.pk, "container", [objects.container(1, name="b"), objects.container(2, name="a")], fence=1)
    assert {(row.container_id, row.name) for row in Container.objects.all()} == {
        (objects.container_id(1), "b"),
        (objects.container_id(2), "a"),
    }


def test_one_bad_object_is_in_quarantine_and_comes_out(engine: Engine) -> None:
    bad = Unparsed(objects.container_id(2), "bad", "nothing fits")
    apply(engine.pk, "container", [objects.container(1), bad, objects.container(3)], fence=1)
    found = Container.objects.get(container_id=bad.id)
    assert (found.name, found.problem, found.state) == ("bad", "nothing fits", "unknown")
    assert Container.objects.count() == 3
    apply(engine.pk, "container", [objects.container(2)], fence=1)
    found.refresh_from_db()
    assert (found.problem, found.state) == ("", "running")


def test_a_former_fence_writes_nothing(engine: Engine) -> None:
    apply(engine.pk, "container", [objects.container(1)], fence=1)
    Engine.objects.filter(pk=engine.pk).update(lease_fence=2)
    with pytest.raises(LeaseLost):
        apply(engine.pk, "container", [objects.container(2)], [objects.container_id(1)], fence=1)
    assert list(Container.objects.values_list("container_id", flat=True)) == [objects.container_id(1)]
    assert version(engine) == 1


def test_engines_do_not_meet(engine: Engine) -> None:
    other = objects.engine(slug="e2")
    apply(engine.pk, "volume", [objects.volume("data", driver="one")], fence=1)
    apply(other.pk, "volume", [objects.volume("data", driver="two")], fence=1)
    apply(other.pk, "volume", [], ["data"], fence=1)
    assert Volume.objects.get().driver == "one"
    assert digests(other.pk, "volume") == {}


def test_more_ids_than_a_query_takes(engine: Engine) -> None:
    found = [objects.network(number) for number in range(1_100)]
    assert len(apply(engine.pk, "network", found, fence=1)) == 1_100
    assert apply(engine.pk, "network", found, fence=1) == []
    assert len(apply(engine.pk, "network", [], [item.id for item in found], fence=1)) == 1_100
    assert not Network.objects.exists()


def test_who_looks_is_told_once_it_is_true(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    sent: list[tuple[str, Any]] = []

    async def send(group: str, message: changes.Message) -> None:
        sent.append((group, message))

    monkeypatch.setattr(changes, "_send", send)
    with django_capture_on_commit_callbacks(execute=True):
        apply(engine.pk, "image", [objects.image(1)], fence=1)
        assert sent == []
    assert sent == [
        (
            changes.engine_group(engine.pk),
            {
                "type": "objects.changed",
                "engine": engine.pk,
                "kind": "image",
                "ids": [objects.image(1).id],
                "version": 1,
            },
        )
    ]
    assert Image.objects.get().version == 1
