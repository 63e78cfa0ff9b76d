"""What is refused before an engine is asked, and at which field."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from console.engine import networks
from console.engine.command.network import CreateNetwork
from console.operations.network_params import (
    ConnectParams,
    CreateParams,
    DisconnectParams,
    SwarmInitParams,
    SwarmLeaveParams,
    check,
)
from console.operations.params import InvalidParams
from console.operations.verbs import WORKS
from console.operations.work import WorkFailed


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "bridge"}),
        ("name", {"name": "-x"}),
        ("subnet-0", {"subnet": ("172.30.0.0",)}),
        ("subnet-0", {"subnet": ("nonsense/16",)}),
        ("subnet-1", {"subnet": ("172.30.0.0/16", "172.30.4.0/24")}),
        ("ipv6", {"subnet": ("fd00::/64",)}),
        ("gateway-0", {"subnet": ("172.30.0.0/16",), "gateway": ("172.31.0.1",)}),
        ("gateway-0", {"gateway": ("172.31.0.1",)}),
        ("range-0", {"subnet": ("172.30.0.0/16",), "ip_range": ("172.31.0.0/24",)}),
        ("range-0", {"subnet": ("172.30.0.0/16",), "ip_range": ("x",)}),
        ("aux", {"subnet": ("172.30.0.0/16",), "aux_address": (("a", "10.0.0.1"),)}),
        ("aux", {"aux_address": (("a", "b"),)}),
        ("parent", {"driver": "macvlan"}),
        ("parent", {"driver": "ipvlan", "opt": (("parent", "a b"),)}),
        ("mode", {"driver": "macvlan", "opt": (("parent", "eth0"), ("macvlan_mode", "l3"))}),
        ("driver", {"driver": "host"}),
        ("options", {"opt": (("a b", "c"),)}),
        ("bridge_name", {"opt": (("com.docker.network.bridge.name", "far-too-long-a-name"),)}),
        ("host_binding", {"opt": (("com.docker.network.bridge.host_binding_ipv4", "x"),)}),
    ],
)
def test_refused_at_its_field(field: str, given: dict[str, Any]) -> None:
    assert set(check(CreateNetwork(**({"name": "x"} | given)))) == {field}


def test_a_right_one_survives_the_row() -> None:
    spec = CreateNetwork(
        "lan",
        "macvlan",
        ("10.1.0.0/16",),
        ("10.1.0.1",),
        ("10.1.2.0/24",),
        (("r", "10.1.2.1"),),
        opt=(("parent", "eth0"),),
        label=(("a", ""),),
    )
    assert check(spec) == {}
    kept = json.loads(json.dumps(CreateParams(spec).to_json()))
    assert CreateParams.read(kept) == CreateParams(spec)


def test_a_connection() -> None:
    found = ConnectParams.read({"container": "c" * 64, "name": "web", "alias": "db, data", "ip": "10.1.0.9"})
    assert found.command("docker network connect", "my net") == (
        "docker network connect --ip 10.1.0.9 --alias db --alias data 'my net' web"
    )
    assert ConnectParams.read(json.loads(json.dumps(found.to_json()))) == found
    with pytest.raises(InvalidParams) as wrong:
        ConnectParams.read({"alias": "a b;c", "ip": "fd00::1", "ip6": "10.0.0.1"})
    assert set(wrong.value.errors) == {"container", "alias", "ip", "ip6"}
    gone = DisconnectParams.read({"container": "c" * 64, "name": "web", "force": "1"})
    assert gone.command("", "n") == "docker network disconnect --force n web"


def test_a_swarm() -> None:
    found = SwarmInitParams.read({"advertise": "eth0", "port": "4790"})
    assert found.command("docker swarm init", "x") == "docker swarm init --advertise-addr eth0 --data-path-port 4790"
    assert SwarmInitParams.read(found.to_json()) == found
    with pytest.raises(InvalidParams) as wrong:
        SwarmInitParams.read({"advertise": "a b", "port": "22"})
    assert set(wrong.value.errors) == {"advertise", "port"}
    assert SwarmLeaveParams.read({"force": "on"}).command("docker swarm leave", "x") == "docker swarm leave --force"


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ({}, ""),
        ({"driver": "overlay"}, ""),
        ({"driver": "macvlan", "internal": True}, ""),
        ({"driver": "macvlan", "opt": [["parent", "eth0"]]}, "host"),
        ({"driver": "ipvlan", "opt": [["parent", "eth0"]]}, "host"),
        ({"opt": [["com.docker.network.bridge.name", "br0"]]}, "host"),
        ({"driver": "weaveworks/net-plugin"}, "host"),
        ({"ipam_driver": "infoblox"}, "host"),
    ],
)
def test_what_reaches_the_host(given: dict[str, Any], right: str) -> None:
    assert CreateParams.read({"name": "n"} | given).needs() == right


def test_secrets_that_a_crash_erased_are_not_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "named", lambda client, name: [])
    spec = CreateNetwork("n", label=(("token", "***"),))
    operation = SimpleNamespace(result={"secrets": True})
    work: Any = SimpleNamespace(client=None, params=CreateParams(spec), kept={"asked": True}, operation=operation)
    recover = WORKS["network.create"].recover
    assert recover is not None
    with pytest.raises(WorkFailed, match="ask for it anew"):
        recover(work)
