"""Questions to a registry that is honest, locked, slow, dying, lying, confused, or leads elsewhere."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine import dial, registry
from console.engine.registry import HUB, LONGEST_ANSWER, MOST_NAMES, Registry, RegistryClient, RegistryError
from tests.fake_registry import Answer, FakeRegistry, Script, fake_registry
from tools.engines import tls

DIGEST = "sha256:" + "a" * 64
CANARY = "canary-of-a-secret"


def ok(body: Any = None, **headers: str) -> Answer:
    return 200, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body or {}).encode()


def client(made: FakeRegistry, seconds: float = 5.0, **more: Any) -> RegistryClient:
    return RegistryClient(Registry(made.host, plain_http=True, **more), seconds)


def refusal(script: Script, question: str = "check", seconds: float = 5.0, **more: Any) -> RegistryError:
    """What a question to such a registry ends with."""
    with fake_registry(script) as made:
        asked = client(made, seconds, **more)
        questions: dict[str, Callable[[], object]]
        questions = {"check": asked.check, "digest": lambda: asked.digest("a", "1"), "tags": lambda: asked.tags("a")}
        with pytest.raises(RegistryError) as caught:
            questions[question]()
    assert caught.value.sentence
    return caught.value


# ── what is right ──


def test_anonymous() -> None:
    def script(method: str, path: str, headers: dict[str, str]) -> Answer:
        if path.startswith("/v2/_catalog"):
            more = {} if "last=" in path else {"Link": '</v2/_catalog?last=shop%2Fapi&n=100>; rel="next"'}
            return (
                200,
                more,
                json.dumps({"repositories": ["shop/worker"] if "last=" in path else ["shop/api"]}).encode(),
            )
        if "/tags/list" in path:
            return ok({"name": "shop/api", "tags": ["1", "2"]})
        if method == "HEAD":
            return 200, {"Docker-Content-Digest": DIGEST, "Content-Length": "500"}, b""
        return (202, {}, b"") if method == "DELETE" else ok()

    with fake_registry(script) as made:
        asked = client(made)
        asked.check()
        first = asked.catalog()
        assert (first.names, first.next) == (("shop/api",), "shop/api")
        assert asked.catalog(first.next) == registry.Names(("shop/worker",), "")
        assert asked.tags("shop/api").names == ("1", "2")
        assert asked.digest("shop/api", "1") == DIGEST
        asked.delete("shop/api", DIGEST)
        assert [method for method, _, _ in made.asked] == ["GET", "GET", "GET", "GET", "HEAD", "DELETE"]
        assert not asked.asked_for_credentials
        assert all("authorization" not in headers for _, _, headers in made.asked)


def test_basic_is_sent_only_when_it_is_asked_for() -> None:
    def script(method: str, path: str, headers: dict[str, str]) -> Answer:
        wanted = "Basic " + b64encode(f"alice:{CANARY}".encode()).decode()
        if headers.get("authorization") == wanted:
            return ok()
        return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b'{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}'

    with fake_registry(script) as made:
        asked = client(made, username="alice", secret=CANARY)
        asked.check()
        assert made.credentials == [f"alice:{CANARY}"]
        assert "authorization" not in made.asked[0][2]
        with pytest.raises(RegistryError, match="does not accept the credentials") as caught:
            client(made, username="alice", secret="wrong").check()
        assert (caught.value.reason, caught.value.said) == ("denied", "UNAUTHORIZED: no")
        with pytest.raises(RegistryError, match="wants credentials"):
            client(made).check()


def test_a_token_from_its_own_place() -> None:
    def script(method: str, path: str, headers: dict[str, str]) -> Answer:
        if path.startswith("/token"):
            assert "scope=repository%3Ashop%2Fapi%3Apull" in path
            assert "service=here" in path
            return ok({"token": "t0ken"})
        if headers.get("authorization") == "Bearer t0ken":
            return ok({"tags": ["1"]})
        challenge = f'Bearer realm="http://{headers["host"]}/token",service="here",scope="repository:shop/api:pull"'
        return 401, {"WWW-Authenticate": challenge}, b""

    with fake_registry(script) as made:
        asked = client(made, username="alice", secret=CANARY)
        assert asked.tags("shop/api").names == ("1",)
        assert made.credentials == [f"alice:{CANARY}"]  # only at the token server
        asked.tags("shop/api")
        assert len(made.asked) == 4  # the token is kept
        assert client(made).tags("shop/api").names == ("1",)  # an anonymous one is asked for too


def test_a_manifest_without_the_header_is_hashed() -> None:
    body = b'{"schemaVersion": 2}'

    with fake_registry(lambda method, path, headers: (200, {}, body)) as made:
        assert client(made).digest("a", "1") == f"sha256:{hashlib.sha256(body).hexdigest()}"


# ── credentials stay ──


def test_a_realm_elsewhere_gets_nothing_unless_it_was_entered() -> None:
    def tokens(method: str, path: str, headers: dict[str, str]) -> Answer:
        return ok({"access_token": "t0ken"})

    with fake_registry(tokens) as other:

        def script(method: str, path: str, headers: dict[str, str]) -> Answer:
            if headers.get("authorization") == "Bearer t0ken":
                return ok()
            return 401, {"WWW-Authenticate": f'Bearer realm="http://{other.host}/token",service="x"'}, b""

        with fake_registry(script) as made:
            with pytest.raises(RegistryError, match="another host") as caught:
                client(made, username="alice", secret=CANARY).check()
            assert caught.value.reason == "elsewhere"
            with pytest.raises(RegistryError, match="another host"):
                client(made).check()
            assert other.asked == []
            client(made, username="alice", secret=CANARY, auth_server=other.host).check()
            assert other.credentials == [f"alice:{CANARY}"]
            assert made.credentials == []


@pytest.mark.parametrize(
    "realm", ["http://{host}@evil.invalid/t", "ftp://{host}/t", "", "http://", "//{host}/t", "x", "http://[x"]
)
def test_realms_that_are_none(realm: str) -> None:
    def script(method: str, path: str, headers: dict[str, str]) -> Answer:
        return 401, {"WWW-Authenticate": f'Bearer realm="{realm.format(host=headers["host"])}"'}, b""

    assert refusal(script, username="alice", secret=CANARY).reason in ("elsewhere", "garbage")


def test_a_realm_in_the_clear_of_a_registry_with_tls() -> None:
    asked = RegistryClient(Registry("images.invalid", "alice", CANARY))
    with pytest.raises(RegistryError, match="plain HTTP"):
        asked._authorization('Bearer realm="http://images.invalid/token"', "")


def test_redirects_lead_nowhere_else() -> None:
    with fake_registry(lambda method, path, headers: ok()) as other:

        def away(method: str, path: str, headers: dict[str, str]) -> Answer:
            return 307, {"Location": f"http://{other.host}/v2/"}, b""

        assert refusal(away, username="alice", secret=CANARY).reason == "elsewhere"
        assert other.asked == []

    def within(method: str, path: str, headers: dict[str, str]) -> Answer:
        return ok() if path == "/v2/there" else (302, {"Location": "/v2/there"}, b"")

    with fake_registry(within) as made:
        client(made).check()
    circle = refusal(lambda method, path, headers: (302, {"Location": path}, b""))
    assert "in circles" in circle.sentence


@pytest.mark.parametrize("header", ["Location", "Link"])
def test_addresses_that_are_none(header: str) -> None:
    value = "<http://[x>; rel=next" if header == "Link" else "http://[x"
    status = 200 if header == "Link" else 302
    assert refusal(lambda method, path, headers: (status, {header: value}, b'{"tags": []}'), "tags").reason == "garbage"


@pytest.mark.parametrize(
    "name", ["a/../b", "a/./b", "a//b", "a/../../v2/_catalog", "..", "a..b", "a/", "/a", "A", "a___b"]
)
def test_names_that_lead_elsewhere_are_not_asked_for(name: str) -> None:
    with fake_registry(lambda method, path, headers: ok({"tags": []})) as made:
        with pytest.raises(RegistryError, match="no name of a repository"):
            client(made).tags(name)
        assert made.asked == []
        assert client(made).tags("a-b/c_d/e__f/g.h/i---j").names == ()


def test_docker_hub_is_known() -> None:
    hub = Registry(HUB)
    assert (hub.place, hub.tokens) == ("registry-1.docker.io", "auth.docker.io")
    RegistryClient(hub)._may_ask("https", "auth.docker.io")
    with pytest.raises(RegistryError):
        RegistryClient(hub)._may_ask("https", "auth.docker.io.evil.invalid")


def test_a_secret_is_not_in_its_repr() -> None:
    assert CANARY not in repr(Registry("a.b", "alice", CANARY))


def test_a_private_ca_is_trusted_when_it_was_entered(tmp_path: Path) -> None:
    tls.make(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server-cert.pem", tmp_path / "server-key.pem")
    with fake_registry(lambda method, path, headers: ok(), context) as made:
        RegistryClient(Registry(made.host, ca=(tmp_path / "ca.pem").read_text())).check()
        for ca in ("", (tmp_path / "other-ca.pem").read_text()):
            with pytest.raises(RegistryError, match="is not trusted") as caught:
                RegistryClient(Registry(made.host, "alice", CANARY, ca)).check()
            assert caught.value.reason == "tls"
        assert len(made.asked) == 1


# ── where it connects ──


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "100.100.100.200",
     "fd00:ec2::254", "224.0.0.1", "0.0.0.0", "::", "255.255.255.255", "168.63.129.16"],
)  # fmt: skip
def test_addresses_that_are_never_asked(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: [(family, 1, 6, "", (address, 80))])
    monkeypatch.setattr(socket, "socket", lambda *a: pytest.fail("it connects"))
    with pytest.raises(RegistryError) as caught:
        RegistryClient(Registry("metadata.invalid")).check()
    assert caught.value.reason == "elsewhere"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "192.0.2.1", "8.8.8.8", "fd12::1", "::1"])
def test_addresses_of_registries(address: str) -> None:
    assert not dial.refused(address)


# ── faults ──


def test_stalled() -> None:
    began = time.monotonic()

    def script(method: str, path: str, headers: dict[str, str]) -> Answer:
        made.stall()
        return ok()

    with fake_registry(script) as made:
        with pytest.raises(RegistryError, match="did not answer in time"):
            client(made, 0.5).check()
        assert time.monotonic() - began < 3


def raw(*parts: bytes, pause: float = 0.0) -> RegistryError:
    """What a server that sends these bytes makes of a question for tags."""
    server = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            try:
                for part in parts:
                    connection.sendall(part)
                    done.wait(pause)
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with pytest.raises(RegistryError) as caught:
            RegistryClient(Registry(f"127.0.0.1:{server.getsockname()[1]}", plain_http=True), 1.0).tags("a")
    finally:
        done.set()
        server.close()
        thread.join(5)
    assert caught.value.sentence
    return caught.value


def test_drips_dies_lies_and_babbles() -> None:
    head = b"HTTP/1.1 200 OK\r\n"
    began = time.monotonic()
    assert raw(head, *[b"X-A: 1\r\n"] * 50, pause=0.1).reason == "unreachable"  # a byte now and then
    assert time.monotonic() - began < 4
    assert raw(head + b"Content-Length: 9999\r\n\r\n{").reason == "unreachable"  # dies in the middle
    assert raw(b"").reason == "unreachable"
    assert raw(b"SSH-2.0-OpenSSH\r\n\r\n").reason == "garbage"
    assert raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n").reason == "garbage"
    assert raw(head + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}").reason == "garbage"
    assert raw(head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n").reason in ("garbage", "unreachable")


def test_larger_than_allowed() -> None:
    size = LONGEST_ANSWER + 10
    found = refusal(lambda method, path, headers: (200, {}, b" " * size), "tags")
    assert "too large" in found.sentence


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"tags": 5}', b"\xff\xfe", b"[" * 100_000, b"<html>"])
def test_garbage(body: bytes) -> None:
    assert refusal(lambda method, path, headers: (200, {}, body), "tags").reason == "garbage"


def test_names_that_are_none_are_left_out() -> None:
    tags = ["1", "", "../x", "a b", 5, None, "x" * 300, "<script>", *[f"t{n}" for n in range(2000)]]
    with fake_registry(lambda method, path, headers: ok({"tags": tags})) as made:
        names = client(made).tags("a").names
    assert names[:2] == ("1", "t0")
    assert len(names) == MOST_NAMES
    with fake_registry(lambda method, path, headers: ok({"tags": None})) as made:
        assert client(made).tags("a").names == ()


@pytest.mark.parametrize("digest", ["sha256:abc", "md5:" + "a" * 32, DIGEST + "0", "x\ty"])
def test_digests_that_are_none(digest: str) -> None:
    headers_ = {"Docker-Content-Digest": digest}
    assert refusal(lambda method, path, headers: (200, headers_, b""), "digest").reason == "garbage"


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "missing"), (405, "off"), (403, "denied"), (429, "failed"), (500, "failed")]
)
def test_statuses(status: int, reason: str) -> None:
    assert refusal(lambda method, path, headers: (status, {}, b""), "tags").reason == reason


def test_no_registry_there() -> None:
    assert "no registry" in refusal(lambda method, path, headers: (404, {}, b"not here")).sentence
    with pytest.raises(RegistryError, match="Nothing answers"):
        RegistryClient(Registry("127.0.0.1:1", plain_http=True)).check()
    with pytest.raises(RegistryError, match="no host"):
        RegistryClient(Registry("images.invalid")).check()


def test_plain_http_is_never_a_way_out() -> None:
    with fake_registry(lambda method, path, headers: ok()) as made:
        with pytest.raises(RegistryError) as caught:
            RegistryClient(Registry(made.host, "alice", CANARY)).check()
        assert caught.value.reason == "tls"
        assert made.asked == []


@given(st.text(max_size=300))
def test_any_challenge(challenge: str) -> None:
    asked = RegistryClient(Registry("127.0.0.1:1", "alice", CANARY, plain_http=True))
    with suppress(RegistryError):  # that alone may be raised
        words = asked._authorization(challenge, "")
        assert words == "" or challenge.lower().startswith("basic")
