"""Disk usage and clean-ups without an engine: what is listed, ticked, refused, asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from console.engine.errors import Unreachable
from console.engine.types import CacheRecord, DiskUsage, UsageLine
from console.models import Engine, Operation, User
from console.operations.prune_params import MOST
from console.reads import disk
from tests import factories

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 1, tzinfo=UTC)


def usage(**sizes: dict[str, int]) -> DiskUsage:
    line = UsageLine(2, 1, 3_000_000, 1_000_000)
    records = (
        CacheRecord("rec1", "regular", "RUN make", 500_000, False, False, AT, AT),
        CacheRecord("rec2", "regular", "RUN busy", 500_000, True, False, AT, AT),
    )
    return DiskUsage(
        line, line, line, line, sizes.get("volumes", {}), sizes.get("images", {}), sizes.get("containers", {}), records
    )


@pytest.fixture
def here(client: Client, monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = factories.engine("here")
    client.force_login(factories.user())
    told: Callable[..., Any] = lambda *_: disk.Measured(usage(volumes={"old": 7_000_000}), timezone.now())  # noqa: E731
    monkeypatch.setattr(disk, "usage", told)
    return engine


def ticks(client: Client, what: str, **query: str) -> dict[str, tuple[str, bool]]:
    """By name: the value of its tick, and whether it is ticked."""
    page = client.get(reverse("prune", args=["here", what]), query)
    assert page.status_code == 200
    return {row.item.name: (row.value, ticked) for row, ticked in page.context["prune"].shown}


def remove(client: Client, what: str, *values: str, **data: str) -> Any:
    return client.post(reverse("prune", args=["here", what]), {"chosen": "1", "item": list(values)} | data)


def test_only_resting_containers_are_listed(client: Client, here: Engine) -> None:
    factories.container(here, "runs", state="running")
    factories.container(here, "paused", state="paused")
    factories.container(here, "ended", state="exited")
    factories.container(here, "made", state="created")
    factories.container(factories.engine("there"), "foreign", state="exited")
    found = ticks(client, "containers")
    assert set(found) == {"ended", "made"}
    assert all(ticked for _, ticked in found.values())
    assert remove(client, "containers", found["ended"][0]).status_code == 302
    asked = Operation.objects.get()
    assert (asked.verb, asked.command) == ("container.prune", "docker container rm ended")
    assert [item["name"] for item in asked.params["items"]] == ["ended"]
    assert client.get(reverse("operation", args=[asked.pk])).status_code == 200


def test_one_that_changed_since_is_left_to_the_work_with_the_mark_it_was_seen_with(
    client: Client, here: Engine
) -> None:
    changed = factories.container(here, "changed", state="exited")
    factories.container(here, "same", state="exited")
    foreign = factories.container(factories.engine("there"), "foreign", state="exited")
    found = ticks(client, "containers")
    mark = found["changed"][0].partition(":")[0]
    type(changed).objects.filter(pk=changed.pk).update(state="running", started_at=AT)
    answer = remove(
        client, "containers", found["changed"][0], found["same"][0], f"{mark}:{foreign.container_id}", f"{mark}:absent"
    )
    assert answer.status_code == 302
    items = Operation.objects.get().params["items"]
    assert [item["name"] for item in items] == ["same", "changed"]  # nothing foreign, nothing that is gone
    assert items[1]["mark"] == mark


def test_a_tick_that_the_filter_hides_still_needs_the_name(client: Client, here: Engine) -> None:
    factories.volume(here, "old")
    value = ticks(client, "volumes", which="all")["old"][0]
    assert remove(client, "volumes", value, which="anonymous").status_code == 422
    assert not Operation.objects.exists()


def test_a_count_without_script_asks_for_nothing(client: Client, here: Engine) -> None:
    factories.volume(here, "old")
    value = ticks(client, "volumes", which="all")["old"][0]
    counted = remove(client, "volumes", value, which="all", count="1")
    assert counted.status_code == 200
    assert "docker volume rm old" in counted.content.decode()
    assert not Operation.objects.exists()


def test_more_than_one_operation_takes(client: Client, here: Engine) -> None:
    for number in range(MOST + 3):
        factories.network(here, f"n{number}")
    page = client.get(reverse("prune", args=["here", "networks"]))
    assert "3 more are not shown" in page.content.decode()
    values = [row.value for row in page.context["prune"].all]
    assert remove(client, "networks", *values).status_code == 422
    assert remove(client, "networks", *values[:MOST]).status_code == 302


def test_disk_usage_is_told_with_links_to_clean_up(client: Client, here: Engine) -> None:
    factories.volume(here, "old")
    url = reverse("disk", args=["here"])
    waits = client.get(url).content.decode()
    assert "Measuring" in waits
    assert 'hx-trigger="load"' in waits
    told = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "3MB" in told.replace(" ", "")
    assert "7.0MB" in told.replace(" ", "")
    assert reverse("prune", args=["here", "cache"]) in told
    assert "RUN make" in told
    client.force_login(factories.user("vera", User.Role.VIEWER))
    told = client.get(url, {"now": "1"}).content.decode()
    assert "7.0MB" in told.replace(" ", "")
    assert reverse("prune", args=["here", "cache"]) not in told
    assert "RUN make" not in told  # the steps of a build may hold secrets
    assert client.get(reverse("prune", args=["here", "cache"])).status_code == 403


def test_images_that_can_be_pulled_again_are_ticked_others_need_the_name(client: Client, here: Engine) -> None:
    factories.image(here, "pulled:1", digests=["pulled@sha256:" + "0" * 64])
    factories.image(here, "built:1", digests=[])
    used = factories.image(here, "used:1")
    factories.container(here, "web", state="exited", image_id=used.image_id)
    assert ticks(client, "images") == {}  # at first those without a tag
    found = ticks(client, "images", which="all")
    assert {name: ticked for name, (_, ticked) in found.items()} == {"pulled:1": True, "built:1": True}
    refused = remove(client, "images", found["built:1"][0], which="all")
    assert refused.status_code == 422
    assert "cannot be brought back" in refused.content.decode()
    assert remove(client, "images", found["pulled:1"][0], which="all").status_code == 302
    assert remove(client, "images", found["built:1"][0], which="all", typed=str(here)).status_code == 302
    assert {asked.command for asked in Operation.objects.all()} == {
        "docker image rm pulled:1",
        "docker image rm built:1",
    }


def test_a_used_volume_is_never_listed_and_named_ones_are_not_ticked(client: Client, here: Engine) -> None:
    factories.volume(here, "old")
    factories.volume(here, "a" * 64, anonymous=True)
    factories.volume(here, "used")
    factories.mount(factories.container(here, "web", state="exited"), type="volume", volume_name="used")
    assert set(ticks(client, "volumes")) == {"a" * 64}
    found = ticks(client, "volumes", which="all")
    assert {name: ticked for name, (_, ticked) in found.items()} == {"a" * 64: True, "old": False}
    assert remove(client, "volumes", found["old"][0], which="all").status_code == 422
    assert "7.0 MB" in remove(client, "volumes", found["old"][0], which="all").content.decode()
    assert remove(client, "volumes", found["old"][0], which="all", typed=str(here)).status_code == 302


def test_networks_that_are_built_in_or_used_are_not_listed(client: Client, here: Engine) -> None:
    factories.network(here, "bridge")
    factories.network(here, "free")
    factories.endpoint(factories.container(here, "web", state="exited"), factories.network(here, "used"))
    assert set(ticks(client, "networks")) == {"free"}


def test_the_build_cache_lists_what_is_not_in_use(client: Client, here: Engine) -> None:
    found = ticks(client, "cache")
    assert set(found) == {"rec1"}
    assert remove(client, "cache", found["rec1"][0]).status_code == 302
    assert Operation.objects.get().command == "docker builder prune --all --force --filter id=rec1"


def test_older_than_leaves_out_the_young(client: Client, here: Engine) -> None:
    factories.container(here, "young", state="exited", finished_at=timezone.now() - timedelta(minutes=5))
    factories.container(here, "old", state="exited", finished_at=timezone.now() - timedelta(days=2))
    assert set(ticks(client, "containers", older="24")) == {"old"}
    assert set(ticks(client, "containers", older="nonsense")) == {"young", "old"}


def test_what_the_ticks_come_to(client: Client, here: Engine) -> None:
    factories.container(here, "one", state="exited")
    factories.container(here, "two", state="exited")
    value = ticks(client, "containers")["two"][0]
    url = reverse("prune", args=["here", "containers"])
    part = client.post(f"{url}?part=total", {"chosen": "1", "item": [value]}).content.decode()
    assert "docker container rm two" in part
    assert "1 container" in part
    assert "Nothing is ticked" in client.post(f"{url}?part=total", {"chosen": "1"}).content.decode()


def test_nothing_ticked_and_nonsense_are_refused(client: Client, here: Engine) -> None:
    factories.container(here, "one", state="exited")
    assert remove(client, "containers").status_code == 422
    assert remove(client, "containers", "\x00:x").status_code == 422
    assert client.get(reverse("prune", args=["here", "nodes"])).status_code == 404
    assert not Operation.objects.exists()


def test_an_image_newer_than_the_measurement_is_measured(
    client: Client, here: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it shares with others is not freed, and only the engine knows how much that is."""
    image = factories.image(here, "shop/new:1", size=9_000_000)
    asked: list[float] = []

    def told(engine: Engine, within: float, patience: float) -> disk.Measured:
        asked.append(within)
        return disk.Measured(usage(images={} if within else {image.image_id: 2_000_000}), timezone.now())

    monkeypatch.setattr(disk, "usage", told)
    page = client.get(reverse("prune", args=["here", "images"]), {"which": "all"})
    assert asked == [disk.KEPT, 0.0]
    assert [row.size for row, _ in page.context["prune"].shown] == [2_000_000]
    assert page.context["prune"].freed == 2_000_000


def test_an_engine_that_does_not_tell_sizes_still_has_lists(
    client: Client, here: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise Unreachable("It does not answer.", "timeout")

    monkeypatch.setattr(disk, "usage", silent)
    factories.container(here, "one", state="exited")
    assert "Sizes are not known" in client.get(reverse("prune", args=["here", "containers"])).content.decode()
    assert "The records are not known" in client.get(reverse("prune", args=["here", "cache"])).content.decode()
    page = client.get(reverse("disk", args=["here"]), {"now": "1"})
    assert "Disk usage cannot be read now" in page.content.decode()


def test_the_disk_page_measures_on_demand_and_links_the_previews(client: Client, here: Engine) -> None:
    factories.volume(here, "old")
    first = client.get(reverse("disk", args=["here"])).content.decode()
    assert "Measuring" in first
    assert "7.0 MB" not in first
    measured = client.get(reverse("disk", args=["here"]), headers={"HX-Request": "true"}).content.decode()
    assert "7.0 MB" in measured
    assert reverse("prune", args=["here", "volumes"]) in measured


def test_a_viewer_sees_the_usage_and_no_clean_up(client: Client, here: Engine) -> None:
    client.force_login(factories.user("vera", role=User.Role.VIEWER))
    shown = client.get(reverse("disk", args=["here"]), {"now": "1"}).content.decode()
    assert "Clean up" not in shown.replace("Clean up</span>", "")
    assert client.get(reverse("prune", args=["here", "volumes"])).status_code == 403
