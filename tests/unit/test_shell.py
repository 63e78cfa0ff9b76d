"""Theme and density, error answers, and what the tags print."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace
from typing import cast

import pytest
from django.core.handlers.exception import convert_exception_to_response
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django.fixtures import Settings
from redis.exceptions import ConnectionError as RedisConnectionError

from console import outages
from console.models import Engine, User
from console.templatetags import qd
from console.views import errors
from tests import factories


@pytest.fixture
def plain_static(settings: Settings) -> None:
    """No manifest: the front end need not be built for these."""
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}


@pytest.fixture
def anna(db: None) -> User:
    return User.objects.create_user("anna", password="a long enough one", role=User.Role.VIEWER)


def test_theme_stays_with_the_person_and_in_a_cookie(client: Client, anna: User) -> None:
    client.force_login(anna)
    answer = client.post("/theme", {"theme": "dark", "next": "/e/local/containers?q=a"})
    assert answer.headers["Location"] == "/e/local/containers?q=a"
    assert answer.cookies["theme"].value == "dark"
    anna.refresh_from_db()
    assert (anna.theme, anna.density) == ("dark", "compact")


def test_toggle_turns_the_theme_over(client: Client, anna: User) -> None:
    client.force_login(anna)
    for expected in ("dark", "light", "dark"):
        client.post("/theme", {"theme": "toggle"})
        anna.refresh_from_db()
        assert anna.theme == expected


@pytest.mark.parametrize("target", ["https://evil.test/", "//evil.test", "javascript:alert(1)", "/\\evil.test"])
def test_theme_leads_nowhere_else(client: Client, anna: User, target: str) -> None:
    client.force_login(anna)
    assert client.post("/theme", {"theme": "dark", "next": target}).headers["Location"] == "/"


def test_unknown_values_change_nothing(client: Client, anna: User) -> None:
    client.force_login(anna)
    answer = client.post("/theme", {"theme": "<b>", "density": "huge"}, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert not answer.cookies
    anna.refresh_from_db()
    assert (anna.theme, anna.density) == ("system", "compact")


def test_theme_changes_by_post_only(client: Client, anna: User) -> None:
    client.force_login(anna)
    assert client.get("/theme").status_code == 405


def _request(htmx: bool) -> HttpRequest:
    from django.contrib.auth.models import AnonymousUser

    request = RequestFactory().get("/x", headers={"HX-Request": "true"} if htmx else {})
    request.user = AnonymousUser()
    return request


@pytest.mark.usefixtures("plain_static")
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (lambda r: errors.forbidden(r, PermissionError("operate")), 403),
        (lambda r: errors.not_found(r), 404),
        (lambda r: errors.csrf_failure(r), 403),
    ],
)
@pytest.mark.parametrize("htmx", [True, False])
def test_errors_answer_htmx_with_a_toast_and_nothing_else(answer, status: int, htmx: bool) -> None:  # type: ignore[no-untyped-def]
    response = answer(_request(htmx))
    text = response.content.decode()
    assert response.status_code == status
    assert ('hx-swap-oob="afterbegin:#toasts"' in text) is htmx
    assert ("<html" in text) is not htmx


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("containers/gone/", "container", "gone"),
        ("containers/gone/logs", "container", "gone"),
        ("containers/gone/no/such/page", "container", "gone"),
        (f"images/sha256:{'a' * 64}/", "image", f"sha256:{'a' * 64}"),
        ("networks/<b>%22%E2%80%AE/", "network", "&lt;b&gt;&quot;\\u202e"),
        ("volumes/gone/inspect", "volume", "gone"),
        ("volumes/gone/inspekt", "volume", "gone"),
    ],
)
def test_a_missing_object_offers_its_list_and_a_search(
    client: Client, anna: User, path: str, kind: str, name: str
) -> None:
    factories.engine("here")
    client.force_login(anna)
    answer = client.get(f"/e/here/{path}")
    text = answer.content.decode()
    assert answer.status_code == 404
    assert f"No {kind} {name} that you can see" in text
    assert f'href="/e/here/{kind}s">All {kind}s of here</a>' in text
    (question,) = re.findall(r'href="/palette\?q=([^"]*)"', text)
    assert client.get(f"/palette?q={question}").status_code == 200
    elsewhere = client.get(f"/e/nowhere/{path}").content.decode()
    assert f'href="/e/here/{kind}s">All' not in elsewhere
    assert " on here, or" not in elsewhere


def test_a_foreign_object_and_a_missing_one_are_one_page(client: Client, anna: User) -> None:
    factories.engine("here")
    factories.container(factories.engine("there"), "foreign-one")
    client.force_login(anna)
    pages = [client.get(f"/e/here/containers/{name}/") for name in ("foreign-one", "missing-one")]
    assert [page.status_code for page in pages] == [404, 404]
    ever_new = r'"X-CSRFToken": "\w+"|value="\w{64}"|[0-9]{9,}\.[0-9]+'
    plain = [re.sub(ever_new, "", page.content.decode()) for page in pages]
    assert plain[0].replace("foreign-one", "missing-one") == plain[1]
    assert "Search for it" not in client.get("/e/here/nonsense").content.decode()


@pytest.mark.usefixtures("plain_static")
def test_server_error_page_needs_neither_person_nor_database() -> None:
    response = errors.server_error(RequestFactory().get("/x"))
    assert response.status_code == 500
    assert "The console failed on this page" in response.content.decode()


@pytest.mark.usefixtures("plain_static")
@pytest.mark.parametrize("htmx", [True, False])
@pytest.mark.parametrize(
    ("vendor", "error", "words"),
    [
        ("postgresql", OperationalError("couldn't get a connection\nafter 5.00 sec"), "The database does not answer"),
        ("postgresql", InterfaceError("the connection is closed"), "The database does not answer"),
        ("sqlite", OperationalError("database is\nlocked"), "The database does not answer"),
        ("sqlite", RedisConnectionError("Connection refused"), "Redis does not answer"),
    ],
)
def test_what_the_console_needs_is_away(
    vendor: str,
    error: Exception,
    words: str,
    htmx: bool,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outages, "connection", SimpleNamespace(vendor=vendor))

    def fails(request: HttpRequest) -> HttpResponse:
        raise error

    response = cast(HttpResponse, convert_exception_to_response(fails)(_request(htmx)))
    text = response.content.decode()
    assert (response.status_code, response.headers["Retry-After"], response.headers["X-Away"]) == (503, "5", words)
    assert words in text
    assert ("<html" in text) is not htmx
    [line] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert words in line.getMessage()
    assert "\n" not in line.getMessage()
    assert line.exc_info is None


@pytest.mark.usefixtures("plain_static")
def test_a_query_that_is_wrong_is_no_outage() -> None:
    """SQLite calls it operational: it is the console's own failure all the same."""

    def fails(request: HttpRequest) -> HttpResponse:
        Engine.objects.raw("SELECT nonsense FROM nowhere")[0]
        raise AssertionError

    response = cast(HttpResponse, convert_exception_to_response(fails)(_request(htmx=False)))
    assert (response.status_code, "X-Away" in response.headers) == (500, False)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (-1, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_000, "12 kB"),
        (9_800_000, "9.8 MB"),
        (412_000_000, "412 MB"),
        (999_900_000, "1.0 GB"),
        (19_700_000_000, "19.7 GB"),
        (166_000_000_000, "166 GB"),
        (2_500_000_000_000_000, "2.5 PB"),
    ],
)
def test_size_is_decimal_as_docker_prints_it(value: float | None, words: str) -> None:
    assert qd.size(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86400, "1 d"),
        (86400 * 90, "3 months"),
    ],
)
def test_span_takes_the_largest_unit_that_fits(seconds: int, words: str) -> None:
    assert qd.span(seconds) == words


def test_ago_carries_the_moment_for_the_script_and_the_absolute_time() -> None:
    moment = timezone.now() - dt.timedelta(minutes=6, seconds=3)
    text = qd.ago(moment)
    assert "6 min ago</time>" in text
    assert f'datetime="{moment.isoformat()}"' in text
    assert "UTC" in text
    assert qd.ago(None) == "–"


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("nginx", ("", "nginx")),
        ("library/nginx:1", ("", "library/nginx:1")),
        ("ghcr.io/a/b:1", ("ghcr.io/", "a/b:1")),
        ("localhost/a", ("localhost/", "a")),
        ("reg:5000/a@sha256:00", ("reg:5000/", "a@sha256:00")),
    ],
)
def test_registry_is_told_from_the_name(reference: str, parts: tuple[str, str]) -> None:
    assert qd.image_parts(reference) == parts


@pytest.mark.usefixtures("plain_static")
@pytest.mark.parametrize(("state", "shape"), [("running", "running"), ("succeeded", "done"), ("<x>", "created")])
def test_lamp_has_a_shape_for_every_word(state: str, shape: str) -> None:
    assert f"#l-{shape}" in qd.lamp(state)
    assert 'aria-hidden="true"' in qd.lamp(state)
    assert 'role="img"' in qd.lamp(state, "a word")
