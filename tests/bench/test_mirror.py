"""``make bench``: the mirror's figures, in a process with a database of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_mirror() -> None:
    subprocess.run([sys.executable, "-m", "tests.bench.bench_mirror"], cwd=Path(__file__).parents[2], check=True)
