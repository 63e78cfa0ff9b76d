"""Asking for actions through the web: with and without script, wrong input, rows that are stale, several at once."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from console.models import Container, Engine, Operation, User
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def engine() -> Engine:
    return factories.engine()


@pytest.fixture
def web(engine: Engine) -> Container:
    return factories.container(engine, "web")


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factories.user("admin"))
    return client


def address(container: Container, verb: str) -> str:
    return reverse("container-action", args=[container.engine.slug, container.container_id, verb])


def said(answer: Any) -> str:
    """The text of an answer."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


def post(client: Client, container: Container, verb: str, data: dict[str, Any] | None = None) -> HttpResponse:
    return client.post(address(container, verb), data or {}, headers=HTMX)  # type: ignore[return-value]


def test_asking_answers_with_busy_buttons(admin: Client, web: Container) -> None:
    answer = post(admin, web, "stop")
    operation = Operation.objects.get()
    assert answer.status_code == 202
    assert (operation.verb, operation.object_id, operation.object_name) == ("container.stop", web.container_id, "web")
    text = answer.content.decode()
    assert f'id="acts-{web.short_id}" hx-swap-oob="outerMorph"' in text
    assert f'id="head-acts-{web.short_id}" hx-swap-oob="outerMorph"' in text
    assert 'aria-busy="true"' in text
    assert "Stopping" in text


def test_without_script_it_goes_back_with_a_message(admin: Client, web: Container) -> None:
    back = f"http://testserver/e/{web.engine.slug}/containers?q=web"
    answer = admin.post(address(web, "start" if web.state == "exited" else "stop"), headers={"Referer": back})
    assert (answer.status_code, answer["Location"]) == (302, back)
    elsewhere = admin.post(address(web, "restart"), {"next": "https://evil.example/"}, headers={"Referer": "x:y"})
    assert elsewhere["Location"] == reverse("operation", args=[Operation.objects.get(verb="container.restart").pk])
    assert [str(message) for message in elsewhere.wsgi_request._messages] == ["Stopping web", "Restarting web"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("target", ["https://evil.example/", "javascript:alert(1)", "//evil.example"])
def test_a_dialog_that_comes_again_leads_nowhere_else(target: str, admin: Client, web: Container) -> None:
    answer = admin.post(address(web, "rename"), {"name": "-", "next": target})
    assert answer.status_code == 422
    assert target not in answer.content.decode()


def test_a_removed_container_has_no_page_to_go_back_to(admin: Client, web: Container) -> None:
    page = f"http://testserver/e/{web.engine.slug}/containers/web/"
    answer = admin.post(address(web, "remove"), {"force": "1"}, headers={"Referer": page})
    assert answer["Location"] == reverse("operation", args=[Operation.objects.get().pk])


def test_a_stale_row_is_refused_and_says_what_it_is(admin: Client, web: Container) -> None:
    Container.objects.filter(pk=web.pk).update(state="exited")
    answer = post(admin, web, "stop")
    assert answer.status_code == 409
    assert "web is not running" in said(answer)
    assert "Start web" in answer.content.decode()  # its buttons as they are now
    assert admin.post(address(web, "stop")).status_code == 409
    assert not Operation.objects.exists()


def test_gone_foreign_and_another_ones_digits(admin: Client, web: Container, engine: Engine) -> None:
    digits = factories.hexid("gone")
    factories.container(engine, digits, container_id=factories.hexid("trap"))  # takes the id of a gone one as its name
    url = reverse("container-action", args=[engine.slug, digits, "stop"])
    assert admin.post(url, headers=HTMX).status_code == 404
    other = factories.container(factories.engine("other"), "x")
    url = reverse("container-action", args=[engine.slug, other.container_id, "stop"])
    assert admin.post(url, headers=HTMX).status_code == 404
    assert not Operation.objects.exists()


def test_a_swapped_engine_is_not_asked(admin: Client, web: Container, engine: Engine) -> None:
    Engine.objects.filter(pk=engine.pk).update(state=Engine.State.SWAPPED)
    answer = post(admin, web, "stop")
    assert answer.status_code == 409
    assert "Another engine answers" in said(answer)
    bulk = admin.post(reverse("containers-bulk", args=[engine.slug]), {"verb": "stop", "id": web.container_id})
    assert bulk.status_code == 409
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    ("verb", "data", "field", "sentence"),
    [
        ("stop", {"timeout": "soon"}, "timeout", "A whole number of seconds from 0 to 3600."),
        ("kill", {"signal": "NOPE"}, "signal", "One of SIGKILL"),
        ("rename", {"name": "bad name"}, "name", "Two characters or more"),
        ("rename", {"name": "db"}, "name", "db is the name of another container."),
        ("rename", {"name": "web"}, "name", "web is the name of this container."),
        ("remove", {"volumes": "1"}, "force", "web is not stopped: stop it first, or tick this."),
    ],
)
@pytest.mark.parametrize("script", [True, False])
def test_a_wrong_field_is_said_at_the_field(
    script: bool, verb: str, data: dict[str, str], field: str, sentence: str, admin: Client, web: Container
) -> None:
    factories.container(web.engine, "db")
    answer = admin.post(address(web, verb), data, headers=HTMX if script else {})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="{field}-note"' in text
    assert sentence in said(answer)
    assert 'aria-invalid="true"' in text
    for value in data.values():  # what was typed is kept
        assert f'value="{value}"' in text
    assert ("<html" in text) is not script
    assert not Operation.objects.exists()


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "pause", "unpause", "kill", "rename", "remove"])
@pytest.mark.parametrize("script", [True, False])
def test_every_verb_has_a_dialog_and_a_page(script: bool, verb: str, admin: Client, web: Container) -> None:
    answer = admin.get(address(web, verb), headers=HTMX if script else {})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert ('role="dialog"' in text or 'role="alertdialog"' in text) is script
    assert f'action="{address(web, verb)}"' in text
    assert "csrfmiddlewaretoken" in text
    assert f"docker container {'rm' if verb == 'remove' else verb} web" in said(answer)
    assert not Operation.objects.exists()


def test_the_command_follows_the_fields(admin: Client, web: Container) -> None:
    def command(verb: str, **data: str) -> str:
        return said(admin.get(address(web, verb), data | {"part": "command"}, headers=HTMX))

    assert "docker container rm --force --volumes web" in command("remove", force="1", volumes="1")
    assert "docker container stop --time 5 web" in command("stop", timeout="5")
    assert "A whole number" in command("stop", timeout="x")
    assert "docker container rename web new-web" in command("rename", name="new-web")


def test_removal_says_what_is_lost(admin: Client, web: Container, engine: Engine) -> None:
    anonymous = factories.hexid("anonymous")
    factories.mount(web, volume_name=anonymous, destination="/cache")
    factories.mount(web, volume_name="named", destination="/data")
    factories.mount(web, type="bind", volume_name="", source="/srv/www", destination="/www")
    factories.endpoint(web, factories.network(engine, "back"))
    factories.container(engine, "vpn-user", network_mode=f"container:{web.container_id}")
    factories.container(engine, "backup", details={"volumes_from": ["web:ro"]})
    factories.container(engine, "unrelated", network_mode="container:other")
    kept = said(admin.get(address(web, "remove"), headers=HTMX))
    for words in (
        "Writable layer",
        f"{anonymous} anonymous volume at /cache, stays",
        "named named volume at /data, stays",
        "/srv/www folder of the host at /www, stays",
        "back network that it leaves, and its address 172.17.0.2",
        "vpn-user uses its network",
        "backup takes its volumes from it",
    ):
        assert words in kept, words
    assert "unrelated" not in kept
    lost = said(admin.get(address(web, "remove"), {"volumes": "1"}, headers=HTMX))
    assert f"{anonymous} anonymous volume at /cache, removed with it" in lost
    assert "named named volume at /data, stays" in lost


def test_hostile_names_are_text(admin: Client, engine: Engine) -> None:
    name = "<script>alert(1)</script>\"'; rm -rf / #"
    bad = factories.container(engine, name, state="exited")
    factories.mount(bad, volume_name="<b>v</b>", destination="</td><i>")
    for verb in ("remove", "rename", "start"):
        text = admin.get(address(bad, verb), headers=HTMX).content.decode()
        assert "<script>" not in text
        assert "<b>v</b>" not in text
    assert post(admin, bad, "start").status_code == 202
    assert Operation.objects.get().command == """docker container start '<script>alert(1)</script>"'"'"'; rm -rf / #'"""


def test_a_viewer_sees_no_buttons_and_may_ask_nothing(client: Client, web: Container) -> None:
    client.force_login(factories.user("viewer", User.Role.VIEWER))
    assert client.get(address(web, "remove"), headers=HTMX).status_code == 403
    assert post(client, web, "stop").status_code == 403


# Several at once


def bulk(client: Client, engine: Engine, verb: str, rows: list[Container], script: bool = True, **data: str) -> Any:
    form = {"verb": verb, "id": [row.container_id for row in rows], **data}
    return client.post(reverse("containers-bulk", args=[engine.slug]), form, headers=HTMX if script else {})


@pytest.fixture
def three(engine: Engine) -> list[Container]:
    states = {"a": "running", "b": "exited", "c": "running"}
    return [factories.container(engine, name, state=state) for name, state in states.items()]


def test_those_that_fit(admin: Client, engine: Engine, three: list[Container]) -> None:
    answer = bulk(admin, engine, "stop", three)
    assert answer.status_code == 202
    assert answer["HX-Trigger"] == "selection-clear"
    assert "Stopping 2 of 3" in said(answer)
    assert "Left out: b: not running." in said(answer)
    assert sorted(Operation.objects.values_list("object_name", flat=True)) == ["a", "c"]
    assert Operation.objects.values("batch").distinct().count() == 1


def test_none_fits(admin: Client, engine: Engine, three: list[Container]) -> None:
    answer = bulk(admin, engine, "unpause", three)
    assert answer.status_code == 409
    assert "Unpause fits none of them now" in said(answer)


@pytest.mark.parametrize(("verb", "asks"), [("restart", True), ("kill", True), ("remove", True), ("pause", False)])
@pytest.mark.parametrize("script", [True, False])
def test_what_loses_something_asks_first(
    script: bool, verb: str, asks: bool, admin: Client, engine: Engine, three: list[Container]
) -> None:
    answer = bulk(admin, engine, verb, three, script)
    assert answer.status_code == (200 if asks else 202 if script else 302)
    assert Operation.objects.exists() is not asks
    if asks:
        text = answer.content.decode()
        assert 'name="confirmed" value="1"' in text
        assert text.count('name="id"') == (2 if verb == "kill" else 3)


def test_a_confirmed_removal(admin: Client, engine: Engine, three: list[Container]) -> None:
    refused = bulk(admin, engine, "remove", three, confirmed="1", volumes="1")
    assert refused.status_code == 422
    assert "a, c are not stopped: stop them first, or tick this." in said(refused)
    assert 'name="volumes" value="1" checked' in refused.content.decode()
    done = bulk(admin, engine, "remove", three, confirmed="1", volumes="1", force="1")
    assert done.status_code == 202
    assert set(Operation.objects.values_list("command", flat=True)) == {
        f"docker container rm --force --volumes {name}" for name in "abc"
    }


def test_wrong_asking_for_several(admin: Client, engine: Engine, three: list[Container]) -> None:
    url = reverse("containers-bulk", args=[engine.slug])
    assert admin.post(url, {"verb": "explode", "id": "x"}).status_code == 404
    assert admin.post(url, {"verb": "stop"}, headers=HTMX).status_code == 422
    many = {"verb": "stop", "id": [factories.hexid(str(n)) for n in range(501)]}
    answer = admin.post(url, many, headers=HTMX)
    assert answer.status_code == 422
    assert "At most 500 at once" in said(answer)
    gone = admin.post(url, {"verb": "stop", "id": [factories.hexid("gone"), "'; --"]}, headers=HTMX)
    assert gone.status_code == 409
    assert "2 no longer exist" in said(gone)


def test_a_single_restart_does_not_ask(admin: Client, engine: Engine, three: list[Container]) -> None:
    assert bulk(admin, engine, "restart", three[:1]).status_code == 202
