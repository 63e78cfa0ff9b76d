"""Every response carries the headers, whatever answered: a page, an error, a middleware, a static file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.templatetags.static import static
from django.test import Client
from pytest_django.fixtures import Settings

from console.views import health
from tests import factories

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
SECRET = "canary of a stack frame"


def policy(answer: HttpResponse) -> dict[str, str]:
    """The content security policy, for its directives stand in any order."""
    parts = [part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";")]
    assert len(parts) == len({name for name, _, _ in parts})
    return {name: value for name, _, value in parts}


def check(answer: Any, cached: bool = False) -> None:
    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    assert policy(answer) == {part.partition(" ")[0]: part.partition(" ")[2] for part in CSP.split("; ")}
    assert "Server" not in answer.headers
    assert ("no-store" in answer.headers["Cache-Control"]) is not cached


def broken(*_: Any, **__: Any) -> HttpResponse:
    raise RuntimeError(SECRET)


@pytest.fixture
def sent() -> Client:
    """A browser nobody has signed in with, to which failures look as they would."""
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


@pytest.fixture
def signed_in(db: None) -> Client:
    made = Client(raise_request_exception=False, enforce_csrf_checks=True)
    made.force_login(factories.user("admin"))
    return made


@pytest.fixture
def script(tmp_path: Path, settings: Settings) -> str:
    """The address of a script that was collected as ``serve`` collects."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "qd.js").write_text("export {};\n")
    settings.STATICFILES_DIRS = [tmp_path / "source"]
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    return static("qd.js")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 200), ("/login", 200), ("/", 302), ("/keys", 302), ("/logout", 302), ("/no/such/page", 404)],
)
def test_without_a_session(sent: Client, path: str, status: int, request: pytest.FixtureRequest) -> None:
    if path == "/login":
        request.getfixturevalue("db")
    answer = sent.get(path)
    assert answer.status_code == status or (path == "/" and answer.status_code == 404)
    check(answer)


def test_with_a_session(signed_in: Client) -> None:
    for path, status in (("/keys", 200), ("/password", 200), ("/logout", 405), ("/-/account_signup", 404)):
        answer = signed_in.get(path)
        assert answer.status_code == status, path
        check(answer)


def test_a_foreign_form(signed_in: Client) -> None:
    answer = signed_in.post("/theme", {"theme": "dark"})
    assert answer.status_code == 403
    check(answer)


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "localhost,evil.test", "local host", "[::1"])
def test_a_host_that_is_not_ours(sent: Client, host: str) -> None:
    """The refusal comes from inside the middleware, before most of it was asked."""
    answer = sent.get("/login", headers={"Host": host})
    assert answer.status_code == 400
    assert host not in answer.content.decode()
    check(answer)


def test_too_many_fields(signed_in: Client) -> None:
    answer = signed_in.post("/theme", {f"field{n}": "x" for n in range(5001)})
    assert answer.status_code in (400, 403)
    check(answer)


@pytest.mark.parametrize("htmx", [False, True])
def test_a_fault_in_a_view(
    sent: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, htmx: bool
) -> None:
    """The page is constant, asks no database (this test has none) and tells nothing of the fault; the log does."""
    monkeypatch.setattr(health, "JsonResponse", broken)
    bodies = set()
    for query in ("", "?q=1"):
        answer = sent.get(f"/healthz{query}", headers={"HX-Request": "true"} if htmx else {})
        assert answer.status_code == 500
        check(answer)
        bodies.add(answer.content.decode())
    assert len(bodies) == 1
    body = bodies.pop()
    assert ("<html" in body) is not htmx
    assert ('hx-swap-oob="afterbegin:#toasts"' in body) is htmx
    assert not [word for word in (SECRET, "Traceback", "RuntimeError", ".py") if word in body]
    assert [record for record in caplog.records if record.levelno == logging.ERROR and record.exc_info]
    caplog.clear()


@pytest.mark.parametrize(
    "where",
    [
        "django.contrib.sessions.middleware.SessionMiddleware.process_request",
        "django.middleware.common.CommonMiddleware.process_request",
        "django.middleware.csrf.CsrfViewMiddleware.process_view",
        "console.middleware.login_required.process_view",
        "django.contrib.messages.middleware.MessageMiddleware.process_response",
    ],
)
def test_a_fault_in_a_middleware(sent: Client, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setattr(where, broken)
    answer = sent.get("/healthz")
    assert answer.status_code == 500
    assert SECRET not in answer.content.decode()
    check(answer)


def test_a_fault_in_an_error_page(sent: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.views.errors.render", broken)
    answer = sent.get("/no/such/page")
    assert answer.status_code == 500
    check(answer)


def test_static_files_are_kept_by_the_browser(sent: Client, script: str) -> None:
    for path, kept in ((script, "immutable"), ("/static/qd.js", "max-age")):
        answer = sent.get(path)
        assert answer.status_code == 200
        assert b"export" in b"".join(cast(Any, answer).streaming_content)
        assert kept in answer.headers["Cache-Control"]
        check(answer, cached=True)
        again = sent.get(path, headers={"If-Modified-Since": answer.headers["Last-Modified"]})
        assert again.status_code == 304
        check(again, cached=True)


def test_a_missing_static_file_is_not_kept(sent: Client) -> None:
    answer = sent.get("/static/none.js")
    assert answer.status_code == 404
    check(answer)


def test_health_asks_no_database_for_whoever_has_a_session(sent: Client, settings: Settings) -> None:
    """No database is allowed in this test: a session cookie must not lead to one."""
    sent.cookies[settings.SESSION_COOKIE_NAME] = "abcdefghijklmnopqrstuvwxyz012345"
    assert sent.get("/healthz").status_code == 200
