"""``make bench``: every part in a process with a database of its own. Nothing here fails because of a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("part", ["mirror", "running", "streams", "map"])
def test_figures(part: str) -> None:
    subprocess.run([sys.executable, "-m", f"tests.bench.bench_{part}"], cwd=Path(__file__).parents[2], check=True)
