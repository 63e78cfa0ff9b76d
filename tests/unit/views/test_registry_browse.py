"""Looking through a registry and deleting a tag: what goes with it is said first, and nothing else goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from console.models import AuditEntry, Registry
from tests import factories
from tests.fake_registry import Answer, FakeRegistry, fake_registry

pytestmark = pytest.mark.django_db
HX = {"HX-Request": "true"}
ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64


class Shelf:
    """A registry with shop/api: tags of two images. ``allows``: whether it lists and deletes."""

    def __init__(self) -> None:
        self.tags = {"1": ONE, "1.0": ONE, "2": TWO}
        self.allows = True

    def __call__(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        if path.startswith("/v2/_catalog"):
            listed = json.dumps({"repositories": ["shop/api", "shop/<b>"]}).encode()
            return (200, {}, listed) if self.allows else (401, {}, b"{}")
        if "/tags/list" in path:
            last = parse_qs(urlsplit(path).query).get("last", [""])[0]
            names = [name for name in sorted(self.tags) if name > last]
            more = {"Link": f'</v2/shop/api/tags/list?last={names[1]}&n=2>; rel="next"'} if len(names) > 2 else {}
            return 200, more, json.dumps({"tags": names[:2]}).encode()
        reference = path.rpartition("/")[2]
        if method == "DELETE":
            if not self.allows:
                return 405, {}, b'{"errors": [{"code": "UNSUPPORTED"}]}'
            self.tags = {name: digest for name, digest in self.tags.items() if digest != reference}
            return 202, {}, b""
        found = self.tags.get(reference)
        return (200, {"Docker-Content-Digest": found}, b"") if found else (404, {}, b"")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def made(shelf: Shelf) -> Iterator[FakeRegistry]:
    with fake_registry(shelf) as running:
        yield running


@pytest.fixture
def registry(made: FakeRegistry) -> Registry:
    return Registry.objects.create(host=made.host, plain_http=True)


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(factories.user("admin"))
    return client


def test_repositories_and_tags(admin: Client, registry: Registry) -> None:
    engine = factories.engine("here", name="rocky")
    factories.image(engine, "shop/api:1", digests=[f"{registry.host}/shop/api@{TWO}"])
    page = admin.get(reverse("registry", args=[registry.pk])).content.decode()
    assert "?repository=shop%2Fapi" in page
    assert "<b>" not in page.replace("<b>Host", "")
    page = admin.get(reverse("registry", args=[registry.pk]), {"repository": "shop/api"}).content.decode()
    assert "same as 1.0" in page
    assert "last=1.0" in page
    assert f"reference={registry.host.replace(':', '%3A')}%2Fshop%2Fapi%3A1" in page
    page = admin.get(
        reverse("registry", args=[registry.pk]), {"repository": "shop/api", "last": "1.0"}
    ).content.decode()
    assert "rocky" in page
    assert "First page" in page


def test_a_registry_that_does_not_list(admin: Client, registry: Registry, shelf: Shelf) -> None:
    shelf.allows = False
    page = admin.get(reverse("registry", args=[registry.pk])).content.decode()
    assert "type the name of one above" in page
    answer = admin.get(reverse("registry", args=[registry.pk]), {"repository": "../../etc"})
    assert (answer.status_code, "no name of a repository" in answer.content.decode()) == (200, True)


def test_delete_says_what_goes_and_takes_only_that(admin: Client, registry: Registry, shelf: Shelf) -> None:
    address = reverse("registry-tag-delete", args=[registry.pk])
    chosen = {"repository": "shop/api", "tag": "1"}
    page = admin.get(address, chosen, headers=HX).content.decode()
    assert "shop/api:1.0" in page
    assert "same digest, goes too" in page
    assert "may be the only copy" in page
    assert f"curl --request DELETE http://{registry.host}/v2/shop/api/manifests/{ONE}" in page
    assert admin.post(address, {**chosen, "digest": ONE, "typed": "wrong"}, headers=HX).status_code == 422
    assert len(shelf.tags) == 3
    answer = admin.post(address, {**chosen, "digest": ONE, "typed": "shop/api:1"}, headers=HX)
    assert answer.status_code == 202
    assert shelf.tags == {"2": TWO}
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_name) == ("registry.tag.delete", f"{registry.host}/shop/api:1")


def test_what_changed_since_the_preview_is_not_deleted(admin: Client, registry: Registry, shelf: Shelf) -> None:
    address = reverse("registry-tag-delete", args=[registry.pk])
    shelf.tags["1"] = TWO
    form = {"repository": "shop/api", "tag": "1", "digest": ONE, "typed": "shop/api:1"}
    answer = admin.post(address, form, headers=HX)
    assert (answer.status_code, "names another image by now" in answer.content.decode()) == (422, True)
    assert len(shelf.tags) == 3
    for digest in ("", "sha256:x", "../../catalog"):
        assert admin.post(address, {**form, "digest": digest}, headers=HX).status_code == 422


def test_a_registry_that_does_not_delete(admin: Client, registry: Registry, shelf: Shelf) -> None:
    shelf.allows = False
    form = {"repository": "shop/api", "tag": "2", "digest": TWO, "typed": "shop/api:2"}
    answer = admin.post(reverse("registry-tag-delete", args=[registry.pk]), form, headers=HX)
    assert (answer.status_code, "storage.delete.enabled" in answer.content.decode()) == (422, True)


def test_a_registry_that_is_gone(admin: Client) -> None:
    row = Registry.objects.create(host="127.0.0.1:1", plain_http=True)
    page = admin.get(reverse("registry", args=[row.pk])).content.decode()
    assert "Nothing answers at 127.0.0.1:1." in page
    dialog = admin.get(reverse("registry-tag-delete", args=[row.pk]), {"repository": "a", "tag": "1"}, headers=HX)
    assert "Nothing answers at 127.0.0.1:1." in dialog.content.decode()
