"""``manage.py serve`` as a process: first start, second start, the end, and what stands in its way."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.console_process import ROOT, Console


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder after the first start, and what that printed."""
    data = tmp_path_factory.mktemp("serve") / "data"
    with Console(data) as console:
        pass
    return data, console.output


def manage(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a management command beside the console."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | {"QUARTERDECK_DATA": str(data)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_password_is_printed_once_and_kept_nowhere(started: tuple[Path, str]) -> None:
    data, output = started
    password = output.split("with the password ")[1].split()[0]
    assert output.count(password) == 1
    with Console(data) as again:
        assert again.password is None
    files = [path for path in data.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if password.encode() in path.read_bytes()] == []


def test_a_second_start_repeats_nothing(started: tuple[Path, str]) -> None:
    """How long it takes is measured by ``make bench``."""
    stamp = started[0] / "static" / ".stamp"
    before = stamp.stat().st_mtime_ns
    with Console(started[0]) as console:
        console.wait_ready()
    assert "The database is up to date." not in console.output
    assert "password" not in console.output
    assert stamp.stat().st_mtime_ns == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_order(number: signal.Signals, started: tuple[Path, str]) -> None:
    with Console(started[0]) as console:
        assert console.get("/healthz") == (200, '{"status": "ok"}')
        time.sleep(0.5)  # the worker is in the middle of something
        began = time.monotonic()
        assert console.end(number) == 0
        assert time.monotonic() - began < 9.0
    assert console.output.endswith("Ended.\n")
    for word in ("Traceback", "was destroyed", "never awaited", "never retrieved", "CancelledError"):
        assert word not in console.output


def test_the_data_folder_is_for_its_owner_only(started: tuple[Path, str]) -> None:
    assert started[0].stat().st_mode & 0o077 == 0
    assert (started[0] / "secret-key").stat().st_mode & 0o077 == 0


def test_a_taken_port_is_one_sentence_and_costs_no_password(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        console = Console(tmp_path, {"PORT": str(port)})
        assert console.end(signal.SIGCONT, within=30) == 1
    lines = [line for line in console.output.splitlines() if line != "The database is up to date."]
    assert lines == [
        f"CommandError: Cannot listen at 127.0.0.1:{port}: address already in use. "
        f"Choose another port, as in PORT={port + 1}."
    ]
    with Console(tmp_path) as later:
        assert later.password


def test_a_second_console_on_the_same_data_is_refused(started: tuple[Path, str]) -> None:
    with Console(started[0]) as first:
        second = Console(started[0])
        assert second.end(signal.SIGCONT, within=30) == 1
        assert f"Another console (process {first.process.pid}) runs with the data folder" in second.output
        assert first.get("/healthz")[0] == 200


def test_a_given_password_is_not_printed_and_works(tmp_path: Path) -> None:
    with Console(tmp_path, {"QUARTERDECK_ADMIN_PASSWORD": "correct horse battery"}) as console:
        assert "correct horse" not in console.output
    check = "from console.models import User; u = User.objects.get(); print(u.role, u.check_password('{}'))"
    check = check.format("correct horse battery")
    assert manage(tmp_path, "shell", "--no-imports", "-c", check).stdout.strip() == "admin True"


def test_the_engine_follows_docker_host(tmp_path: Path) -> None:
    def engines() -> list[tuple[str, str, str]]:
        with sqlite3.connect(tmp_path / "quarterdeck.sqlite3") as database:
            return database.execute("SELECT slug, url, source FROM console_engine").fetchall()

    with Console(tmp_path, {"DOCKER_HOST": "tcp://192.0.2.1:2375"}):
        assert engines() == [("local", "tcp://192.0.2.1:2375", "DOCKER_HOST")]
    with Console(tmp_path, {"DOCKER_HOST": "unix:///nowhere.sock"}):
        assert engines() == [("local", "unix:///nowhere.sock", "DOCKER_HOST")]


def test_an_address_that_is_none_is_explained(tmp_path: Path) -> None:
    console = Console(tmp_path, {"DOCKER_HOST": "ssh://host"})
    assert console.end(signal.SIGCONT, within=30) == 1
    assert "CommandError: DOCKER_HOST: “ssh://host” uses ssh://" in console.output
    assert "Traceback" not in console.output


def test_readyz_says_what_is_missing(tmp_path: Path) -> None:
    with Console(tmp_path) as console:
        deadline = time.monotonic() + 10
        while console.get("/readyz")[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert console.get("/readyz")[0] == 200
        with sqlite3.connect(tmp_path / "quarterdeck.sqlite3", timeout=10) as database:
            database.execute("UPDATE django_migrations SET name = 'gone' WHERE app = 'console'")
            database.execute("UPDATE console_engine SET lease_owner = 'x', lease_expires = '2020-01-01'")
        status, body = console.get("/readyz")
        assert status == 503
        assert json.loads(body)["checks"] == {"database": True, "migrations": True, "worker": False}


def test_requests_leave_no_connection_open(started: tuple[Path, str]) -> None:
    with Console(started[0]) as console:
        for _ in range(5):
            with ThreadPoolExecutor(10) as people:
                answers = list(people.map(lambda _: console.get("/readyz")[0] in (200, 503), range(20)))
            assert all(answers)
        folder = Path(f"/proc/{console.process.pid}/fd")
        files = [os.readlink(one) for one in folder.iterdir() if one.is_symlink()]
        assert sum(one.endswith("quarterdeck.sqlite3") for one in files) < 20, "of the threads that stay"


def test_lost_passwords_are_recovered_on_the_machine(started: tuple[Path, str]) -> None:
    data = started[0]
    made = manage(data, "createadmin", "Carol", "--random")
    assert made.returncode == 0
    assert manage(data, "createadmin", "carol", "--random").returncode == 1
    assert "setpassword carol --admin" in manage(data, "createadmin", "carol", "--random").stderr
    again = manage(data, "setpassword", "carol", "--random")
    first, second = (one.stdout.split("password of carol is ")[1].split()[0] for one in (made, again))
    assert first != second
    unknown = manage(data, "setpassword", "nobody")
    assert unknown.returncode == 1
    assert "Nobody is called nobody. There are: admin, carol." in unknown.stderr


def test_a_backup_that_is_made_while_it_runs_is_the_whole_console(started: tuple[Path, str], tmp_path: Path) -> None:
    """The command of docs/operating.md; the backup is put into an empty folder."""
    given = tmp_path / "data"
    given.mkdir(mode=0o700)
    copy = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(f\"VACUUM INTO '{sys.argv[2]}'\")"
    database = "quarterdeck.sqlite3"
    with Console(started[0]) as console:
        console.wait_ready()
        assert manage(started[0], "setpassword", "admin", "--random").returncode == 0  # what was written last
        subprocess.run([sys.executable, "-c", copy, str(started[0] / database), str(given / database)], check=True)
    with Console(given) as restored:
        assert restored.password is None, "no first admin is made"
    people = []
    for folder in (started[0], given):
        with closing(sqlite3.connect(folder / database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            people.append(connection.execute("SELECT username, password FROM console_user ORDER BY id").fetchall())
    assert people[0] == people[1]


def test_a_worker_of_its_own_needs_redis(started: tuple[Path, str]) -> None:
    done = manage(started[0], "worker")
    assert done.returncode == 1
    assert "Without REDIS_URL the worker runs inside" in done.stderr
