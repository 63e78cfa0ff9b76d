"""The pages of registries: a secret goes in and never comes out; bad input stands at its field."""

from __future__ import annotations

import logging

import pytest
from django.test import Client
from django.urls import reverse

from console.models import AuditEntry, Registry
from console.operations import registries as book
from tests import factories
from tests.fake_registry import fake_registry

CANARY = "canary-of-a-secret"

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(factories.user("admin"))
    return client


def test_add_test_change_default_remove(admin: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert "No registry yet" in admin.get(reverse("registries")).content.decode()
    pages = []
    with fake_registry(lambda method, path, headers: (200, {}, b'{"repositories": ["a"]}')) as made:
        form = {"host": made.host, "name": "Ours", "username": "alice", "secret": CANARY, "plain_http": "1"}
        answer = admin.post(reverse("registry-add"), form)
        assert (answer.status_code, answer.headers["Location"]) == (302, reverse("registries"))
        row = Registry.objects.get()
        pages.append(admin.get(reverse("registries")).content.decode())
        assert "It asks for no credentials. 1 repository." in pages[-1]
        assert f"docker login --username alice --password-stdin {made.host}" in pages[-1]
        admin.post(reverse("registry-test", args=[row.pk]))
    pages.append(admin.get(reverse("registry-edit", args=[row.pk])).content.decode())
    assert "never shown again" in pages[-1]
    admin.post(reverse("registry-edit", args=[row.pk]), {"name": "Theirs", "username": "alice", "plain_http": "1"})
    pages.append(admin.get(reverse("registries")).content.decode())
    assert "Theirs" in pages[-1]
    assert "Nothing answers at" in pages[-1]
    row.refresh_from_db()
    assert book.secret_of(row) == CANARY
    admin.post(reverse("registry-default", args=[row.pk]) + "?on=1")
    assert '<span class="tag">default</span>' in admin.get(reverse("registries")).content.decode()
    pages.append(admin.get(reverse("registry-remove", args=[row.pk])).content.decode())
    assert f"docker logout {row.host}" in pages[-1]
    admin.post(reverse("registry-remove", args=[row.pk]))
    assert not Registry.objects.exists()
    assert all(CANARY not in page for page in pages)
    assert CANARY not in caplog.text
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", "object_name"))
    verbs = ["add", "test", "change", "default", "remove"]
    assert actions == [(f"registry.{verb}", row.host) for verb in verbs]
    assert CANARY not in str(list(AuditEntry.objects.values()))


def test_bad_input_keeps_what_was_typed_but_no_secret(admin: Client) -> None:
    form = {"host": "not a host", "name": "<b>Ours</b>", "username": "alice", "secret": CANARY}
    answer = admin.post(reverse("registry-add"), form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "A host as it stands" in page
    assert "&lt;b&gt;Ours&lt;/b&gt;" in page
    assert CANARY not in page
    assert not Registry.objects.exists()


def test_the_command_follows_what_is_typed(admin: Client) -> None:
    query = "?part=command&host=Index.docker.io&username=a%20b"
    page = admin.get(reverse("registry-add") + query).content.decode()
    assert "docker login --username &#x27;a b&#x27; --password-stdin docker.io" in page
