"""Engines behind TLS: the right certificates get through, nothing else does, on both kinds of connection."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from console.engine.address import TLS, Address, address
from console.engine.client import EngineClient
from console.engine.diagnose import diagnose
from console.engine.errors import Unreachable
from console.engine.streams import events, ping
from tests.engines import PrivateEngine, start_engine


@pytest.fixture(scope="module")
def tls_engine(engine_session: object) -> Iterator[PrivateEngine]:
    """An engine that wants client certificates."""
    private = start_engine(load=(), tls=2376)
    try:
        yield private
    finally:
        private.stop()


@pytest.fixture
def secure(tls_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch) -> Address:
    """Its address, in an environment that would send a client elsewhere."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    monkeypatch.setenv("CURL_CA_BUNDLE", "/nonexistent")
    monkeypatch.setenv("https_proxy", "http://192.0.2.1:1")
    folder = tls_engine.certificates
    assert tls_engine.tcp_url is not None
    return address(tls_engine.tcp_url, TLS(f"{folder}/ca.pem", f"{folder}/cert.pem", f"{folder}/key.pem"))


async def test_calls_and_streams(secure: Address, tls_engine: PrivateEngine) -> None:
    assert diagnose(secure) is None
    with EngineClient(secure) as client:
        client.ping()
        assert client.info().api_version == tls_engine.api_version
    async with events(secure) as stream:
        await asyncio.to_thread(tls_engine.docker, "volume", "create", "seen")
        async with asyncio.timeout(10):
            async for event in stream:
                assert (event.type, event.actor_id) == ("volume", "seen")
                break


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ca": "other-ca.pem"}, "is not accepted"),
        ({"ca": None}, "is not accepted"),
        ({"cert": "other-cert.pem", "key": "other-key.pem"}, "TLS connection"),
        ({"cert": None, "key": None}, "TLS connection"),
        ({"ca": "gone.pem"}, "TLS file"),
        ({"cert": "gone.pem"}, "TLS file"),
        (None, "expects TLS"),
    ],
)
async def test_wrong_certificates(
    secure: Address, tls_engine: PrivateEngine, change: dict[str, str | None] | None, says: str
) -> None:
    assert secure.tls is not None
    folder: Path = tls_engine.certificates
    files = {name: str(folder / file) if file else None for name, file in (change or {}).items()}
    wrong = replace(secure, tls=replace(secure.tls, **files) if change else None)  # type: ignore[arg-type]
    diagnosis = diagnose(wrong)
    assert diagnosis is not None
    with EngineClient(wrong) as client, pytest.raises(Unreachable) as blocking:
        client.ping()
    with pytest.raises(Unreachable) as streaming:
        await ping(wrong)
    assert [diagnosis.problem, blocking.value.problem, streaming.value.problem] == ["tls"] * 3
    for error in (diagnosis, blocking.value, streaming.value):
        assert says in error.message


@pytest.fixture
def elsewhere(secure: Address, tls_engine: PrivateEngine) -> Iterator[Address]:
    """An address where the engine's own certificate is shown, which does not name that address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls_engine.certificates / "server-cert.pem", tls_engine.certificates / "server-key.pem")
    server = socket.create_server(("127.0.0.2", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield replace(secure, url=f"tcp://127.0.0.2:{server.getsockname()[1]}")
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


async def test_another_name_than_the_certificates(elsewhere: Address) -> None:
    diagnosis = diagnose(elsewhere)
    assert diagnosis is not None
    with EngineClient(elsewhere) as client, pytest.raises(Unreachable) as blocking:
        client.ping()
    with pytest.raises(Unreachable) as streaming:
        await ping(elsewhere)
    for error in (diagnosis, blocking.value, streaming.value):
        assert error.problem == "tls"
        assert "is not accepted" in error.message
