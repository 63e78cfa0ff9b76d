"""The columns of the list beside those of the docker command line, for containers of every kind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.utils import timezone

from console import docker_words
from console.engine.address import Address
from console.engine.client import EngineClient
from console.models import Container, Engine
from console.pages.container_rows import ports_of, state_of
from console.sync import reconcile
from tests import factories
from tests.engines import PrivateEngine

FORMAT: Final = "{{json .}}"
RUNS: Final[dict[str, tuple[str, ...]]] = {
    "plain": ("run", "-d", "nginx"),
    "published": ("run", "-d", "-p", "8080:80", "nginx"),
    "same-port": ("run", "-d", "-p", "80:80", "nginx"),
    "loopback": ("run", "-d", "-p", "127.0.0.1:8081:80", "nginx"),
    "range": ("run", "-d", "-p", "9000-9004:9000-9004", "alpine", "sleep", "600"),
    "udp": ("run", "-d", "-p", "5353:53/udp", "-p", "5354:53/tcp", "alpine", "sleep", "600"),
    "exposed": ("run", "-d", "--expose", "7000-7003", "--expose", "7005", "alpine", "sleep", "600"),
    "host": ("run", "-d", "--network", "host", "nginx"),
    "none": ("run", "-d", "--network", "none", "nginx"),
    "words": ("run", "-d", "alpine", "sh", "-c", "echo \"it is\" 'so'; sleep 600"),
    "lines": ("run", "-d", "alpine", "sh", "-c", "echo one\n\tsleep 600"),
    "entrypoint": ("run", "-d", "--entrypoint", "/bin/sleep", "alpine", "600"),
    "healthy": ("run", "-d", "--health-cmd", "true", "--health-interval", "1s", "alpine", "sleep", "600"),
    "unhealthy": (
        *("run", "-d", "--health-cmd", "false", "--health-interval", "1s", "--health-retries", "1"),
        *("alpine", "sleep", "600"),
    ),
    "starting": ("run", "-d", "--health-cmd", "true", "--health-interval", "300s", "alpine", "sleep", "600"),
    "paused": ("run", "-d", "alpine", "sleep", "600"),
    "exited": ("run", "-d", "-p", "8090:80", "alpine", "true"),
    "failed": ("run", "-d", "alpine", "sh", "-c", "exit 3"),
    "created": ("create", "-p", "8091:80", "nginx"),
    "by-id": ("run", "-d", "{image}", "sleep", "600"),
    "restarting": ("run", "-d", "--restart", "always", "alpine", "sh", "-c", "exit 4"),
}


@pytest.fixture
def mirrored(clean_engine: PrivateEngine, db: None) -> Callable[[], Engine]:
    """Brings the rows of an engine row to what the containers are now."""
    row = factories.engine("words", url=clean_engine.url)

    def mirror() -> Engine:
        with EngineClient(Address(clean_engine.url)) as client:
            found = [client.container(summary.id) for summary in client.containers()]
        reconcile.apply(row.pk, "container", found, fence=0)
        return row

    return mirror


def printed(engine: PrivateEngine) -> dict[str, dict[str, Any]]:
    lines = engine.docker("container", "ls", "--all", "--no-trunc", "--format", FORMAT).splitlines()
    return {item["Names"]: item for item in map(json.loads, lines)}


def status(row: Container) -> str:
    state, health = state_of(row)
    return docker_words.status(state, health, row.exit_code, row.started_at, row.finished_at, timezone.now())


def test_columns_equal_the_command_line(clean_engine: PrivateEngine, mirrored: Callable[[], Engine]) -> None:
    image = clean_engine.docker("image", "inspect", "--format", "{{.Id}}", "alpine")
    for name, (verb, *rest) in RUNS.items():
        clean_engine.docker("container", verb, "--name", name, *(part.format(image=image) for part in rest))
    clean_engine.docker("container", "pause", "paused")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        said = printed(clean_engine)
        settled = ("(healthy)" in said["healthy"]["Status"], "(unhealthy)" in said["unhealthy"]["Status"])
        if all(settled) and "Exited (3)" in said["failed"]["Status"] and "Exited (0)" in said["exited"]["Status"]:
            break
        time.sleep(0.3)
    assert set(said) == set(RUNS)

    # Words of time move on between two looks: what docker says must be what we say just before or just after it.
    different: dict[str, tuple[str, ...]] = {}
    for _ in range(10):
        engine = mirrored()
        rows = {row.name: row for row in Container.objects.filter(engine=engine)}
        before = {name: status(row) for name, row in rows.items()}
        said = printed(clean_engine)
        after = {name: status(row) for name, row in rows.items()}
        wanted = {name: item["Status"] for name, item in said.items()}
        different = {
            name: (wanted[name], before[name], after[name])
            for name in RUNS
            if wanted[name] not in {before[name], after[name]} and name != "restarting"
        }
        if not different:
            break
    assert different == {}
    assert before["restarting"].startswith(("Restarting (4) ", "Up "))
    for name, row in rows.items():
        assert docker_words.ports(ports_of(row)) == said[name]["Ports"].replace(":::", "[::]:"), name
        assert docker_words.command(row.entrypoint, row.command) == said[name]["Command"], name
        assert (
            docker_words.image_reference(row.image, row.image_id)
            == said[name]["Image"].removeprefix("sha256:")[: 12 if name == "by-id" else None]
        ), name
        assert row.container_id == said[name]["ID"]
