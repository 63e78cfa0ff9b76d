"""The page of an engine: what it says, verification, and the decision when another engine answers."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from console import VERSION
from console.models import AuditEntry, Engine, Operation, User
from console.operations import verification
from console.pages.engine import EnginePage
from console.sync.verify import Difference
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
INFO: dict[str, Any] = {
    "id": "AAAA",
    "name": "rocky",
    "server_version": "27.5.1",
    "api_version": "1.47",
    "min_api_version": "1.24",
    "negotiated_api_version": "1.47",
    "product": "Docker Engine",
    "os": "Rocky Linux 9.5",
    "os_type": "linux",
    "architecture": "x86_64",
    "kernel": "5.14.0",
    "cpus": 4,
    "memory": 3_600_000_000,
    "storage_driver": "overlay2",
    "logging_driver": "json-file",
    "cgroup_driver": "systemd",
    "cgroup_version": "2",
    "root_dir": "/var/lib/docker",
    "swarm_state": "inactive",
    "rootless": False,
    "warnings": ["WARNING: bridge-nf-call-iptables is\n   disabled"],
    "runtimes": ["runc"],
    "plugins": {"Network": ["bridge", "macvlan", "overlay"], "Log": ["json-file"]},
    "security_options": ["name=seccomp,profile=builtin"],
    "registry_mirrors": ["https://mirror.lan/"],
    "insecure_registries": ["127.0.0.0/8"],
    "components": [["Engine", "27.5.1"], ["runc", "1.2.4"]],
}


@pytest.fixture
def admin() -> User:
    return factories.user("mika")


@pytest.fixture
def engine() -> Engine:
    return factories.engine("rocky", info=INFO, engine_id="AAAA")


def test_client_and_server(client: Client, admin: User, engine: Engine) -> None:
    client.force_login(admin)
    text = client.get("/e/rocky/").content.decode()
    for words in (
        f"Quarterdeck {VERSION}",
        "docker SDK for Python",
        "offers 1.24 to 1.47",
        "Rocky Linux 9.5, kernel 5.14.0",
        "linux/x86_64",
        "overlay2",
        "version 2, driver systemd",
        "json-file",
        "name=seccomp,profile=builtin",
        "https://mirror.lan/",
        "127.0.0.0/8",
        "Engine 27.5.1, runc 1.2.4",
        "bridge-nf-call-iptables is disabled",
        "4 CPUs, 3.6 GB memory",
    ):
        assert words in text, words


def test_capabilities(admin: User, engine: Engine) -> None:
    page = EnginePage(admin, engine, QueryDict())
    on = {capability.name: capability.on for capability in page.capabilities}
    assert on["macvlan"]
    assert on["Volume sub-paths"]
    assert not on["ipvlan"]
    assert not on["Overlay networks"]
    assert not on["GPU by the NVIDIA runtime"]
    assert all(capability.why for capability in page.capabilities if not capability.on)


@pytest.mark.parametrize(
    "info", [{}, {"plugins": [], "components": "x", "warnings": None, "negotiated_api_version": "x"}]
)
def test_an_engine_that_says_little(client: Client, admin: User, info: dict[str, Any]) -> None:
    factories.engine("bare", info=info, found="x")
    client.force_login(admin)
    assert client.get("/e/bare/").status_code == 200


def test_asking_to_verify_and_refresh(client: Client, admin: User, engine: Engine) -> None:
    client.force_login(admin)
    assert client.post("/e/rocky/verify", headers=HTMX).status_code == 202
    assert client.post("/e/rocky/refresh")["Location"] == "/e/rocky/"
    assert {operation.verb for operation in Operation.objects.all()} == {"engine.verify", "engine.refresh"}
    assert "Verifying…" in client.get("/e/rocky/", headers=HTMX).content.decode()


def test_a_verification_is_shown(client: Client, admin: User, engine: Engine) -> None:
    result = {
        "note": "1 difference in 2 objects",
        "took": 0.4,
        "kinds": {"container": [1, 2, 1]},
        "differences": [
            {"kind": "container", "id": "a", "name": "web", "field": "state", "mirrored": "running", "actual": "exited"}
        ],
        "more": 3,
    }
    made = factories.operation(engine, admin, name="rocky", verb="engine.verify", kind="engine", result=result)
    Operation.objects.filter(pk=made.pk).update(state=Operation.State.SUCCEEDED)
    client.force_login(admin)
    text = client.get("/e/rocky/").content.decode()
    for words in ("1 difference in 2 objects", "container web", "exited", "and 3 more"):
        assert words in text
    Operation.objects.update(state=Operation.State.FAILED, result={"reason": "It does not answer."})
    assert "It does not answer." in client.get("/e/rocky/").content.decode()


def test_viewers_look_only(client: Client, engine: Engine) -> None:
    client.force_login(factories.user("vera", User.Role.VIEWER))
    text = client.get("/e/rocky/").content.decode()
    assert "/verify" not in text
    assert "/refresh" not in text
    assert client.post("/e/rocky/verify").status_code == 403


def test_another_engine(client: Client, admin: User, engine: Engine) -> None:
    Engine.objects.update(state=Engine.State.SWAPPED, found=INFO | {"id": "BBBB", "identity": "BBBB", "name": "new"})
    client.force_login(factories.user("vera", User.Role.VIEWER))
    text = client.get("/e/rocky/").content.decode()
    assert "Another engine answers as rocky" in text
    assert "/confirm" not in text
    client.force_login(admin)
    text = client.get("/e/rocky/").content.decode()
    assert 'name="found" value="BBBB"' in text
    assert "BBBB" in text
    answer = client.post("/e/rocky/verify", headers=HTMX)
    assert answer.status_code == 409
    assert not Operation.objects.exists()
    assert client.post("/e/rocky/confirm", {"found": "CCCC"}, headers=HTMX).status_code == 409
    assert Engine.objects.get().engine_id == "AAAA"
    assert client.post("/e/rocky/confirm", {"found": "BBBB"}, headers=HTMX).status_code == 202
    assert Engine.objects.get().engine_id == "BBBB"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id, entry.detail["was"], entry.user_name) == (
        "engine.accept",
        "BBBB",
        "AAAA",
        "mika",
    )


# ── what a verification keeps ──


def difference(
    field: str = "state", mirrored: object = "running", actual: object = "exited", id_: str = "a"
) -> Difference:
    return Difference("container", id_, "web", field, mirrored, actual)


def verify(monkeypatch: pytest.MonkeyPatch, engine: Engine, *answers: list[Difference]) -> dict[str, Any]:
    left = list(answers)
    monkeypatch.setattr(verification, "AGAIN_AFTER", 0.0)
    monkeypatch.setattr(verification, "verify", lambda asked: left.pop(0))
    found = verification.verified(engine)
    assert not left
    return found


def test_an_exact_mirror(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    factories.container(engine, "web")
    found = verify(monkeypatch, engine, [])
    assert found["note"] == "0 differences in 1 object"
    assert found["kinds"]["container"] == [1, 1, 0]


def test_what_changes_meanwhile_is_no_difference(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    stays, goes, comes = difference("image"), difference("state"), difference("name")
    found = verify(monkeypatch, engine, [stays, goes], [stays, comes])
    assert [row["field"] for row in found["differences"]] == ["image"]


def test_objects_that_only_one_side_knows(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    factories.container(engine, "web")
    twice = [difference("", None, "new", "b"), difference("", "web", None, "a")]
    found = verify(monkeypatch, engine, twice, twice)
    assert found["kinds"]["container"] == [1, 1, 2]
    assert [(row["mirrored"], row["actual"]) for row in found["differences"]] == [("", "new"), ("web", "")]


def test_a_verification_is_bounded(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    many = [difference(f"f{number}", "x" * 5000, {"a": [1]}) for number in range(verification.MOST + 7)]
    found = verify(monkeypatch, engine, many, many)
    assert (len(found["differences"]), found["more"]) == (verification.MOST, 7)
    assert len(found["differences"][0]["mirrored"]) == verification.LONGEST
    assert found["differences"][0]["actual"] == '{"a": [1]}'
