"""The diagnosis: each problem says which step failed and the commands that mend it on this kind of system."""

from __future__ import annotations

import pytest
from django.test import Client

from console.engine.errors import Unreachable
from console.models import Engine
from console.pages.setup import ROOT_WARNING, System, diagnosis
from tests import factories

DEBIAN = System("debian", "Debian GNU/Linux 12", "quarterdeck", 991, systemd=True, contained=False)
SOCKET = "unix:///var/run/docker.sock"


def failed(problem: str, system: System = DEBIAN, url: str = SOCKET, source: str = "default socket") -> tuple[int, str]:
    """The index of the failed step, and its commands."""
    made = diagnosis(url, source, Unreachable("Exactly this.", problem), system)
    index = next(at for at, step in enumerate(made.steps) if step.state == "failed")
    assert [step.state for step in made.steps[:index]] == ["done"] * index
    assert {step.state for step in made.steps[index + 1 :]} <= {"created"}
    assert made.steps[index].error == "Exactly this."
    return index, "\n".join(made.steps[index].commands)


@pytest.mark.parametrize(
    ("problem", "index", "commands"),
    [
        ("wrong-address", 0, ["DOCKER_HOST=", "docker context ls"]),
        ("not-installed", 1, ["sudo apt install docker.io", "sudo systemctl enable --now docker"]),
        ("not-running", 2, ["sudo systemctl start docker", "sudo systemctl enable docker", "journalctl"]),
        ("no-permission", 3, ["sudo usermod -aG docker quarterdeck"]),
        ("timeout", 4, ["sudo systemctl restart docker"]),
        ("lost", 4, ["sudo systemctl restart docker"]),
    ],
)
def test_every_problem(problem: str, index: int, commands: list[str]) -> None:
    at, said = failed(problem)
    assert at == index
    for command in commands:
        assert command in said


def test_permission_warns_of_root_and_asks_for_a_new_login() -> None:
    made = diagnosis(SOCKET, "", Unreachable("No.", "no-permission"), DEBIAN)
    (step,) = [step for step in made.steps if step.state == "failed"]
    assert step.warning == ROOT_WARNING
    assert "login" in step.after


@pytest.mark.parametrize(
    ("family", "command"),
    [
        ("redhat", "dnf install"),
        ("suse", "zypper"),
        ("alpine", "apk add docker"),
        ("arch", "pacman"),
        ("", "get.docker.com"),
    ],
)
def test_installing_on_other_systems(family: str, command: str) -> None:
    assert command in failed("not-installed", System(family, "it", "joe", 1000, True, False))[1]


def test_root_needs_no_sudo_and_not_every_system_has_systemd() -> None:
    said = failed("not-running", System("debian", "Debian", "root", 0, systemd=False, contained=False))[1]
    assert said == "service docker start\ndockerd"


def test_in_a_container_the_group_of_the_socket_counts() -> None:
    made = diagnosis(SOCKET, "", Unreachable("No.", "no-permission"), System("debian", "D", "app", 10001, False, True))
    (step,) = [step for step in made.steps if step.state == "failed"]
    assert "DOCKER_GID" in step.after


@pytest.mark.parametrize("problem", ["wrong-address", "tls", "timeout"])
def test_remote_engines(problem: str) -> None:
    made = diagnosis("tcp://engine.lan:2376", "DOCKER_HOST", Unreachable("No.", problem), DEBIAN)
    assert [step.state for step in made.steps] == (
        ["failed", "created"] if problem == "wrong-address" else ["done", "failed"]
    )
    assert "docker --host tcp://engine.lan:2376 version" in next(s for s in made.steps if s.state == "failed").commands


@pytest.mark.django_db
def test_it_moves_on(client: Client) -> None:
    client.force_login(factories.user("mika"))
    engine = factories.engine("local", state=Engine.State.UNREACHABLE, synced_at=None)
    first = client.get("/setup/engine")
    assert first.status_code == 200
    assert '<noscript><meta http-equiv="refresh"' in first.content.decode()
    Engine.objects.filter(pk=engine.pk).update(state=Engine.State.LIVE, synced_at=engine.seen_at)
    assert client.get("/setup/engine")["Location"] == "/"
    assert client.get("/setup/engine?engine=local", headers={"HX-Request": "true"})["HX-Redirect"] == "/"
    assert client.get("/setup/engine?engine=other").status_code == 404
