"""The container image, built by both builders on a private engine, and the console in it managing that very engine.

Slow (some minutes): ``make soak``. The Python base image, compose and buildx are made of Debian's packages.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.engines import EngineFactory, PrivateEngine
from tools import engines, greps
from tools.engines import distribution

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
PASSWORD = "correct horse battery staple"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """What a fresh clone holds, with the certificates that this machine trusts."""
    folder = tmp_path / "clone"
    for name in greps.repository_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(greps.ROOT / name, folder / name)
    if AUTHORITIES.exists():
        shutil.copy(AUTHORITIES, folder / "ca-bundle.crt")
    return folder


@pytest.fixture
def private(new_engine: EngineFactory) -> PrivateEngine:
    """An engine with the base image and a way to the package registries."""
    engine = new_engine(load=["alpine"], uplink=True)
    distribution.load(engines.get(engine.name), ["python"])
    return engine


@pytest.fixture
def docker(private: PrivateEngine, context: Path, tmp_path: Path) -> Callable[..., str]:
    """Run a docker command in the clone against the private engine, with the plugins compose and buildx."""
    plugins = tmp_path / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    for plugin in (distribution.root("sid") / "usr/libexec/docker/cli-plugins").iterdir():
        (plugins / plugin.name).symlink_to(plugin)

    def run(*arguments: str, **environment: str) -> str:
        own = {"DOCKER_HOST": private.url, "DOCKER_CONFIG": str(tmp_path / "config"), **environment}
        done = subprocess.run(
            ["docker", *arguments], cwd=context, env=os.environ | own, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout.strip()

    return run


def test_the_console_in_a_container_manages_the_engine_that_runs_it(
    private: PrivateEngine, docker: Callable[..., str]
) -> None:
    docker("build", "--quiet", "--tag", "quarterdeck-classic", ".", DOCKER_BUILDKIT="0")
    gid = str(private.socket.stat().st_gid)
    settings = {
        "DOCKER_SOCKET": str(private.socket),
        "DOCKER_GID": gid,
        "QUARTERDECK_ADMIN_PASSWORD": PASSWORD,
        "DOCKER_BUILDKIT": "1",
    }
    docker("compose", "--project-name", "qd", "up", "--build", "--detach", "--wait", **settings)
    try:
        console = json.loads(docker("inspect", "qd-quarterdeck-1"))[0]
        assert console["State"]["Health"]["Status"] == "healthy"
        assert console["HostConfig"]["ReadonlyRootfs"]
        assert console["HostConfig"]["CapDrop"] == ["ALL"]
        assert console["HostConfig"]["PortBindings"] == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8000"}]}
        assert docker("exec", "qd-quarterdeck-1", "id", "-u") == "10001"
        assert PASSWORD not in docker("logs", "qd-quarterdeck-1")
        stops_a_neighbour(private, docker, address(console, "qd"), "qd")
    finally:
        docker("compose", "--project-name", "qd", "down", "--volumes", **settings)
    runs_as_classic(docker, private, gid)


def test_all_of_the_grown_mode_in_containers(private: PrivateEngine, docker: Callable[..., str]) -> None:
    """docker-compose.full.yml: the second web process is asked, the worker does it, and all of it starts again."""
    distribution.load(engines.get(private.name), ["postgres", "redis"])
    settings = {
        "DOCKER_SOCKET": str(private.socket),
        "DOCKER_GID": str(private.socket.stat().st_gid),
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "QUARTERDECK_SECRET_KEY": "the same for all of them",
        "QUARTERDECK_ADMIN_PASSWORD": PASSWORD,
        "DOCKER_BUILDKIT": "1",
    }
    compose = ("compose", "--file", "docker-compose.full.yml", "--project-name", "qdfull")
    states = ("ps", "--format", "{{.Service}} {{.State}} {{.Health}}")
    wanted = [
        *("postgres running healthy", "redis running healthy", "web-1 running healthy", "web-2 running healthy"),
        "worker running healthy",
    ]
    try:
        for begin in (("up", "--build", "--detach", "--wait"), ("restart",)):
            docker(*compose, *begin, **settings)
            if "--wait" in begin:
                found = sorted(map(str.strip, docker(*compose, *states, **settings).splitlines()))
                assert found == wanted, docker(*compose, "logs", **settings)[-5000:]
            deadline = time.monotonic() + 180  # every 30 s the image looks whether it is healthy
            while (found := sorted(map(str.strip, docker(*compose, *states, **settings).splitlines()))) != wanted:
                assert time.monotonic() < deadline, f"{found}\n{docker(*compose, 'logs', **settings)[-5000:]}"
                time.sleep(2)
            second = json.loads(docker("inspect", "qdfull-web-2-1"))[0]
            stops_a_neighbour(private, docker, address(second, "qdfull"), "qdfull")
        assert PASSWORD not in docker(*compose, "logs", **settings)
    finally:
        docker(*compose, "down", "--volumes", **settings)


def address(console: dict[str, dict[str, dict[str, dict[str, str]]]], project: str) -> str:
    """Where the console answers inside the engine's network; only its own loopback is published."""
    return console["NetworkSettings"]["Networks"][f"{project}_default"]["IPAddress"]


def stops_a_neighbour(private: PrivateEngine, docker: Callable[..., str], host: str, project: str) -> None:
    """Sign in with a browser's requests, stop another container, and see with the command line that it stopped."""
    target = docker("run", "--detach", "--name", "neighbour", "alpine", "sleep", "600")
    network = f"{project}_default"
    # The host has no route to the engine's bridge: a container publishes the way in.
    docker("run", "--detach", "--name", "way-in", "--network", network, "--publish", "8080:8080", *RELAY, host)
    session, base = requests.Session(), f"http://{private.address}:8080"
    session.trust_env = False
    wait_for(lambda: session.get(f"{base}/login", timeout=5))
    form = {"login": "admin", "password": PASSWORD, "csrfmiddlewaretoken": session.cookies["quarterdeck-csrf"]}
    signed_in = session.post(f"{base}/login", data=form, headers={"Referer": base}, allow_redirects=False)
    assert signed_in.status_code == 302, signed_in.text[-2000:]
    form = {"csrfmiddlewaretoken": session.cookies["quarterdeck-csrf"], "timeout": "1"}
    url = f"{base}/e/local/containers/{target}/stop"
    wait_for(lambda: session.get(url, timeout=5))  # the mirror knows it
    answer = session.post(url, data=form, headers={"Referer": base}, allow_redirects=False)
    assert answer.status_code == 302, answer.text[-2000:]
    deadline = time.monotonic() + 20
    while docker("inspect", "--format", "{{.State.Status}}", target) != "exited" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert docker("inspect", "--format", "{{.State.Status}}", target) == "exited"
    docker("rm", "--force", "neighbour", "way-in")


# A byte relay in the base image's Python: 8080 here to port 8000 of the host that is named.
RELAY = (
    "python:3.11-slim-bookworm",
    "python3",
    "-c",
    """
import asyncio, sys
async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def serve(reader, writer):
    there, back = await asyncio.open_connection(sys.argv[1], 8000)
    await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)
async def main():
    async with await asyncio.start_server(serve, '0.0.0.0', 8080) as server:
        await server.serve_forever()
asyncio.run(main())
""",
)


def wait_for(ask: Callable[[], requests.Response]) -> requests.Response:
    """Ask until the answer is 200."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            answer = ask()
        except requests.RequestException:
            answer = None
        if answer is not None and answer.status_code == 200:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"no answer: {answer.status_code if answer is not None else 'no connection'}")


def runs_as_classic(docker: Callable[..., str], private: PrivateEngine, gid: str) -> None:
    """The image of the classic builder starts under the same restrictions and ends with status 0 when it is stopped."""
    limits = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    mount = ["--volume", f"{private.socket}:/var/run/docker.sock", "--group-add", gid]
    docker("run", "--detach", "--name", "classic", *limits, *mount, "quarterdeck-classic")
    deadline = time.monotonic() + 30
    while "Quarterdeck is at" not in docker("logs", "classic"):
        assert time.monotonic() < deadline, docker("logs", "classic")
        time.sleep(0.2)
    docker("exec", "classic", "python", "healthcheck.py")
    began = time.monotonic()
    docker("stop", "classic")
    assert time.monotonic() - began < 8
    assert docker("inspect", "--format", "{{.State.ExitCode}}", "classic") == "0"
    docker("rm", "--volumes", "classic")
