"""``make run``: set up what is missing, see to an engine, then become ``manage.py serve``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tools import setup


def run() -> None:
    """Set up, then replace this process by the console. Returns only by an exception."""
    setup.set_up()
    from tools import host_engine

    host_engine.provide(os.environ, Path(os.environ.get("QUARTERDECK_DATA") or setup.ROOT / "var").resolve())
    os.chdir(setup.ROOT)
    os.execv(setup.PYTHON, [str(setup.PYTHON), "manage.py", "serve"])  # noqa: S606 - our own interpreter and file


if __name__ == "__main__":
    sys.exit(setup.guarded(run))
