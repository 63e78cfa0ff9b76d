"""Recreating a container as a browser without script does it: the form, the preview, and what is asked for."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from console.engine.client import EngineClient
from console.engine.command.again import Source
from console.engine.command.parse import parse
from console.engine.errors import Unreachable
from console.engine.types import FilesystemChange
from console.models import Container, Engine, Operation, Shell, User
from console.operations import earlier
from console.operations.recreate_params import RecreateParams
from console.operations.sealed import unseal
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def engine() -> Engine:
    return factories.engine("here")


@pytest.fixture
def web(engine: Engine, client: Client) -> Container:
    client.force_login(factories.user("mika"))
    return factories.container(engine, "web", image="nginx")


@pytest.fixture(autouse=True)
def raw(web: Container, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the engine answers."""
    found: dict[str, Any] = {
        "Id": web.container_id,
        "Name": "/web",
        "State": {"Status": "running"},
        "Config": {"Image": "nginx", "Env": ["DB_PASSWORD=canary", "TIER=web"], "Hostname": web.short_id},
        "HostConfig": {"NetworkMode": "default", "LogConfig": {"Type": "json-file"}, "ShmSize": 64 * 1024**2},
        "NetworkSettings": {"Networks": {}},
    }
    info = {"LoggingDriver": "json-file"}
    monkeypatch.setattr(EngineClient, "run_sources", lambda client, container_id: (found, {}, info))
    changes = [FilesystemChange("/etc/motd", "modified"), FilesystemChange("/new", "added")]
    monkeypatch.setattr(EngineClient, "changes", lambda client, container_id: changes)
    return found


def url(web: Container, **query: str) -> str:
    return reverse("container-recreate", args=["here", web.container_id], query=query)


def text_of(answer: Any, status: int = 200) -> str:
    text: str = unescape(answer.content.decode())
    assert answer.status_code == status, text
    return text


def hidden(page: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^>]*)">', page)
    assert found, name
    return found[1]


def form(**fields: Any) -> dict[str, Any]:
    """The form as it is filled, with some fields otherwise."""
    return {
        "image": "nginx",
        "name": "web",
        "env": ["DB_PASSWORD=***", "TIER=web"],
        "detach": "true",
        "start": "1",
        "do": "preview",
    } | fields


def sent(page: str, **fields: Any) -> dict[str, Any]:
    """The preview's form."""
    return {name: hidden(page, name) for name in ("line", "earlier", "seen")} | {"do": "recreate"} | fields


def test_the_form_is_filled_and_hides_secrets(client: Client, web: Container) -> None:
    text = text_of(client.get(url(web)))
    for part in ('name="image" value="nginx"', 'name="name" value="web"', "DB_PASSWORD=***", "TIER=web"):
        assert part in text
    assert "canary" not in text
    assert "things to fix" not in text


def test_a_viewer_gets_none(client: Client, web: Container) -> None:
    client.force_login(factories.user("vera", User.Role.VIEWER))
    assert client.get(url(web)).status_code == 403
    assert client.post(url(web), form()).status_code == 403


def test_the_preview_says_what_changes_and_what_is_lost(client: Client, web: Container, engine: Engine) -> None:
    other = factories.container(engine, "side")
    Container.objects.filter(pk=other.pk).update(network_mode=f"container:{web.container_id}")
    third = factories.container(engine, "backup")
    Container.objects.filter(pk=third.pk).update(details={**third.details, "volumes_from": ["web:ro"]})
    Shell.objects.create(engine=engine, user_name="mika", container_id=web.container_id, container_name="web")
    data = form(env=["DB_PASSWORD=***", "TIER=db", "NEW=1"], memory="64m")
    text = text_of(client.post(url(web), data))
    assert "3 by you" in text
    for part in ("TIER", ">web</td>", ">db</td>", ">not set</td>", "64m", "1 open shell", "2 files in the container"):
        assert part in text, part
    assert "side" in text
    assert "shares its network" in text
    assert "backup" in text
    assert "takes its volumes" in text
    steps = text[text.index('id="recreate-steps"') :]
    assert f"docker container rename web web-before-{web.short_id}" in steps
    assert "docker container create --name web -e 'DB_PASSWORD=***' -e TIER=db -e NEW=1 --memory 64m nginx" in steps
    assert "canary" not in text
    assert not Operation.objects.exists()


def test_what_is_asked_for_keeps_hidden_values_hidden(client: Client, web: Container) -> None:
    page = text_of(client.post(url(web), form(memory="64m")))
    answer = client.post(url(web), sent(page))
    operation = Operation.objects.get()
    assert answer["Location"] == reverse("operation", args=[operation.pk])
    assert (operation.verb, operation.object_id, operation.sealed) == ("container.recreate", web.container_id, "")
    params = RecreateParams.read(operation.params)
    assert params.typed == parse("docker run --name web -d -e 'DB_PASSWORD=***' -e TIER=web -m 64m nginx").spec
    assert (params.old, params.runs) == (web.short_id, True)
    assert operation.command.startswith(f"docker container rename web web-before-{web.short_id} && ")
    assert client.get(answer["Location"]).status_code == 200


def test_a_new_secret_is_sealed(client: Client, web: Container) -> None:
    page = text_of(client.post(url(web), form(env=["DB_PASSWORD=fresh", "TIER=web"])))
    assert "another value, not shown" in page
    assert text_of(client.post(url(web), sent(page)), 302) == ""
    operation = Operation.objects.get()
    assert "fresh" not in json.dumps([operation.params, operation.command])
    assert "DB_PASSWORD=fresh" in (unseal(operation.sealed) or {})["line"]


def test_a_mask_that_stands_for_nothing_is_refused_at_its_row(client: Client, web: Container) -> None:
    text = text_of(client.post(url(web), form(env=["DB_PASSWORD=***", "", "OTHER_PASSWORD=***"])), 422)
    assert "stands for a value that is hidden" in text
    assert 'data-field="env" data-row-number="2"' in text
    assert not Operation.objects.exists()


def test_bad_input_is_told_at_its_field_and_nothing_is_lost(client: Client, web: Container, engine: Engine) -> None:
    factories.container(engine, "taken")
    text = text_of(client.post(url(web), form(name="taken", memory="much", hostname="kept")), 422)
    assert "This is not a size" in text
    text = text_of(client.post(url(web), form(name="taken", hostname="kept")), 422)
    assert "The name taken is used by container" in text
    assert 'value="kept"' in text


def test_its_own_name_and_ports_are_not_taken(client: Client, web: Container) -> None:
    Container.objects.update(ports=[{"host_port": 8080, "protocol": "tcp", "host_ip": "", "container_port": 80}])
    data = form() | {"publish-host": "8080", "publish-container": "80", "publish-ip": "", "publish-protocol": "tcp"}
    assert "8080:80" in text_of(client.post(url(web), data))


def test_back_to_the_form_from_the_preview(client: Client, web: Container) -> None:
    page = text_of(client.post(url(web), form(memory="64m")))
    text = text_of(client.post(url(web), sent(page) | {"do": "edit"}))
    assert 'name="memory" value="64m"' in text
    assert "DB_PASSWORD=***" in text


def test_rows_the_pane_and_a_pasted_command(client: Client, web: Container) -> None:
    text = text_of(client.post(url(web), form(do="add:env")))
    assert text.count('name="env"') == 3
    text = text_of(client.post(url(web), form(do="", memory="64m"), headers=HTMX))
    assert "--memory 64m" in text
    assert "<form" not in text
    text = text_of(client.post(url(web), form(do="read", paste="docker run --name web -e A=2 nginx")))
    assert 'value="A=2"' in text


def test_what_changed_since_the_preview_is_shown_again(client: Client, web: Container, raw: dict[str, Any]) -> None:
    page = text_of(client.post(url(web), form(memory="64m")))
    raw["HostConfig"]["Memory"] = 128 * 1024**2
    text = text_of(client.post(url(web), sent(page)), 409)
    assert "It has changed since you looked" in text
    assert not Operation.objects.exists()
    assert client.post(url(web), sent(text)).status_code == 302


def test_the_newer_image_of_the_same_name(client: Client, web: Container, engine: Engine) -> None:
    factories.image(engine, "nginx:latest", image_id=f"sha256:{factories.hexid('newer')}")
    text = text_of(client.get(url(web, preview="1")))
    assert "a newer image of the same name" in text
    assert "0 by you" in text
    text = text_of(client.get(url(web, preview="1", pull="always")))
    assert "docker image pull nginx" in text
    assert "what the registry has then" in text


def test_what_cannot_be_told_is_said(client: Client, web: Container, raw: dict[str, Any]) -> None:
    raw["Config"]["Healthcheck"] = {"Test": ["CMD", "true"]}
    text = text_of(client.get(url(web, preview="1")))
    assert "runs without a shell" in text
    assert "The new container has it as the old one." in text
    assert "Its image is gone from the engine" in text


def test_compose_is_told_to_own_it(client: Client, web: Container, raw: dict[str, Any]) -> None:
    Container.objects.update(project="shop", service="api")
    raw["Config"]["Labels"] = {"com.docker.compose.project": "shop"}
    text = text_of(client.get(url(web, preview="1")))
    assert "Compose owns it: it is api of the project shop" in text
    assert "com.docker.compose.project" in hidden(text, "line")


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"state": "paused"}, "unpause it"), ({"auto_remove": True}, "--rm"), ({"state": "removing"}, "being removed")],
)
def test_what_cannot_be_recreated(client: Client, web: Container, fields: dict[str, Any], words: str) -> None:
    Container.objects.update(**fields)
    assert words in text_of(client.get(url(web)), 409)
    assert words in text_of(client.post(url(web), form()), 409)


def test_host_options_need_the_right() -> None:
    params = RecreateParams.read({"line": "docker run --privileged nginx"})
    assert params.needs() == "host"
    assert RecreateParams.read({"line": "docker run nginx"}).needs() == ""


def test_back_to_the_earlier_one(client: Client, web: Container, raw: dict[str, Any], engine: Engine) -> None:
    old = json.loads(json.dumps(raw))
    old["Config"]["Env"] = ["DB_PASSWORD=of old", "TIER=old"]
    user = User.objects.get(username="mika")
    operation = factories.operation(engine, user, name="web")
    kept = {earlier.NOTE: earlier.packed(Source(old, {}, {"LoggingDriver": "json-file"})), "new": "web"}
    Operation.objects.update(verb="container.recreate", before={"kept": kept})
    text = text_of(client.get(url(web, earlier=str(operation.pk))))
    assert "2 by you" in text
    assert "another value, not shown" in text
    assert "of old" not in text
    assert client.post(url(web), sent(text)).status_code == 302
    asked = Operation.objects.exclude(pk=operation.pk).get()
    assert asked.params["earlier"] == str(operation.pk)
    assert "of old" not in json.dumps([asked.params, asked.command, asked.sealed])
    assert client.get(url(web, earlier="nonsense")).status_code == 404
    factories.container(engine, "other")
    other = Container.objects.get(name="other")
    assert client.get(url(other, earlier=str(operation.pk))).status_code == 404


def test_a_failed_one_leads_back_to_the_form(client: Client, web: Container) -> None:
    page = text_of(client.post(url(web), form(memory="64m")))
    client.post(url(web), sent(page))
    operation = Operation.objects.get()
    Operation.objects.update(state=Operation.State.FAILED, result={"reason": "The new one did not start."})
    again = url(web, operation=str(operation.pk))
    assert again in text_of(client.get(reverse("operation", args=[operation.pk])))
    text = text_of(client.get(again))
    assert 'name="memory" value="64m"' in text
    assert "DB_PASSWORD=***" in text
    Operation.objects.update(result={"secrets": True})
    assert again not in text_of(client.get(reverse("operation", args=[operation.pk])))
    assert client.get(again).status_code == 404
    assert client.get(url(web, operation="nonsense")).status_code == 404


def test_an_engine_that_does_not_answer(client: Client, web: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(client: EngineClient, container_id: str) -> Any:
        raise Unreachable("It is down.")

    monkeypatch.setattr(EngineClient, "run_sources", gone)
    assert "It is down." in text_of(client.get(url(web)), 502)
    assert "It is down." in text_of(client.post(url(web), form()), 502)


@pytest.mark.parametrize("line", ["", "docker run", "nonsense", "docker run " + "x" * 300_000])
def test_a_broken_preview_is_no_error_of_ours(client: Client, web: Container, line: str) -> None:
    assert client.post(url(web), {"do": "recreate", "line": line, "seen": "x"}).status_code == 422
