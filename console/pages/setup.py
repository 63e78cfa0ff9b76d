"""Why no engine answers, step by step, with the commands that mend it on this system."""

from __future__ import annotations

import os
import platform
import pwd
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from django.http import QueryDict

from console import access
from console.engine.errors import Unreachable
from console.models import Engine
from console.pages.live import RESYNC

ROOT_WARNING: Final = (
    "Members of the group docker can become root on this host: whoever may use the socket owns the machine."
)


@dataclass(frozen=True, slots=True)
class Step:
    """One check. ``state``: done, failed, created (not reached). Commands mend a failed one, in their order."""

    state: str
    title: str
    text: str = ""
    commands: tuple[str, ...] = ()
    after: str = ""
    warning: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """What decides which commands fit: the family of the distribution, the user, whether systemd runs."""

    family: str  # debian, redhat, suse, alpine, arch or ""
    name: str
    user: str
    uid: int
    systemd: bool
    contained: bool  # the console runs in a container: commands are for its host


@dataclass(slots=True)
class Diagnosis:
    """All steps and what the page says over them."""

    title: str
    url: str
    problem: str
    steps: list[Step] = field(default_factory=list)


def this_system() -> System:
    """The machine that the console runs on."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    words = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".split()
    families = {
        "debian": {"debian", "ubuntu"},
        "redhat": {"rhel", "fedora", "centos", "rocky", "almalinux"},
        "suse": {"suse", "opensuse"},
        "alpine": {"alpine"},
        "arch": {"arch"},
    }
    family = next((name for name, members in families.items() if members & set(words)), "")
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    return System(
        family,
        release.get("PRETTY_NAME", "this system"),
        user,
        os.geteuid(),
        os.path.isdir("/run/systemd/system"),
        os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"),
    )


def diagnosis(url: str, source: str, found: Unreachable, system: System) -> Diagnosis:
    """The steps for what was found at ``url``. Pure: the same words for the same problem."""
    problem = found.problem
    local = url.startswith("unix://")
    made = Diagnosis(TITLES.get(problem, "No Docker engine reachable"), url, problem)
    if not local:
        made.steps = _remote(url, source, found)
        return made
    path = url.removeprefix("unix://")
    order = ("wrong-address", "not-installed", "not-running", "no-permission", "timeout")
    at = order.index(problem) if problem in order else order.index("timeout")
    waits = "waits for the step above"
    checks = (
        (f"The address names a socket: {path}", _address(source, found)),
        ("Docker is installed", _install(system, found)),
        ("The daemon is running", _start(system, found)),
        (f"The user {system.user} may open the socket", _permit(system, found)),
        ("The engine answers", _answer(system, found)),
    )
    for index, (title, failed) in enumerate(checks):
        made.steps.append(
            Step("done", title) if index < at else failed if index == at else Step("created", title, waits)
        )
    return made


TITLES: Final[dict[str, str]] = {
    "not-installed": "Docker is not installed",
    "not-running": "The Docker daemon is not running",
    "no-permission": "The console may not use the Docker socket",
    "wrong-address": "No Docker engine at this address",
    "timeout": "The Docker engine does not answer",
    "tls": "The secure connection to the engine fails",
    "lost": "The Docker engine does not answer",
}
_INSTALL: Final[dict[str, tuple[str, ...]]] = {
    "debian": ("sudo apt update", "sudo apt install docker.io"),
    "redhat": ("sudo dnf install --assumeyes docker-ce docker-ce-cli containerd.io",),
    "suse": ("sudo zypper install --no-confirm docker",),
    "alpine": ("sudo apk add docker",),
    "arch": ("sudo pacman --sync --noconfirm docker",),
}


def _sudo(system: System, *commands: str) -> tuple[str, ...]:
    """Root on the machine itself needs no sudo."""
    plain = system.uid == 0 and not system.contained
    return tuple(command.removeprefix("sudo ") if plain else command for command in commands)


def _address(source: str, found: Unreachable) -> Step:
    from_environment = "It comes from DOCKER_HOST. " if source == "DOCKER_HOST" else ""
    return Step(
        "failed",
        "The address leads to no engine",
        f"{found.message} {from_environment}Give the console the right one and start it again:",
        ("docker context ls", "DOCKER_HOST=unix:///var/run/docker.sock make run"),
        "The first lists the addresses that the docker command knows.",
        error=found.message,
    )


def _install(system: System, found: Unreachable) -> Step:
    commands = _INSTALL.get(
        system.family, ("curl --fail --silent --show-error --location https://get.docker.com | sudo sh",)
    )
    start = "sudo systemctl enable --now docker" if system.systemd or system.contained else "sudo service docker start"
    where = f"On {system.name}:" if not system.contained else "On the machine that the console's container runs on:"
    return Step(
        "failed",
        "Docker is not installed",
        f"{found.message} {where}",
        _sudo(system, *commands, start),
        error=found.message,
    )


def _start(system: System, found: Unreachable) -> Step:
    if system.systemd or system.contained:
        commands: tuple[str, ...] = (
            "sudo systemctl start docker",
            "sudo systemctl enable docker",
            "sudo journalctl --unit docker --lines 50",
        )
        after = "The first starts it now, the second at every boot; if it stops again, the third says why."
    else:
        commands = ("sudo service docker start", "sudo dockerd")
        after = "This system has no systemd. If the service does not stay up, the second shows why."
    return Step(
        "failed", "The daemon is not running", found.message, _sudo(system, *commands), after, error=found.message
    )


def _permit(system: System, found: Unreachable) -> Step:
    commands = (f"sudo usermod -aG docker {system.user}",)
    after = f"Group membership counts from the next login: sign {system.user} out and in again, then start the console."
    if system.contained:
        commands = ("docker compose up --detach --build",)
        after = (
            "The console's container needs the group of the socket: set DOCKER_GID in .env to what "
            "“stat --format %g /var/run/docker.sock” prints on the host, then start it again."
        )
    return Step(
        "failed",
        f"Permission denied for the user {system.user}",
        found.message,
        commands,
        after,
        ROOT_WARNING,
        found.message,
    )


def _answer(system: System, found: Unreachable) -> Step:
    commands: tuple[str, ...] = ("sudo systemctl restart docker", "sudo journalctl --unit docker --lines 50")
    if not system.systemd and not system.contained:
        commands = ("sudo service docker restart",)
    return Step(
        "failed",
        "The engine does not answer",
        f"{found.message} It may be busy starting; it may hang. A restart stops its "
        "containers unless live-restore is on.",
        _sudo(system, *commands),
        error=found.message,
    )


def _remote(url: str, source: str, found: Unreachable) -> list[Step]:
    where = url.removeprefix("tcp://")
    host, _, port = where.rpartition(":")
    failed = Step(
        "failed",
        TITLES.get(found.problem, "The engine does not answer"),
        f"{found.message} {'It comes from DOCKER_HOST. ' if source == 'DOCKER_HOST' else ''}Try from this machine:",
        (
            f"docker --host {url} version",
            f"DOCKER_HOST={url} DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=~/.docker make run"
            if found.problem == "tls"
            else "DOCKER_HOST=unix:///var/run/docker.sock make run",
        ),
        error=found.message,
    )
    reached = found.problem in {"tls", "timeout", "lost"}
    first = Step("done", f"{host or where} is reached on port {port or '?'}") if reached else failed
    second = failed if reached else Step("created", "An engine answers there", "waits for the step above")
    return [first, second]


class SetupPage:
    """The diagnosis page for one person: of the engine given, else of the first that does not answer."""

    kinds = frozenset({"engine", "beat"})

    def __init__(self, user: access.Actor, engine: Engine | None, params: QueryDict) -> None:
        access.require(user, "observe")
        self.user = user
        wanted = params.get("engine", "")
        rows = list(access.engines_for(user))
        self.engines = rows
        self.engine = (
            engine
            or next((row for row in rows if row.slug == wanted), None)
            or next((row for row in rows if row.state != Engine.State.LIVE), next(iter(rows), None))
        )

    @property
    def answers(self) -> bool:
        """Whether the mirror follows the engine: the page has nothing to say any more."""
        return self.engine is not None and self.engine.state == Engine.State.LIVE and self.engine.synced_at is not None

    def diagnosed(self, found: Unreachable | None) -> Diagnosis:
        """The page's words for what was found at the engine's address; None: it answers, the mirror follows soon."""
        if self.engine is None:
            made = Diagnosis("No engine is set up", "", "wrong-address")
            made.steps = [
                Step("failed", "The console has no engine yet", "Start it again; it looks for one.", ("make run",))
            ]
            return made
        if found is None:
            made = Diagnosis("The engine answers", self.engine.url, "")
            made.steps = [
                Step("done", "The engine answers"),
                Step("busy", "The mirror is being made", "This page moves on by itself."),
            ]
            return made
        return diagnosis(self.engine.url, self.engine.source, found, self.system)

    @cached_property
    def system(self) -> System:
        """The machine that the console runs on."""
        return this_system()

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        """For the page's socket: every sign of the engine makes the page look again."""
        return RESYNC

    def context(self, found: Unreachable | None) -> dict[str, Any]:
        """For ``setup/engine.html``."""
        context: dict[str, Any] = {
            "page": self,
            "diagnosis": self.diagnosed(found),
            "default_command": "docker version",
        }
        return context | ({"engine": self.engine} if self.engine else {})
