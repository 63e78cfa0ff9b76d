"""Disk usage and previews of clean-ups on a real engine: who sees what, and what shows when the engine is silent."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from console import access
from console.engine.address import Address
from console.engine.client import EngineClient
from console.models import Engine, Operation
from console.reads import disk
from console.sync import reconcile
from console.views import prune
from tests import factories
from tests.engines import PrivateEngine

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def row(clean_engine: PrivateEngine, client: Client, settings: Settings) -> Engine:
    """The engine with two of everything that could go, mirrored; an admin is signed in."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    docker = clean_engine.docker
    for whose in ("mine", "theirs"):
        docker("run", "--name", f"{whose}-box", "busybox", "touch", f"/{whose}")
        docker("commit", f"{whose}-box", f"{whose}:1")
        docker("volume", "create", f"{whose}-data")
        docker("network", "create", f"{whose}-net")
    made = factories.engine("disk", url=clean_engine.url)
    with EngineClient(Address(clean_engine.url)) as engine:
        objects: dict[Any, list[Any]] = {
            "container": [engine.container(summary.id) for summary in engine.containers()],
            "image": [engine.image(summary.id, summary.intermediate) for summary in engine.images()],
            "network": list(engine.networks()),
            "volume": list(engine.volumes()),
        }
    for kind, found in objects.items():
        reconcile.apply(made.pk, kind, found, fence=0)
    client.force_login(factories.user())
    disk.forget(made)
    return made


@pytest.fixture
def only_mine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who may see their own objects only."""
    field = {"containers": "name", "networks": "name", "volumes": "name", "images": "tags__reference"}
    for what, column in field.items():
        every = getattr(access, f"{what}_for")

        def own(user: access.Actor, engine: Engine, every: Any = every, column: str = column) -> Any:
            return every(user, engine).filter(**{f"{column}__startswith": "mine"})

        monkeypatch.setattr(access, f"{what}_for", own)


def values(client: Client, what: str) -> dict[str, str]:
    page = client.get(reverse("prune", args=["disk", what]), {"which": "all"})
    return {row.item.name: row.value for row, _ in page.context["prune"].shown}


EXPECTED = {
    "containers": ("mine-box", "theirs-box"),
    "images": ("mine:1", "theirs:1"),
    "networks": ("mine-net", "theirs-net"),
    "volumes": ("mine-data", "theirs-data"),
}


@pytest.mark.usefixtures("only_mine")
def test_a_person_sees_and_gets_their_own_only(client: Client, row: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    told = client.get(reverse("disk", args=["disk"]), headers=FRAGMENT).content.decode()
    for mine, theirs in EXPECTED.values():
        assert mine in told or "net" in mine
        assert theirs not in told
    mine_values = {what: values(client, what) for what in EXPECTED}
    assert {what: set(found) for what, found in mine_values.items()} == {
        what: {mine} for what, (mine, _) in EXPECTED.items()
    }
    monkeypatch.undo()  # what the other person is shown
    theirs_values = {what: values(client, what)[theirs] for what, (_, theirs) in EXPECTED.items()}
    assert all(theirs_values.values())


@pytest.mark.parametrize("what", list(EXPECTED))
def test_a_tick_of_what_is_not_seen_is_not_taken(
    client: Client, row: Engine, request: pytest.FixtureRequest, what: str
) -> None:
    mine, theirs = EXPECTED[what]
    found = values(client, what)
    request.getfixturevalue("only_mine")
    form = {"chosen": "1", "which": "all", "typed": str(row)}
    url = reverse("prune", args=["disk", what])
    assert client.post(url, form | {"item": [found[theirs]]}).status_code == 422
    assert not Operation.objects.exists()
    assert client.post(url, form | {"item": [found[mine], found[theirs]]}).status_code == 302
    assert [item["name"] for item in Operation.objects.get().params["items"]] == [mine]


def test_the_numbers_are_those_of_the_command_line(client: Client, row: Engine, clean_engine: PrivateEngine) -> None:
    page = client.get(reverse("disk", args=["disk"]), headers=FRAGMENT).context["page"]
    said = clean_engine.docker("system", "df", "--format", "{{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}")
    shown = [f"{kind.line.count} {kind.line.active} {kind.size} {kind.reclaimable}" for kind in page.kinds]
    assert [line.split(" (")[0] for line in said.splitlines()] == shown


def test_a_silent_engine_is_said_and_lists_stay(
    client: Client, row: Engine, clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "DEADLINE", 1.0)
    monkeypatch.setattr(prune, "PATIENCE", 1.0)
    monkeypatch.setattr(disk.usage, "__defaults__", (disk.KEPT, 1.0))
    clean_engine.hang()
    try:
        told = client.get(reverse("disk", args=["disk"]), headers=FRAGMENT)
        assert told.status_code == 200
        assert "Disk usage cannot be read now" in told.content.decode()
        page = client.get(reverse("prune", args=["disk", "containers"])).content.decode()
        assert "Sizes are not known" in page
        assert "mine-box" in page
    finally:
        clean_engine.resume()
