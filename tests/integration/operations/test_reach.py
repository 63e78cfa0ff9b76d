"""The live check on a real engine: what is open, closed, unknown, and what an image cannot test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from console.engine.address import Address
from console.engine.client import EngineClient
from console.operations.kinds.reach import ReachParams, check
from tests.engines import PrivateEngine

TO = "a" * 64


@pytest.fixture
def client(clean_engine: PrivateEngine) -> Iterator[EngineClient]:
    with EngineClient(Address(clean_engine.url)) as made:
        yield made


def test_names_and_ports(clean_engine: PrivateEngine, client: EngineClient) -> None:
    docker = clean_engine.docker
    docker("network", "create", "front")
    docker("run", "-d", "--name", "web", "--network", "front", "nginx")
    a = docker("run", "-d", "--name", "asks", "--network", "front", "--dns", "127.0.0.1", "alpine", "sleep", "600")
    held = docker(
        "run", "-d", "--name", "held", "--network", "front", "alpine", "nc", "-ll", "-p", "7", "-e", "sleep", "60"
    )
    where = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = docker("inspect", "-f", where, "web")
    slow = docker("inspect", "-f", where, held)
    params = ReachParams(TO, ("web", "nobody"), (f"{address}:80", f"{address}:81", f"{slow}:7"))
    steps: list[int] = []
    found = check(client, a, params, lambda: steps.append(1))
    assert [(name, ok) for name, ok, _ in found["names"]] == [("web", True), ("nobody", False)]
    assert [(target, ok) for target, ok, _ in found["ports"]] == [
        (f"{address}:80", True), (f"{address}:81", False), (f"{slow}:7", True)]  # fmt: skip
    assert found["note"] == "1 of 2 names resolve, 2 of 3 targets open"
    assert len(steps) == 5
    assert "nc" not in docker("top", a).split()


def test_an_image_without_the_programs_says_so(clean_engine: PrivateEngine, client: EngineClient) -> None:
    docker = clean_engine.docker
    docker(
        "run", "--name", "made", "alpine", "rm", "/bin/nc", "/bin/nslookup", "/usr/bin/nc", "/usr/bin/nslookup", "-f"
    )
    docker("commit", "made", "bare:1")
    bare = docker("run", "-d", "bare:1", "sleep", "600")
    found = check(client, bare, ReachParams(TO, ("web",), ("127.0.0.1:80",)), lambda: None)
    assert [found["names"][0][1], found["ports"][0][1]] == [None, None]
    assert "its image has none of" in found["ports"][0][2]
