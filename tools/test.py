"""``make test``, ``make soak``, ``make bench``: set up, give the tests a data folder of their own, and run pytest.

Two runs, for sync Playwright and asyncio tests do not mix in one: everything but tests/e2e, then tests/e2e.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

from tools import setup

FOREIGN = ("QUARTERDECK_", "DOCKER_", "DJANGO_")  # what a person set for their console is not meant for tests
FOREIGN_NAMES = ("HOST", "PORT", "ENGINE", "DATABASE_URL", "REDIS_URL", "PYTEST_ADDOPTS")


WORKERS = "3"  # processes of pytest, each with an engine of its own


def environment(given: Mapping[str, str], data: str) -> dict[str, str]:
    """Return the environment of a test run: the machine's, but no console's, and its own data folder."""
    kept = {name: value for name, value in given.items() if name not in FOREIGN_NAMES and not name.startswith(FOREIGN)}
    return kept | {"QUARTERDECK_DATA": data, "PYTHONHASHSEED": given.get("PYTHONHASHSEED", "random")}


def runs(what: str, arguments: Sequence[str]) -> list[list[str]]:
    """Return pytest's arguments, one list a run."""
    browser, bench = setup.ROOT / "tests" / "e2e", "tests/bench"
    match what:
        case "bench":
            return [[bench, "-s", "-p", "no:randomly", "--timeout=1800", *arguments]]
        case "soak":
            marked = ["-m", "soak", "--timeout=7200"]
        case _:
            marked = ["-m", "not soak"]
    at_once = ["-n", WORKERS, "--dist", "loadfile"] if what == "test" else []  # most tests wait most of the time
    marked = [*at_once, *marked]
    both = [["tests", "--ignore=tests/e2e", f"--ignore={bench}", *marked, *arguments]]
    return [*both, ["tests/e2e", *marked, *arguments]] if browser.is_dir() else both


def test(what: str, arguments: Sequence[str]) -> int:
    """Run the tests; returns the first status that is not 0. Every run is made, also after a failure."""
    worst = 0
    with tempfile.TemporaryDirectory(prefix="quarterdeck-test-") as data:
        for run in runs(what, arguments):
            command = [str(setup.PYTHON), "-m", "pytest", *run]
            status = subprocess.run(command, cwd=setup.ROOT, env=environment(os.environ, data), check=False).returncode
            if what == "soak" and status == 5:
                status = 0  # no long test in this part
            worst = worst or status
    return worst


def prepare() -> None:
    """Install what tests need on top of the product: more packages, private engines and a browser."""
    setup.set_up(development=True)
    subprocess.run([sys.executable, "tools/engine.py", "install"], cwd=setup.ROOT, check=True)


def main(arguments: Sequence[str]) -> int:
    """``[test|soak|bench] [pytest's arguments]``; returns the exit status."""
    what = arguments[0] if arguments[:1] and arguments[0] in ("test", "soak", "bench") else "test"
    rest = list(arguments[1:] if arguments[:1] == [what] else arguments)
    status = setup.guarded(prepare)
    try:
        return status or test(what, rest)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
