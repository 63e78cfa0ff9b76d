"""Fixtures that give tests a real Docker engine of their own. Without one a test fails; it is never skipped.

`engine`        one engine for the whole run, with the images alpine, busybox and nginx
`clean_engine`  the same, without containers, own networks, own volumes and foreign images
`new_engine`    makes engines to break: `new_engine(flags=["--live-restore"])`
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypedDict, Unpack

import pytest

from tests import leavings
from tools import engines
from tools.engines import api, capsule, images, registry

BUILT_IN_NETWORKS = {"bridge", "host", "none"}
NUMBERS = count(1)


class PrivateEngine:
    """A running private engine, as tests use it."""

    def __init__(self, engine: engines.Engine, loaded: Sequence[str] = ()) -> None:
        self._engine = engine
        self._loaded = tuple(loaded)
        self._images = self._image_tags()
        self.name = engine.name
        self.socket: Path = engine.socket
        """Path of the unix socket."""
        self.url = f"unix://{engine.socket}"
        self.address = engine.address
        """IPv4 address of the engine, where published ports answer."""
        self.tcp_url = f"tcp://{engine.address}:{engine.tcp or engine.tls}" if engine.tcp or engine.tls else None
        self.certificates: Path = engine.certificates
        """With TLS: ca.pem, cert.pem, key.pem; other-ca.pem, other-cert.pem, other-key.pem are to be refused."""

    def __repr__(self) -> str:
        return f"<PrivateEngine {self.name}>"

    @property
    def api_version(self) -> str:
        """Highest version of the API the engine speaks, such as 1.41."""
        return str(self.get("/version")["ApiVersion"])

    def docker(self, *arguments: str, stdin: str | None = None, timeout: float = 120.0) -> str:
        """Standard output of a docker command, without the last newline; a failing command fails the test."""
        done = engines.docker(self._engine, *arguments, stdin=stdin, timeout=timeout)
        assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.removesuffix("\n")

    def get(self, target: str) -> Any:
        """JSON answer of the engine's API."""
        return api.get_json(self.socket, target)

    def call(self, method: str, target: str) -> bytes:
        """Answer of the engine's API to a request without a body; raises `api.Refused`."""
        return api.call(self.socket, method, target)

    def exec(self, *command: str) -> str:
        """Standard output of a command in the engine's own namespaces (its localhost, its processes)."""
        return capsule.run(*capsule.inside(self._engine, *command)).stdout

    @property
    def state(self) -> str:
        """stopped, dead (no dockerd), silent (hung) or running."""
        return str(engines.status(self._engine)["state"])

    def kill(self) -> None:
        """Let dockerd crash; `restart` gives the engine a new one."""
        engines.kill(self.name)

    def hang(self) -> None:
        """Let dockerd hang: connecting succeeds, nothing answers."""
        engines.hang(self.name)

    def resume(self) -> None:
        """Let a hung dockerd go on."""
        engines.resume(self.name)

    def restart(self, graceful: float = 10.0) -> None:
        """Restart dockerd, dead or alive, and wait until it answers."""
        self._engine = engines.restart(self.name, graceful=graceful)

    def stop(self) -> None:
        """End the engine at once with all it runs and has; fails when anything stays on the machine."""
        engines.stop(self.name, graceful=0, wipe=True)
        assert not (left := settled(self._engine)), left

    def load(self, *names: str) -> None:
        """Load test images, for example `layers`; they stay until the next `clean`."""
        images.load(self._engine, names)

    def start_registry(self, *names: str, port: int = 5000, password: bool = False, token: bool = False) -> str:
        """Start a registry beside the engine and push these images; returns HOST:PORT, good for both.

        With `password` it wants alice and secret, and nothing is pushed; with `token` the same by tokens, which
        anybody gets for pulling, from a server at the next port.
        """
        server = registry.start(self._engine, port, password=password, token=token)
        registry.push(self._engine, server, names)
        return server

    def slow_down(self, megabits: int) -> None:
        """Let what the engine pulls and pushes go at this rate per second, to watch progress."""
        registry.slow_down(self._engine, megabits)

    def clean(self, seconds: float = 30.0) -> None:
        """Bring the engine back to how it was after its start; a clean one takes some milliseconds."""
        end = time.monotonic() + seconds
        while rest := self._rest():
            assert time.monotonic() < end, f"cannot be removed: {rest}"
            # What is on its way out already, or used by what is, says no; look again then.
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(self._remove, rest))
        if self._image_tags() != self._images:
            images.load(self._engine, self._loaded)

    def _remove(self, target: str) -> None:
        method, _, path = target.partition(" ")
        with suppress(api.Refused):
            self.call(method, path)

    def _rest(self) -> list[str]:
        """Requests that remove what is too much, of the first kind there is: the order is that of the uses."""
        containers = self.get("/containers/json?all=1")
        if containers:
            return [f"DELETE /containers/{item['Id']}?force=1&v=1" for item in containers]
        networks = [item for item in self.get("/networks") if item["Name"] not in BUILT_IN_NETWORKS]
        if any(item["Scope"] == "swarm" for item in networks):
            return ["POST /swarm/leave?force=1"]
        volumes = self.get("/volumes")["Volumes"] or []
        rest = [f"DELETE /networks/{item['Id']}" for item in networks]
        rest += [f"DELETE /volumes/{item['Name']}?force=1" for item in volumes]
        known = set(self._images.values())
        for tag, identity in self._image_tags().items():
            if identity not in known:
                rest.append(f"DELETE /images/{identity}?force=1")
            elif self._images.get(tag) != identity:
                rest.append(f"DELETE /images/{tag}?force=1")
        return rest

    def _image_tags(self) -> dict[str, str]:
        """Image ids by tag; an image without tags stands under its id."""
        return {
            tag: item["Id"]
            for item in api.get_json(self._engine.socket, "/images/json")
            for tag in [tag for tag in item["RepoTags"] or () if tag != "<none>:<none>"] or [item["Id"]]
        }


class Options(TypedDict, total=False):
    """What an engine can be given at its start, as `tools.engines.start` has it."""

    flags: Sequence[str]
    tcp: int
    tls: int
    uplink: bool
    root: str


class EngineFactory(Protocol):
    """What the fixture `new_engine` gives: `load` names the images the engine shall have."""

    def __call__(self, *, load: Sequence[str] = images.FAST, **options: Unpack[Options]) -> PrivateEngine: ...


def start_engine(*, load: Sequence[str] = images.FAST, **options: Unpack[Options]) -> PrivateEngine:
    """Start an engine owned by this process, with some images loaded."""
    name = f"test-{os.getpid()}-{next(NUMBERS)}"
    engine = engines.start(name, owner=os.getpid(), **options)
    try:
        images.load(engine, load)
        return PrivateEngine(engine, load)
    except BaseException:
        engines.stop(name, graceful=0, wipe=True)
        raise


def settled(engine: engines.Engine, seconds: float = 10.0) -> list[str]:
    """What is left of an engine; on a busy machine the kernel takes a moment to end what it was told to end."""
    end = time.monotonic() + seconds
    while (left := capsule.leftovers(engine)) and time.monotonic() < end:
        time.sleep(0.1)
    return left


@pytest.fixture(scope="session")
def engine_session() -> Iterator[Callable[[PrivateEngine], None]]:
    """Start and end of all engines of a run: removes those of dead runs, fails when one of ours stays.

    Gives the function that notes an engine for the check at the end.
    """
    engines.reap()
    started: list[PrivateEngine] = []
    yield started.append
    left = [thing for engine in started for thing in settled(engine._engine)]
    assert not left, f"left by private engines: {left}"


@pytest.fixture(scope="session")
def engine(engine_session: Callable[[PrivateEngine], None]) -> Iterator[PrivateEngine]:
    """The engine of this run, shared by its tests; see `clean_engine`.

    $QUARTERDECK_TEST_ROOT: a file system (tools/engine.py root) whose engine to test with, not this machine's.
    """
    root = os.environ.get("QUARTERDECK_TEST_ROOT")
    private = start_engine(root=root) if root else start_engine()
    engine_session(private)
    try:
        yield private
        leavings.check_engine(private)
    finally:
        private.stop()


@pytest.fixture
def clean_engine(engine: PrivateEngine) -> Iterator[PrivateEngine]:
    """The engine of this run, clean before the test and after.

    One that a test has left dead or hanging is restarted: that test has failed, the others go on.
    """
    if not api.answers(engine._engine.socket):
        engine.restart(graceful=0)
    engine.clean()
    yield engine
    try:
        leavings.check_engine(engine)
    finally:
        engine.clean()


@pytest.fixture
def new_engine(engine_session: Callable[[PrivateEngine], None]) -> Iterator[EngineFactory]:
    """A maker of engines that the test may break; they end with it."""
    made: list[PrivateEngine] = []

    def make(*, load: Sequence[str] = images.FAST, **options: Unpack[Options]) -> PrivateEngine:
        private = start_engine(load=load, **options)
        made.append(private)
        engine_session(private)
        return private

    try:
        yield make
        for private in made:
            if private.state == "running":  # who broke it has nobody to ask
                leavings.check_engine(private, volumes=False)
    finally:
        for private in made:
            private.stop()
