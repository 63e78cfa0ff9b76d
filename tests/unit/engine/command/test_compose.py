"""A command as a Compose service, and what of it reaches the host."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings

from console.engine.command.compose import compose
from console.engine.command.parse import parse
from console.engine.command.reach import host_options
from console.engine.command.spec import RunSpec
from tests.unit.engine.command.specs import run_specs


def of(line: str) -> str:
    return compose(parse(line).spec)[0]


def test_a_service() -> None:
    line = (
        "docker run -d --name web -p 8080:80 -e TZ=UTC -e P=$HOME -v data:/data:ro --network net --network-alias w "
        "--restart on-failure:3 -m 64m --cpus 1.5 --health-cmd true --health-interval 90s nginx:1 sleep 10"
    )
    assert of(line) == (
        'services:\n  web:\n    image: "nginx:1"\n    container_name: "web"\n    command:\n      - "sleep"\n'
        '      - "10"\n    restart: "on-failure:3"\n    environment:\n      TZ: "UTC"\n      P: "$$HOME"\n'
        '    ports:\n      - "8080:80"\n    networks:\n      net:\n        aliases:\n          - "w"\n'
        '    volumes:\n      - "data:/data:ro"\n    mem_limit: "64m"\n    cpus: "1.5"\n    healthcheck:\n'
        '      test:\n        - "CMD-SHELL"\n        - "true"\n      interval: "1m30s"\n'
        "volumes:\n  data:\n    external: true\nnetworks:\n  net:\n    external: true"
    )


def test_what_it_cannot_say_is_listed() -> None:
    text, unsaid = compose(parse("docker run --rm -P --gpus all nginx").spec)
    assert unsaid == ("--rm", "--publish-all", "--gpus")
    assert text.startswith("services:\n  nginx:\n")


def test_modes_entrypoints_and_mounts() -> None:
    assert 'network_mode: "host"' in of("docker run --network host nginx")
    assert "entrypoint: []" in of("docker run --entrypoint= nginx sh")
    text = of("docker run --mount type=bind,src=/a,dst=/b,ro,bind-propagation=rslave nginx")
    assert '- type: "bind"\n        source: "/a"\n        target: "/b"\n        read_only: true' in text
    assert "init: false" in of("docker run --init=false nginx")
    assert "disable: true" in of("docker run --no-healthcheck nginx")


@given(run_specs())
@settings(max_examples=150, deadline=None)
def test_any_spec_gives_lines_of_one_form(spec: RunSpec) -> None:
    text, _ = compose(spec)
    for line in text.split("\n"):
        assert re.fullmatch(
            r' *(- )?(("(\\.|[^"\\])*"|[^\W\d]\w*):)?( ?("(\\.|[^"\\])*"|\{\}|\[\]|-?\d+|true|false))?', line
        ), line
    assert json.dumps(spec.image.replace("$", "$$"), ensure_ascii=False) in text


@pytest.mark.parametrize(
    ("options", "reaches"),
    [
        ("-v data:/data -e A=1 -p 80:80 --network net -m 64m --cap-drop ALL --security-opt no-new-privileges", []),
        ("--privileged", ["--privileged"]),
        ("-v /etc:/etc", ["--volume of a host path"]),
        ("--mount type=bind,src=/etc,dst=/etc", ["--mount of a host path"]),
        ("--mount type=volume,dst=/x,volume-opt=device=/etc", ["--mount of a host path"]),
        ("--network host --pid host --ipc host --uts host", ["--network host", "--pid", "--ipc host", "--uts host"]),
        ("--cap-add SYS_ADMIN --device /dev/sda", ["--cap-add", "--device"]),
        ("--security-opt seccomp=unconfined", ["--security-opt"]),
        ("--volumes-from db", ["--volumes-from"]),
        ("--mount type=volume,src=a,dst=/x,volume-driver=local", []),
        ("--mount type=volume,src=a,dst=/x,volume-driver=sshfs", ["--mount with a volume-driver"]),
        ("--network container:db --ipc container:db", ["--network container", "--ipc container"]),
        ("--log-driver json-file --log-opt max-size=1m --log-opt tag=web --oom-score-adj 500", []),
        ("--log-driver syslog", ["--log-driver"]),
        ("--log-opt syslog-address=unix:///run/docker.sock", ["--log-driver"]),
        ("--annotation run.oci.hooks.stdout=/etc/cron.d/x", ["--annotation"]),
        ("--oom-score-adj -999", ["--oom-score-adj below 0"]),
    ],
)
def test_what_reaches_the_host(options: str, reaches: list[str]) -> None:
    assert host_options(parse(f"docker run {options} nginx").spec) == reaches
