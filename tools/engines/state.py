"""Where private engines keep their state, and how an engine is named and found.

Everything lives below one folder, `$QUARTERDECK_ENGINES`: `live/NAME` one engine, `images/` archives of
test images, `roots/SUITE` file systems with other versions of the engine.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_FOLDER = "/var/tmp/quarterdeck-engines"  # noqa: S108 - root alone writes there
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class EngineError(Exception):
    """A private engine could not be started, stopped or reached; the text says why."""


class Busy(EngineError):
    """Another process is starting or stopping this engine right now."""


def state_folder() -> Path:
    """The folder of all private engines of this machine, absolute."""
    return Path(os.environ.get("QUARTERDECK_ENGINES", DEFAULT_FOLDER)).absolute()


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this machine. Pids are reused; pid and start time (clock ticks since boot) together are not."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this pid now, None when there is none or only its zombie."""
        try:
            # The name, in parentheses, may itself contain spaces and parentheses.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Process.of(self.pid) == self


@dataclass(frozen=True, slots=True)
class Engine:
    """One private engine as recorded in its folder.

    `index` picks the network 10.231.INDEX.0/30 and the machine-wide names; `owner` is the process for whose
    sake the engine runs (None: it stays until somebody stops it); `capsule` is pid 1 of the engine's
    namespaces, None when stopped.
    """

    name: str
    index: int
    owner: Process | None = None
    capsule: Process | None = None
    uplink: bool = False
    tcp: int | None = None
    tls: int | None = None
    root: str | None = None
    flags: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return engine_folder(self.name)

    @property
    def socket(self) -> Path:
        """The engine's unix socket."""
        return self.folder / "run" / "docker.sock"

    @property
    def address(self) -> str:
        """The engine's own IPv4 address; published ports answer here."""
        return f"10.231.{self.index}.2"

    @property
    def gateway(self) -> str:
        """This machine's IPv4 address as the engine sees it."""
        return f"10.231.{self.index}.1"

    @property
    def link(self) -> str:
        """This machine's end of the cable to the engine."""
        return f"qdve{self.index}"

    @property
    def group(self) -> str:
        """Name of the control group of the containers, and comment of the firewall rules."""
        return f"qd-engine-{self.index}"

    @property
    def certificates(self) -> Path:
        """Folder of the certificates of an engine with TLS, see `tls.make`."""
        return self.folder / "tls"

    @property
    def log(self) -> Path:
        return self.folder / "dockerd.log"

    def running(self) -> bool:
        """Whether the engine's namespaces exist (its dockerd may be dead or hung)."""
        return self.capsule is not None and self.capsule.alive()

    def save(self) -> None:
        """Write the record; readers see the old or the new one, never a half."""
        new = self.folder / "engine.json.new"
        new.write_text(json.dumps(asdict(self), indent=1))
        new.replace(self.folder / "engine.json")


def engine_folder(name: str) -> Path:
    """Folder of one engine. Raises EngineError for a name that is no name, or a folder too deep for a socket."""
    if not NAME.fullmatch(name):
        raise EngineError(f"{name!r} is no engine name: small letters, digits and dashes, at most 32")
    folder = state_folder() / "live" / name
    if folder.is_relative_to("/run") or folder.is_relative_to("/proc"):
        raise EngineError(f"{folder}: the engine has its own /run; choose another QUARTERDECK_ENGINES")
    # The longest socket an engine opens below its folder; the kernel takes 107 bytes.
    if len(os.fsencode(folder / "exec/containerd/containerd-debug.sock")) > 107:
        raise EngineError(f"{folder} is too long for a unix socket; choose a shorter QUARTERDECK_ENGINES")
    return folder


def load(name: str) -> Engine | None:
    """The recorded engine of that name, None when there is none."""
    try:
        raw: dict[str, Any] = json.loads((engine_folder(name) / "engine.json").read_text())
    except FileNotFoundError:
        return None
    for key in ("owner", "capsule"):
        raw[key] = Process(**raw[key]) if raw[key] else None
    raw["flags"] = tuple(raw["flags"])
    return Engine(**raw)


def get(name: str) -> Engine:
    """The recorded engine of that name. Raises EngineError when there is none."""
    engine = load(name)
    if engine is None:
        raise EngineError(f"there is no engine {name}")
    return engine


def names() -> list[str]:
    """Names of all engines that have a folder, sorted."""
    live = state_folder() / "live"
    return sorted(path.name for path in live.iterdir() if NAME.fullmatch(path.name)) if live.exists() else []


@contextmanager
def locked(name: str, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of one engine (its folder, made when absent). Raises Busy instead of waiting if so told."""
    folder = engine_folder(name)
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            _flock(handle, name, wait)
            # While we waited the holder may have removed the folder: then this lock is of a thing of the past.
            if folder.exists() and os.fstat(handle).st_ino == folder.stat().st_ino:
                yield
                return
        finally:
            os.close(handle)


def _flock(handle: int, name: str, wait: bool) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Busy(f"engine {name} is being started or stopped") from error


@contextmanager
def machine_lock() -> Iterator[None]:
    """Hold the lock under which engines of all state folders choose their index."""
    handle = os.open("/run/lock/quarterdeck-engines", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
