"""A container made again from its own inspect, by way of the masked form that a person sees, is an equal one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from console.engine.command import again
from console.engine.command.again import Source
from console.engine.command.form import read, values_of
from console.engine.command.restore import restore, shown
from console.masks import PLAIN_MASK
from console.reads.command import MASK
from tests.engines import PrivateEngine
from tests.integration.engine import run_lines
from tests.integration.engine.run_lines import by_cli
from tests.integration.engine.test_command_derive import filled

EXACT = (
    # What no command line says
    {"Image": "busybox", "Healthcheck": {"Test": ["CMD", "true", "two words"], "Interval": 9_000_000_000}},
    {"Image": "busybox", "Entrypoint": ["sh", "-c", "sleep 9"], "Cmd": ["x"]},
    {"Image": "busybox", "HostConfig": {"SecurityOpt": ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']}},
    {"Image": "busybox", "Labels": {"com.docker.compose.project": "shop", "a": "b"}},
)


@pytest.fixture(scope="module")
def stage(engine: PrivateEngine) -> Iterator[PrivateEngine]:
    run_lines.prepare(engine)
    yield engine
    engine.clean()


def source_of(engine: PrivateEngine, container: str) -> Source:
    raw = engine.get(f"/containers/{container}/json")
    return Source(raw, engine.get(f"/images/{raw['Image']}/json"), engine.get("/info"))


def made_again(engine: PrivateEngine, source: Source) -> str:
    """Another one, made of what the form says of the masked command of the first; its id."""
    told = shown(source.spec, MASK)
    filled_in = read(values_of(told), told.start)
    assert not filled_in.errors
    whole = restore(filled_in.spec, [source.spec], MASK, PLAIN_MASK)
    assert (whole.spec, whole.left) == (source.spec, ())
    kept = Source.read(source.to_json())
    content = again.request(whole.spec, [kept], None, engine.api_version)
    made: str = run_lines.post(engine, "/containers/create", content)["Id"]
    for network in whole.spec.networks[1:]:
        settings = again.joining(network, whole.spec, engine.api_version)
        run_lines.post(engine, f"/networks/{network.name}/connect", {"Container": made, "EndpointConfig": settings})
    return made


@pytest.mark.parametrize("line", run_lines.LINES)
def test_every_line_comes_back(stage: PrivateEngine, line: str) -> None:
    first, _ = by_cli(stage, shlex.split(line)[1:])
    if not first:
        return  # the engine refuses it: there is nothing to make again
    source, expected = source_of(stage, first), run_lines.inspected(stage, first)
    run_lines.remove(stage, first)
    second = made_again(stage, source)
    got = run_lines.inspected(stage, second)
    run_lines.remove(stage, second)
    for one in (got, expected):  # the engine's own alias comes with the start
        for endpoint in one["NetworkSettings"].values():
            endpoint["Aliases"] = [alias for alias in endpoint["Aliases"] if alias != "SHORT"]
    assert filled(got) == filled(expected)


@pytest.mark.parametrize("content", EXACT)
def test_what_no_command_says_comes_back(stage: PrivateEngine, content: dict[str, Any]) -> None:
    first = run_lines.post(stage, "/containers/create", content)["Id"]
    second = made_again(stage, source_of(stage, first))
    one, other = (stage.get(f"/containers/{container}/json") for container in (first, second))
    for container in (first, second):
        run_lines.remove(stage, container)
    for part in ("Healthcheck", "Entrypoint", "Cmd", "Labels"):
        assert one["Config"].get(part) == other["Config"].get(part)
    assert one["HostConfig"]["SecurityOpt"] == other["HostConfig"]["SecurityOpt"]


def test_further_networks_of_the_default_bridge_come_back(stage: PrivateEngine) -> None:
    first = stage.docker("create", "busybox")
    stage.docker("network", "connect", "--alias", "Upper", "--ip", "10.99.0.77", "net", first)
    source = source_of(stage, first)
    assert [network.name for network in source.spec.networks] == ["default", "net"]
    stage.docker("rm", first)
    second = made_again(stage, source)
    endpoint = stage.get(f"/containers/{second}/json")["NetworkSettings"]["Networks"]["net"]
    run_lines.remove(stage, second)
    assert "Upper" in endpoint["Aliases"]
    assert endpoint["IPAMConfig"]["IPv4Address"] == "10.99.0.77"


def test_volumes_without_a_name_are_carried_over(stage: PrivateEngine) -> None:
    options = ("-v", "/one", "-v", "data:/named", "--mount", "type=volume,target=/two")
    first = stage.docker("create", *options, "busybox")
    source = source_of(stage, first)
    volumes = again.anonymous(source)
    assert set(volumes) == {"/one", "/two"}
    content = again.request(source.spec, [source], source, stage.api_version)
    second = run_lines.post(stage, "/containers/create", content)["Id"]
    mounts = {mount["Destination"]: mount["Name"] for mount in stage.get(f"/containers/{second}/json")["Mounts"]}
    third = run_lines.post(stage, "/containers/create", again.request(source.spec, [source], None, stage.api_version))
    others = {mount["Destination"]: mount["Name"] for mount in stage.get(f"/containers/{third['Id']}/json")["Mounts"]}
    for container in (first, second, third["Id"]):
        run_lines.remove(stage, container)
    assert mounts == volumes | {"/named": "data"}
    assert others["/one"] != volumes["/one"]
    assert others["/two"] != volumes["/two"]
