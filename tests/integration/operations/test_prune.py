"""Clean-ups on a real engine: exactly what was ticked, and nothing that changed meanwhile."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence

import pytest

from console.engine.address import Address
from console.engine.client import EngineClient
from console.engine.messages import Messages
from console.engine.types import Container, Image, Volume
from console.models import Engine, Operation, User
from console.operations.claim import CRASH_POINTS
from console.operations.prune_params import Item, PruneCacheParams, PruneParams, container_mark, image_mark, volume_mark
from console.operations.request import request_operation
from tests.dying_workers import Workers
from tests.engines import PrivateEngine
from tests.integration.operations.conftest import fresh


def ask(admin: User, row: Engine, kind: str, items: Sequence[Item]) -> Operation:
    return request_operation(admin, row, f"{kind}.prune", f"{kind}.prune", "some", PruneParams(tuple(items)))


def seen(private: PrivateEngine, *names: str) -> list[Item]:
    """Containers as a preview shows them."""
    found = []
    with EngineClient(Address(private.url)) as client:
        for name in names:
            one = client.container(private.docker("inspect", "--format", "{{.Id}}", name).strip())
            assert isinstance(one, Container)
            mark = container_mark(one.state.value, one.started_at, one.finished_at)
            found.append(Item(one.id, name, mark, 5))
    return found


def outcomes(operation: Operation) -> dict[str, str]:
    return {row[0]: row[1] for row in operation.result["rows"]}


def names(private: PrivateEngine) -> set[str]:
    return set(private.docker("ps", "--all", "--format", "{{.Names}}").split())


def test_containers_that_changed_since_are_left(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    for name in ("ended", "again", "started", "gone", "untouched"):
        clean_engine.docker("run", "--name", name, "busybox", "true")
    items = seen(clean_engine, "ended", "again", "started", "gone")
    clean_engine.docker("start", "--attach", "again")  # ran once more, and ended
    clean_engine.docker("rm", "gone")
    clean_engine.docker("rm", "started")
    clean_engine.docker("run", "-d", "--name", "started", "busybox", "sleep", "1d")
    running = seen(clean_engine, "started")[0]
    asked = ask(admin, row, "container", [*items[:2], running, items[3]])
    assert workers.run(asked.pk, "", "worker") == 0
    done = fresh(asked)
    assert done.state == Operation.State.SUCCEEDED, done.error
    assert outcomes(done) == {"ended": "removed", "again": "left", "started": "left", "gone": "gone"}
    assert names(clean_engine) == {"again", "started", "untouched"}


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_killed_anywhere_it_goes_on(
    point: str, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    for name in ("a", "b", "keep"):
        clean_engine.docker("run", "--name", f"{name}1", "busybox", "true")
    asked = ask(admin, row, "container", seen(clean_engine, "a1", "b1"))
    workers.run(asked.pk, point, "first")
    assert workers.run(asked.pk, "", "second") == 0
    done = fresh(asked)
    assert done.state == Operation.State.SUCCEEDED, done.error
    assert set(outcomes(done).values()) == {"removed"}
    assert names(clean_engine) == {"keep1"}


def test_an_image_that_got_a_container_or_a_tag_is_left(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    built = {}
    for name in ("free", "used", "tagged"):
        clean_engine.docker("run", "--name", f"c-{name}", "busybox", "touch", f"/{name}")
        built[name] = clean_engine.docker("commit", f"c-{name}", f"{name}:1").strip()
        clean_engine.docker("rm", f"c-{name}")
    clean_engine.docker("tag", "used:1", "used:2")
    with EngineClient(Address(clean_engine.url)) as client:
        found = [client.image(image_id) for image_id in built.values()]
    items = [Item(one.id, one.tags[0], image_mark(one.tags), 9, one.tags) for one in found if isinstance(one, Image)]
    assert len(items) == 3
    clean_engine.docker("create", "--name", "user", "used:1", "true")
    clean_engine.docker("tag", "tagged:1", "tagged:more")
    asked = ask(admin, row, "image", items)
    assert workers.run(asked.pk, "", "worker") == 0
    done = fresh(asked)
    assert outcomes(done) == {"free:1": "removed", "used:1": "left", "tagged:1": "left"}, done.result
    left = set(clean_engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
    assert {"used:1", "used:2", "tagged:1", "tagged:more"} <= left
    assert "free:1" not in left


def test_volumes_and_networks_that_found_a_user_are_left(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    for name in ("free", "used", "new"):
        clean_engine.docker("volume", "create", name)
    with EngineClient(Address(clean_engine.url)) as client:
        volumes = {name: client.volume(name) for name in ("free", "used", "new")}
    items = [
        Item(name, name, volume_mark(one.created_at), 4) for name, one in volumes.items() if isinstance(one, Volume)
    ]
    items[2] = Item("new", "new", "another one", 4)  # as one that was made again under the name
    clean_engine.docker("create", "--name", "c1", "-v", "used:/data", "busybox", "true")
    asked = ask(admin, row, "volume", items)
    assert workers.run(asked.pk, "", "worker") == 0
    assert outcomes(fresh(asked)) == {"free": "removed", "used": "left", "new": "left"}
    assert {"used", "new"} <= set(clean_engine.docker("volume", "ls", "--quiet").split())

    nets = [clean_engine.docker("network", "create", name).strip() for name in ("net-free", "net-used")]
    clean_engine.docker("create", "--name", "c2", "--network", "net-used", "busybox", "true")
    asked = ask(admin, row, "network", [Item(nets[0], "net-free", ""), Item(nets[1], "net-used", "")])
    assert workers.run(asked.pk, "", "worker") == 0
    assert outcomes(fresh(asked)) == {"net-free": "removed", "net-used": "left"}


def test_when_nothing_could_be_removed_it_failed_and_says_why(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("run", "-d", "--name", "web", "busybox", "sleep", "1d")
    asked = ask(admin, row, "container", seen(clean_engine, "web"))
    assert workers.run(asked.pk, "", "worker") == 0
    done = fresh(asked)
    assert done.state == Operation.State.FAILED
    assert outcomes(done) == {"web": "left"}
    assert "running now" in done.error


def committed(private: PrivateEngine, base: str, name: str) -> Image:
    """A new image on top of another one."""
    private.docker("run", "--name", "maker", base, "touch", f"/{name.partition(':')[0]}")
    image_id = private.docker("commit", "maker", name)
    private.docker("rm", "maker")
    with EngineClient(Address(private.url)) as client:
        found = client.image(image_id)
    assert isinstance(found, Image)
    return found


def as_item(image: Image) -> Item:
    return Item(image.id, image.tags[0], image_mark(image.tags), 9, image.tags)


def test_an_image_goes_with_all_its_tags_and_before_the_one_it_is_built_on(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    parent = committed(clean_engine, "busybox", "parent:1")
    clean_engine.docker("run", "--name", "maker", "parent:1", "touch", "/child")
    child_id = clean_engine.docker("commit", "maker", "child:1")
    clean_engine.docker("rm", "maker")
    clean_engine.docker("tag", "child:1", "shop/child:2")
    with EngineClient(Address(clean_engine.url)) as client:
        child = client.image(child_id)
    assert isinstance(child, Image)
    asked = ask(admin, row, "image", [as_item(parent), as_item(child)])  # the wrong order does no harm
    assert workers.run(asked.pk, "", "worker") == 0
    assert set(outcomes(fresh(asked)).values()) == {"removed"}
    ids = set(clean_engine.docker("image", "ls", "--all", "--quiet", "--no-trunc").split())
    assert not ids & {parent.id, child.id}


def test_an_image_that_another_one_is_built_on_loses_its_names_and_it_is_said(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    parent = committed(clean_engine, "busybox", "parent:1")
    child = committed(clean_engine, "parent:1", "child:1")
    asked = ask(admin, row, "image", [as_item(parent)])
    assert workers.run(asked.pk, "", "worker") == 0
    done = fresh(asked)
    assert "another image is built on it" in done.result["rows"][0][2]
    assert done.result["freed"] == 0
    assert child.id in clean_engine.docker("image", "ls", "--quiet", "--no-trunc").split()


def test_one_record_of_the_build_cache_goes_and_the_others_stay(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, data in (
            ("Dockerfile", b"FROM scratch\nCOPY a /a\nCOPY b /b\n"),
            ("a", b"1" * 9000),
            ("b", b"2" * 9),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    context.seek(0)
    with EngineClient(Address(clean_engine.url)) as client:
        headers = {"Content-Type": "application/x-tar"}
        for message in Messages(client, "/build", {"version": "2", "t": "cached:1"}, headers=headers, body=context):
            assert "error" not in message, message
        clean_engine.docker("image", "rm", "cached:1")
        before = {record.id: record for record in client.disk_usage().cache if not record.in_use}
        assert before
        made = sorted(before.values(), key=lambda record: str(record.created_at))
        gone = made[-1]  # nothing was made of it
        items = (Item(gone.id, gone.id, "", gone.size), Item("absent00000000000000000000", "absent", "", 1))
        asked = request_operation(admin, row, "cache.prune", "2", "2", PruneCacheParams(items))
        assert workers.run(asked.pk, "", "worker") == 0
        done = fresh(asked)
        assert outcomes(done) == {gone.id: "removed", "absent": "busy"}, done.result
        after = {record.id for record in client.disk_usage().cache if not record.in_use}
        assert after == set(before) - {gone.id}

        rest = tuple(Item(record.id, record.id, "", 1) for record in made[:-1])  # parents first: the wrong order
        asked = request_operation(admin, row, "cache.prune", "3", "3", PruneCacheParams(rest))
        assert workers.run(asked.pk, "", "worker") == 0
        assert set(outcomes(fresh(asked)).values()) == {"removed"}, (fresh(asked).result, made)
        assert not [record for record in client.disk_usage().cache if not record.in_use]
