"""Tags of long tables of containers: an include for every button of every row would cost more than all the rest."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from console.templatetags.qd import icon, lamp

if TYPE_CHECKING:
    from console.operations.verbs import Action
    from console.pages.container_actions import Actions
    from console.pages.container_rows import Row

register = template.Library()

NOTHING = SafeString("")
OFF, BUSY = SafeString(" disabled"), SafeString(' disabled aria-busy="true"')
DANGER = SafeString(' class="danger"')
OOB = SafeString(' hx-swap-oob="outerMorph"')


class Shown(Protocol):
    """What of the list a row depends on."""

    @property
    def as_of(self) -> str:
        """When what is shown was true, if the engine does not answer."""

    @property
    def stale(self) -> bool:
        """Whether nothing can be asked for."""


@register.simple_tag
def container_row(row: Row, shown: Shown) -> SafeString:
    """A row of the list. Drawn once as long as nothing in it differs: ``Row`` holds all that it depends on."""
    return _row(row, row.words, shown.as_of, shown.stale)


@register.simple_tag
def container_rows(rows: Iterable[Row], shown: Shown) -> SafeString:
    """Many of them: one tag for all costs less than a loop in a template."""
    as_of, stale = shown.as_of, shown.stale
    return format_html_join("\n", "{}", ((_row(row, row.words, as_of, stale),) for row in rows))


@lru_cache(maxsize=2048)  # rows; about 5 KB each
def _row(row: Row, words: tuple[str, ...], as_of: str, stale: bool) -> SafeString:
    return render_to_string("containers/_row.html", {"row": row, "as_of": as_of, "stale": stale})


@register.simple_tag
def row_actions(acts: Actions, oob: object = "") -> SafeString:
    """The buttons of a row and the menu behind "more"; ``oob``: to be swapped in place."""
    menu = NOTHING
    if acts.menu:
        menu = format_html(
            '<details class="pick-menu end">'
            '<summary class="btn icon ghost" aria-label="More for {0}" title="More for {0}" data-key="a">{1}</summary>'
            '<ul class="menu">{2}</ul></details>',
            acts.name,
            icon("more", "s"),
            format_html_join("", "<li>{}</li>", ((_item(act, acts.name),) for act in acts.menu)),
        )
    return format_html(
        '<div class="acts over" id="acts-{}"{}>{}{}</div>',
        acts.id12,
        OOB if oob else NOTHING,
        format_html_join("", "{}", ((_button(act, acts.name),) for act in acts.main)),
        menu,
    )


def _button(act: Action, name: str) -> SafeString:
    why = f"{act.busy} {name}" if act.busy else f"{name} is {act.reason}" if act.reason else act.name
    return format_html(
        '<button class="btn icon ghost" form="act" formaction="{0}" hx-post="{0}" hx-swap="none" hx-disable="this"'
        ' aria-label="{1}" title="{2}" data-cmd="{3}" data-key="{4}"{5}>{6}</button>',
        act.url,
        act.name,
        why,
        act.command,
        act.key,
        BUSY if act.busy else OFF if act.reason else NOTHING,
        lamp("busy") if act.busy else icon(act.icon, "s"),
    )


def _item(act: Action, name: str) -> SafeString:
    danger, picture = DANGER if act.danger else NOTHING, icon(act.icon, "s")
    if act.dialog and not act.reason:
        return format_html(
            '<a{0} href="{1}" hx-get="{1}" hx-target="#dialog" data-cmd="{2}"{3}>{4}{5}</a>',
            danger,
            act.url,
            act.command,
            format_html(' data-key="{}"', act.key) if act.key else NOTHING,
            picture,
            act.label,
        )
    off = format_html(' disabled title="{} is {}"', name, act.reason) if act.reason else NOTHING
    return format_html(
        '<button{0} form="act" formaction="{1}" hx-post="{1}" hx-swap="none" data-cmd="{2}"{3}>{4}{5}</button>',
        danger,
        act.url,
        act.command,
        BUSY if act.busy else off,
        picture,
        act.busy or act.label,
    )
