"""The patterns of a ``.dockerignore``: which files of a context a build does not get."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

MOST_RULES: Final = 1000
LONGEST_RULE: Final = 512  # characters
MOST_COMPARED: Final = 20_000_000  # characters of paths that are looked at, for all rules together; some seconds


class TooMuch(ValueError):
    """More was compared than there is time for."""


class Ignore:
    """The patterns of a ``.dockerignore``: the last that fits decides, “!” takes back, “**” is any depth."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.rules: list[tuple[bool, Pattern]] = []
        self._left = MOST_COMPARED
        for line in list(lines)[:MOST_RULES]:
            pattern = line.strip()
            if not pattern or pattern.startswith("#") or len(pattern) > LONGEST_RULE:
                continue
            back = pattern.startswith("!")
            normal = str(PurePosixPath(pattern.removeprefix("!").strip().lstrip("/") or "."))
            if normal != ".":
                self.rules.append((back, Pattern(normal)))

    def leaves_out(self, path: str) -> bool:
        """Whether ``path``, or a folder above it, is left out. Raises ``TooMuch`` when it was asked too much."""
        out = False
        for back, pattern in self.rules:
            if pattern.fits(path):
                out = not back
            self._left -= pattern.looked
            if self._left < 0:
                raise TooMuch
        return out


class Pattern:
    """One pattern. The places in it to which a path can have come are the bits of one number.

    So it takes no longer than the path is long. A regular expression with some “**” tries every way to share a path out
    among them, and keeps the whole process waiting meanwhile.
    """

    def __init__(self, pattern: str) -> None:
        self.looked = 0  # letters of the last path that it had to see
        self._letters: dict[str, int] = {}
        self._one = self._star = self._deep = self._folder = self._name = 0  # ?, *, **, **/ and inside its names
        pattern = re.sub(r"(?:\*\*/)+", "**/", re.sub(r"\*{3,}", "**", pattern))
        at, place = 0, 1
        while at < len(pattern):
            if pattern.startswith("**/", at):
                self._folder |= place
                self._name |= place << 1
                at, place = at + 3, place << 2
                continue
            if deep := pattern.startswith("**", at):
                self._deep |= place
            elif pattern[at] == "*":
                self._star |= place
            elif pattern[at] == "?":
                self._one |= place
            else:
                self._letters[pattern[at]] = self._letters.get(pattern[at], 0) | place
            at, place = at + 1 + deep, place << 1
        self._end = place

    def fits(self, path: str) -> bool:
        """Whether it fits ``path`` or a folder above it."""
        here = self._on(1)
        for self.looked, letter in enumerate(path, 1):
            if letter == "/":
                if here & self._end:
                    return True
                moved = (here & self._letters.get("/", 0)) << 1 | here & self._deep | (here & self._name) >> 1
            else:
                moved = (here & (self._letters.get(letter, 0) | self._one | self._folder)) << 1
                moved |= here & (self._deep | self._star | self._name)
            here = self._on(moved)
            if not here:
                return False
        return bool(here & self._end)

    def _on(self, here: int) -> int:
        """With the places beyond what may stand for nothing."""
        while (more := here | (here & (self._star | self._deep)) << 1 | (here & self._folder) << 2) != here:
            here = more
        return here
