"""Signing in and out: what it tells, what it counts, where it leads, and what ends with a session."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse
from pytest_django.fixtures import Settings

from console import people
from console import settings as configured
from console.consumers import guard
from console.models import AuditEntry, User
from tests import factories
from tests.factories import PASSWORD
from tests.matrix import NOBODY, ROUTES
from tests.sockets import socket

WRONG = "wrong horse battery"
SIZES = {"Content-Length", "Expires"}  # headers that differ by the length of a name, and by the clock
HOSTILE = [
    "https://evil.test/", "http://evil.test", "//evil.test", "///evil.test", "////evil.test/x", "/\\evil.test",
    "\\\\evil.test", "\\/evil.test", "/\\/evil.test", "https:evil.test", "https:/evil.test", "http:///evil.test",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", " https://evil.test", "\thttps://evil.test",
    "\x00//evil.test", "/\t/evil.test", "/\n/evil.test", "http://testserver@evil.test/", "http://testserver.evil.test",
    "http://testserver:8080/", "http://testserver/keys", "http://localhost/", "http://localhost:8080/", "http://[::1]/",
    "ftp://testserver/", "http://evil.test\\@testserver/", "evil.test", "?next=//evil.test", "#//evil.test",
    "https://evil.test#@testserver", "\u2028//evil.test", "//\u3002evil.test",
]  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def attempts() -> Iterator[None]:
    """Nobody has tried anything yet."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def anna() -> User:
    return factories.user("anna", User.Role.VIEWER)


def test_the_page_offers_nothing_that_is_not_there() -> None:
    text = Client().get("/login").content.decode()
    assert "setpassword" in text
    for path in re.findall(r'href="(/[^"]*)"', text):
        assert path.startswith("/static/") or Client().get(path).status_code == 200, path


def try_(name: str, password: str, sent: Client | None = None, **extra: Any) -> Any:
    """One attempt to sign in."""
    return (sent or Client()).post("/login", {"login": name, "password": password}, **extra)


def inside(sent: Client) -> bool:
    return sent.get("/keys", headers={"HX-Request": "true"}).status_code == 200


def body(answer: Any, name: str = "") -> str:
    """What was answered, without what differs by design: tokens, the clock, the name as it was typed."""
    text = re.sub(r'(csrfmiddlewaretoken" value=|"X-CSRFToken": |data-now=)"[^"]*"', r'\1"…"', answer.content.decode())
    return text.replace(f'value="{name}"', "") if name else text


def test_the_right_password_opens(anna: User) -> None:
    sent = Client()
    answer = try_("Anna ", PASSWORD, sent)
    assert answer.status_code == 302
    assert answer.headers["Location"] in ("/", "dashboard")
    assert inside(sent)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.user, entry.address) == ("session.start", anna, "127.0.0.1")


def test_every_refusal_looks_the_same(anna: User) -> None:
    """A wrong password, a name that is nobody's, and the right password of somebody who is shut out."""
    shut_out = factories.user("olga", is_active=False)
    answers = {}
    for name, password in ((anna.username, WRONG), ("nobody", WRONG), (shut_out.username, PASSWORD)):
        sent = Client()
        answer = try_(name, password, sent)
        assert not inside(sent)
        assert f'value="{name}"' in answer.content.decode()
        kept = {header: value for header, value in answer.headers.items() if header not in SIZES}
        answers[name] = (answer.status_code, kept, set(answer.cookies), body(answer, name))
    assert answers["anna"][0] == 422
    assert answers["anna"] == answers["nobody"] == answers["olga"]
    assert not AuditEntry.objects.exists()


def test_an_unknown_name_costs_as_much_as_a_known_one(
    anna: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the hasher that is really used: one computation each, with the same parameters."""
    settings.PASSWORD_HASHERS = configured.PASSWORD_HASHERS
    anna.set_password(PASSWORD)
    anna.save()
    assert anna.password.startswith("argon2$argon2id$")
    made: list[tuple[str, int, int, int]] = []
    encode, verify = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify

    def spy_encode(self: Argon2PasswordHasher, *arguments: Any) -> str:
        found = encode(self, *arguments)
        made.append(("encode", self.time_cost, self.memory_cost, self.parallelism))
        return found

    def spy_verify(self: Argon2PasswordHasher, password: str, encoded: str) -> bool:
        used = self.decode(encoded)
        made.append(("verify", used["time_cost"], used["memory_cost"], used["parallelism"]))
        return verify(self, password, encoded)

    monkeypatch.setattr(Argon2PasswordHasher, "encode", spy_encode)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", spy_verify)
    costs = []
    for name in ("anna", "nobody"):
        made.clear()
        assert try_(name, WRONG).status_code == 422
        assert len(made) == 1, (name, made)
        costs.append(made[0][1:])
    assert costs[0] == costs[1] == (2, 102400, 8)


def test_a_person_can_be_guessed_at_five_times(anna: User) -> None:
    """From any number of addresses; then even the right password is not looked at."""
    for number in range(5):
        assert try_("anna", WRONG, REMOTE_ADDR=f"192.0.2.{number}").status_code == 422
    sent = Client()
    for host in ("testserver", "localhost", "127.0.0.1"):
        answer = try_("anna", PASSWORD, sent, REMOTE_ADDR="192.0.2.77", headers={"Host": host})
        assert answer.status_code == 429, host
        assert "Too many failed" in answer.content.decode()
    assert not inside(sent)


def test_attempts_at_a_name_that_is_nobodys_are_counted_alike() -> None:
    answers = [try_("nobody", WRONG, REMOTE_ADDR=f"192.0.2.{number}").status_code for number in range(7)]
    assert answers == [422] * 5 + [429] * 2


@pytest.mark.parametrize("forged", ["198.51.100.{}", "198.51.100.{}, 198.51.100.1"])
def test_an_address_can_guess_ten_times_a_minute(anna: User, forged: str) -> None:
    """Whatever it says of itself. Behind a proxy the server puts the proxy's word into REMOTE_ADDR."""
    headers = ("X-Forwarded-For", "X-Real-IP", "Forwarded")
    for number in range(10):
        lies = dict.fromkeys(headers, forged.format(number))
        assert try_(f"name{number}", WRONG, REMOTE_ADDR="192.0.2.1", headers=lies).status_code == 422
    refused = try_("anna", PASSWORD, REMOTE_ADDR="192.0.2.1", headers=dict.fromkeys(headers, forged.format(99)))
    assert refused.status_code == 429
    assert try_("anna", PASSWORD, REMOTE_ADDR="192.0.2.2").status_code == 302


def test_a_flood_of_names_does_not_push_the_counters_out(anna: User) -> None:
    for number in range(5):
        try_("anna", WRONG, REMOTE_ADDR=f"192.0.2.{number}")
    for number in range(2000):
        cache.set(f"allauth:rl:other:{number}", [1.0], 60)
    assert try_("anna", PASSWORD, REMOTE_ADDR="192.0.2.77").status_code == 429


def test_thirty_attempts_a_minute_and_then_a_page_that_says_so(anna: User) -> None:
    for _ in range(30):
        try_("anna", WRONG)
    answer = try_("anna", PASSWORD)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert "Too many attempts" in answer.content.decode()
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_the_session_gets_a_new_id(anna: User) -> None:
    sent = Client()
    before = sent.session
    before["planted"] = "x"
    before.save()
    planted = before.session_key
    assert sent.cookies["quarterdeck"].value == planted
    assert try_("anna", PASSWORD, sent).status_code == 302
    assert sent.cookies["quarterdeck"].value != planted
    assert not Session.objects.filter(session_key=planted).exists()
    thief = Client()
    thief.cookies["quarterdeck"] = planted or ""
    assert not inside(thief)
    assert (sent.cookies["quarterdeck"]["httponly"], sent.cookies["quarterdeck"]["samesite"]) == (True, "Lax")
    assert int(sent.cookies["quarterdeck"]["max-age"]) == 12 * 3600


@pytest.mark.parametrize("target", HOSTILE)
def test_signing_in_leads_nowhere_else(anna: User, target: str) -> None:
    home = Client()
    expected = try_("anna", PASSWORD, home).headers["Location"]
    answer = Client().post("/login", {"login": "anna", "password": PASSWORD, "next": target})
    assert (answer.status_code, answer.headers["Location"]) == (302, expected)
    asked = home.get("/login", {"next": target})  # signed in already
    assert (asked.status_code, asked.headers["Location"]) == (302, expected)


def test_a_line_break_makes_no_header(anna: User) -> None:
    answer = Client().post("/login", {"login": "anna", "password": PASSWORD, "next": "/a\r\nX-Injected: 1"})
    assert "\n" not in answer.headers["Location"]
    assert "X-Injected" not in answer.headers


@pytest.mark.parametrize("target", ["/keys", "/e/local/containers?q=state%3Arunning&sort=-name", "/e/a/containers/b/"])
def test_signing_in_leads_on_to_a_page_of_the_console(anna: User, target: str) -> None:
    answer = Client().post("/login", {"login": "anna", "password": PASSWORD, "next": target})
    assert answer.headers["Location"] == target


def test_the_way_to_a_closed_page_is_kept(anna: User) -> None:
    sent = Client()
    shown = sent.get(sent.get("/keys?x=1").headers["Location"]).content.decode()
    assert '<input type="hidden" name="next" value="/keys?x=1">' in shown


def test_signing_out_is_a_post_and_ends_the_session(anna: User) -> None:
    sent = Client()
    try_("anna", PASSWORD, sent)
    key = sent.cookies["quarterdeck"].value
    for method in ("get", "head", "put", "delete"):
        assert getattr(sent, method)("/logout").status_code == 405
        assert inside(sent)
    assert sent.post("/logout").headers["Location"] == "/login"
    thief = Client()
    thief.cookies["quarterdeck"] = key
    assert not inside(sent)
    assert not inside(thief)
    assert AuditEntry.objects.filter(action="session.end", user=anna).exists()


def change(sent: Client, old: str, new: str, again: str = "") -> Any:
    return sent.post("/password", {"oldpassword": old, "password1": new, "password2": again or new})


def test_a_new_password_ends_every_other_session(anna: User) -> None:
    here, there = Client(), Client()
    for sent in (here, there):
        try_("anna", PASSWORD, sent)
    assert change(here, PASSWORD, "a new long password").status_code == 302
    assert inside(here)
    assert not inside(there)
    assert try_("anna", PASSWORD).status_code == 422
    assert try_("anna", "a new long password").status_code == 302
    assert "a new long password" not in repr(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        (WRONG, "a new long password", ""),
        (PASSWORD, "short1", ""),
        (PASSWORD, "password1234", ""),
        (PASSWORD, "a new long password", "another long password"),
        ("", "", ""),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(anna: User, old: str, new: str, again: str) -> None:
    sent, there = Client(), Client()
    for one in (sent, there):
        one.force_login(anna)
    answer = change(sent, old, new, again)
    assert answer.status_code == 422
    assert 'class="err' in answer.content.decode() or "error" in answer.content.decode()
    assert inside(there)
    anna.refresh_from_db()
    assert anna.check_password(PASSWORD)


def test_old_passwords_are_not_guessed_in_a_session_either(anna: User) -> None:
    sent = Client()
    sent.force_login(anna)
    answers = [change(sent, WRONG, "a new long password").status_code for _ in range(7)]
    assert answers[:5] == [422] * 5
    assert 429 in answers[5:]


def test_the_menu_leads_to_the_password(anna: User) -> None:
    sent = Client()
    sent.force_login(anna)
    assert f'<a href="{reverse("account_change_password")}">' in sent.get("/keys").content.decode()


def test_whoever_is_shut_out_is_out_at_once(anna: User) -> None:
    sent = Client()
    try_("anna", PASSWORD, sent)
    assert inside(sent)
    people.set_active(anna, False)
    assert not inside(sent)
    assert sent.get("/keys").headers["Location"].startswith("/login")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["password", "logout"])
async def test_sockets_end_with_their_session(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a second, for they are told; the look every few seconds is out of reach here."""
    monkeypatch.setattr(guard, "RECHECK", 3600.0)
    await sync_to_async(factories.engine)("here")
    anna = await sync_to_async(factories.user)("anna")
    here, there = Client(), Client()
    sockets = {}
    for sent in (here, there):
        await sync_to_async(sent.force_login)(anna)
        cookie = f"quarterdeck={sent.cookies['quarterdeck'].value}".encode()
        sockets[sent] = await socket("/ws/e/here", None, cookie=cookie)
        assert (await sockets[sent].connect(timeout=5))[0]
    if what == "password":
        await sync_to_async(change)(here, PASSWORD, "a new long password")
        ending, staying = there, here
    else:
        await sync_to_async(here.post)("/logout")
        ending, staying = here, there
    async with asyncio.timeout(1):
        while (message := await sockets[ending].receive_output(1))["type"] != "websocket.close":
            pass
    assert message["code"] == guard.SIGNED_OUT
    if what == "logout":
        while not await sockets[staying].receive_nothing(0.3):
            assert (await sockets[staying].receive_output(1))["type"] != "websocket.close"
    for made in sockets.values():
        await made.disconnect()


def test_addresses_that_allauth_names_lead_nowhere(anna: User) -> None:
    names = [name for name, row in ROUTES.items() if row.verb == NOBODY]
    assert {"account_signup", "account_reset_password", "account_set_password", "account_email"} <= set(names)
    signed_in = Client()
    signed_in.force_login(anna)
    for name in names:
        for method in ("get", "post"):
            assert getattr(signed_in, method)(reverse(name)).status_code == 404, name
            assert getattr(Client(), method)(reverse(name)).status_code == 302, name
    for name in ("account_request_login_code", "account_reset_password_from_key", "socialaccount_login"):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    for path in ("/signup", "/accounts/signup/", "/accounts/password/reset/", "/setup", "/install", "/admin/"):
        assert signed_in.get(path).status_code == 404, path


def test_nothing_tells_whether_the_instance_has_an_admin() -> None:
    """Every address without parameters, asked by nobody, before the first person exists and after."""
    addresses = [reverse(name) for name in ROUTES if name not in ("readyz",) and _plain(name)]
    addresses += ["/signup", "/setup", "/admin/", "/no/such/page", "/login?next=/x"]

    def answers() -> list[Any]:
        cache.clear()
        found: list[Any] = []
        for path in addresses:
            for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS"):
                answer = Client().generic(method, path)
                kept = {name: value for name, value in answer.headers.items() if name not in SIZES}
                found.append((method, path, answer.status_code, kept, set(answer.cookies), body(answer)))
        return [*found, body(try_("admin", WRONG))]

    before = answers()
    factories.user("admin")
    assert answers() == before


def _plain(name: str) -> bool:
    try:
        reverse(name)
    except NoReverseMatch:
        return False
    return True
