"""Calls to an engine: what a real one answers, and how the client survives one that lies, stalls or floods."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from console.engine import client as client_module
from console.engine import translate
from console.engine.address import address
from console.engine.client import EngineClient
from console.engine.errors import (
    AlreadySo,
    Conflict,
    EngineError,
    Failed,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Unreachable,
    Unsupported,
)
from console.engine.types import Container, ContainerState, Image, Network, Unparsed, Volume
from tests import fake_engine
from tests.engines import EngineFactory, PrivateEngine
from tests.fake_engine import FakeEngine
from tests.payloads import load

ID, OTHER = "ab" * 32, "cd" * 32
INSPECT = f"/v1\\.41/containers/{ID}/json"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeEngine]:
    with fake_engine.fake_engine(tmp_path) as running:
        yield running


@pytest.fixture
def client(fake: FakeEngine) -> Iterator[EngineClient]:
    with EngineClient(address(fake.url), timeout=0.5) as opened:
        yield opened


@pytest.fixture
def real(clean_engine: PrivateEngine) -> Iterator[EngineClient]:
    with EngineClient(address(clean_engine.url)) as opened:
        yield opened


# -- answers that a real engine does not give --------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [fake_engine.hang, fake_engine.drip, fake_engine.drip_body])
def test_a_call_ends_at_its_deadline(client: EngineClient, fake: FakeEngine, fault: fake_engine.Speak) -> None:
    fake.order(INSPECT, fault)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="does not answer in time") as failed:
        client.container(ID)
    assert failed.value.problem == "timeout"
    assert time.monotonic() - began < 6.0  # 0.5 s, 3 s for connecting, and a slow machine
    client.ping()


def test_an_answer_that_ends_early(client: EngineClient, fake: FakeEngine) -> None:
    fake.order(INSPECT, fake_engine.die)
    with pytest.raises(Unreachable, match="was lost"):
        client.container(ID)


@pytest.mark.parametrize("body", [b"", b"garbage", b"<html>", b"[]", b"null", b'"x"', b"[" * 50_000, b"\xff\xfe{}"])
def test_garbage(client: EngineClient, fake: FakeEngine, body: bytes) -> None:
    fake.order(r"/v1\.41/.*", fake_engine.answer(body))
    calls: list[Callable[[], Any]] = [
        lambda: client.container(ID),
        lambda: client.raw_image(ID),
        lambda: client.volumes(),
        lambda: client.info(),
        lambda: client.top(ID),
        lambda: client.disk_usage(),
    ]
    for call in calls:
        with pytest.raises(Malformed):
            call()


def test_an_endless_or_large_answer(client: EngineClient, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LIST_CAP", 4 * 1024 * 1024)
    monkeypatch.setattr(client, "timeout", 10.0)
    fake.order(r"/v1\.41/containers/json.*", fake_engine.endless)
    with pytest.raises(Malformed, match="too large"):
        client.containers()
    fake.order(INSPECT, fake_engine.answer(b" " * (33 * 1024 * 1024)))
    with pytest.raises(Malformed, match="too large"):
        client.container(ID)


def test_compressed_answers_are_not_unpacked(client: EngineClient, fake: FakeEngine) -> None:
    fake.order(INSPECT, fake_engine.answer(b"\x1f\x8b\x08bomb", headers="Content-Encoding: gzip\r\n"))
    with pytest.raises(Malformed):
        client.container(ID)


def test_redirects_are_not_followed(client: EngineClient, fake: FakeEngine) -> None:
    fake.order(INSPECT, fake_engine.answer(b"", 302, "Location: http://192.0.2.1/\r\n"))
    with pytest.raises(Malformed, match="302"):
        client.container(ID)


def test_another_object_than_asked_for_is_unparsed(client: EngineClient, fake: FakeEngine) -> None:
    fake.order(INSPECT, fake_engine.json_answer({"Id": OTHER, "Name": "/liar\x00"}))
    found = client.container(ID)
    assert isinstance(found, Unparsed)
    assert (found.id, found.name) == (ID, "liar␀")
    assert "another object" in found.error


def test_one_bad_object_does_not_stop_the_others(
    client: EngineClient, fake: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    good = load("networks")
    fake.order(r"/v1\.41/networks", fake_engine.json_answer([{"Id": "bad", "Name": "x\u202e"}, None, *good]))
    networks = client.networks()
    assert [type(network) for network in networks] == [Unparsed, Unparsed] + [Network] * len(good)
    assert isinstance(networks[0], Unparsed)
    assert (networks[0].id, networks[0].name) == ("bad", "x\\u202e")
    fake.order(r"/v1\.41/volumes", fake_engine.json_answer({"Volumes": [{"Name": "a\x00"}, {"Name": "good"}]}))
    assert [type(volume) for volume in client.volumes()] == [Unparsed, Volume]
    fake.order(r"/v1\.41/containers/json.*", fake_engine.json_answer([{"Id": "../x"}, 7, *load("containers")]))
    assert [summary.name for summary in client.containers()] == [
        entry["Names"][0].removeprefix("/") for entry in load("containers")
    ]
    assert "2 objects without a valid id" in caplog.text


def test_images_of_both_lists(client: EngineClient, fake: FakeEngine) -> None:
    top = [{"Id": f"sha256:{ID}", "RepoTags": ["a:1"]}, {"Id": f"sha256:{OTHER}", "RepoTags": ["<none>:<none>"]}]
    fake.order(r"/v1\.41/images/json", fake_engine.json_answer(top))
    fake.order(r"/v1\.41/images/json\?all=1", fake_engine.json_answer([*top, {"Id": f"sha256:{'ef' * 32}"}]))
    assert [(summary.id[7:9], summary.intermediate) for summary in client.images()] == [
        ("ab", False),
        ("cd", False),
        ("ef", True),
    ]


@pytest.mark.parametrize(
    ("newest", "oldest", "spoken"),
    [
        ("1.41", "1.12", "1.41"),
        ("1.51", "1.24", "1.45"),
        ("1.60", "1.50", "1.50"),
        ("1.41", None, "1.41"),
        ("1.24", "1.12", "1.24"),
        ("2.0", "2.0", "2.0"),
    ],
)
def test_version(client: EngineClient, fake: FakeEngine, newest: str, oldest: str | None, spoken: str) -> None:
    fake.order("/version", fake_engine.json_answer({"ApiVersion": newest, "MinAPIVersion": oldest}))
    fake.order(r"/v.*/containers/json\?all=1", fake_engine.json_answer([]))
    assert client.containers() == []
    assert client.containers() == []
    assert fake.seen == [("GET", "/version")] + [("GET", f"/v{spoken}/containers/json?all=1")] * 2


def test_versions_that_do_not_serve(client: EngineClient, fake: FakeEngine) -> None:
    fake.order("/version", fake_engine.json_answer({"ApiVersion": "1.18"}))
    with pytest.raises(Unsupported, match=r"speaks API 1\.18"):
        client.containers()
    for version in ("", "x", "1.41/../..", 1.41, None):
        fake.order("/version", fake_engine.json_answer({"ApiVersion": version}))
        with pytest.raises(Unreachable) as failed:
            client.containers()
        assert failed.value.problem == "wrong-address"


def test_another_version_behind_the_same_address(client: EngineClient, fake: FakeEngine) -> None:
    assert client.api_version() == "1.41"
    refusal = {"message": "client version 1.41 is too new. Maximum supported API version is 1.30"}
    fake.order(r"/v1\.41/.*", fake_engine.json_answer(refusal, 400))
    fake.order("/version", fake_engine.json_answer({"ApiVersion": "1.30"}))
    fake.order(r"/v1\.30/containers/json\?all=1", fake_engine.json_answer([]))
    assert client.containers() == []


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (304, "", AlreadySo),
        (400, "no", Invalid),
        (401, "no", Forbidden),
        (403, "no", Forbidden),
        (404, "No such container: x", NotFound),
        (404, "page not found", Unsupported),
        (405, "no", Unsupported),
        (409, "no", Conflict),
        (418, "no", Invalid),
        (500, "no", Failed),
        (500, "Container x is not paused", Conflict),
        (501, "no", Unsupported),
        (503, "no", Failed),
    ],
)
def test_statuses(client: EngineClient, fake: FakeEngine, status: int, message: str, kind: type[EngineError]) -> None:
    fake.order(f"/v1.41/containers/{ID}/start", fake_engine.json_answer({"message": message}, status))
    with pytest.raises(EngineError) as failed:
        client.start(ID)
    assert type(failed.value) is kind
    if message and kind is not Unsupported:
        assert failed.value.message == message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"message": "a\\u0000b\\u202e"}', "a␀b\\u202e"),
        (b'{"message": 5}', "The engine answered 500 Internal Server Error."),
        (b'{"cause": "x"}', "The engine answered 500 Internal Server Error."),
        (b"plain\nwords", "plain\nwords"),
        (b"<html>proxy</html>", "The engine answered 500 Internal Server Error."),
        (b"", "The engine answered 500 Internal Server Error."),
        (b"\xff" * 10, "\ufffd" * 10),
    ],
)
def test_the_engines_own_sentence(body: bytes, said: str) -> None:
    with pytest.raises(Failed) as failed:
        translate.raise_for(500, body)
    assert failed.value.message == said
    with pytest.raises(Failed) as failed:
        translate.raise_for(500, json.dumps({"message": "x" * 5_000_000}).encode())
    assert failed.value.message.endswith("… (cut, 5,000,000 characters)")


@pytest.mark.parametrize("bad", ["", ".", "..", "a\x00b", "a\nb", "x" * 600])
def test_what_is_no_id_is_not_asked_for(client: EngineClient, fake: FakeEngine, bad: str) -> None:
    for call in (client.container, client.volume, client.start, client.raw_network):
        with pytest.raises(Invalid):
            call(bad)
    assert fake.seen == []


def test_an_id_stays_one_segment_of_the_path(client: EngineClient, fake: FakeEngine) -> None:
    with pytest.raises(Unsupported):
        client.start("../images/x?y=1#z%00")
    assert fake.seen[-1] == ("POST", "/v1.41/containers/..%2Fimages%2Fx%3Fy%3D1%23z%2500/start")


def test_a_slow_call_does_not_delay_another(fake: FakeEngine, client: EngineClient) -> None:
    fake.order(INSPECT, fake_engine.hang)
    with EngineClient(address(fake.url), timeout=3.0) as patient, ThreadPoolExecutor(16) as pool:
        slow = [pool.submit(patient.container, ID) for _ in range(12)]
        time.sleep(0.2)
        patient.ping()
        assert not any(call.done() for call in slow), "the ping came through while all of them waited"
        assert all(isinstance(call.exception(), Unreachable) for call in slow)


def test_a_closed_client_says_so(client: EngineClient) -> None:
    client.ping()
    client.close()
    with pytest.raises(Unreachable, match="was closed"):
        client.ping()


# -- a real engine -----------------------------------------------------------------------------------------------------


def test_everything_is_listed_and_inspected(real: EngineClient, clean_engine: PrivateEngine) -> None:
    clean_engine.docker("network", "create", "back")
    clean_engine.docker("volume", "create", "data")
    name = clean_engine.docker("run", "-d", "--name", "web", "-v", "data:/d", "--net", "back", "alpine", "sleep", "1d")
    info = real.info()
    assert info.id == clean_engine.docker("info", "-f", "{{.ID}}")
    assert info.api_version == clean_engine.api_version
    assert [summary.id for summary in real.containers()] == [name]
    container = real.container(name)
    assert isinstance(container, Container)
    assert (container.name, container.state) == ("web", ContainerState.RUNNING)
    assert container.mounts[0].name == "data"
    images = real.images()
    assert {summary.id for summary in images} == set(clean_engine.docker("images", "-q", "--no-trunc").splitlines())
    for summary in images:
        image = real.image(summary.id)
        assert isinstance(image, Image)
        assert image.id == summary.id
        assert real.image_history(image.id)[0].id == image.id
    networks = real.networks()
    assert {network.name for network in networks} == {"bridge", "host", "none", "back"}
    assert [real.network(network.id) for network in networks] == networks
    assert real.volumes() == [real.volume("data")]
    assert real.disk_usage().containers.count == 1
    assert real.disk_usage().volume_sizes == real.volume_sizes() == {"data": 0}


def test_a_containers_life(real: EngineClient, clean_engine: PrivateEngine) -> None:
    name = clean_engine.docker("create", "--name", "job", "-v", "/scratch", "alpine", "sleep", "1d")

    def state() -> str:
        return clean_engine.docker("inspect", "-f", "{{.State.Status}}", name)

    with pytest.raises(Conflict, match="is not running"):
        real.kill(name)
    real.start(name)
    assert state() == "running"
    with pytest.raises(AlreadySo):
        real.start(name)
    assert real.top(name).processes[0][-1] == "sleep 1d"
    real.pause(name)
    assert state() == "paused"
    with pytest.raises(Conflict, match="already paused"):
        real.pause(name)
    real.unpause(name)
    with pytest.raises(Conflict, match="not paused"):
        real.unpause(name)
    with pytest.raises(Conflict, match="cannot remove a running container"):
        real.remove(name)
    with pytest.raises(Invalid, match="NOPE"):
        real.kill(name, "NOPE")
    real.rename(name, "renamed")
    assert clean_engine.docker("inspect", "-f", "{{.Name}}", name) == "/renamed"
    clean_engine.docker("create", "--name", "taken", "alpine")
    with pytest.raises(Conflict, match="already in use"):
        real.rename(name, "taken")
    real.restart(name, 0)
    assert state() == "running"
    real.kill(name)
    assert clean_engine.docker("wait", name) == "137"
    with pytest.raises(AlreadySo):
        real.stop(name)
    real.remove(name, volumes=True)
    assert clean_engine.docker("volume", "ls", "-q") == ""
    for call in (real.start, real.stop, real.pause, real.container, real.remove, real.raw_container, real.top):
        with pytest.raises(NotFound, match="No such container"):
            call(name)


def test_stop_waits_as_long_as_the_container_says(real: EngineClient, clean_engine: PrivateEngine) -> None:
    name = clean_engine.docker(
        "run", "-d", "--stop-timeout", "1", "alpine", "sh", "-c", "trap '' TERM; sleep 60 & wait"
    )
    with EngineClient(address(clean_engine.url), timeout=0.5) as hasty:
        hasty.stop(name)
    assert clean_engine.docker("inspect", "-f", "{{.State.ExitCode}}", name) == "137"


def test_a_summary_changes_when_a_container_ran_again(real: EngineClient, clean_engine: PrivateEngine) -> None:
    names = [
        clean_engine.docker("run", "-d", "--init", "--net", network, "alpine", "sleep", "1d")
        for network in ("bridge", "host", "none")
    ]
    time.sleep(1.2)  # the list lags behind
    before = {summary.id: summary.digest for summary in real.containers()}
    assert {summary.id: summary.digest for summary in real.containers()} == before
    for name in names:
        real.restart(name, 1)
    time.sleep(1.2)
    after = {summary.id: summary.digest for summary in real.containers()}
    assert all(before[name] != after[name] for name in names)


def test_hostile_objects(real: EngineClient, clean_engine: PrivateEngine) -> None:
    evil = "<script>alert(1)</script>\u202e\x1b]52;c;eA==\x07"
    bomb = {"Image": "alpine", "Labels": {"evil": evil, "nul": "a\x00b", "big": "x" * 5_000_000}, "Env": [f"E={evil}"]}
    for number in range(1000):
        bomb["Labels"][f"label{number}"] = "y"  # type: ignore[index]
    created = clean_engine.docker("create", "alpine")
    hostile = create(clean_engine, bomb)
    assert {summary.id for summary in real.containers()} == {created, hostile}
    container = real.container(hostile)
    assert isinstance(container, Container)
    assert container.labels["evil"] == "<script>alert(1)</script>\\u202e␛]52;c;eA==␇"
    assert container.labels["…"] == "747 more"
    assert container.labels["big"].endswith("… (cut, 5,000,000 characters)")
    assert container.env[0][1].startswith("<script>")
    shown = real.raw_container(hostile)
    assert shown["Config"]["Labels"]["nul"] == "a␀b"
    assert len(json.dumps(shown)) < 5 * 1024 * 1024


def create(engine: PrivateEngine, config: dict[str, Any]) -> str:
    """Create a container with a configuration that no command line can give."""
    import http.client
    import socket

    connection = http.client.HTTPConnection("engine")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(engine.socket))
    body = json.dumps(config).encode()
    connection.request("POST", "/containers/create?name=hostile", body, {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return str(answer["Id"])


def test_health_log_and_changes(real: EngineClient, clean_engine: PrivateEngine) -> None:
    name = clean_engine.docker(
        "run", "-d", "--health-cmd", "echo fine; touch /touched", "--health-interval", "1s", "alpine", "sleep", "1d"
    )
    end = time.monotonic() + 20
    while not (probes := real.health_log(name)) and time.monotonic() < end:
        time.sleep(0.2)
    assert (probes[0].exit_code, probes[0].output) == (0, "fine\n")
    assert probes[0].start is not None
    assert probes[0].end is not None
    assert ("/touched", "added") in {(change.path, change.kind) for change in real.changes(name)}


def test_many_threads_share_a_client(real: EngineClient, clean_engine: PrivateEngine) -> None:
    names = [clean_engine.docker("create", "alpine") for _ in range(8)]
    barrier = threading.Barrier(8)

    def inspect(name: str) -> list[str]:
        barrier.wait(10)
        return [found.id for found in (real.container(name) for _ in range(50))]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(inspect, names))
    assert answers == [[name] * 50 for name in names]


def test_an_engine_that_hangs_dies_and_comes_back(new_engine: EngineFactory) -> None:
    engine = new_engine(load=())
    with EngineClient(address(engine.url), timeout=1.0) as client:
        assert client.containers() == []
        engine.hang()
        with pytest.raises(Unreachable) as failed:
            client.ping(timeout=0.5)
        assert failed.value.problem == "timeout"
        engine.resume()
        client.ping()
        engine.kill()
        with pytest.raises(Unreachable) as failed:
            client.containers()
        assert failed.value.problem == "not-running"
        engine.restart()
        assert client.containers() == []
