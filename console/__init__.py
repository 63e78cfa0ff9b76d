"""Quarterdeck: a web console for Docker engines."""

from typing import Final

VERSION: Final = "0.1.0"  # as in pyproject.toml
