"""The map beside the docker command line: 100 random topologies, and who really reaches whom."""

from __future__ import annotations

import json
import random
import shlex
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import pytest
from django.test import Client

from console.engine.address import Address
from console.engine.client import EngineClient
from console.engine.types import ContainerState
from console.models import Engine, User
from console.pages.network_graph import graph_of
from console.topology import reach
from console.topology.graph import Box, Graph
from console.topology.reach import Verdict, judge
from tests import factories
from tests.engines import PrivateEngine
from tests.integration.pages.mirroring import mirror

SVG = "{http://www.w3.org/2000/svg}"
TOPOLOGIES = 100


@pytest.fixture
def row(clean_engine: PrivateEngine, db: None) -> Engine:
    return factories.engine("witness", url=clean_engine.url)


@pytest.fixture
def inspector(clean_engine: PrivateEngine) -> Iterator[EngineClient]:
    with EngineClient(Address(clean_engine.url)) as client:
        yield client


# ── the picture ──


def drawn(client: Client) -> dict[str, Any]:
    """What the file says: nodes by id with the lines of their title, rails, wires."""
    answer = client.get("/e/witness/networks/map.svg", {"open": "all"})
    assert answer.status_code == 200
    root = ET.fromstring(answer.content)  # noqa: S314
    nodes = {
        str(node.get("data-c")): (node.findtext(f"{SVG}title") or "").splitlines() for node in root.iter(f"{SVG}a")
    }
    groups = list(root.iter(f"{SVG}g"))
    return {
        "nodes": nodes,
        "rails": {str(group.get("data-n")) for group in groups if "lane" in str(group.get("class"))},
        "wires": {
            (str(group.get("data-c")), str(group.get("data-nets")), str(group.get("data-ip")))
            for group in groups
            if "link" in str(group.get("class"))
        },
        "plugs": [(group.findtext(f"{SVG}title") or "") for group in groups if "port" in str(group.get("class"))]
        + [line for text in root.iter(f"{SVG}text") for line in (text.findtext(f"{SVG}title") or "").splitlines()],
    }


def told(engine: PrivateEngine, sharing: dict[str, str]) -> dict[str, Any]:
    """The same as docker tells it. ``sharing``: names of containers that live in another's network."""
    running = [
        line.split("|") for line in engine.docker("ps", "--format", "{{.ID}}|{{.Names}}|{{.Ports}}").splitlines()
    ]
    ids = engine.docker("network", "ls", "-q").split()
    networks = json.loads(engine.docker("network", "inspect", *ids))
    short = {name: number for number, name, _ in running}
    wires = {
        (container[:12], network["Id"][:12], place["IPv4Address"].partition("/")[0])
        for network in networks
        for container, place in network["Containers"].items()
        if network["Driver"] != "null"
    }
    for name, owner in sharing.items():
        if name in short:
            wires |= {(short[name], net, ip) for number, net, ip in wires if number == short.get(owner)}
    return {
        "nodes": {number: name for number, name, _ in running},
        "ports": {number: {port for port in ports.split(", ") if "->" in port} for number, _, ports in running},
        "rails": {network["Id"][:12] for network in networks},
        "wires": wires,
    }


def equal(client: Client, engine: PrivateEngine, sharing: dict[str, str]) -> None:
    picture, truth = drawn(client), told(engine, sharing)
    assert {number: lines[0].partition(",")[0] for number, lines in picture["nodes"].items()} == truth["nodes"]
    assert picture["rails"] - {"nowhere"} == truth["rails"]
    assert picture["wires"] == truth["wires"]
    ports = {number: {line for line in lines if "->" in line} for number, lines in picture["nodes"].items()}
    assert ports == truth["ports"]
    at_the_wall = {(line.partition(", ")[0], line.rpartition(", ")[2]) for line in picture["plugs"]}
    ipv4 = {(port, truth["nodes"][n]) for n, found in truth["ports"].items() for port in found if "[" not in port}
    assert {pair for pair in ipv4 if not pair[0].startswith(":::")} <= at_the_wall
    for number, net, address in picture["wires"]:
        assert not address or any(address in line.split() for line in picture["nodes"][number]), (number, net)


class Pool:
    """Containers and networks that random steps connect and disconnect."""

    def __init__(self, engine: PrivateEngine, seed: int) -> None:
        self.engine, self.chance = engine, random.Random(seed)
        self.nets: list[str] = ["bridge"]
        self.count = 0
        for number in range(7):
            ports = ["-p", f"{8000 + number}:80", "-p", f"127.0.0.1:{9000 + number}:81"] if number % 3 == 0 else []
            self.run(f"c{number}", *ports)
        self.run("on-host", "--network", "host")
        self.run("on-none", "--network", "none")
        self.run("shared", "--network", "container:c0")
        self.movable = [f"c{number}" for number in range(7)]
        self.on: dict[str, set[str]] = {name: {"bridge"} for name in self.movable}
        self.stopped: set[str] = set()
        for _ in range(4):
            self.new_net()

    def run(self, name: str, *arguments: str) -> None:
        self.engine.docker("run", "-d", "--name", name, *arguments, "alpine", "sleep", "3600")

    def new_net(self) -> None:
        self.count += 1
        flags = ["--internal"] if self.chance.random() < 0.3 else []
        self.engine.docker("network", "create", *flags, "--subnet", f"10.77.{self.count}.0/24", f"n{self.count}")
        self.nets.append(f"n{self.count}")

    def step(self) -> None:
        """One random change; what cannot be done is no step."""
        name, net = self.chance.choice(self.movable), self.chance.choice(self.nets)
        way = self.chance.random()
        if way < 0.75:
            if net in self.on[name]:
                self.engine.docker("network", "disconnect", net, name)
                self.on[name].discard(net)
            else:
                self.engine.docker("network", "connect", net, name)
                self.on[name].add(net)
        elif way < 0.85 and name != "c0":
            self.engine.docker("start" if name in self.stopped else "kill", name)
            self.stopped ^= {name}
        elif way < 0.93 and len(self.nets) < 9:
            self.new_net()
        elif net != "bridge" and not any(net in on for on in self.on.values()):
            self.engine.docker("network", "rm", net)
            self.nets.remove(net)


@pytest.mark.timeout(900)
def test_a_hundred_random_topologies(
    clean_engine: PrivateEngine, row: Engine, inspector: EngineClient, client: Client
) -> None:
    client.force_login(factories.user("mika"))
    pool = Pool(clean_engine, seed=5)
    seen = set()
    for number in range(TOPOLOGIES):
        for _ in range(2):
            pool.step()
        mirror(row, inspector)
        try:
            equal(client, clean_engine, {"shared": "c0"})
        except AssertionError as error:
            raise AssertionError(f"topology {number}: {pool.on}") from error
        seen.add(json.dumps([sorted(on) for on in pool.on.values()]))
    assert len(seen) > TOPOLOGIES // 2


# ── reach ──

LISTEN = 'mkdir /w; echo "I am $0." >/w/index.html; exec httpd -f -p $1 -h /w'
PORT: dict[str, int] = {}  # where each container listens


def listener(engine: PrivateEngine, name: str, port: int, *arguments: str) -> None:
    PORT[name] = port
    engine.docker("run", "-d", "--name", name, *arguments, "alpine", "sh", "-c", LISTEN, name, str(port))


def build(engine: PrivateEngine, seed: int) -> None:
    """A topology with every kind of network and mode that this machine's engine has."""
    chance = random.Random(seed)
    docker = engine.docker
    dns = ("--dns", "127.0.0.1")  # nobody there: unknown names fail at once
    nets = {
        "front": [],
        "back": ["--internal"],
        "mute": ["-o", "com.docker.network.bridge.enable_icc=false"],
        "side": [],
    }
    for name, flags in nets.items():
        docker("network", "create", *flags, name)
    docker("network", "create", "-d", "macvlan", "-o", "parent=map-lan", "--subnet", "10.88.0.0/24", "lan")
    listener(engine, "plain", 80, *dns, "-p", "8001:80")
    listener(engine, "plain2", 80, *dns)
    for number in range(6):
        first = chance.choice(list(nets))
        bind = chance.choice([(), ("-p", f"81{number:02}:80"), ("-p", f"127.0.0.1:82{number:02}:80")])
        alias = ("--network-alias", f"alias{number}") if chance.random() < 0.5 else ()
        listener(engine, f"r{number}", 80, *dns, "--network", first, *alias, *bind)
        for other in chance.sample([*sorted(set(nets) - {first}), "bridge"], chance.choice([0, 0, 1, 2])):
            docker("network", "connect", other, f"r{number}")
    listener(engine, "lan1", 80, *dns, "--network", "lan")
    listener(engine, "lan2", 80, *dns, "--network", "lan")
    listener(engine, "host1", 9101, "--network", "host")
    listener(engine, "none1", 80, "--network", "none")
    listener(engine, "guest", 81, "--network", "container:r0")
    docker("pause", "r4")
    docker("kill", "r5")


def targets(graph: Graph, a: Box, b: Box) -> set[tuple[str, int]]:
    """Every address and port that might lead from A to B, whatever the rules say."""
    owner = graph.owner(b)
    assert owner is not None
    ports = (
        {port.host_port for port in owner.published if port.host_port and port.host_ip != "::"} if owner is b else set()
    )
    ports |= {PORT[b.name]} if reach.on_host(graph, b) else set()
    gateways = {address for _, _, address in reach.host_addresses(graph, a)} | {reach.LOOPBACK}
    found = {(address, port) for address in gateways for port in ports}
    found |= {(place.ipv4, PORT[b.name]) for place in graph.places(b) if place.ipv4}
    return found | {(reach.LOOPBACK, PORT[b.name])}


def predicted(graph: Graph, a: Box, b: Box) -> set[tuple[str, int]]:
    """The targets that the rules call open."""
    answer = judge(graph, a, b)
    if answer.verdict is not Verdict.YES:
        return set()
    port = PORT[b.name]
    return {(way.address, way.port or port) for way in answer.ways if way.open and way.to_port in {0, port}}


def names_of(b: Box) -> set[str]:
    return {b.name, b.short, *(alias for place in b.places for alias in place.aliases)}


TRY = """
get() { printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 3 nc -w 2 "$1" "$2" 2>/dev/null; }
try() { case "$(get "$2" "$3")" in *"I am $1."*) echo "open $1 $2 $3";; esac; }
ask() { timeout 3 nslookup "$2" >/dev/null 2>&1 && echo "name $1 $2"; }
"""


def attempts(engine: PrivateEngine, graph: Graph, a: Box) -> set[tuple[str, ...]]:
    """What A really reaches, of all that might be: from one exec."""
    lines = []
    for b in graph.boxes:
        if b is a or graph.owner(b) is None:
            continue
        lines += [f"try {b.name} {address} {port} &" for address, port in sorted(targets(graph, a, b))]
        lines += [f"ask {b.name} {shlex.quote(name)} &" for name in sorted(names_of(b))]
    said = engine.docker("exec", a.name, "sh", "-c", f"{TRY}\n" + "\n".join(lines) + "\nwait", timeout=120)
    return {tuple(line.split()) for line in said.splitlines()}


@pytest.mark.timeout(900)
def test_the_answer_equals_a_real_attempt(clean_engine: PrivateEngine, row: Engine, inspector: EngineClient) -> None:
    user = User(role=User.Role.ADMIN, is_active=True)
    clean_engine.exec("ip", "link", "add", "map-lan", "type", "veth", "peer", "name", "map-end")
    for end in ("map-lan", "map-end"):
        clean_engine.exec("ip", "link", "set", end, "up")
    pairs, wrong, reached, named = 0, [], 0, 0
    try:
        for seed in (1, 2):
            build(clean_engine, seed)
            mirror(row, inspector)
            graph = graph_of(user, row)
            able = [box for box in graph.boxes if box.state is ContainerState.RUNNING]
            with ThreadPoolExecutor(len(able)) as pool:  # they wait for what does not answer, most of the time
                real = list(pool.map(attempts, repeat(clean_engine), repeat(graph), able))
            reached += sum(one[0] == "open" for found in real for one in found)
            named += sum(one[0] == "name" for found in real for one in found)
            for a, found in zip(able, real, strict=True):
                for b in graph.boxes:
                    if a is not b:
                        pairs += 1
                        wrong += differences(graph, a, b, found)
            for a in graph.boxes:
                if a not in able:
                    assert all(judge(graph, a, b).verdict is Verdict.NO for b in graph.boxes if b is not a)
            clean_engine.clean()
    finally:
        clean_engine.exec("ip", "link", "del", "map-lan")
    assert wrong == []
    assert pairs >= 200
    assert reached > 50
    assert named > 30


def differences(graph: Graph, a: Box, b: Box, found: set[tuple[str, ...]]) -> list[str]:
    """What the answer and the attempt say otherwise of one pair."""
    says = predicted(graph, a, b) & targets(graph, a, b)
    does = {(one[2], int(one[3])) for one in found if one[0] == "open" and one[1] == b.name}
    wrong = [f"{a.name} → {b.name} {address}:{port} should be open" for address, port in says - does]
    wrong += [f"{a.name} → {b.name} {address}:{port} should be closed" for address, port in does - says]
    if graph.owner(b) is b and graph.owner(a) is not b:
        known = {name.text for name in judge(graph, a, b).names} & names_of(b)
        real = {one[2] for one in found if one[0] == "name" and one[1] == b.name}
        wrong += [f"{a.name} → {b.name}: name {name} should be known" for name in known - real]
        wrong += [f"{a.name} → {b.name}: name {name} should be unknown" for name in real - known]
    return wrong
