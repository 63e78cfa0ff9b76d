"""``make lint``: every check that needs neither an engine nor a browser, side by side; status 1 if one fails."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tools import greps, setup

BIN = setup.VENV / "bin"
PRODUCTION = {"QUARTERDECK_URL": "https://console.example.org", "HOST": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class Check:
    """A command that ends with status 0 when all is well."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def checks() -> list[Check]:
    """Return the checks, the slowest first."""
    python, manage = str(setup.PYTHON), [str(setup.PYTHON), "manage.py"]
    templates = [path for path in greps.repository_files() if path.startswith("templates/") and path.endswith(".html")]
    deploy = ["check", "--deploy", "--fail-level", "WARNING"]
    return [
        Check("types (mypy --strict)", [str(BIN / "mypy"), "console", "tools", "tests"]),
        Check("layers (import-linter)", [str(BIN / "lint-imports")]),
        Check("production settings (manage.py check --deploy)", [*manage, *deploy], PRODUCTION),
        Check("migrations (makemigrations --check)", [*manage, "makemigrations", "--check", "--dry-run"]),
        Check("style (ruff check)", [str(BIN / "ruff"), "check", "."]),
        Check("format (ruff format)", [str(BIN / "ruff"), "format", "--check", "."]),
        Check("templates (djade)", [str(BIN / "djade"), "--target-version", "5.2", "--check", *templates]),
        Check("contrast of colours", [python, "tools/contrast.py"]),
        Check("what no file may hold (tools/greps.py)", [python, "-m", "tools.greps"]),
    ]


def perform(check: Check, data: str) -> tuple[Check, subprocess.CompletedProcess[str], float]:
    """Run one check with a data folder that is thrown away. Returns its outcome and the seconds it took."""
    began = time.monotonic()
    own = {name: value for name, value in os.environ.items() if not name.startswith("QUARTERDECK_")}
    environment = (
        own | {"QUARTERDECK_DATA": data, "DJANGO_SETTINGS_MODULE": "console.settings"} | dict(check.environment)
    )
    nothing = subprocess.DEVNULL
    done = subprocess.run(
        check.command, cwd=setup.ROOT, env=environment, stdin=nothing, capture_output=True, text=True, check=False
    )
    return check, done, time.monotonic() - began


def lint() -> int:
    """Run all checks and say how each went. Returns the exit status."""
    failed, workers = 0, os.cpu_count() or 2
    with tempfile.TemporaryDirectory(prefix="quarterdeck-lint-") as data, ThreadPoolExecutor(workers) as pool:
        for check, done, seconds in pool.map(lambda one: perform(one, data), checks()):
            print(f"{'ok    ' if done.returncode == 0 else 'FAILED'} {seconds:5.1f} s  {check.name}", flush=True)
            if done.returncode:
                failed += 1
                print((done.stdout + done.stderr).strip(), flush=True)
    print(f"{failed} checks failed." if failed else "All checks passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    status = setup.guarded(lambda: setup.set_up(development=True))
    sys.exit(status or lint())
