"""Answers of real engines, recorded, in folders named after the engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
ENGINES = ("docker-20.10", "docker-28.5")


def load(name: str, engine: str = "docker-20.10") -> Any:
    """Return the decoded answer, as "container_running"."""
    return json.loads((FOLDER / engine / f"{name}.json").read_text(encoding="utf-8"))
