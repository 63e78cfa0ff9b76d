"""``/healthz`` and ``/readyz``: what a supervisor is told, and that it is told nothing more."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from console.models import Engine
from console.views import health


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_schema", {"current": False})


def watched(slug: str, seconds: float | None) -> Engine:
    """An engine whose lease ends in so many seconds."""
    ends = None if seconds is None else timezone.now() + timedelta(seconds=seconds)
    return Engine.objects.create(slug=slug, url="unix:///secret/path.sock", lease_expires=ends)


def test_healthz_asks_nobody(client: Client) -> None:
    response = client.get("/healthz")  # without the database mark: any query would fail the test
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("leases", "ready"), [([], True), ([5], True), ([5, 8], True), ([5, -1], False), ([None], False)]
)
def test_readyz_wants_every_engine_watched(client: Client, leases: list[float | None], ready: bool) -> None:
    for number, seconds in enumerate(leases):
        watched(f"engine-{number}", seconds)
    response = client.get("/readyz")
    assert response.status_code == (200 if ready else 503)
    if not ready:
        assert response.json()["checks"] == {"database": True, "migrations": True, "worker": False}
    assert "secret" not in response.content.decode()


@pytest.mark.django_db
def test_readyz_sees_an_old_schema(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    class Behind:
        loader: Any

        def __init__(self, connection: object) -> None:
            self.loader = self
            self.graph = self

        def leaf_nodes(self) -> list[str]:
            return []

        def migration_plan(self, targets: list[str]) -> list[str]:
            return ["one is missing"]

    monkeypatch.setattr(health, "MigrationExecutor", Behind)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": True, "migrations": False, "worker": False}


@pytest.mark.django_db
def test_readyz_without_a_database_is_503_and_says_no_more(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise DatabaseError("password=hunter2")

    monkeypatch.setattr(connection, "cursor", broken)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": False, "migrations": False, "worker": False}
    assert "hunter2" not in response.content.decode()


@pytest.mark.django_db
def test_readyz_is_cheap_once_the_schema_is_known(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.get("/readyz")
    with django_assert_num_queries(2):
        client.get("/readyz")


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "ready"), [(5, True), (-1, False), (None, False)])
def test_the_worker_checks_the_same_from_the_command_line(seconds: float | None, ready: bool) -> None:
    watched("local", seconds)
    out = StringIO()
    if ready:
        call_command("worker", "--check", stdout=out)
        assert out.getvalue().startswith("Ready")
    else:
        with pytest.raises(CommandError, match="Not ready: worker"):
            call_command("worker", "--check", stdout=out)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_reading_is_allowed(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
