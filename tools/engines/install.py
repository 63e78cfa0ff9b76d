"""Install the Debian packages that private engines, private databases and browser tests need."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from subprocess import DEVNULL

from tools.engines.state import SYSTEM_PATH, EngineError

POLICY = Path("/usr/sbin/policy-rc.d")
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")

# What we need → the package that brings it. docker.io brings containerd and runc.
COMMANDS = {
    "dockerd": "docker.io",
    "iptables": "iptables",
    "ip": "iproute2",
    "tini": "tini",
    "curl": "curl",
    "openssl": "openssl",
    "docker-registry": "docker-registry",
    "nsenter": "util-linux",
    "chromium": "chromium",
    "redis-server": "redis-server",
}
POSTGRES = Path("/usr/lib/postgresql")
# While this file is there, installing PostgreSQL makes no cluster: tests make their own (tools/services.py)
NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/quarterdeck.conf")


def which(command: str) -> str | None:
    """Path of a command as root would find it, or None."""
    return shutil.which(command, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")


def debian_release() -> int:
    """Major release of this Debian, 99 for testing and unstable (their os-release has no number)."""
    for line in Path("/etc/os-release").read_text().splitlines():
        key, _, value = line.partition("=")
        if key == "VERSION_ID":
            return int(value.strip('"').split(".")[0])
    return 99


def missing() -> list[str]:
    """Names of the packages still to be installed, in the order of the table above."""
    packages = [package for command, package in COMMANDS.items() if which(command) is None]
    # Debian 12's docker.io contains the command line client, later ones only recommend it.
    if which("docker") is None and debian_release() >= 13:
        packages.append("docker-cli")
    if which("docker") is None and "docker.io" not in packages and debian_release() < 13:
        packages.append("docker.io")
    if not any(POSTGRES.glob("*/bin/initdb")):
        packages.append("postgresql")
    if not FONT.exists():
        packages.append("fonts-dejavu-core")
    return packages


def apt_environment() -> dict[str, str]:
    """Environment for apt: ours (it may name a proxy), without questions and translations."""
    return os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", "PATH": SYSTEM_PATH}


def apt_install(packages: Sequence[str]) -> None:
    """Install packages without letting any of them start a service on this machine.

    Raises EngineError with apt's last lines when that fails.
    """
    if os.geteuid() != 0:
        raise EngineError(f"installing {', '.join(packages)} needs root")
    with ExitStack() as undo:
        if not POLICY.exists():
            POLICY.write_text("#!/bin/sh\nexit 101\n")
            POLICY.chmod(0o755)
            undo.callback(POLICY.unlink)
        if "postgresql" in packages:
            NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
            NO_CLUSTER.write_text("create_main_cluster = false\n")
            undo.callback(NO_CLUSTER.unlink)
        apt("update", "-qq")
        apt("install", "-y", "-qq", "--no-install-recommends", *packages)
        disable([name for name in ("postgresql", "redis-server") if name in packages])


def disable(services: Sequence[str]) -> None:
    """Keep what tests run by themselves from starting with this machine."""
    systemctl = which("systemctl")
    if services and systemctl:
        subprocess.run([systemctl, "disable", "--quiet", *services], check=False, stdout=DEVNULL, stderr=DEVNULL)


def apt(*arguments: str, cwd: Path | None = None) -> None:
    """Run one apt-get command, waiting for other users of the package database."""
    done = subprocess.run(
        ["apt-get", "-o", "DPkg::Lock::Timeout=300", *arguments],
        env=apt_environment(),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = "\n".join(done.stdout.splitlines()[-8:])
        raise EngineError(f"apt-get {' '.join(arguments)} failed:\n{lines}")


def install() -> list[str]:
    """Install what is missing; returns the names of the packages that were."""
    packages = missing()
    if packages:
        apt_install(packages)
    return packages
