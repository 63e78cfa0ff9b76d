"""Where the engine is, and why it does not answer."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.engine import address as addresses
from console.engine.address import TLS, Address, address, candidates, discover, normalise
from console.engine.client import EngineClient
from console.engine.connection import Connection
from console.engine.diagnose import diagnose
from console.engine.errors import Unreachable
from tests import fake_engine
from tests.fake_engine import FakeEngine

NOBODY = 65534


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
        ("unix://", "unix:///var/run/docker.sock"),
        ("unix:////run//user/../docker.sock", "unix:///run/docker.sock"),
        ("tcp://10.0.0.1:2375", "tcp://10.0.0.1:2375"),
        ("tcp://Engine.Example.org", "tcp://engine.example.org:2375"),
        ("tcp://host:1/", "tcp://host:1"),
        ("http://host:80", "tcp://host:80"),
        ("https://host", "https://host:2376"),
        ("tcp://[2001:DB8:0::1]:2376", "tcp://[2001:db8::1]:2376"),
    ],
)
def test_normalise(given: str, canonical: str) -> None:
    assert normalise(given) == canonical
    assert normalise(canonical) == canonical


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "empty"),
        ("/var/run/docker.sock", "neither unix:// nor tcp://"),
        ("localhost:2375", "neither unix:// nor tcp://"),
        ("ssh://me@host", "does not speak"),
        ("npipe:////./pipe/docker_engine", "does not speak"),
        ("ftp://host", "use unix:///path or tcp://host:port"),
        ("unix:///" + "x" * 200, "at most 107 bytes"),
        ("unix:///", "does not name a socket"),
        ("tcp://", "no valid host"),
        ("tcp://host:99999", "no valid host and port"),
        ("tcp://host:0", "no valid port"),
        ("tcp://user@host:1", "more than a host and a port"),
        ("tcp://host:1/path", "more than a host and a port"),
        ("tcp://host:1?x=1", "more than a host and a port"),
        ("tcp://ho st:1", "blanks"),
        ("tcp://host\x00:1", "blanks"),
        ("tcp://-x:1", "no valid host"),
        ("tcp://[zz::1]:1", "no valid host"),
    ],
)
def test_normalise_refuses_in_a_sentence(given: str, says: str) -> None:
    with pytest.raises(ValueError) as refused:
        normalise(given)
    assert says in str(refused.value)
    assert str(refused.value).endswith(".")
    assert "\x00" not in str(refused.value)


def test_address() -> None:
    plain = address("tcp://10.0.0.1")
    assert (plain.url, plain.tls, plain.host, plain.port) == ("tcp://10.0.0.1:2375", None, "10.0.0.1", 2375)
    assert plain.insecure
    assert plain.socket_path is None
    assert not address("tcp://127.0.0.1:2375").insecure
    assert not address("tcp://[::1]:2375").insecure
    assert address("tcp://[2001:db8::1]:2375").host == "2001:db8::1"
    secure = address("https://host")
    assert (secure.url, secure.tls, secure.insecure) == ("tcp://host:2376", TLS(), False)
    assert address("tcp://host", TLS()).url == "tcp://host:2376"
    local = address("unix:///run/x.sock", TLS())
    assert (local.socket_path, local.tls, local.host, local.port) == ("/run/x.sock", None, "", 0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment whose home and runtime folders, and whose default socket, are the test's own."""
    monkeypatch.setattr(addresses, "DEFAULT_SOCKET", str(tmp_path / "docker.sock"))
    (tmp_path / "run").mkdir()
    return {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}


def listen(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    return server


def context(home: dict[str, str], name: str, host: str, skip_verify: bool = False) -> Path:
    folder = Path(home["HOME"]) / ".docker"
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / key / "meta.json"
    meta.parent.mkdir(parents=True)
    endpoints = {"docker": {"Host": host, "SkipTLSVerify": skip_verify}}
    meta.write_text(json.dumps({"Name": name, "Endpoints": endpoints}))
    (folder / "config.json").write_text(json.dumps({"currentContext": name}))
    return folder / "contexts" / "tls" / key / "docker"


def test_discover_prefers_docker_host(home: dict[str, str]) -> None:
    context(home, "far", "tcp://far:1")
    found = discover({**home, "DOCKER_HOST": "tcp://near:1"})
    assert (found.url, found.source, found.tls) == ("tcp://near:1", "DOCKER_HOST", None)
    with pytest.raises(ValueError, match=r"^DOCKER_HOST: “ssh://x” uses ssh://"):
        discover({**home, "DOCKER_HOST": "ssh://x"})


def test_discover_with_tls(home: dict[str, str], tmp_path: Path) -> None:
    for name in ("cert", "key"):
        (tmp_path / f"{name}.pem").touch()
    environ = {**home, "DOCKER_HOST": "tcp://near", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    found = discover(environ)
    assert found.url == "tcp://near:2376"
    assert found.tls == TLS(f"{tmp_path}/ca.pem", f"{tmp_path}/cert.pem", f"{tmp_path}/key.pem")
    with EngineClient(found) as client, pytest.raises(Unreachable) as failed:
        client.ping()
    assert failed.value.problem in ("tls", "wrong-address")


def test_discover_uses_the_context_in_use(home: dict[str, str]) -> None:
    certificates = context(home, "far", "tcp://far:1", skip_verify=True)
    assert discover(home) == Address("tcp://far:1", None, "context far")
    certificates.mkdir(parents=True)
    assert discover(home).tls == TLS(verify=False)
    assert discover({**home, "DOCKER_CONTEXT": "default"}).source == "default socket"
    with pytest.raises(ValueError, match="The Docker context gone does not exist"):
        discover({**home, "DOCKER_CONTEXT": "gone"})
    context(home, "hop", "ssh://x")
    with pytest.raises(ValueError, match=r"^Docker context hop: “ssh://x” uses ssh://"):
        discover(home)
    assert candidates(home)[0].source == "default socket"


def test_discover_takes_the_first_socket_that_answers(home: dict[str, str], tmp_path: Path) -> None:
    assert discover(home).url == f"unix://{tmp_path}/docker.sock", "without any, the one to explain"
    with listen(tmp_path / "run" / "podman" / "podman.sock"):
        assert discover(home).source == "podman"
        with listen(tmp_path / "run" / "docker.sock"):
            assert discover(home).source == "rootless"
        assert discover(home).source == "podman", "a socket nobody listens on is passed over"
    assert discover(home).source == "rootless", "if nobody listens at all, the first that exists"
    with listen(tmp_path / "docker.sock"):
        assert discover(home) == Address(f"unix://{tmp_path}/docker.sock", None, "default socket")
    assert [found.source for found in candidates({**home, "DOCKER_HOST": "tcp://a:1"})][:3] == [
        "DOCKER_HOST",
        "default socket",
        "rootless",
    ]


def test_broken_configuration_is_no_context(home: dict[str, str]) -> None:
    folder = Path(home["HOME"]) / ".docker"
    folder.mkdir()
    for content in ("{", "[]", '{"currentContext": 5}', '{"currentContext": ""}'):
        (folder / "config.json").write_text(content)
        assert discover(home).source == "default socket"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeEngine]:
    with fake_engine.fake_engine(tmp_path) as running:
        yield running


async def everyone_says(found: Address, problem: str) -> str:
    """The sentence for ``found``, after checking that the diagnosis and both clients agree on the problem."""
    diagnosis = diagnose(found, timeout=0.3)
    assert diagnosis is not None
    with EngineClient(found) as client, pytest.raises(Unreachable) as blocking:
        client.ping(timeout=0.3)
    async with Connection(found) as connection:
        with pytest.raises(Unreachable) as streaming:
            await connection.ping(timeout=0.3)
    assert {diagnosis.problem, blocking.value.problem, streaming.value.problem} == {problem}
    assert diagnosis.message.endswith(".")
    return diagnosis.message


async def test_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Address(f"unix://{tmp_path}/none.sock", None, "default socket")
    monkeypatch.setattr("console.engine.diagnose._installed", lambda program: False)
    assert "No Docker engine is installed" in await everyone_says(found, "not-installed")
    monkeypatch.setattr("console.engine.diagnose._installed", lambda program: program == "podman")
    assert "installed and not running" in await everyone_says(found, "not-running")
    found = Address(f"unix://{tmp_path}/nowhere/none.sock", None, "DOCKER_HOST")
    assert "no such folder" in await everyone_says(found, "wrong-address")


async def test_nobody_listens(tmp_path: Path) -> None:
    listen(tmp_path / "dead.sock").close()
    found = Address(f"unix://{tmp_path}/dead.sock")
    assert await everyone_says(found, "not-running") == (
        f"The engine is not running: nothing listens on {tmp_path}/dead.sock."
    )
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        assert "refuses the connection" in await everyone_says(address(f"tcp://127.0.0.1:{port}"), "wrong-address")


async def test_not_a_socket(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    # Linux says "connection refused" of a plain file.
    await everyone_says(Address(f"unix://{tmp_path}/file"), "not-running")


async def test_no_permission(fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.path.chmod(0o600)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    os.seteuid(NOBODY)
    try:
        sentence = await everyone_says(address(fake.url), "no-permission")
    finally:
        os.seteuid(0)
    assert "The user nobody may not open" in sentence
    assert "the group root" in sentence


async def test_no_such_machine() -> None:
    assert await everyone_says(address("tcp://engine.invalid:1"), "wrong-address") == (
        "No machine is known by the name engine.invalid."
    )


async def test_not_docker(fake: FakeEngine) -> None:
    for said in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n<h1>It works</h1>",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ):
        fake.order("/_ping", lambda call, said=said: call.say(said))  # type: ignore[misc]
        assert "is not a Docker engine" in await everyone_says(address(fake.url), "wrong-address")


async def test_tls_is_expected(fake: FakeEngine) -> None:
    refusal = b"Client sent an HTTP request to an HTTPS server.\n"  # what dockerd says on a TLS port
    fake.order("/_ping", lambda call: call.say(b"HTTP/1.0 400 Bad Request\r\nContent-Length: 48\r\n\r\n" + refusal))
    assert "expects TLS" in await everyone_says(address(fake.url), "tls")


async def test_hanging_engine(fake: FakeEngine) -> None:
    fake.order("/_ping", fake_engine.hang)
    assert "does not answer in time" in await everyone_says(address(fake.url), "timeout")
    fake.order("/_ping", fake_engine.drip)
    assert "does not answer in time" in await everyone_says(address(fake.url), "timeout")


async def test_plain_where_tls_is_spoken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "does not answer in time" in await everyone_says(address(f"https://127.0.0.1:{port}"), "timeout")


def test_a_living_engine_needs_no_diagnosis(fake: FakeEngine) -> None:
    assert diagnose(address(fake.url)) is None
