"""Private PostgreSQL and Redis: they serve who started them, and end with them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import services
from tools.engines import install

TOOL = [sys.executable, "tools/services.py", "run", "postgres", "redis", "--"]


def left(pid: int) -> list[Path]:
    """Processes whose command line names a folder of this owner."""
    name = f"{services.PREFIX}{pid}-".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if name in (process / "cmdline").read_bytes():
                found.append(process)
        except OSError:
            continue
    return found


def test_a_command_finds_both_and_nothing_is_left_of_them() -> None:
    done = subprocess.run(
        [*TOOL, "sh", "-c", "echo $PPID $DATABASE_URL $REDIS_URL; exit 3"], capture_output=True, text=True
    )
    assert done.returncode == 3, done.stderr
    owner, database, redis = done.stdout.split()
    assert database.startswith("postgres://quarterdeck@//")
    assert redis.startswith("unix:///")
    assert left(int(owner)) == []
    assert not Path(database.partition("@/")[2]).parent.exists()
    assert not Path(redis.removeprefix("unix://")).parent.exists()


def test_they_end_with_an_owner_that_is_killed() -> None:
    with subprocess.Popen([*TOOL, "sleep", "5"], stdout=subprocess.PIPE) as owner:
        deadline = time.monotonic() + services.STARTS_WITHIN
        while len(left(owner.pid)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    deadline = time.monotonic() + services.ENDS_WITHIN
    while left(owner.pid):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with services.home():  # whoever comes next removes the folder
        assert not list(services.PLACE.glob(f"{services.PREFIX}{owner.pid}-*"))


def test_installing_makes_no_cluster_and_no_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran: list[tuple[str, ...]] = []
    seen: list[str] = []
    off: list[list[str]] = []

    def apt(*arguments: str) -> None:
        ran.append(arguments)
        seen.append(install.NO_CLUSTER.read_text() + install.POLICY.read_text())

    monkeypatch.setattr(install, "NO_CLUSTER", tmp_path / "createcluster.d" / "quarterdeck.conf")
    monkeypatch.setattr(install, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(install, "apt", apt)
    monkeypatch.setattr(install, "disable", off.append)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    install.apt_install(["postgresql", "redis-server", "curl"])
    assert ran[-1][-3:] == ("postgresql", "redis-server", "curl")
    assert seen[-1] == "create_main_cluster = false\n#!/bin/sh\nexit 101\n"
    assert off == [["postgresql", "redis-server"]]
    assert not install.NO_CLUSTER.exists()
    assert not install.POLICY.exists()
