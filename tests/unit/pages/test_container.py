"""One container: overview, inspect, health, reveal; and what of it is hidden from whom."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.http import Http404, QueryDict
from django.test import Client
from django.urls import reverse

from console.engine.errors import Unreachable
from console.engine.types import HealthProbe
from console.models import AuditEntry, Container, Engine, User
from console.pages.container import ContainerPage
from console.reads import containers as reads
from tests import factories
from tests.rocky import box, detailed, rocky

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
SECRETS = ("kX2-r9vA", "canary-secret-key", "kX2-r9vA-mailpit", "canary-label-token", "canary-output")
HIDDEN_FROM_VIEWERS = (*SECRETS, "gunicorn", "/app/entrypoint.sh", "Asia/Tokyo", "/srv/shop/uploads", "localhost:8000")
PAYLOAD = Path(__file__).parents[2] / "payloads" / "docker-20.10" / "container_running.json"


@pytest.fixture
def admin() -> User:
    return factories.user("mika")


@pytest.fixture
def viewer() -> User:
    return factories.user("vera", User.Role.VIEWER)


@pytest.fixture
def engine() -> Engine:
    return rocky()


@pytest.fixture
def api(engine: Engine) -> Container:
    return detailed(engine)


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(PAYLOAD.read_text())
    document["Config"]["Env"] = ["SECRET_KEY=canary-secret-key", "U=postgres://shop:kX2-r9vA@db/shop", "TZ=Asia/Tokyo"]
    monkeypatch.setattr(reads, "raw", lambda engine, container: document)
    return document


def get(client: Client, user: User, path: str, **options: Any) -> Any:
    client.force_login(user)
    return client.get(f"/e/rocky/containers/{path}", **options)


def text_of(client: Client, user: User, path: str, status: int = 200, **options: Any) -> str:
    answer = get(client, user, path, **options)
    assert answer.status_code == status
    return str(answer.content.decode())


# ── overview ──


def test_overview(client: Client, admin: User, api: Container) -> None:
    text = text_of(client, admin, "shop-api-1/")
    for fact in (
        api.container_id,
        "gunicorn shop.wsgi --bind 0.0.0.0:8000",
        "172.20.0.5/16",
        "api, shop-api-1",
        "537 MB",
        "1.5 cores",
        "at most 200",
        "unless-stopped",
        "curl -f localhost:8000/health",
        "SIGQUIT, kill after 20 s",
        "/srv/shop/uploads",
        "read only",
        "add NET_BIND_SERVICE",
        "no-new-privileges",
        "docker container inspect shop-api-1",
        "postgres://shop:••••@shop-postgres-1:5432/shop",
        "Asia/Tokyo",
        'href="/e/rocky/containers/shop-api-1/inspect"',
        'href="/e/rocky/containers?q=project%3Ashop"',
        "Stop",
    ):
        assert fact in text, fact
    assert '<span class="tag ok">healthy</span>' in text
    for secret in SECRETS:
        assert secret not in text, secret
    assert text.count(">Reveal</button>") == 3


def test_a_viewer_sees_names_and_no_values(client: Client, viewer: User, api: Container, raw: dict[str, Any]) -> None:
    for path in ("shop-api-1/", "shop-api-1/inspect", "shop-api-1/inspect?show=json", "shop-api-1/inspect?download=1"):
        text = text_of(client, viewer, path)
        for secret in HIDDEN_FROM_VIEWERS:
            assert secret not in text, f"{path}: {secret}"
        for fact in ("SECRET_KEY", "DATABASE_URL", "172.20.0.5", "com.example.token", "hidden", "/app/uploads"):
            assert fact in text, f"{path}: {fact}"
        assert "Reveal" not in text
        assert "container-action" not in text
        assert ">Stop<" not in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"state": "exited", "exit_code": 137, "oom_killed": True}, "exit code 137, out of memory"),
        ({"state": "created"}, "never"),
        ({"network_mode": "none"}, "None: it reaches only itself."),
        ({"network_mode": "host"}, "It shares the network of the engine's host."),
        ({"network_mode": f"container:{'ab' * 32}"}, "It shares the network of abababababab."),
        ({"error": "driver failed <b>"}, "driver failed &lt;b&gt;"),
        ({"problem": "No <b>State</b>."}, "cannot be understood: No &lt;b&gt;State&lt;/b&gt;."),
        ({"auto_remove": True}, "removed by the engine (--rm)"),
        ({"tty": True, "open_stdin": True}, "open (-it)"),
        ({"details": {"privileged": True}}, "it can do what root on the host can"),
        ({}, "Files written in this container are lost when it is removed."),
    ],
)
def test_what_an_overview_says(client: Client, admin: User, engine: Engine, fields: dict[str, Any], said: str) -> None:
    box(engine, "odd", **fields)
    assert said in text_of(client, admin, "odd/", headers=HTMX)


def test_addresses(client: Client, admin: User, engine: Engine, api: Container) -> None:
    assert "shop-api-1" in text_of(client, admin, f"{api.container_id}/", headers=HTMX)
    assert "shop-api-1" in text_of(client, admin, f"{api.short_id}/", headers=HTMX)
    missing = text_of(client, admin, "no-such/", 404, headers=HTMX)
    foreign = box(factories.engine("other"), "foreign")
    assert text_of(client, admin, f"{foreign.container_id}/", 404, headers=HTMX) == missing


def test_a_recreated_container_keeps_its_address(client: Client, admin: User, engine: Engine, api: Container) -> None:
    api.delete()
    box(engine, "shop-api-1", container_id="f" * 64, image="other:2")
    assert "other:2" in text_of(client, admin, "shop-api-1/", headers=HTMX)


def test_a_region_whose_container_went_says_so(client: Client, admin: User, api: Container) -> None:
    api.delete()
    text = text_of(client, admin, "shop-api-1/", 410, headers={**HTMX, "HX-Source": "div#live"})
    assert "shop-api-1 is gone" in text
    assert "is gone" not in text_of(client, admin, "shop-api-1/", 404, headers=HTMX)


# ── the page's socket ──


def page(user: User, engine: Engine | None, **params: str) -> ContainerPage:
    query = QueryDict(mutable=True)
    query.update(params)
    return ContainerPage(user, engine, query)


def test_what_is_pushed(admin: User, engine: Engine, api: Container) -> None:
    live = page(admin, engine, ref="shop-api-1", id=api.container_id)
    html = live.changed("container", [api.container_id])
    assert '<div id="object" class="page-body" data-live hx-swap-oob="outerMorph">' in html
    assert live.changed("container", ["f" * 64]) == ""
    assert live.changed("image", ["sha256:0"]) == ""
    assert 'id="object"' in live.changed("image", [api.image_id])
    assert 'id="object"' in live.changed("container", None)
    operation = factories.operation(engine, admin, "container.restart", object_id=api.container_id)
    assert "Restarting" in page(admin, engine, ref="shop-api-1").changed("operation", [str(operation.pk)])
    assert live.changed("operation", []) == ""
    assert "Environment" not in page(admin, engine, ref="shop-api-1", tab="inspect").changed("container", None)


def test_the_socket_follows_names_and_ids(admin: User, engine: Engine, api: Container) -> None:
    Container.objects.filter(pk=api.pk).update(name="renamed")
    assert page(admin, engine, ref="shop-api-1", id=api.container_id).container.name == "renamed"
    for engine_, params in ((engine, {"ref": "shop-api-1"}), (None, {}), (engine, {})):
        with pytest.raises(Http404):
            page(admin, engine_, **params)


def test_what_is_pushed_to_a_viewer(viewer: User, engine: Engine, api: Container) -> None:
    html = page(viewer, engine, ref="shop-api-1").changed("container", None)
    assert not [secret for secret in HIDDEN_FROM_VIEWERS if secret in html]


# ── inspect ──


def test_inspect(client: Client, admin: User, api: Container, raw: dict[str, Any]) -> None:
    text = text_of(client, admin, "shop-api-1/inspect")
    assert "SECRET_KEY=***" in text
    assert "U=postgres://shop:***@db/shop" in text
    assert "2 secrets masked" in text
    assert "data-inner=" in text
    assert "json.js" in text
    for secret in SECRETS:
        assert secret not in text


def test_search_and_views_without_script(client: Client, admin: User, api: Container, raw: dict[str, Any]) -> None:
    text = text_of(client, admin, "shop-api-1/inspect?find=memoryswap")
    assert "<mark>MemorySwap</mark>" in text
    assert "2 matches" in text
    assert "<mark>" not in text_of(client, admin, "shop-api-1/inspect?find=%3Cscript%3E")
    only = text_of(client, admin, "shop-api-1/inspect?show=groups&fields=memory")
    assert "537 MB" in only
    assert "Working directory" not in only
    assert 'class="src"' not in only
    assert "No field holds “zzz”." in text_of(client, admin, "shop-api-1/inspect?show=groups&fields=zzz")
    assert "Limits and policy" not in text_of(client, admin, "shop-api-1/inspect?show=json")
    assert 'class="split half"' in text_of(client, admin, "shop-api-1/inspect?show=bogus")


def test_download(client: Client, admin: User, api: Container, raw: dict[str, Any]) -> None:
    answer = get(client, admin, "shop-api-1/inspect?download=1")
    assert answer["Content-Disposition"] == 'attachment; filename="shop-api-1.json"'
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(answer.content)["Config"]["Env"][0] == "SECRET_KEY=***"


def test_an_engine_that_does_not_answer(
    client: Client, admin: User, api: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(engine: Engine, container: Container) -> Any:
        raise Unreachable("It refuses <b>connections</b>.", "not-running")

    monkeypatch.setattr(reads, "raw", refuse)
    monkeypatch.setattr(reads, "health_log", refuse)
    for path in ("shop-api-1/inspect", "shop-api-1/inspect?download=1"):
        text = text_of(client, admin, path)
        assert "The engine could not be asked: It refuses &lt;b&gt;connections&lt;/b&gt;." in text
        assert "537 MB" in text
    assert "It refuses" in text_of(client, admin, f"{api.container_id}/health", headers=HTMX)


def test_another_engine_is_not_asked(client: Client, admin: User, api: Container, engine: Engine) -> None:
    Engine.objects.update(state=Engine.State.SWAPPED)
    assert "Another engine answers at this address: it is not asked" in text_of(client, admin, "shop-api-1/inspect")


# ── health ──


def test_health_log(client: Client, admin: User, viewer: User, api: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    start = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    probes = (HealthProbe(start, start.replace(microsecond=41_000), 1, "canary-output\n<script>"),)
    monkeypatch.setattr(reads, "health_log", lambda engine, container: probes)
    path = f"{api.container_id}/health"
    text = text_of(client, admin, path, headers=HTMX)
    assert "0.04 s" in text
    assert "canary-output\n&lt;script&gt;" in text
    assert "canary-output" not in text_of(client, viewer, path, headers=HTMX)
    assert "<h1" in text_of(client, admin, path)


# ── reveal ──


def reveal(client: Client, user: User, container_id: str, key: str = "SECRET_KEY", **options: Any) -> Any:
    client.force_login(user)
    return client.post(reverse("container-reveal", args=["rocky", container_id]), {"key": key}, **options)


def test_reveal_is_written_down(client: Client, admin: User, api: Container) -> None:
    answer = reveal(client, admin, api.container_id, headers=HTMX)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert '<code class="shown">canary-secret-key</code>' in text
    assert "data-secret-shown" in text
    assert "no-store" in answer["Cache-Control"]
    [entry] = AuditEntry.objects.all()
    assert (entry.user, entry.action, entry.kind) == (admin, "container.env.reveal", "container")
    assert (entry.object_id, entry.object_name) == (api.container_id, "shop-api-1")
    assert (entry.detail, entry.address) == ({"key": "SECRET_KEY"}, "127.0.0.1")


def test_reveal_without_script_is_a_page(client: Client, admin: User, api: Container) -> None:
    text = reveal(client, admin, api.container_id).content.decode()
    assert "<h1" in text
    assert "canary-secret-key" in text
    assert "kX2-r9vA" not in text


@pytest.mark.parametrize(
    ("who", "key", "status"), [("mika", "NO_SUCH", 404), ("mika", "", 404), ("vera", "SECRET_KEY", 403)]
)
def test_reveal_refused(
    client: Client, admin: User, viewer: User, api: Container, who: str, key: str, status: int
) -> None:
    answer = reveal(client, admin if who == "mika" else viewer, api.container_id, key, headers=HTMX)
    assert answer.status_code == status
    assert b"canary" not in answer.content
    assert not AuditEntry.objects.exists()


def test_reveal_of_a_name_is_no_address(client: Client, admin: User, api: Container) -> None:
    client.force_login(admin)
    assert client.post("/e/rocky/containers/shop-api-1/reveal", {"key": "SECRET_KEY"}).status_code == 404
    assert client.get(reverse("container-reveal", args=["rocky", api.container_id])).status_code == 405
