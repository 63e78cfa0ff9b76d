"""Images, networks and volumes beside the docker command line, and what is asked of a real engine on request."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from pytest_django.fixtures import Settings

from console.engine.address import Address
from console.engine.client import EngineClient
from console.models import Engine, User
from console.operations.verification import verified
from console.pages.images import ImageList
from console.pages.networks import NetworkList
from console.pages.volumes import VolumeList
from console.reads import objects
from console.sync import reconcile
from tests import factories
from tests.engines import PrivateEngine

DOCKERFILE = 'FROM alpine\nENV DB_PASSWORD=canary TIER=web\nLABEL tier=web\nRUN echo hi > /a\nCMD ["sleep", "5"]\n'


@pytest.fixture
def filled(clean_engine: PrivateEngine) -> PrivateEngine:
    """An engine with tagged, dangling and intermediate images, networks of its own, named and anonymous volumes."""
    docker = clean_engine.docker
    docker("image", "tag", "nginx", "registry.example:5000/team/nginx:1.27")
    docker("image", "build", "--quiet", "--tag", "built:1", "-", stdin=DOCKERFILE)
    docker("image", "build", "--quiet", "-", stdin="FROM alpine\nRUN echo ho > /b\n")
    docker("network", "create", "--internal", "--label", "tier=back", "back")
    docker("network", "create", "--subnet", "10.99.0.0/24", "--gateway", "10.99.0.1", "front")
    docker("volume", "create", "--label", "tier=db", "data")
    docker("container", "run", "-d", "--name", "web", "--network", "front", "-v", "data:/data", "nginx")
    docker("container", "run", "-d", "--name", "anon", "-v", "/cache", "alpine", "sleep", "600")
    docker("container", "create", "--name", "later", "--network", "back", "built:1")
    return clean_engine


@pytest.fixture
def mirrored(filled: PrivateEngine, db: None) -> Engine:
    """The engine's row, and rows of all its objects."""
    row = factories.engine("witness", url=filled.url)
    with EngineClient(Address(filled.url)) as client:
        images: list[Any] = [client.image(summary.id, summary.intermediate) for summary in client.images()]
        reconcile.apply(row.pk, "container", [client.container(summary.id) for summary in client.containers()], fence=0)
        reconcile.apply(row.pk, "image", images, fence=0)
        reconcile.apply(row.pk, "network", client.networks(), fence=0)
        reconcile.apply(row.pk, "volume", client.volumes(), fence=0)
    return row


def lines(engine: PrivateEngine, *command: str) -> list[tuple[str, ...]]:
    """What docker lists, sorted; columns are joined by a bar."""
    return sorted(tuple(line.split("|")) for line in engine.docker(*command).splitlines())


@pytest.mark.parametrize("every", [False, True])
def test_image_ls(filled: PrivateEngine, mirrored: Engine, every: bool) -> None:
    shown = ImageList(factories.user("mika"), mirrored, QueryDict("all=1" if every else ""))
    rows = []
    for row in shown.rows:
        tags = [(tag.repository, tag.tag) for tag in row.image.tags.all()] or [(row.repository, "<none>")]
        rows += [(*tag, row.key, row.size.replace(" ", "")) for tag in tags]
    flags = ("--all",) if every else ()
    form = "{{.Repository}}|{{.Tag}}|{{.ID}}|{{.Size}}"
    assert sorted(rows) == lines(filled, "image", "ls", *flags, "--format", form)
    used = {row.image_ref: [user.name for user in row.users] for row in shown.rows if row.users}
    assert used == {"nginx:latest": ["web"], "alpine:latest": ["anon"], "built:1": ["later"]}


@pytest.mark.parametrize(("query", "flag"), [("dangling:yes", "dangling=true"), ("label:tier=web", "label=tier=web")])
def test_image_filters(filled: PrivateEngine, mirrored: Engine, query: str, flag: str) -> None:
    shown = ImageList(factories.user("mika"), mirrored, QueryDict(f"q={query}"))
    assert flag in shown.command
    assert sorted((row.key,) for row in shown.rows) == lines(
        filled, "image", "ls", "--filter", flag, "--format", "{{.ID}}"
    )
    assert shown.rows


def test_network_ls(filled: PrivateEngine, mirrored: Engine) -> None:
    shown = NetworkList(factories.user("mika"), mirrored, QueryDict())
    rows = [(row.key, row.network.name, row.network.driver, row.network.scope) for row in shown.rows]
    assert sorted(rows) == lines(filled, "network", "ls", "--format", "{{.ID}}|{{.Name}}|{{.Driver}}|{{.Scope}}")
    front = next(row for row in shown.rows if row.network.name == "front")
    assert (front.subnets, front.gateways, front.connected, front.waiting) == ("10.99.0.0/24", "10.99.0.1", 1, 0)
    back = next(row for row in shown.rows if row.network.name == "back")
    assert (back.connected, back.waiting, back.network.internal) == (0, 1, True)


def test_volume_ls(filled: PrivateEngine, mirrored: Engine) -> None:
    shown = VolumeList(factories.user("mika"), mirrored, QueryDict())
    rows = [(row.volume.driver, row.volume.name, row.volume.mountpoint) for row in shown.rows]
    assert sorted(rows) == lines(filled, "volume", "ls", "--format", "{{.Driver}}|{{.Name}}|{{.Mountpoint}}")
    assert [[user.name for user in row.users] for row in shown.rows] == [["web"], ["anon"]]
    unused = VolumeList(factories.user("mike"), mirrored, QueryDict("q=used:no"))
    assert unused.command.endswith("dangling=true")
    assert unused.count == len(filled.docker("volume", "ls", "--quiet", "--filter", "dangling=true").splitlines())


@pytest.fixture
def page(client: Client, mirrored: Engine, settings: Settings) -> Callable[..., str]:
    """The text of a page of the engine, seen by an admin or a viewer."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}

    def get(path: str, role: str = User.Role.ADMIN) -> str:
        person = User.objects.filter(username=role).first() or factories.user(role, role)
        client.force_login(person)
        answer = client.get(f"/e/witness/{path}")
        assert answer.status_code == 200
        return answer.content.decode()

    return get


def test_what_is_read_on_request(filled: PrivateEngine, page: Callable[..., str]) -> None:
    built = filled.docker("image", "inspect", "--format", "{{.Id}}", "built:1").removeprefix("sha256:")
    history = filled.docker("image", "history", "--no-trunc", "--format", "{{.Size}}", "built:1").splitlines()
    text = page(f"images/{built[:12]}/layers")
    assert len(re.findall(r'<td class="num" data-m="up">', text)) == len(history)
    assert "echo hi &gt; /a" in text
    assert "canary" not in text
    text = page(f"images/{built[:12]}/inspect")
    assert "sha256:" + built in text
    assert "DB_PASSWORD=***" in text
    assert "canary" not in text
    for path in ("networks/front/inspect", "volumes/data/inspect"):
        assert '"Name": "' in page(path).replace("&quot;", '"'), path
        assert "It is shown to people with the right" in page(path, User.Role.VIEWER)
    assert "measured just now" in page("volumes/sizes")


def test_sizes(filled: PrivateEngine, mirrored: Engine) -> None:
    filled.docker("container", "exec", "web", "dd", "if=/dev/zero", "of=/data/x", "bs=1000", "count=500")
    assert objects.volume_sizes(mirrored)["data"] == 500_000


def test_verification(filled: PrivateEngine, mirrored: Engine) -> None:
    assert verified(mirrored)["differences"] == []
    filled.docker("container", "rename", "web", "www")
    filled.docker("volume", "create", "more")
    found = verified(mirrored)
    assert {(row["kind"], row["field"], row["mirrored"], row["actual"]) for row in found["differences"]} >= {
        ("container", "name", "web", "www"),
        ("volume", "", "", "more"),
    }
    assert found["kinds"]["volume"] == [2, 3, 1]
