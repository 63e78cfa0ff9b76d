#!/usr/bin/env python3
"""A private PostgreSQL and a private Redis, for tests and trials of the grown mode (Debian 12 or later).

Both listen on sockets in a folder of their own and nowhere else, run as users without rights, end with the command
that they were started for, and leave nothing behind. Examples:

  python3 tools/services.py install
  python3 tools/services.py run postgres -- .venv/bin/python -m pytest tests/unit -m "not soak"
  python3 tools/services.py run postgres redis -- sh -c 'manage.py serve'

The command finds ``DATABASE_URL`` and ``REDIS_URL`` in its environment.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypeVar

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.engines.install import install, which
from tools.engines.state import EngineError

PLACE = Path("/tmp")  # noqa: S108 - $TMPDIR may be a folder that the services' users cannot reach; each name is new
PREFIX = "quarterdeck-services-"  # of the folders; the owner's process id follows
STARTS_WITHIN = 60.0  # seconds, also on a busy machine
ENDS_WITHIN = 20.0
DATABASE = "quarterdeck"
S = TypeVar("S", bound="Service")


class Service:
    """A process with a folder of its own. ``user``: who runs it when root starts it."""

    name = ""
    user = ""
    begins_to_end = signal.SIGTERM

    def __init__(self, parent: Path) -> None:
        self.folder = parent / self.name
        self.log = parent / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As ``DATABASE_URL`` or ``REDIS_URL`` has it."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what the first start needs, in the folder."""

    def command(self) -> list[str]:
        """What runs, in the foreground."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it serves."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it and wait until it serves; what it knew before a stop it knows again. Raises EngineError.

        From the main thread only: Linux ends the service with the thread that started it (``PR_SET_PDEATHSIG``).
        """
        if threading.current_thread() is not threading.main_thread():
            raise EngineError(f"{self.name} has to be started from the main thread, or it ends with this one")
        if not self.folder.exists():
            self.folder.mkdir(mode=0o700)
            if os.geteuid() == 0:
                shutil.chown(self.folder, self.user, pwd.getpwnam(self.user).pw_gid)
            self.prepare()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._as_user(), *self.command()],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the command beside it
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise EngineError(f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, unless it has ended; it is killed when it takes too long."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(self.begins_to_end)
        try:
            process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(ENDS_WITHIN)

    def run(self, *command: str) -> str:
        """Standard output of a command as the service's user. Raises EngineError."""
        done = subprocess.run(
            [*self._as_user(), *command],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=STARTS_WITHIN,
        )
        if done.returncode:
            raise EngineError(f"{Path(command[0]).name}: {done.stdout.strip()[-2000:]}")
        return done.stdout.strip()

    def _as_user(self) -> list[str]:
        """Before a command: it ends with this process, and is not root's."""
        dies = ["--pdeathsig", self.begins_to_end.name.removeprefix("SIG")]
        if os.geteuid() != 0:
            return [found("setpriv"), *dies, "--"]
        group = str(pwd.getpwnam(self.user).pw_gid)
        return [found("setpriv"), f"--reuid={self.user}", f"--regid={group}", "--clear-groups", *dies, "--"]


class Postgres(Service):
    """PostgreSQL with an empty database. It does not wait for the disk: a crash of the machine may cost all it has."""

    name = user = "postgres"
    begins_to_end = signal.SIGINT  # ends its sessions; SIGTERM would wait for them

    @property
    def url(self) -> str:
        """The socket's folder stands where a path is; the user is trusted, for nobody else may open the folder."""
        return f"postgres://{DATABASE}@/{self.folder}/{DATABASE}"

    def prepare(self) -> None:
        """Make the cluster."""
        data = str(self.folder / "data")
        options = ["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", f"--username={DATABASE}"]
        self.run(_postgres("initdb"), *options, "-D", data)

    def start(self) -> None:
        """Start it; the first time, make the database."""
        first = not self.folder.exists()
        super().start()
        if first:
            self.query(f"CREATE DATABASE {DATABASE}", "postgres")

    def command(self) -> list[str]:
        """Sockets only, 100 connections as Debian has it."""
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.folder), "fsync": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [_postgres("postgres"), "-D", str(self.folder / "data"), *options]

    def answers(self) -> bool:
        """Whether it takes connections."""
        ready = [_postgres("pg_isready"), "-q", "-h", str(self.folder)]
        return subprocess.run(ready, check=False).returncode == 0

    def program(self, name: str, *arguments: str) -> str:
        """What one of PostgreSQL's own programs prints. Raises EngineError."""
        return self.run(_postgres(name), *arguments)

    def query(self, text: str, database: str = DATABASE) -> list[list[str]]:
        """The rows of a query. Raises EngineError."""
        options = ["-X", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-U", DATABASE]
        printed = self.run(_postgres("psql"), *options, "-d", database, "-c", text)
        return [line.split("\t") for line in printed.splitlines()]


class Redis(Service):
    """Redis without a file: a stop loses all it has."""

    name = user = "redis"

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        """As redis-py reads it."""
        return f"unix://{self.socket}"

    def command(self) -> list[str]:
        """One socket, nothing on disk."""
        given = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        return [found("redis-server"), *given, "--save", "", "--appendonly", "no", "--dir", str(self.folder)]

    def answers(self) -> bool:
        """Whether it says PONG."""
        return self.ask("PING") == b"+PONG\r\n"

    def ask(self, *words: str) -> bytes:
        """The first bytes of its answer to a command; none when it does not listen."""
        with closing(socket.socket(socket.AF_UNIX)) as client:
            client.settimeout(5)
            try:
                client.connect(str(self.socket))
                client.sendall(" ".join(words).encode() + b"\r\n")
                return client.recv(65536)
            except OSError:
                return b""


def found(command: str) -> str:
    """Path of a command. Raises EngineError."""
    path = which(command)
    if path is None:
        raise EngineError(f"{command} is missing; run: python3 tools/services.py install")
    return path


def _postgres(command: str) -> str:
    """Path of one of the newest PostgreSQL's programs: Debian keeps them apart by version."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    for folder in reversed(folders):
        if (folder / command).exists() and (folder / "initdb").exists():
            return str(folder / command)
    return found(command)


@contextmanager
def home() -> Iterator[Path]:
    """A folder for services, gone afterwards; those of owners that were killed are removed first."""
    for old in PLACE.glob(f"{PREFIX}*"):
        if not Path(f"/proc/{old.name.removeprefix(PREFIX).partition('-')[0]}").exists():
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", dir=PLACE, ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)  # each service has a folder of its own below
        yield Path(name)


@contextmanager
def running(kind: type[S]) -> Iterator[S]:
    """A service that runs, alone in a folder of its own."""
    with home() as folder:
        service = kind(folder)
        try:
            service.start()
            yield service
        finally:
            service.stop()


def run(names: Sequence[str], command: Sequence[str]) -> int:
    """Run a command with the services that it asks for; returns its status. Raises EngineError."""
    with ExitStack() as stack:
        environment = dict(os.environ)
        if "postgres" in names:
            environment["DATABASE_URL"] = stack.enter_context(running(Postgres)).url
        if "redis" in names:
            environment["REDIS_URL"] = stack.enter_context(running(Redis)).url
        with subprocess.Popen(command, env=environment) as process:
            while True:
                try:
                    return process.wait()
                except KeyboardInterrupt:  # the command has got it too, and ends
                    continue


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("install", help="install what is missing on this machine")
    verb = verbs.add_parser("run", help="run a command beside services: run postgres redis -- COMMAND")
    verb.add_argument("services", nargs="+", choices=("postgres", "redis"), metavar="SERVICE")
    given = sys.argv[1:] if arguments is None else list(arguments)
    at = given.index("--") if "--" in given else len(given)
    parsed, command = top.parse_args(given[:at]), given[at + 1 :]
    try:
        if parsed.verb == "install":
            packages = install()
            print(f"installed {' '.join(packages)}" if packages else "nothing to install")
            return 0
        if not command:
            top.error("a command follows --")
        return run(parsed.services, command)
    except EngineError as error:
        print(f"services.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
