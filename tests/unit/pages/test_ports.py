"""Published ports: who reaches them, who collides."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from console.pages.ports import Port, PortsPage, rivals
from console.reads.ports import bindings
from tests import factories

pytestmark = pytest.mark.django_db


def port(host_ip: str, number: int, name: str, protocol: str = "tcp") -> Port:
    return Port(host_ip, number, 80, protocol, factories.hexid(name), name, True)


def test_who_reaches_a_port() -> None:
    assert port("0.0.0.0", 80, "a").reach == "open: every address of the host"
    assert port("127.0.0.1", 80, "a").reach == "the host itself only"
    assert port("192.0.2.7", 80, "a").reach == "who reaches 192.0.2.7"
    assert port("::", 80, "a").address == "[::]:80"


def test_collisions_are_those_of_one_address() -> None:
    a, b, c = port("0.0.0.0", 80, "a"), port("127.0.0.1", 80, "b"), port("192.0.2.7", 80, "c")
    six, udp = port("::", 80, "six"), port("0.0.0.0", 80, "udp", "udp")
    found = rivals([a, b, c, six, udp])
    assert found == {a: ("b", "c"), b: ("a",), c: ("a",), six: (), udp: ()}


def test_bound_ones_and_those_that_will_be() -> None:
    engine = factories.engine()
    web = factories.container(
        engine, "web", ports=[{"container_port": 80, "protocol": "tcp", "host_ip": "0.0.0.0", "host_port": 8080}]
    )
    old = factories.container(engine, "old", state="exited", ports=[])
    page = PortsPage(factories.user(), engine, QueryDict())
    assert page.resting == [old.container_id]
    page.wishes = {old.container_id: bindings({"80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostPort": "x"}]})}
    assert [(row.port.container, row.port.bound, row.rivals) for row in page.rows] == [
        ("old", False, ("web",)),
        ("web", True, ("old",)),
    ]
    assert (page.open, page.conflicts) == (1, 2)
    assert page.rows[1].port.container_id == web.container_id
