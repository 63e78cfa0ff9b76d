"""When set-up does something, and when it only looks."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from console.engine.address import Address
from tools import host_engine, setup
from tools.setup import SetupError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with a lock and a virtual environment that looks alive."""
    for name, value in {"ROOT": tmp_path, "VENV": tmp_path / ".venv", "PYTHON": tmp_path / ".venv/bin/python"}.items():
        monkeypatch.setattr(setup, name, value)
    (tmp_path / "requirements.txt").write_text("django==5.2.19 --hash=sha256:00\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    return tmp_path


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that set-up would have run."""
    ran: list[list[str]] = []

    def run(command: Sequence[Any], **options: object) -> subprocess.CompletedProcess[str]:
        ran.append([str(word) for word in command])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return ran


def test_a_lock_is_installed_once_with_hashes(project: Path, commands: list[list[str]]) -> None:
    setup.install("requirements.txt")
    setup.install("requirements.txt")
    assert len(commands) == 1
    assert commands[0][-3:] == ["--require-hashes", "-r", str(project / "requirements.txt")]


def test_a_changed_lock_is_installed_again(project: Path, commands: list[list[str]]) -> None:
    setup.install("requirements.txt")
    (project / "requirements.txt").write_text("django==5.2.20 --hash=sha256:11\n")
    setup.install("requirements.txt")
    assert len(commands) == 2


def test_a_failed_installation_leaves_no_stamp(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: Sequence[Any], **options: object) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(subprocess.CalledProcessError):
        setup.install("requirements.txt")
    assert list((project / ".venv").glob(".stamp*")) == []


def test_pip_is_used_where_there_is_no_uv(
    project: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    setup.install("requirements.txt")
    assert commands[0][:4] == [str(project / ".venv/bin/python"), "-m", "pip", "install"]


def test_a_missing_ensurepip_is_explained(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(setup, "is_debian", lambda: False)
    with pytest.raises(SetupError, match=r"apt-get install python3\.\d+-venv"):
        setup.make_venv()


def test_an_old_python_is_refused_with_the_way_out() -> None:
    setup.require_python((3, 11, 0))
    with pytest.raises(SetupError, match=r"needs Python 3\.11 or later; this is 3\.9\.2"):
        setup.require_python((3, 9, 2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ID=debian\n", True),
        ('ID=pop\nID_LIKE="ubuntu debian"\n', True),
        ('ID="fedora"\nPRETTY_NAME="not debian"\n', False),
        ("", False),
    ],
)
def test_debian_is_told_by_os_release(
    text: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/apt-get")
    (tmp_path / "os-release").write_text(text)
    assert setup.is_debian(tmp_path / "os-release") is expected


def test_expected_failures_become_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise subprocess.CalledProcessError(7, ["pip", "install"])

    assert setup.guarded(fail) == 1
    assert capsys.readouterr().err == "Setting up stopped: “pip install” ended with status 7.\n"


DEFAULT = Address("unix:///nowhere/docker.sock", None, "default socket")


def test_an_engine_is_installed_only_where_that_was_asked_for() -> None:
    assert host_engine.wanted({}, DEFAULT, root=True, debian=True)
    assert not host_engine.wanted({"ENGINE": "none"}, DEFAULT, root=True, debian=True)
    assert not host_engine.wanted({"DOCKER_HOST": "tcp://192.0.2.1:2375"}, DEFAULT, root=True, debian=True)
    assert not host_engine.wanted({}, DEFAULT, root=False, debian=True)
    assert not host_engine.wanted({}, DEFAULT, root=True, debian=False)
    named = Address("unix:///nowhere/other.sock", None, "context far")
    assert not host_engine.wanted({}, named, root=True, debian=True)


def test_an_engine_that_does_not_start_is_not_fatal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(log: Path) -> None:
        raise FileNotFoundError("no dockerd")

    monkeypatch.setattr(host_engine, "wanted", lambda *given, **more: True)
    monkeypatch.setattr(host_engine, "answers", lambda path: False)
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/sbin/dockerd")
    monkeypatch.setattr(host_engine, "start", fail)
    host_engine.provide({}, tmp_path)
    assert "the engine did not start (no dockerd)" in capsys.readouterr().out
