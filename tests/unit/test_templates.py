"""What no template and no script may hold: things the content security policy forbids or that would open a hole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.template import engines
from django.template.loader import get_template
from pytest_django.fixtures import Settings

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static" / "src" / "js").rglob("*.js"))
STYLES = sorted((ROOT / "static" / "src" / "css").rglob("*.css"))

FORBIDDEN = {
    "inline style": r"<style\b|\sstyle\s*=",
    "inline script": r"<script(?![^>]*\bsrc=)[^>]*>",
    "script from elsewhere": r"<script[^>]*\bsrc=\"(?!\{% static )",
    "event attribute": r"<[^>]*\son[a-z]+\s*=",
    "javascript: address": r"javascript:",
    "safe filter": r"\|\s*safe\b|\{%\s*autoescape\s+off",
    "data: address": r"\bdata:[a-z]+/",
    "other host": r"(?:src|href|action)=\"(?:https?:)?//",
    "hx-on": r"\bhx-on\b",
    "evaluated htmx value": r"hx-(?:vals|headers|confirm|get|post|swap|target)[:a-z]*\s*=\s*[\"']\s*(?:js|javascript):",
    "htmx trigger filter": r"hx-trigger\s*=\s*[\"'][^\"']*\w\[",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_template_holds_nothing_forbidden(path: Path) -> None:
    text = path.read_text()
    found = [
        f"{what}: {hit.group(0)[:80]}" for what, rule in FORBIDDEN.items() for hit in re.finditer(rule, text, re.I)
    ]
    assert not found


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_template_compiles(path: Path) -> None:
    assert get_template(str(path.relative_to(ROOT / "templates")))


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        ("inline style", '<p style="x">'),
        ("inline script", "<script>alert(1)</script>"),
        ("script from elsewhere", '<script src="//cdn.example/x.js">'),
        ("event attribute", '<a onclick="x()">'),
        ("safe filter", "{{ name|safe }}"),
        ("hx-on", '<a hx-on:click="x">'),
        ("evaluated htmx value", "hx-vals='js:{a: 1}'"),
        ("htmx trigger filter", 'hx-trigger="keyup[ctrlKey]"'),
        ("other host", '<img src="https://example.com/a.png">'),
        ("data: address", '<img src="data:image/png;base64,">'),
    ],
)
def test_rules_catch_what_they_name(rule: str, bad: str) -> None:
    assert re.search(FORBIDDEN[rule], bad, re.I)


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_script_evaluates_nothing(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\beval\s*\(|new Function|\.innerHTML\s*=|insertAdjacentHTML|document\.write", text)


@pytest.mark.parametrize("path", STYLES, ids=name)
def test_style_sheet_names_no_host(path: Path) -> None:
    assert not re.search(r"url\(\s*[\"']?(?:https?:|//|data:)", path.read_text())


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    known = set(json.loads((ROOT / "static/src/icons/icons.json").read_text()))
    used: dict[str, str] = {}
    for path in TEMPLATES:
        for hit in re.finditer(
            r"\{% icon \"([a-z0-9-]+)\"|\b(?:icon|button)=\"([a-z]+)\"(?=[^%]*%\})", path.read_text()
        ):
            used[hit.group(1) or hit.group(2)] = name(path)
    for path in SCRIPTS:
        for hit in re.finditer(r"#i-([a-z]+)", path.read_text()):
            used[hit.group(1)] = name(path)
    assert {icon: place for icon, place in used.items() if icon not in known} == {}
    assert len(used) > 15


def test_every_lamp_has_a_drawing_and_a_colour() -> None:
    from console.templatetags.qd import DRAWN, LAMPS

    drawings = (ROOT / "static/src/icons/lamps.svg").read_text()
    assert {shape for shape in DRAWN | set(LAMPS.values()) if f'id="l-{shape}"' not in drawings} == set()


def test_lock_files_name_no_host() -> None:
    lock = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 10
    for path in ROOT.glob("requirements*.txt"):
        assert not re.search(r"https?://|--(?:extra-)?index-url|--find-links", path.read_text()), path.name


def test_htmx_config_is_json_and_keeps_failures_out_of_the_page() -> None:
    text = (ROOT / "templates/ui/_head.html").read_text()
    config = json.loads(re.search(r"name=\"htmx-config\" content='([^']+)'", text).group(1))  # type: ignore[union-attr]
    assert "5xx" in config["noSwap"]
    assert config["mode"] == "same-origin"
    assert config["extensions"] == "ws,qd"


def test_hostile_text_stays_text(settings: Settings) -> None:
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    from console.templatetags.qd import lamp, meter, stacked

    hostile = '"><script>alert(1)</script>'
    parts = {
        "_tag": "text=bad title=bad",
        "_cmd": "command=bad",
        "_act": "action=bad label=bad cmd=bad only=1",
        "_note": "text=bad",
        "_image_ref": "ref=bad",
        "_toast": 'state="failed" title=bad text=bad',
        "_field": "name=bad label=bad value=bad error=bad",
    }
    page = "".join(f'{{% include "ui/{part}.html" with {given} %}}' for part, given in parts.items())
    text = engines["django"].from_string(page).render({"bad": hostile})
    text += lamp(hostile, hostile) + meter(5, hostile) + stacked([(hostile, 1, hostile)], hostile)
    assert "<script>" not in text
    assert text.count("&lt;script&gt;") >= 12
