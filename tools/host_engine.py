"""Give this machine the distribution's Docker when no engine answers: Debian and Ubuntu, as root, unless ENGINE=none.

Nothing here is fatal: without an engine the console still starts, and its engine page says what is wrong.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from console.engine.address import DEFAULT_SOCKET, Address, discover
from tools.setup import apt_get, is_debian, say

SYSTEMD = Path("/run/systemd/system")
WAIT = 60.0  # seconds for a fresh dockerd to answer


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=2.0)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def answers(path: str) -> bool:
    """Whether an engine answers ``GET /_ping`` on this Unix socket."""
    connection = _SocketConnection(path)
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wanted(environ: Mapping[str, str], found: Address, *, root: bool, debian: bool) -> bool:
    """Whether an engine is ours to install: none was named, none answers, we may, and nobody said no."""
    if environ.get("ENGINE") == "none" or environ.get("DOCKER_HOST") or found.source.startswith("context"):
        return False
    return root and debian and not (found.socket_path and answers(found.socket_path))


def provide(environ: Mapping[str, str], data: Path) -> None:
    """Install and start the distribution's Docker where that is wanted, and wait until it answers.

    `data` holds the log of a dockerd that no systemd looks after.
    """
    try:
        found = discover(environ)
    except ValueError:
        return  # the console shows what is wrong with the address
    if not wanted(environ, found, root=os.geteuid() == 0, debian=is_debian()):
        return
    try:
        if shutil.which("dockerd") is None:
            say(f"no Docker engine answers at {found.url}: installing the distribution's (ENGINE=none skips this)")
            apt_get("update")
            apt_get("install", *packages())
        else:
            say(f"no Docker engine answers at {found.url}: starting this machine's (ENGINE=none skips this)")
        if not answers(DEFAULT_SOCKET):
            start(data / "dockerd.log")
        if not wait(DEFAULT_SOCKET, WAIT):
            raise OSError(f"no answer within {WAIT:.0f} seconds")
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"the engine did not start ({error}); the console starts without it and says more")
    else:
        say(f"the engine answers at unix://{DEFAULT_SOCKET}")


def packages() -> list[str]:
    """Return the packages that make an engine here. Debian 13 has the command line apart."""
    names = ["docker.io", "iptables"]
    if not SYSTEMD.exists():
        names.append("cgroupfs-mount")
    known = subprocess.run(["apt-cache", "pkgnames", "docker-cli"], check=False, capture_output=True, text=True)
    return [*names, "docker-cli"] if "docker-cli" in known.stdout.split() else names


def start(log: Path) -> None:
    """Start dockerd: by systemd where it runs, else in the background in a session of its own, its log in `log`."""
    if SYSTEMD.exists():
        subprocess.run(["systemctl", "enable", "--now", "docker"], check=True)
        return
    mount = shutil.which("cgroupfs-mount")
    if mount and not Path("/sys/fs/cgroup/cgroup.controllers").exists():
        subprocess.run([mount], check=False, capture_output=True)
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd="/"
        )
    process.returncode = 0  # it outlives us on purpose: no ResourceWarning when this object goes
    say(f"started dockerd (process {process.pid}); it goes on when the console ends; log: {log}")


def wait(path: str, seconds: float) -> bool:
    """Wait until an engine answers at `path`; says whether it did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answers(path):
            return True
        time.sleep(0.2)
    return False
