"""The map as a file of its own: the same drawing with its styles and lamps inside, nothing to fetch, nothing to run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from console.pages.network_map import NetworkMap

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LAMPS = re.compile(r'<symbol id="l-.*?</symbol>', re.DOTALL)


def standalone(shown: NetworkMap) -> bytes:
    """The picture as ``image/svg+xml``, in the colours of the light theme."""
    drawn = render_to_string("networks/map.svg", {"map": shown, "engine": shown.engine}).strip()
    head = f"<style>{escape(_built('map.css'))}</style><defs>{''.join(_LAMPS.findall(_built('icons.svg')))}</defs>"
    begin = drawn.index(">") + 1
    return _NOT_XML.sub("\ufffd", f"{drawn[:begin]}{head}{drawn[begin:]}\n").encode()


def _built(name: str) -> str:
    found: Any = finders.find(name)
    if not found:
        raise FileNotFoundError(f"{name} is not built: python tools/frontend.py")
    return Path(found).read_text("utf-8")
