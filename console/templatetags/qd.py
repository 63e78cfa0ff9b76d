"""Template tags of the design system. A built-in library (settings.TEMPLATES): no template loads it.

Only what an include would make clumsy or, in a table of 1,000 rows, slow. Everything else is a file in templates/ui/.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

# What the lamp of a state is called where Docker or an operation has another word for it.
LAMPS: Final[dict[str, str]] = {
    "removing": "busy",
    "starting": "running",  # a health check that has not answered yet
    "dead": "failed",
    "exited-error": "failed",
    "queued": "created",
    "succeeded": "done",
    "cancelled": "exited",
    "unknown": "warning",
    "new": "busy",
    "live": "healthy",
    "stale": "warning",
    "unreachable": "failed",
    "swapped": "failed",
    "off": "exited",
    "in-use": "running",
    "unused": "exited",
}
DRAWN: Final = frozenset(
    {
        "running",
        "healthy",
        "unhealthy",
        "warning",
        "paused",
        "exited",
        "failed",
        "restarting",
        "created",
        "done",
        "busy",
    }
)


@lru_cache(maxsize=1)
def _sprite() -> str:
    return static("icons.svg")


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, size: str = "") -> SafeString:
    """An icon of static/src/icons/icons.json. ``size``: "" (16 px) or "s" (14 px)."""
    css = f"ic {size}".strip()
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}#i-{}"/></svg>', css, _sprite(), name)


@register.filter
def lamp_shape(name: str) -> str:
    """The drawing of a state's lamp, for pictures that place it themselves."""
    return LAMPS.get(name, name if name in DRAWN else "created")


@lru_cache(maxsize=1024)
def _lamp(name: str, label: str) -> SafeString:
    shape = lamp_shape(name)
    if not label:
        bare = '<svg class="st st-{}" aria-hidden="true"><use href="{}#l-{}"/></svg>'
        return format_html(bare, shape, _sprite(), shape)
    named = '<svg class="st st-{}" role="img" aria-label="{}"><title>{}</title><use href="{}#l-{}"/></svg>'
    return format_html(named, shape, label, label, _sprite(), shape)


@register.simple_tag
def lamp(state: object, label: object = "") -> SafeString:
    """The lamp of a container's, operation's or engine's state. Without ``label`` the word must stand beside it."""
    return _lamp(str(state), str(label))


@register.simple_tag
def act(
    action: str, label: str, icon_name: str, cmd: str = "", key: str = "", disabled: str = "", css: str = "icon ghost"
) -> SafeString:
    """The icon button of a row that asks for an operation; ui/_act.html in a tenth of the time.

    ``action`` is the address to POST to, ``label`` says the object's name, ``disabled`` is the reason.
    """
    return format_html(
        '<button class="btn {}" form="act" formaction="{}" hx-post="{}" hx-swap="none" hx-disable="this"'
        ' aria-label="{}" title="{}" data-cmd="{}" data-key="{}"{}>{}</button>',
        css,
        action,
        action,
        label,
        disabled or label,
        cmd,
        key,
        " disabled" if disabled else "",
        icon(icon_name, "s"),
    )


@register.simple_tag
def image_ref(reference: str) -> SafeString:
    """An image reference of which the registry is cut first and the tag never; as ui/_image_ref.html."""
    registry, rest = image_parts(reference)
    before = format_html('<span class="reg">{}</span>', registry) if registry else ""
    return format_html('<span class="img" title="{}">{}<span>{}</span></span>', reference, before, rest)


@register.simple_tag
def meter(percent: float | None, label: str = "", plain: bool = False) -> SafeString:
    """A small bar of 0 to 100 percent; amber from 75, red from 90, or ``plain``. ``None``: an empty track."""
    value = min(100.0, max(0.0, float(percent or 0)))
    css = "f" if plain or value < 75 else "f max" if value >= 90 else "f hot"
    return format_html(
        '<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="t" width="100" height="6"/><rect class="{}" width="{}" height="6"/></svg>',
        label or f"{value:.0f}%",
        css,
        f"{max(value, 1.5) if value else 0:.1f}",
    )


@register.simple_tag
def stacked(parts: Iterable[Sequence[Any]], label: str) -> SafeString:
    """A wide bar of parts ``(class, amount)`` or ``(class, amount, title)``, e.g. ``("f-ok", 12, "running")``."""
    rows = [(str(part[0]), float(part[1]), str(part[2]) if len(part) > 2 else "") for part in parts if part[1]]
    total = sum(amount for _, amount, _ in rows) or 1.0
    drawn: list[tuple[str, str, str, str]] = []
    at = 0.0
    for css, amount, title in rows:
        width = amount / total * 100
        drawn.append((css, f"{at:.2f}", f"{max(width - 0.35, 0.2):.2f}", title))
        at += width
    shapes = format_html_join("", '<rect class="{}" x="{}" width="{}" height="6"><title>{}</title></rect>', drawn)
    return format_html(
        '<svg class="bar wide" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="t" width="100" height="6"/>{}</svg>',
        label,
        shapes,
    )


@register.simple_tag
def spark(values: Sequence[float], css: str = "", top: float = 0) -> SafeString:
    """A sparkline; ``top`` is the value of the upper edge (0: the largest value). ``css``: "" CPU, "m" memory."""
    if len(values) < 2:
        return format_html('<svg class="spark {}" aria-hidden="true"></svg>', css)
    high = max(top, *values) or 1.0
    step = 100 / (len(values) - 1)
    line = "L".join(f"{i * step:.1f} {17 - value / high * 16:.1f}" for i, value in enumerate(values))
    return format_html(
        '<svg class="spark {}" viewBox="0 0 100 18" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="a" d="M{}L100 18L0 18Z"/><path class="l" d="M{}"/></svg>',
        css,
        line,
        line,
    )


def span(seconds: float) -> str:
    """A length of time in the largest unit that fits: "14 s", "6 min", "3 d". The same words as times.js."""
    whole = max(0, int(seconds))
    for limit, unit, word in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (86400 * 60, 86400, "d")):
        if whole < limit:
            return f"{whole // unit} {word}"
    if whole < 86400 * 730:
        return f"{whole // (86400 * 30)} months"
    return f"{whole // (86400 * 365)} years"


@register.simple_tag
def ago(moment: dt.datetime | None, kind: str = "ago", empty: str = "–") -> SafeString:
    """A ``<time>`` that ages by itself. ``kind``: "ago" ("6 min ago") or "age" ("6 min")."""
    if moment is None:
        return format_html("{}", empty)
    words = span((timezone.now() - moment).total_seconds()) + (" ago" if kind == "ago" else "")
    utc = moment.astimezone(dt.UTC)
    title = f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time datetime="{}" data-rel="{}" title="{}">{}</time>', utc.isoformat(), kind, title, words)


@register.filter
def epoch(moment: dt.datetime | None) -> str:
    """Seconds since 1970 with three decimals, "" for none: the attributes that fresh.js and times.js read."""
    return f"{moment.timestamp():.3f}" if moment else ""


@register.filter
def iso(moment: dt.datetime | None) -> str:
    """ISO 8601 in UTC, "" for none."""
    return moment.astimezone(dt.UTC).isoformat() if moment else ""


@register.simple_tag
def now_epoch() -> str:
    """The server's clock, in seconds since 1970."""
    return f"{timezone.now().timestamp():.3f}"


@register.filter
def size(value: float | None) -> str:
    """Bytes in decimal units as Docker prints them: "9.8 MB", "412 MB", "1.4 GB". "–" for none or below zero."""
    if value is None or value < 0:
        return "–"
    amount, unit = float(value), "B"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1000, larger
    tenths = unit != "B" and (amount < 9.95 or (unit not in {"kB", "MB"} and amount < 99.5))
    return f"{amount:.1f} {unit}" if tenths else f"{amount:.0f} {unit}"


@register.filter
def short_id(value: str) -> str:
    """The 12 digits that docker shows of an id; the algorithm of an image id goes."""
    return str(value).rpartition(":")[2][:12]


@register.filter
def image_parts(reference: str) -> tuple[str, str]:
    """A reference as (registry with its slash or "", rest): the page cuts the registry first, never the tag."""
    head, slash, rest = reference.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        return f"{head}/", rest
    return "", reference
