"""What is derived from an inspect, where a real engine does not reach."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from console.engine.command.derive import derive
from console.engine.command.parse import parse
from console.engine.command.render import render
from console.engine.command.spec import Variable

PAYLOADS = Path(__file__).parents[3] / "payloads"
KEYS = st.sampled_from(
    [
        "Config",
        "HostConfig",
        "NetworkSettings",
        "Networks",
        "State",
        "Env",
        "Cmd",
        "Labels",
        "Mounts",
        "PortBindings",
        "Healthcheck",
        "Test",
        "Devices",
        "DeviceRequests",
        "Ulimits",
        "Binds",
        "Id",
        "Name",
        "NetworkMode",
        "HostPort",
        "Capabilities",
        "MemorySwappiness",
        "RestartPolicy",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=5),
    max_leaves=20,
)
OBJECT = st.dictionaries(KEYS, JSON, max_size=8)


def container(**config: Any) -> dict[str, Any]:
    return {"Id": "a" * 64, "Name": "/web", "Config": {"Image": "nginx", **config}, "State": {"Status": "running"}}


def test_recorded_containers_give_commands_that_are_read_back() -> None:
    for folder in ("docker-20.10", "docker-28.5"):
        info = json.loads((PAYLOADS / folder / "info.json").read_text())
        image = json.loads((PAYLOADS / folder / "image.json").read_text())
        for kind in ("running", "exited", "created"):
            raw = json.loads((PAYLOADS / folder / f"container_{kind}.json").read_text())
            spec = derive(raw, image, info).spec
            assert spec.name == raw["Name"][1:]
            assert parse(render(spec)).spec == spec


def test_labels_of_compose_are_left_out_and_said() -> None:
    derived = derive(container(Labels={"com.docker.compose.project": "shop", "mine": "1"}), {}, {})
    assert derived.spec.label == (("mine", "1"),)
    assert derived.notes[0].startswith("1 label of Compose is left out: with it Compose ")
    two = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    assert derive(container(Labels=two), {}, {}).notes[0].startswith("2 labels of Compose are left out: with them ")


def test_what_no_command_can_say_is_said() -> None:
    raw = container(Entrypoint=["sh", "-c"], Cmd=["x"], Healthcheck={"Test": ["CMD", "a", "b c"]})
    raw["HostConfig"] = {"SecurityOpt": ["seccomp={}"], "NetworkMode": "bridge"}
    raw["NetworkSettings"] = {"Networks": {"bridge": {}, "other": {}}}
    derived = derive(raw, {}, {})
    assert derived.spec.entrypoint == "sh"
    assert derived.spec.command == ("-c", "x")
    assert derived.spec.health_cmd == "a 'b c'"
    assert derived.spec.security_opt == ()
    assert len(derived.notes) == 4


def test_values_are_exact() -> None:
    value = "line\n" + "x" * 100_000
    derived = derive(container(Env=[f"CERT={value}", "PATH=/bin"]), {"Config": {"Env": ["PATH=/bin"]}}, {})
    assert derived.spec.env == (Variable("CERT", value),)


@settings(max_examples=300, deadline=None)
@given(OBJECT, OBJECT, OBJECT)
def test_no_answer_of_an_engine_raises(container: dict[str, Any], image: dict[str, Any], info: dict[str, Any]) -> None:
    assert render(derive(container, image, info).spec).startswith("docker container ")
