"""``make test``, ``make test-postgresql``, ``make soak``, ``make bench``: set up, and run pytest with a data folder.

Two runs, for sync Playwright and asyncio tests do not mix in one: everything but tests/e2e, then tests/e2e. The unit
tests that ask the database most are run once more on a private PostgreSQL; ``postgresql`` runs all of them there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from tools import services, setup

FOREIGN = ("QUARTERDECK_", "DOCKER_", "DJANGO_")  # what a person set for their console is not meant for tests
FOREIGN_NAMES = ("HOST", "PORT", "ENGINE", "DATABASE_URL", "REDIS_URL", "PYTEST_ADDOPTS")


WORKERS, BROWSERS = "4", "3"  # processes of pytest, each with an engine of its own; a browser keeps a core busy
AT_ONCE = ("--dist", "loadfile", "--no-loadscope-reorder")
WHAT = ("test", "postgresql", "soak", "bench")
# Threads, transactions, locks, conditional updates: where a database could differ
ON_BOTH = ("consumers", "sync", *(f"operations/test_{name}.py" for name in ("execute", "job", "request", "store")))


def environment(given: Mapping[str, str], data: str) -> dict[str, str]:
    """Return the environment of a test run: the machine's, but no console's, and its own data folder."""
    kept = {name: value for name, value in given.items() if name not in FOREIGN_NAMES and not name.startswith(FOREIGN)}
    return kept | {"QUARTERDECK_DATA": data, "PYTHONHASHSEED": given.get("PYTHONHASHSEED", "random")}


def runs(what: str, arguments: Sequence[str]) -> list[list[str]]:
    """Return pytest's arguments, one list a run on SQLite."""
    browser, bench = setup.ROOT / "tests" / "e2e", "tests/bench"
    match what:
        case "bench":
            return [[bench, "-s", "-p", "no:randomly", "--timeout=1800", *arguments]]
        case "postgresql":
            return []
        case "soak":
            marked = ["-m", "soak", "--timeout=7200"]
        case _:
            marked = ["-m", "not soak"]
    # Most tests wait most of the time. Which files begin first says tests/conftest.py.
    rest, browsers = [["-n", number, *AT_ONCE] if what == "test" else [] for number in (WORKERS, BROWSERS)]
    marked = ["--durations=20", "--durations-min=5", *marked]
    both = [["tests", "--ignore=tests/e2e", f"--ignore={bench}", *rest, *marked, *arguments]]
    return [*both, ["tests/e2e", *browsers, *marked, *arguments]] if browser.is_dir() else both


def on_postgresql(what: str, arguments: Sequence[str]) -> list[list[str]]:
    """Return pytest's arguments, one list a run on a private PostgreSQL. Chosen tests (``-k``) are not run twice."""
    part = {"postgresql": ["tests/unit"], "test": [f"tests/unit/{name}" for name in ON_BOTH]}.get(what)
    if part is None or (what == "test" and arguments):
        return []
    return [[*part, "-n", WORKERS, *AT_ONCE, "--durations=20", "--durations-min=5", "-m", "not soak", *arguments]]


def status_of(run: Sequence[str], data: str, postgresql: bool) -> int:
    """Make one run; returns its status."""
    made = environment(os.environ, data)
    with services.running(services.Postgres) if postgresql else nullcontext() as server:
        if server is not None:
            made["DATABASE_URL"] = server.url
        command = [str(setup.PYTHON), "-m", "pytest", *run]
        return subprocess.run(command, cwd=setup.ROOT, env=made, check=False).returncode


def test(what: str, arguments: Sequence[str]) -> int:
    """Run the tests; returns the first status that is not 0. Every run is made, also after a failure."""
    worst = 0
    with tempfile.TemporaryDirectory(prefix="quarterdeck-test-") as data:
        planned = [(run, False) for run in runs(what, arguments)]
        for run, postgresql in [*planned, *((run, True) for run in on_postgresql(what, arguments))]:
            status = status_of(run, data, postgresql)
            if what == "soak" and status == 5:
                status = 0  # no long test in this part
            worst = worst or status
        if left := left_in(Path(data)):
            print(f"left by the tests: {', '.join(left)}", file=sys.stderr)
            worst = worst or 1
    return worst


def left_in(data: Path) -> list[str]:
    """The files that the tests' console was sent and has not put away."""
    return sorted(str(path.relative_to(data)) for path in (data / "spool").rglob("*") if path.is_file())


def prepare() -> None:
    """Install what tests need on top of the product: more packages, private engines and a browser."""
    setup.set_up(development=True)
    subprocess.run([sys.executable, "tools/engine.py", "install"], cwd=setup.ROOT, check=True)


def main(arguments: Sequence[str]) -> int:
    """``[test|postgresql|soak|bench] [pytest's arguments]``; returns the exit status."""
    what = arguments[0] if arguments[:1] and arguments[0] in WHAT else "test"
    rest = list(arguments[1:] if arguments[:1] == [what] else arguments)
    status = setup.guarded(prepare)
    try:
        return status or test(what, rest)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
