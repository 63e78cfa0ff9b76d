"""Whatever the docker command line does shows in the mirror, by itself."""

from __future__ import annotations

import asyncio

import pytest

from console.models import Container, Endpoint, Engine, Event, Image, ImageTag, Mount, Network, Operation, Volume
from console.sync.refresh import refreshed, request_refresh
from console.sync.tasks import db
from tests.integration.sync.following import Following


async def test_a_containers_life(mirror: Following) -> None:
    one = await mirror.docker("run", "-d", "--name", "one", "-p", "80", "nginx")
    await mirror.until(lambda: mirror.container(container_id=one, name="one", state="running"), 2)
    await mirror.docker("pause", "one")
    await mirror.until(lambda: mirror.container(name="one", state="paused"), 2)
    await mirror.docker("unpause", "one")
    await mirror.until(lambda: mirror.container(name="one", state="running"), 2)
    await mirror.docker("rename", "one", "other")
    await mirror.until(lambda: mirror.container(container_id=one, name="other"), 2)
    await mirror.docker("update", "--restart", "on-failure:3", "--memory", "64m", "--memory-swap", "64m", "other")
    await mirror.until(lambda: mirror.container(name="other", restart_policy="on-failure:3"), 2)
    await mirror.docker("update", "--restart", "no", "other")
    await mirror.docker("kill", "other")
    killed = await mirror.until(lambda: mirror.container(name="other", state="exited"), 2)
    assert killed is not None
    assert killed.exit_code == 137
    await mirror.exact()
    await mirror.docker("rm", "other")
    await mirror.until(lambda: not mirror.container(container_id=one), 2)
    await mirror.exact()


async def test_names_swap(mirror: Following) -> None:
    one = await mirror.docker("create", "--name", "left", "alpine")
    two = await mirror.docker("create", "--name", "right", "alpine")
    for _ in range(5):
        for old, new in (("left", "middle"), ("right", "left"), ("middle", "right")):
            await mirror.docker("rename", old, new)
    await mirror.until(lambda: mirror.container(container_id=one, name="right"), 2)
    await mirror.until(lambda: mirror.container(container_id=two, name="left"), 2)
    assert await db(Container.objects.count)() == 2


async def test_networks_and_volumes(mirror: Following) -> None:
    await mirror.docker("network", "create", "--label", "a=b", "--subnet", "10.99.0.0/24", "net")
    net = await mirror.until(lambda: Network.objects.filter(name="net").first(), 2)
    assert net is not None
    assert (net.labels, net.ipam) == (
        {"a": "b"},
        [{"subnet": "10.99.0.0/24", "gateway": "", "ip_range": "", "aux_addresses": {}}],
    )
    one = await mirror.docker("run", "-d", "--name", "one", "-v", "data:/data", "-v", "/x", "alpine", "sleep", "99")
    await mirror.docker("network", "connect", "--alias", "nick", "net", "one")
    there = await mirror.until(lambda: Endpoint.objects.filter(network_name="net").first(), 2)
    assert there is not None
    assert (there.network_id, there.ipv4_prefix) == (net.network_id, 24)
    assert "nick" in there.aliases
    await mirror.until(lambda: Mount.objects.filter(container__container_id=one, volume_name="data").exists(), 2)
    await mirror.until(lambda: {row.anonymous for row in Volume.objects.all()} == {True, False}, 2)
    await mirror.docker("network", "disconnect", "net", "one")
    await mirror.until(lambda: not Endpoint.objects.filter(network_name="net").exists(), 2)
    await mirror.docker("rm", "-f", "-v", "one")
    await mirror.until(lambda: list(Volume.objects.values_list("name", flat=True)) == ["data"], 2)
    await mirror.docker("network", "rm", "net")
    await mirror.docker("volume", "rm", "data")
    await mirror.until(lambda: not Volume.objects.exists() and not Network.objects.filter(name="net").exists(), 2)
    await mirror.exact()


async def test_networks_of_a_container_that_does_not_run(mirror: Following) -> None:
    """The engine sends no event for these: the list of containers is looked at every now and then."""
    await mirror.docker("network", "create", "net")
    await mirror.docker("create", "--name", "one", "alpine")
    await mirror.until(lambda: mirror.container(name="one"), 2)
    await asyncio.sleep(1.5)  # the second look after the events
    await mirror.docker("network", "connect", "--alias", "nick", "net", "one")
    await mirror.until(lambda: Endpoint.objects.filter(network_name="net").exists(), 8)
    await mirror.exact()
    await mirror.docker("network", "disconnect", "--force", "net", "one")
    await mirror.until(lambda: not Endpoint.objects.filter(network_name="net").exists(), 8)
    await mirror.exact()


async def test_a_start_that_fails_without_a_word(mirror: Following) -> None:
    """The engine sends no event when the network of a container is gone, and its list says the same as before."""
    await mirror.docker("network", "create", "net")
    await mirror.docker("create", "--name", "one", "--network", "net", "alpine")
    await mirror.docker("network", "rm", "net")
    await mirror.until(lambda: mirror.container(name="one"), 2)
    await asyncio.sleep(1.5)  # the second look after the events
    with pytest.raises(AssertionError, match="network net not found"):
        await mirror.docker("start", "one")
    await mirror.until(lambda: mirror.container(name="one", exit_code=128, error="network net not found"), 8)
    await mirror.exact()


async def test_images_and_tags(mirror: Following) -> None:
    def tagged(reference: str) -> str | None:
        found = ImageTag.objects.filter(reference=reference).select_related("image").first()
        return found.image.image_id if found else None

    alpine, busybox = await db(lambda: (tagged("alpine:latest"), tagged("busybox:latest")))()
    assert alpine
    assert busybox
    await mirror.docker("tag", "alpine", "mine:1")
    await mirror.until(lambda: tagged("mine:1") == alpine, 2)
    await mirror.docker("tag", "busybox", "mine:1")
    await mirror.until(lambda: tagged("mine:1") == busybox, 2)
    assert await db(ImageTag.objects.filter(reference="mine:1").count)() == 1, "the loser has no event"
    await mirror.docker("rmi", "mine:1")
    await mirror.until(lambda: tagged("mine:1") is None, 2)

    made = await mirror.docker("commit", await mirror.docker("create", "alpine"))
    await mirror.until(lambda: Image.objects.filter(image_id=made, parent_id=alpine).exists(), 2)
    built = await mirror.docker("build", "-q", "-", stdin="FROM alpine\nRUN true\nLABEL a=b\n")
    await mirror.until(lambda: Image.objects.filter(image_id=built, labels={"a": "b"}).exists(), 4)
    await mirror.until(lambda: Image.objects.filter(intermediate=True).exists(), 4)
    await mirror.docker("rmi", built)
    await mirror.until(lambda: not Image.objects.filter(image_id=built).exists(), 4)
    await mirror.exact()


async def test_many_at_once(mirror: Following) -> None:
    script = "for i in $(seq 20); do echo c$i; done"
    names = (await mirror.docker("run", "--rm", "alpine", "sh", "-c", script)).split()
    await asyncio.gather(*(mirror.docker("create", "--name", name, "-v", f"v-{name}:/v", "alpine") for name in names))
    await mirror.until(lambda: Container.objects.count() == 20 and Volume.objects.count() == 20, 3)
    await mirror.docker("rm", "-v", *names)
    await mirror.docker("volume", "prune", "-f", *(["-a"] if float(mirror.private.api_version) >= 1.42 else []))
    await mirror.until(lambda: not Container.objects.exists() and not Volume.objects.exists(), 3)
    await mirror.exact()


async def test_prunes(mirror: Following) -> None:
    await mirror.docker("network", "create", "net")
    await mirror.docker("create", "--name", "one", "alpine")
    await mirror.until(lambda: mirror.container(name="one"), 2)
    await mirror.docker("system", "prune", "-f")
    await mirror.until(lambda: not Container.objects.exists() and not Network.objects.filter(name="net").exists(), 3)
    await mirror.exact()


async def test_the_log_of_events_names_what_was_asked_for(mirror: Following) -> None:
    one = await mirror.docker("run", "-d", "--name", "one", "--label", "x=y", "alpine", "sleep", "99")
    await mirror.until(lambda: Event.objects.filter(actor_id=one, action="start").exists())

    def ask() -> Operation:
        from django.utils import timezone

        return Operation.objects.create(
            engine_id=mirror.pk,
            verb="container.kill",
            kind="container",
            object_id=one,
            state=Operation.State.RUNNING,
            started_at=timezone.now(),
        )

    asked = await db(ask)()
    await mirror.docker("kill", "one")
    await mirror.until(lambda: Event.objects.filter(actor_id=one, action="die").exists())
    rows = await db(lambda: list(Event.objects.filter(actor_id=one)))()
    assert {row.action for row in rows if row.operation_id == asked.pk} == {"kill", "die"}
    assert {row.action for row in rows if row.operation_id is None} >= {"create", "start"}
    died = next(row for row in rows if row.action == "die")
    assert (died.actor_name, died.attributes["exitCode"], died.attributes["x"]) == ("one", "137", "y")
    assert len({(row.time_ns, row.action) for row in rows}) == len(rows), "an event is told once"


async def test_a_refresh_is_a_full_comparison(mirror: Following) -> None:
    before = (await mirror.engine()).synced_at
    await db(request_refresh)(mirror.pk)
    await mirror.until(lambda: refreshed(mirror.pk), 3)
    after = await mirror.engine()
    assert before is not None
    assert after.synced_at is not None
    assert after.synced_at > before


async def test_quiet_means_no_writes(mirror: Following) -> None:
    await mirror.docker("create", "--name", "one", "alpine")
    await mirror.until(lambda: mirror.container(name="one"))
    await asyncio.sleep(1.5)
    before = await mirror.engine()
    await db(request_refresh)(mirror.pk)
    await mirror.until(lambda: refreshed(mirror.pk), 3)
    await asyncio.sleep(2.5)
    after = await mirror.engine()
    assert after.version == before.version
    assert before.seen_at is not None
    assert after.seen_at is not None
    assert after.seen_at > before.seen_at, "and yet it is known to be fresh"


async def test_engines_come_and_go(mirror: Following) -> None:
    other = await db(Engine.objects.create)(slug="other", url=mirror.private.url)
    await mirror.until(lambda: Engine.objects.filter(pk=other.pk, state="live").exists())
    assert await db(Image.objects.filter(engine_id=other.pk).count)() == 3
    await db(other.delete)()
    await asyncio.sleep(2.5)
    await mirror.docker("create", "--name", "one", "alpine")
    await mirror.until(lambda: mirror.container(name="one"), 2)
