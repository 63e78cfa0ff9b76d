"""From recorded answers to dataclasses, and nothing but ``Malformed`` from broken ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.engine import answers, parse
from console.engine.errors import Malformed
from console.engine.fields import moment
from console.engine.types import ContainerState, EngineInfo, FilesystemChange, Health, IpamConfig, Port
from tests.payloads import ENGINES, load

ID = "ab" * 32


def test_running_container() -> None:
    web = parse.container(load("container_running"))
    assert (web.name, web.image, web.hostname) == ("web", "alpine", "web1")
    assert (web.state, web.health, web.exit_code) == (ContainerState.RUNNING, Health.HEALTHY, 0)
    assert web.started_at == datetime(2026, 11, 25, 2, 4, 13, 340550, UTC)
    assert web.finished_at is None
    assert web.command == ("sleep", "1d")
    assert web.env[:2] == (("PASSWORD", "geheim=1"), ("EMPTY", ""))
    assert web.labels == {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    assert (web.restart_policy, web.stop_signal, web.stop_timeout) == ("on-failure:3", "SIGQUIT", 7)
    assert (web.memory_limit, web.nano_cpus, web.pids_limit) == (64 * 1024**2, 500_000_000, 100)
    assert (web.tty, web.open_stdin, web.read_only, web.init, web.privileged) == (True, True, True, True, False)
    assert web.devices == ("/dev/null:/dev/zero2:r",)
    assert web.ports == (
        Port(80, "tcp", "0.0.0.0", 8080),
        Port(80, "tcp", "::", 8080),
        Port(443, "tcp"),
        Port(9000, "udp", "127.0.0.1", 9000),
        Port(9001, "udp", "127.0.0.1", 9001),
    )
    assert [(mount.type, mount.destination, mount.read_only) for mount in web.mounts] == [
        ("volume", "/data", True),
        ("bind", "/mnt/hosts", True),
        ("volume", "/scratch", False),
        ("tmpfs", "/tmp", False),
    ]
    assert [mount.mode for mount in web.mounts if mount.type == "tmpfs"] == [""]
    assert [(net.network_name, net.ipv4_address, net.ipv4_prefix) for net in web.endpoints] == [
        ("back", "10.99.0.128", 24),
        ("bridge", "172.17.0.2", 16),
    ]
    assert "shop-web" in web.endpoints[0].aliases


def test_engines_of_different_age_describe_the_same_container_alike() -> None:
    old, new = (parse.to_json(parse.container(load("container_running", name))) for name in ENGINES)
    own = {"id", "created_at", "started_at", "pid", "mounts", "endpoints"}
    assert {key for key in old if old[key] != new[key]} <= own | {"network_mode"}  # "default" is "bridge" since 25
    assert [mount["destination"] for mount in old["mounts"]] == [mount["destination"] for mount in new["mounts"]]
    for name in ENGINES:
        events = [parse.event(entry) for entry in load("events", name)]
        assert ("container", "health_status", "healthy") in {(e.type, e.action, e.detail) for e in events}


def test_exited_and_created_container() -> None:
    job, new = parse.container(load("container_exited")), parse.container(load("container_created"))
    assert (job.state, job.exit_code, job.health) == (ContainerState.EXITED, 3, Health.NONE)
    assert job.finished_at is not None
    assert (new.state, new.started_at, new.finished_at) == (ContainerState.CREATED, None, None)
    assert new.stop_timeout is None


def test_image_network_volume() -> None:
    image = parse.image(load("image"))
    assert image.tags == ("nginx:latest",)
    assert image.exposed_ports == ("80/tcp",)
    assert image.size == 1986713
    assert len(image.layers) == 6
    assert not image.intermediate
    network = parse.network(load("network"))
    assert (network.name, network.internal, network.labels) == ("back", True, {"team": "blue"})
    assert network.ipam == (IpamConfig("10.99.0.0/24", "10.99.0.1", "10.99.0.128/25", {"router": "10.99.0.2"}),)
    volume = parse.volume(load("volume"))
    assert (volume.name, volume.labels, volume.created_at) == (
        "data",
        {"keep": "yes"},
        datetime(2026, 11, 25, 2, 4, 13, tzinfo=UTC),
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_list_entry_of_networks_and_volumes_says_as_much_as_an_inspect(engine: str) -> None:
    assert parse.network(load("network", engine)) in [parse.network(entry) for entry in load("networks", engine)]
    volumes = load("volumes", engine)["Volumes"]
    assert parse.volume(load("volume", engine)) in [parse.volume(entry) for entry in volumes]


def test_info() -> None:
    info = parse.info(load("info"), load("version"), "1.41")
    assert (info.name, info.server_version, info.product) == ("engine", "20.10.24+dfsg1", "Docker Engine")
    assert (info.api_version, info.min_api_version, info.negotiated_api_version) == ("1.41", "1.12", "1.41")
    assert info.storage_driver == "overlay2"
    assert info.plugins["Network"] == ("bridge", "host", "ipvlan", "macvlan", "null", "overlay")
    assert ("containerd", "1.6.20~ds1") in info.components


def test_events() -> None:
    events = [parse.event(entry) for entry in load("events")]
    assert {(event.type, event.action) for event in events} >= {
        ("container", "die"),
        ("container", "destroy"),
        ("container", "health_status"),
        ("volume", "destroy"),
        ("network", "disconnect"),
    }
    assert {event.detail for event in events if event.action == "health_status"} == {"healthy"}
    assert not any(event.detail for event in events if event.action.startswith("exec_"))
    assert all(event.time_ns > 1_700_000_000 * 10**9 for event in events)


def test_answers_that_are_not_mirrored() -> None:
    probes = answers.health_log(load("container_running"))
    assert {(probe.exit_code, probe.output) for probe in probes} == {(0, "alive\n")}
    top = answers.top(load("top"))
    assert top.titles[1] == "PID"
    assert all(len(row) == len(top.titles) for row in top.processes)
    assert FilesystemChange("/sbin/docker-init", "added") in answers.changes(load("changes"))
    assert answers.changes(None) == ()
    history = answers.history(load("history"))
    assert history[0].tags == ("nginx:latest",)
    usage = answers.disk_usage(load("disk_usage"))
    assert (usage.images.count, usage.containers.count, usage.containers.active) == (3, 3, 1)
    assert set(usage.volume_sizes) >= {"data"}


def reversed_everywhere(value: Any) -> Any:
    """The same document with every object, and every list whose order means nothing, the other way round."""
    if isinstance(value, dict):
        result = {key: reversed_everywhere(item) for key, item in reversed(value.items())}
        for key in ("Mounts", "Ports", "Names", "RepoTags", "RepoDigests", "Aliases"):
            if isinstance(result.get(key), list):
                result[key].reverse()
        return result
    return [reversed_everywhere(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("name", "read"),
    [("container_running", parse.container), ("image", parse.image), ("network", parse.network)],
)
def test_order_does_not_matter(name: str, read: Callable[[Any], Any]) -> None:
    raw = load(name)
    assert read(raw) == read(reversed_everywhere(raw))
    assert parse.digest(read(raw)) == parse.digest(read(reversed_everywhere(raw)))


def test_json_form() -> None:
    web = parse.container(load("container_running"))
    document = parse.to_json(web)
    assert json.loads(json.dumps(document)) == document
    assert document["started_at"] == "2026-11-25T02:04:13.340550+00:00"
    assert document["state"] == "running"
    assert document["ports"][0] == {"container_port": 80, "protocol": "tcp", "host_ip": "0.0.0.0", "host_port": 8080}
    assert parse.digest(web) != parse.digest(replace(web, name="other"))
    assert parse.digest(replace(web, labels={"a": "1", "b": "2"})) == parse.digest(
        replace(web, labels={"b": "2", "a": "1"})
    )
    with pytest.raises(TypeError):
        parse.to_json(object())


def test_summaries_change_with_what_the_list_shows_and_not_with_the_age() -> None:
    entries = {entry["Names"][0]: entry for entry in load("containers")}
    web, job = entries["/web"], entries["/job"]
    digest = parse.summary_digest(web)
    assert parse.container_summary(web).name == "web"
    assert parse.summary_digest(reversed_everywhere(web)) == digest
    assert parse.summary_digest({**web, "Status": "Up 5 weeks (healthy)", "SizeRw": 7}) == digest
    changes: list[dict[str, Any]] = [
        {"Status": "Up 5 weeks (unhealthy)"},
        {"State": "paused"},
        {"Names": ["/web2"]},
        {"Labels": {}},
        {"Ports": []},
        {"Mounts": []},
        {"NetworkSettings": {}},
    ]
    for change in changes:
        assert parse.summary_digest({**web, **change}) != digest
    assert parse.summary_digest({**job, "Status": "Exited (3) 2 hours ago"}) == parse.summary_digest(job)
    assert parse.summary_digest({**job, "Status": "Exited (4) 2 hours ago"}) != parse.summary_digest(job)


def test_image_summaries() -> None:
    entry = load("images")[0]
    summary = parse.image_summary(entry, False)
    assert summary.id == entry["Id"]
    assert parse.image_summary({**entry, "Containers": 5, "SharedSize": 1}, False) == summary
    assert parse.image_summary({**entry, "RepoTags": ["b", "a"]}, False).digest != summary.digest
    assert parse.image_summary({**entry, "RepoTags": None}, True).intermediate
    assert not parse.image_summary(entry, True).intermediate, "an image with a tag is not intermediate"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-02-29T12:00:00Z", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("2024-02-29T12:00:00.123456789Z", datetime(2024, 2, 29, 12, 0, 0, 123456, UTC)),
        ("2024-02-29T12:00:00.5+02:00", datetime(2024, 2, 29, 10, 0, 0, 500000, UTC)),
        (1_700_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("2024-02-30T12:00:00Z", None),
        ("2024-02-29T12:00:00+99:99", None),
        ("", None),
        (None, None),
        (0, None),
        (10**30, None),
        (float("inf"), None),
        (True, None),
    ],
)
def test_moment(value: object, expected: datetime | None) -> None:
    assert moment(value) == expected


@pytest.mark.parametrize("bad", [None, "", 7, [], "x" * 64, "ab", ID.upper(), ID + "\n", {}])
def test_an_object_without_identity_is_malformed(bad: object) -> None:
    for read in (parse.container, parse.image, parse.network, parse.container_summary):
        with pytest.raises(Malformed):
            read({"Id": bad})
    for name in ({"Name": None}, {"Name": ""}, {"Name": "a\x00b"}, {"Name": "a\u202eb"}, {"Name": "x" * 256}, {}):
        with pytest.raises(Malformed):
            parse.volume(name)
    no_object: Any
    for no_object in (None, [], "x", 7):
        with pytest.raises(Malformed):
            parse.container(no_object)
        with pytest.raises(Malformed):
            parse.volume(no_object)
        with pytest.raises(Malformed):
            parse.event(no_object)


def test_almost_nothing_is_enough() -> None:
    container = parse.container({"Id": ID})
    assert (container.name, container.state, container.restart_policy) == ("", ContainerState.UNKNOWN, "no")
    assert parse.image({"Id": ID}).id == f"sha256:{ID}"
    assert parse.network({"Id": ID}).ipam == ()
    assert parse.volume({"Name": "data"}).driver == ""
    assert isinstance(parse.info({}, {}, "1.41"), EngineInfo)


def test_podman_words() -> None:
    raw = {"Id": ID, "State": {"Status": "configured", "Healthcheck": {"Status": "healthy"}}, "Config": {"Cmd": "sh"}}
    container = parse.container(raw)
    assert (container.state, container.health, container.command) == (ContainerState.CREATED, Health.HEALTHY, ("sh",))
    assert parse.info({}, {"Components": [{"Name": "Podman Engine", "Version": "4.3.1"}]}, "1.41").product == (
        "Podman Engine"
    )


def test_bombs_are_bounded_and_marked() -> None:
    raw = copy.deepcopy(load("container_running"))
    raw["Name"] = "/" + "n" * 100_000
    raw["Config"]["Labels"] = {f"label{n:05}": "x" * 5_000_000 if n == 0 else "y" for n in range(10_000)}
    raw["Config"]["Env"] = [f"V{n}={n}" for n in range(100_000)]
    raw["NetworkSettings"]["Ports"] = {f"{n}/tcp": [{"HostIp": "", "HostPort": str(n)}] for n in range(1, 65_536)}
    bomb = parse.container(raw)
    assert len(bomb.name) <= 255
    assert bomb.labels["label00000"].endswith("… (cut, 5,000,000 characters)")
    assert (len(bomb.labels), bomb.labels["…"]) == (257, "9,744 more")
    assert (len(bomb.env), bomb.env[-1]) == (1025, ("… 98,976 more", ""))
    assert (len(bomb.ports), bomb.ports[-1]) == (2049, Port(65_535 + 2 - 2048, "more"))
    raw["Mounts"] = [{"Destination": f"/{n}"} for n in range(2000)]
    with pytest.raises(Malformed, match="2,001 mounts"):
        parse.container(raw)


def test_hostile_strings_are_visible() -> None:
    raw = copy.deepcopy(load("container_running"))
    evil = "<script>\x00\u202e\ud800\x1b]52;c;x\x07"
    raw["Config"]["Labels"] = {evil: evil}
    raw["NetworkSettings"]["Networks"] = {evil: {"NetworkID": evil, "IPAddress": evil}}
    shown = "<script>␀\\u202e\ufffd␛]52;c;x␇"
    container = parse.container(raw)
    assert container.labels == {shown: shown}
    assert container.endpoints[0].network_name == shown


JUNK = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        2**31,
        2**63,
        10**4000,
        1.5,
        float("inf"),
        "",
        "x",
        "\x00\ud800",
        "1" * 30,
        "0001-01-01T00:00:00Z",
    ]
) | st.sampled_from([[], {}, [None], [[]], [{}], {"": None}, {"a": {}}, [1, "a", {"b": []}], "sha256:", {"Id": 5}])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


READERS: list[tuple[str, Callable[[Any], Any]]] = [
    ("container_running", parse.container),
    ("container_running", answers.health_log),
    ("image", parse.image),
    ("network", parse.network),
    ("volume", parse.volume),
    ("info", lambda raw: parse.info(raw, raw, "1.41")),
    ("version", lambda raw: parse.info(raw, raw, "1.41")),
    ("containers", lambda raw: [parse.container_summary(entry) for entry in raw]),
    ("images", lambda raw: [parse.image_summary(entry, True) for entry in raw]),
    ("events", lambda raw: [parse.event(entry) for entry in raw]),
    ("top", answers.top),
    ("changes", answers.changes),
    ("history", answers.history),
    ("disk_usage", answers.disk_usage),
]
PLACES = {name: list(places(load(name))) for name, _ in READERS}


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(READERS), st.data())
def test_a_broken_answer_is_parsed_or_malformed(reader: tuple[str, Callable[[Any], Any]], data: st.DataObject) -> None:
    name, read = reader
    raw = load(name)
    for path in data.draw(st.lists(st.sampled_from(PLACES[name]), min_size=1, max_size=6)):
        parent = raw
        try:
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue
        if isinstance(parent, str):
            continue
        if data.draw(st.booleans()) and isinstance(parent, dict):
            del parent[path[-1]]
        else:
            parent[path[-1]] = copy.deepcopy(data.draw(JUNK))
    try:
        found = read(raw)
    except Malformed:
        return
    document = json.dumps(parse.to_json(found), ensure_ascii=False)
    document.encode("utf-8")
    assert "\\u0000" not in document
    assert len(parse.digest(found)) == 64
