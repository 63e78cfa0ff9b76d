"""Weighted random docker commands against one private engine, from a seed."""

from __future__ import annotations

import http.client
import random
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from tests.engines import PrivateEngine
from tools import engines
from tools.engines import api

CONTAINERS, NETWORKS, VOLUMES, TAGS = 14, 5, 5, 8  # how many names of each there are
QUICK_END = ("--stop-signal", "SIGKILL")  # an engine that comes back waits 10 s for those that ignore SIGTERM
SLEEP = ("alpine", "sleep", "600")


class Nothing(Exception):
    """There is nothing that this command could be typed for."""


class Operations:
    """One hand that types random docker commands. Some of them fail, as they do when people type."""

    def __init__(self, private: PrivateEngine, seed: str) -> None:
        self.done = 0
        self.refused = 0
        self.words: list[str] = []
        self._private = private
        self._random = random.Random(seed)
        self._choices: list[tuple[int, Callable[[], Sequence[Sequence[str]]]]] = [
            (10, self._create),
            (9, self._run),
            (8, lambda: [["start", self._container("created", "exited")]]),
            (5, lambda: [["stop", "-t", "1", self._container("running", "paused")]]),
            (2, lambda: [["restart", "-t", "1", self._container("running", "exited")]]),
            (5, lambda: [["kill", "-s", self._of("KILL", "TERM", "HUP"), self._container("running")]]),
            (5, lambda: [["pause", self._container("running")]]),
            (5, lambda: [["unpause", self._container("paused")]]),
            (5, lambda: [["rename", self._container(), self._new_name()]]),
            (4, self._swap),
            (5, self._update),
            (9, lambda: [["rm", *self._of(("-f",), ("-f", "-v"), ("-v",)), self._container()]]),
            (6, self._connect),
            (5, self._disconnect),
            (4, lambda: [["network", "create", "--label", self._label(), self._name("n", NETWORKS)]]),
            (3, lambda: [["network", "rm", self._network()]]),
            (4, lambda: [["volume", "create", "--label", self._label(), self._name("v", VOLUMES)]]),
            (3, lambda: [["volume", "rm", self._volume()]]),
            (6, lambda: [["tag", self._image(), self._tag()]]),
            (5, lambda: [["rmi", *self._of((), ("-f",)), self._known_tag()]]),
            (3, lambda: [["commit", "-m", self._label(), self._container(), *self._of((), (self._tag(),))]]),
            (1, lambda: [["import", "-", self._tag()]]),
            (1, lambda: [["build", "-q", *self._of((), ("-t", self._tag())), "-"]]),
            (1, lambda: [[self._of("container", "network", "volume", "image"), "prune", "-f"]]),
        ]

    def act(self) -> bool:
        """Type one thing; return whether the engine was there to answer."""
        try:
            for words in self._choose():
                if not self._type(words):
                    return False
        except (OSError, ValueError, subprocess.TimeoutExpired, api.Refused, http.client.HTTPException):
            return False
        self.done += 1
        return True

    def _choose(self) -> Sequence[Sequence[str]]:
        weights = [weight for weight, _ in self._choices]
        while True:
            try:
                return self._random.choices([make for _, make in self._choices], weights)[0]()
            except Nothing:
                continue

    def _type(self, words: Sequence[str]) -> bool:
        stdin = f"FROM alpine\nRUN true\nLABEL made={self._label()}\n" if words[0] == "build" else ""
        done = engines.docker(self._private._engine, *words, stdin=stdin, timeout=60)
        self.words.append(f"{' '.join(words)}: {done.returncode}")
        self.refused += done.returncode != 0
        return not any(sign in done.stderr for sign in ("Cannot connect", "connection reset", "EOF"))

    # -- what to act on -----------------------------------------------------------------------------------------------

    def _of(self, *choices: Any) -> Any:
        return self._random.choice(choices)

    def _name(self, letter: str, count: int) -> str:
        return f"{letter}x{self._random.randrange(count)}"

    def _label(self) -> str:
        return f"l{self._random.randrange(9)}=x{self._random.randrange(99)}"

    def _tag(self) -> str:
        return f"team/app:{self._random.randrange(TAGS)}"

    def _any(self, fitting: Sequence[str]) -> str:
        if not fitting:
            raise Nothing
        return self._random.choice(fitting)

    def _container(self, *states: str) -> str:
        found = self._private.get("/containers/json?all=1")
        return self._any([item["Id"] for item in found if not states or item["State"] in states])

    def _names(self) -> dict[str, str]:
        """Return the containers' names by id; one that a crash interrupted in the making has none."""
        found = self._private.get("/containers/json?all=1")
        return {item["Id"]: item["Names"][0].lstrip("/") for item in found if item["Names"]}

    def _new_name(self) -> str:
        """Return a name for a container, mostly one that is free."""
        taken = set(self._names().values())
        names = [f"cx{number}" for number in range(CONTAINERS)]
        return self._any([name for name in names if name not in taken or self._random.random() < 0.02])

    def _image(self) -> str:
        return self._any([item["Id"] for item in self._private.get("/images/json")])

    def _known_tag(self) -> str:
        tags = {tag for item in self._private.get("/images/json") for tag in item["RepoTags"] or ()}
        return self._any(sorted(tag for tag in tags if tag.startswith("team/")))

    def _network(self) -> str:
        names = sorted(item["Name"] for item in self._private.get("/networks"))
        return self._any([name for name in names if name not in ("host", "none")])

    def _volume(self) -> str:
        return self._any(sorted(item["Name"] for item in self._private.get("/volumes")["Volumes"] or []))

    # -- what takes more than a line ----------------------------------------------------------------------------------

    def _some_options(self) -> list[str]:
        options = [*QUICK_END, "--name", self._new_name(), "--label", self._label()]
        for chance, words in (
            (0.3, ("-v", f"{self._name('v', VOLUMES)}:/data")),
            (0.2, ("-v", "/anonymous")),
            (0.4, ("--network", self._network())),
            (0.2, ("-p", "80")),
            (0.2, ("-e", f"A={self._random.random()}")),
            (0.1, ("--health-cmd", self._of("true", "false"), "--health-interval", "1s", "--health-retries", "1")),
            (0.1, ("--tmpfs", "/run")),
        ):
            if self._random.random() < chance:
                options += words
        return options

    def _create(self) -> Sequence[Sequence[str]]:
        return [["create", *self._some_options(), *SLEEP]]

    def _run(self) -> Sequence[Sequence[str]]:
        kind = self._random.random()
        options = self._some_options()
        if kind < 0.2:
            return [["run", "-d", "--rm", *options, "alpine", "true"]]
        if kind < 0.4:
            return [["run", "-d", "--restart", "on-failure:2", *options, "alpine", "false"]]
        return [["run", "-d", *options, *SLEEP]]

    def _swap(self) -> Sequence[Sequence[str]]:
        one, two = self._container(), self._container()
        names = self._names()
        if one == two or one not in names or two not in names:
            return []
        return [["rename", one, "between"], ["rename", two, names[one]], ["rename", one, names[two]]]

    def _update(self) -> Sequence[Sequence[str]]:
        what = self._of(
            ("--restart", self._of("no", "unless-stopped", "on-failure:2")),
            ("--memory", self._of("64m", "128m"), "--memory-swap", "-1"),
            ("--cpu-shares", str(self._random.randrange(2, 1024))),
        )
        return [["update", *what, self._container()]]

    def _disconnect(self) -> Sequence[Sequence[str]]:
        found = self._private.get("/containers/json?all=1")
        pairs = [(item["Id"], name) for item in found for name in item["NetworkSettings"]["Networks"]]
        if not pairs:
            raise Nothing
        container, network = self._random.choice(pairs)
        return [["network", "disconnect", *self._of((), ("-f",)), network, container]]

    def _connect(self) -> Sequence[Sequence[str]]:
        alias = self._of((), ("--alias", f"nick{self._random.randrange(9)}"))
        return [["network", "connect", *alias, self._network(), self._container()]]
