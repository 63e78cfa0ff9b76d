"""Check the contrast of the design's colours: every pair that is used, in both themes, against WCAG's need.

Reads the tokens from static/src/css/parts/01-tokens.css. Ends with status 1 and the list when a pair is too weak.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

TOKENS: Final = Path(__file__).resolve().parent.parent / "static" / "src" / "css" / "parts" / "01-tokens.css"

STATES: Final = ("ok", "warn", "bad", "busy")
# (foreground, background, need): 7 for the main text, 4.5 for text, 3 for lamps, edges and chart lines.
PAIRS: Final[list[tuple[str, str, float]]] = [
    *[("ink", on, 7.0) for on in ("surface", "bg", "hover", "focus-bg")],
    ("surface", "ink", 7.0),
    *[("ink-2", on, 4.5) for on in ("surface", "bg", "hover", "sunken", "focus-bg")],
    *[("ink-3", on, 4.5) for on in ("surface", "bg", "sunken", "hover", "focus-bg")],
    *[("focus", on, 4.5) for on in ("surface", "focus-bg", "hover")],
    *[(state, on, 4.5) for state in STATES for on in ("surface", f"{state}-bg", "hover")],
    *[("ink", f"{state}-bg", 7.0) for state in STATES],
    ("surface", "bad", 4.5),
    *[(f"{state}-dot", on, 3.0) for state in (*STATES, "idle") for on in ("surface", "bg")],
    *[("ctl", on, 3.0) for on in ("surface", "bg")],
    *[(f"c{n}", on, 3.0) for n in range(1, 8) for on in ("surface", "bg")],
    *[(f"a{n}", on, 4.5) for n in range(4, 7) for on in ("surface", "bg")],
]


def themes(css: str) -> dict[str, dict[str, str]]:
    """Return the colour tokens per theme: {"light": {"bg": "#f3f5f7", …}, "dark": …}."""
    light_part, _, dark_part = css.partition('[data-theme="dark"]')
    found = {}
    for name, part in (("light", light_part), ("dark", dark_part)):
        found[name] = dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{3,6})\b", part))
    return found


def luminance(colour: str) -> float:
    """WCAG relative luminance of "#rgb" or "#rrggbb"."""
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    """WCAG contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def weak(tokens: dict[str, dict[str, str]]) -> list[str]:
    """One line for each pair under its need."""
    lines = []
    for theme, colours in tokens.items():
        for front, back, need in PAIRS:
            value = ratio(colours[front], colours[back])
            if value < need:
                lines.append(f"{theme}: --{front} on --{back} is {value:.2f}, needs {need}")
    return lines


def main() -> int:
    """Returns 1 when a pair is too weak."""
    lines = weak(themes(TOKENS.read_text()))
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
