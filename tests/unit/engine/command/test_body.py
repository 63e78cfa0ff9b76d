"""The request for the engine, where the parity with the CLI on a real engine does not reach."""

from __future__ import annotations

from console.engine.command.body import body, query
from console.engine.command.check import unsupported
from console.engine.command.parse import parse


def test_a_mac_address_goes_where_the_version_of_the_api_wants_it() -> None:
    spec = parse("docker run --mac-address 02:42:ac:11:00:02 nginx").spec
    old, new = body(spec, "1.41"), body(spec, "1.44")
    assert old["MacAddress"] == "02:42:ac:11:00:02"
    assert old["NetworkingConfig"]["EndpointsConfig"] == {}
    assert "MacAddress" not in new
    assert new["NetworkingConfig"]["EndpointsConfig"]["default"]["MacAddress"] == "02:42:ac:11:00:02"


def test_files_of_the_caller_are_not_sent() -> None:
    sent = body(parse("docker run --env-file a --label-file b --cidfile c nginx").spec)
    assert sent["Env"] is None
    assert sent["Labels"] == {}
    assert sent["HostConfig"]["ContainerIDFile"] == ""


def test_the_socket_of_the_engine_is_mounted() -> None:
    [mount] = body(parse("docker run --use-api-socket nginx").spec)["HostConfig"]["Mounts"]
    assert mount["Source"] == mount["Target"] == "/var/run/docker.sock"


def test_name_and_platform_are_parameters() -> None:
    assert query(parse("docker run --name web --platform linux/arm64 nginx").spec) == {
        "name": "web",
        "platform": "linux/arm64",
    }
    assert query(parse("docker run nginx").spec) == {}


def test_what_an_old_engine_does_not_know_is_said() -> None:
    spec = parse("docker run --network a --network name=b,gw-priority=2 --annotation x=1 nginx").spec
    assert len(unsupported(spec, "1.41")) == 3
    assert unsupported(spec, "1.51") == []
