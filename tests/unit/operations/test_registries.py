"""Registries as rows: what the form takes, and that a secret is worth nothing outside of its own row and host."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command

from console.models import Registry
from console.operations import registries as book
from console.operations.credentials import credentials_for
from console.operations.params import InvalidParams
from console.operations.registries import RegistryForm
from tests import factories
from tests.fake_registry import fake_registry

CANARY = "canary-of-a-secret"
HOST = "registry.example:5000"

pytestmark = pytest.mark.django_db


def added(host: str = HOST, **more: Any) -> Registry:
    return book.save(RegistryForm.read({"host": host, "username": "alice", "secret": CANARY, **more}))


def errors(row: Registry | None = None, **data: Any) -> dict[str, str]:
    with pytest.raises(InvalidParams) as caught:
        RegistryForm.read(data, row)
    return caught.value.errors


def test_credentials_go_to_their_host_alone() -> None:
    engine = factories.engine()
    added()
    found = credentials_for(engine, HOST)
    assert found == {"username": "alice", "password": CANARY, "serveraddress": HOST}
    for other in (
        "registry.example",
        "registry.example:5001",
        "docker.io",
        "registry.example.evil:5000",
        "",
        HOST + "/x",
    ):
        assert credentials_for(engine, other) is None
    added("docker.io")
    hub = credentials_for(engine, "docker.io")
    assert hub is not None
    assert hub["serveraddress"] == "https://index.docker.io/v1/"


def test_nothing_of_a_secret_is_in_the_row() -> None:
    row = added()
    assert all(CANARY not in str(value) for value in Registry.objects.values().get(pk=row.pk).values())
    assert CANARY not in repr(RegistryForm("a.b", secret=CANARY))


def test_a_sealed_secret_is_worth_nothing_elsewhere(settings: Any) -> None:
    row, other = added(), added("evil.example")
    Registry.objects.filter(pk=other.pk).update(sealed=row.sealed)
    assert credentials_for(factories.engine(), "evil.example") is None
    Registry.objects.filter(pk=row.pk).update(username="mallory")
    row.refresh_from_db()
    assert book.secret_of(row) == ""
    Registry.objects.filter(pk=row.pk).update(username="alice")
    row.refresh_from_db()
    assert book.secret_of(row) == CANARY
    settings.SECRET_KEY = "another"
    assert book.secret_of(row) == ""
    assert not book.readable(row)
    fine, said = book.test(row)
    assert (fine, "secret key has changed" in said) == (False, True)


def test_what_the_form_refuses() -> None:
    assert set(errors(host="")) == {"host"}
    for host in (
        "nginx",
        "a b.c",
        "http://",
        "registry.example:0",
        "registry.example:99999",
        "-x.y",
        "user@a.b",
        "[::1]",
    ):
        assert "host" in errors(host=host), host
    assert "secret" in errors(host=HOST, username="alice")
    assert "username" in errors(host=HOST, secret="x")
    assert "username" in errors(host=HOST, username="a:b", secret="x")
    assert "secret" in errors(host=HOST, username="a", secret="x\ny")
    assert "ca" in errors(host=HOST, ca="nothing")
    assert "no other letters" in errors(host=HOST, ca="# Tanúsítvány\n-----BEGIN CERTIFICATE-----")["ca"]
    assert "keys are kept nowhere" in errors(host=HOST, ca="-----BEGIN PRIVATE KEY-----")["ca"]
    assert "auth_server" in errors(host=HOST, auth_server="https://a.b/token")
    assert "plain_http" in errors(host="docker.io", plain_http="1")
    added()
    assert "is here already" in errors(host="https://Registry.Example:5000/")["host"]


@pytest.mark.parametrize(
    "typed", ["docker.io", "index.docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"]
)
def test_docker_hub_has_one_name(typed: str) -> None:
    assert book.host_of(typed) == "docker.io"


def test_a_change_keeps_the_secret_or_wants_it_again() -> None:
    row = added()
    kept = book.save(RegistryForm.read({"name": "Ours", "username": "alice"}, row), row)
    assert (kept.name, kept.host, book.secret_of(kept)) == ("Ours", HOST, CANARY)
    assert "Another account" in errors(row, username="bob")["secret"]
    assert "another way" in errors(row, username="alice", plain_http="1")["secret"]
    assert "another way" in errors(row, username="alice", auth_server="evil.example")["secret"]
    changed = book.save(RegistryForm.read({"username": "bob", "secret": "new", "host": "evil.example"}, row), row)
    assert (changed.host, book.secret_of(changed)) == (HOST, "new")
    gone = book.save(RegistryForm.read({"username": ""}, row), row)
    assert (gone.sealed, book.secret_of(gone)) == ("", "")


def test_one_default() -> None:
    one, two = added(), added("docker.io")
    book.make_default(one, True)
    book.make_default(two, True)
    assert list(Registry.objects.filter(default=True)) == [two]
    book.make_default(two, False)
    assert not Registry.objects.filter(default=True).exists()


def test_testing_writes_down_what_came_of_it() -> None:
    with fake_registry(lambda method, path, headers: (200, {}, b'{"repositories": ["a", "b"]}')) as made:
        row = book.save(RegistryForm.read({"host": made.host, "plain_http": "1"}))
        assert book.test(row) == (True, "It answers without an account. 2 repositories.")
    row.refresh_from_db()
    assert (row.state, row.checked_at is not None) == (Registry.State.FINE, True)
    fine, said = book.test(row)
    row.refresh_from_db()
    assert (fine, row.state, row.said) == (False, Registry.State.FAILED, said)
    assert "Nothing answers" in said


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "console", check=True, dry_run=True, verbosity=0)
