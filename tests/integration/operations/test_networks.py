"""Networks and swarms as operations on real engines; the docker command line is the witness."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from console.engine import swarm
from console.engine.address import address
from console.engine.client import EngineClient
from console.models import Engine, Operation, User
from console.operations.claim import CRASH_POINTS
from console.operations.request import request_operation
from tests import factories
from tests.dying_workers import Workers
from tests.engines import EngineFactory, PrivateEngine
from tests.integration.operations.conftest import fresh

SLEEP = ("busybox", "sleep", "600")
Ask = Callable[..., Operation]


@pytest.fixture
def ask(row: Engine, admin: User, workers: Workers) -> Ask:
    """Asks for an operation, lets a worker do it, gives its row."""

    def asked(verb: str, object_id: str, called: str, on: Engine | None = None, /, **params: Any) -> Operation:
        operation = request_operation(admin, on or row, verb, object_id, called, params)
        assert workers.run(operation.pk, "", "worker") == 0
        return fresh(operation)

    return asked


def made(ask: Ask, name: str, on: Engine | None = None, **spec: Any) -> str:
    operation = ask("network.create", name, name, on, name=name, **spec)
    assert operation.state == Operation.State.SUCCEEDED, (operation.error, operation.result)
    return str(operation.result["object_id"])


def test_a_bridge_with_everything_is_what_was_asked(ask: Ask, clean_engine: PrivateEngine) -> None:
    made(
        ask,
        "my-net",
        subnet=["172.30.0.0/16"],
        gateway=["172.30.0.9"],
        ip_range=["172.30.5.0/24"],
        aux_address=[["router", "172.30.5.1"]],
        internal=True,
        opt=[["com.docker.network.driver.mtu", "1400"]],
        label=[["tier", "web"]],
    )
    found = json.loads(clean_engine.docker("network", "inspect", "my-net"))[0]
    assert found["IPAM"]["Config"] == [
        {
            "Subnet": "172.30.0.0/16",
            "IPRange": "172.30.5.0/24",
            "Gateway": "172.30.0.9",
            "AuxiliaryAddresses": {"router": "172.30.5.1"},
        }
    ]
    assert (found["Internal"], found["Labels"]) == (True, {"tier": "web"})
    assert found["Options"] == {"com.docker.network.driver.mtu": "1400"}


def test_two_connected_ones_reach_each_other_by_name_and_alias(ask: Ask, clean_engine: PrivateEngine) -> None:
    net = made(ask, "my-net", subnet=["172.30.0.0/16"])
    a = clean_engine.docker("run", "-d", "--name", "aa", *SLEEP)
    b = clean_engine.docker("run", "-d", "--name", "bb", *SLEEP)
    assert ask("network.connect", net, "my-net", container=a, name="aa").state == Operation.State.SUCCEEDED
    done = ask("network.connect", net, "my-net", container=b, name="bb", ip="172.30.0.77", alias=["db"])
    assert done.state == Operation.State.SUCCEEDED
    assert "172.30.0.77" in clean_engine.docker("exec", "aa", "ping", "-c", "1", "db")
    taken = ask("network.disconnect", net, "my-net", container=a, name="aa")
    assert taken.state == Operation.State.SUCCEEDED
    again = ask("network.connect", net, "my-net", container=a, name="aa", ip="172.30.0.77")
    assert again.state == Operation.State.FAILED
    assert "in use" in again.error.lower()
    used = ask("network.remove", net, "my-net")
    assert used.state == Operation.State.FAILED
    assert used.result["reason"] == "In use by bb: disconnect them first."
    assert "active endpoints" in used.error
    assert ask("network.disconnect", net, "my-net", container=b, name="bb").state == Operation.State.SUCCEEDED
    assert ask("network.remove", net, "my-net").state == Operation.State.SUCCEEDED
    assert "my-net" not in clean_engine.docker("network", "ls")


@pytest.mark.parametrize(
    ("words", "spec"),
    [
        ("overlaps", {"subnet": ["172.31.8.0/24"]}),
        ("subinterface", {"driver": "macvlan", "subnet": ["10.77.0.0/24"], "opt": [["parent", "nowhere0"]]}),
        ("swarm", {"driver": "overlay"}),
    ],
)
def test_the_engine_refuses_in_its_words(
    words: str, spec: dict[str, Any], ask: Ask, clean_engine: PrivateEngine
) -> None:
    made(ask, "first", subnet=["172.31.0.0/16"])
    operation = ask("network.create", "second", "second", name="second", **spec)
    assert operation.state == Operation.State.FAILED
    assert words in operation.error.lower()
    assert "second" not in clean_engine.docker("network", "ls")


def test_macvlan_carries_traffic(ask: Ask, clean_engine: PrivateEngine) -> None:
    made(ask, "lan", driver="macvlan", subnet=["10.77.0.0/24"], opt=[["parent", "up0"], ["macvlan_mode", "bridge"]])
    clean_engine.docker("run", "-d", "--name", "aa", "--network", "lan", "--ip", "10.77.0.10", *SLEEP)
    clean_engine.docker("run", "-d", "--name", "bb", "--network", "lan", *SLEEP)
    assert "1 packets received" in clean_engine.docker("exec", "bb", "ping", "-c", "1", "10.77.0.10")
    assert "10.77.0.10" in clean_engine.docker("exec", "bb", "ping", "-c", "1", "aa")


def test_ipvlan_is_made_and_the_kernels_refusal_is_shown(ask: Ask, clean_engine: PrivateEngine) -> None:
    made(ask, "edge", driver="ipvlan", subnet=["10.78.0.0/24"], opt=[["parent", "up0"], ["ipvlan_mode", "l2"]])
    a = clean_engine.docker("create", "--name", "aa", "--network", "edge", *SLEEP)
    operation = ask("container.start", a, "aa")
    if operation.state == Operation.State.FAILED:  # a kernel without ipvlan
        assert "ipvlan" in operation.error
    else:
        assert "10.78.0." in clean_engine.docker("exec", "aa", "ip", "addr")


@pytest.mark.parametrize("point", [*CRASH_POINTS, "after-keep"])
@pytest.mark.parametrize("verb", ["create", "connect", "disconnect", "remove"])
def test_a_crash_loses_nothing_and_doubles_nothing(
    verb: str, point: str, row: Engine, admin: User, workers: Workers, ask: Ask, clean_engine: PrivateEngine
) -> None:
    a = clean_engine.docker("run", "-d", "--name", "aa", *SLEEP)
    params: dict[str, Any] = {"name": "my-net"}
    net = "my-net"
    if verb != "create":
        net = clean_engine.docker("network", "create", "my-net")
        params = {"container": a, "name": "aa"}
    if verb == "disconnect":
        clean_engine.docker("network", "connect", "my-net", "aa")
    operation = request_operation(admin, row, f"network.{verb}", net, "my-net", params if verb != "remove" else {})
    workers.run(operation.pk, point, "first")
    workers.run(operation.pk, "", "second")
    ended = fresh(operation)
    assert ended.state == Operation.State.SUCCEEDED, (ended.error, ended.result)
    there = clean_engine.docker("network", "ls", "--filter", "name=my-net", "--format", "{{.Name}}").split()
    assert there == ([] if verb == "remove" else ["my-net"])
    on = json.loads(clean_engine.docker("inspect", "aa"))[0]["NetworkSettings"]["Networks"]
    assert ("my-net" in on) == (verb == "connect")


@pytest.mark.parametrize("point", ["after-keep", "after-call"])
def test_a_swarm_is_begun_and_left_once(
    point: str, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    asked = (("init", {"advertise": clean_engine.address}, "active"), ("leave", {"force": "1"}, "inactive"))
    for verb, params, state in asked:
        operation = request_operation(admin, row, f"swarm.{verb}", row.slug, str(row), params)
        workers.run(operation.pk, point, "first")
        workers.run(operation.pk, "", "second")
        ended = fresh(operation)
        assert ended.state == Operation.State.SUCCEEDED, (ended.error, ended.result)
        assert ended.attempt == 2
        assert clean_engine.get("/info")["Swarm"]["LocalNodeState"] == state


def join(engine: PrivateEngine, token: str, manager: str) -> None:
    """``docker swarm join``. On a busy machine the engine says after 20 s that it goes on with it in the background."""
    try:
        engine.docker("swarm", "join", "--token", token, "--advertise-addr", engine.address, manager)
    except AssertionError as error:
        if "will continue in the background" not in str(error):
            raise
    deadline = time.monotonic() + 60
    while (state := engine.get("/info")["Swarm"]["LocalNodeState"]) != "active":
        assert state == "pending"
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_overlay_over_two_engines_after_a_swarm_is_begun(
    ask: Ask, admin: User, new_engine: EngineFactory, transactional_db: None
) -> None:
    first, second = new_engine(), new_engine()
    here = factories.engine("first", url=first.url, engine_id=first.get("/info")["ID"])
    there = factories.engine("second", url=second.url, engine_id=second.get("/info")["ID"])
    begun = ask("swarm.init", "first", "first", here, advertise=first.address)
    assert begun.state == Operation.State.SUCCEEDED, (begun.error, begun.result)
    with EngineClient(address(first.url)) as client:
        tokens = swarm.tokens(client)
        assert tokens.address == f"{first.address}:2377"
        join(second, tokens.worker, tokens.address)
        assert [node.role for node in swarm.nodes(client)] == ["manager", "worker"]
    net = made(ask, "mesh", here, driver="overlay", attachable=True, subnet=["10.79.0.0/24"])
    first.docker("run", "-d", "--name", "aa", "--network", "mesh", *SLEEP)
    second.docker("run", "-d", "--name", "bb", "--network", "mesh", *SLEEP)
    deadline = time.monotonic() + 20
    while True:
        heard = second.docker("exec", "bb", "sh", "-c", "ping -c 1 -W 2 aa; true")
        if "1 packets received" in heard or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    assert "1 packets received" in heard
    first.docker("rm", "-f", "aa")
    second.docker("rm", "-f", "bb")
    assert ask("network.remove", net, "mesh", here).state == Operation.State.SUCCEEDED
    assert ask("swarm.leave", "second", "second", there).state == Operation.State.SUCCEEDED
    refused = ask("swarm.leave", "first", "first", here)
    assert (refused.state, "--force" in refused.error or "force" in refused.error) == (Operation.State.FAILED, True)
    assert ask("swarm.leave", "first", "first", here, force="1").state == Operation.State.SUCCEEDED
    assert first.get("/info")["Swarm"]["LocalNodeState"] == "inactive"
