"""The filter over a list: ``key:value``, ``-key:value``, ``key>10MB``, bare words, quotes.

``parse`` is pure: text in, terms out. A list names its keys in a table (``Key``: what a value means as a condition on
rows); ``build`` joins terms and table into one ``Q``. No part of what a person typed becomes the name of a field or of
a lookup. Everything that can be wrong is a ``FilterError`` with the place and, for an unknown key, the keys.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import F, Q, TextField
from django.db.models.functions import Cast
from django.db.models.lookups import IContains
from django.utils import timezone

LONGEST: Final = 500  # characters of a filter
MOST_TERMS: Final = 20
OPERATORS: Final = (">=", "<=", ">", "<", ":")
MAX_NUMBER: Final = 2**63 - 1

_KEY = re.compile(r"([A-Za-z][A-Za-z_-]{0,30})(>=|<=|>|<|:)")
_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([kmgtp]?)(i?)b?", re.IGNORECASE)
_AGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([a-z]*)", re.IGNORECASE)
_SECONDS: Final[dict[str, int]] = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
    **dict.fromkeys(("w", "week", "weeks"), 7 * 86400),
}


class FilterError(Exception):
    """What is wrong with a filter, for the line under the field. ``at``: index of the character in the text."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. ``key`` is "" for a bare word; ``operator`` one of ``OPERATORS``; ``raw`` as it was typed."""

    key: str
    operator: str
    value: str
    negated: bool
    raw: str
    at: int


@dataclass(frozen=True, slots=True)
class Key:
    """What a key means. ``build`` makes a condition of operator and value, or raises ``FilterError`` (no place)."""

    build: Callable[[str, str], Q]
    example: str
    operators: tuple[str, ...] = (":",)


def parse(text: str) -> tuple[Term, ...]:
    """Split a filter into its terms. Raises ``FilterError`` and nothing else."""
    if len(text) > LONGEST:
        raise FilterError(f"The filter is longer than {LONGEST} characters.", LONGEST)
    for at, character in enumerate(text):
        if unicodedata.category(character) in {"Cc", "Cs"} and not character.isspace():
            raise FilterError("The filter holds a character that cannot be searched for.", at)
    terms: list[Term] = []
    at = 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return tuple(terms)
        if len(terms) == MOST_TERMS:
            raise FilterError(f"A filter has at most {MOST_TERMS} terms.", at)
        term = _term(text, at)
        terms.append(term)
        at += len(term.raw)


def build(terms: Sequence[Term], keys: Mapping[str, Key], word: Callable[[str], Q]) -> Q:
    """Join the terms by "and". ``word`` is the condition of a bare word. Raises ``FilterError``."""
    found = Q()
    for term in terms:
        try:
            condition = word(term.value) if not term.key else _keyed(term, keys)
        except FilterError as error:
            raise FilterError(error.message, term.at) from error
        found &= ~condition if term.negated else condition
    return found


def chips(terms: Sequence[Term]) -> tuple[list[str], str]:
    """The terms as the filter field shows them: those with a key as chips, the bare words as text."""
    words = [term.raw for term in terms if not term.key]
    return [term.raw for term in terms if term.key], " ".join(words)


def quoted(value: str) -> str:
    """``value`` as it must be typed to be one word: for links that filter."""
    if value and not re.search(r"[\s\"'\\]", value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# ── what a value can mean ────────────────────────────────────────────────────────────────────────────────────────────


def contains(*fields: str, example: str) -> Key:
    """The value is part of one of the fields, without regard to case."""
    return Key(lambda operator, value: _any(*(Q((f"{field}__icontains", value)) for field in fields)), example)


def starts(*fields: str, example: str) -> Key:
    """One of the fields begins with the value: for ids."""
    return Key(lambda operator, value: _any(*(Q((f"{field}__istartswith", value)) for field in fields)), example)


def like(field: str, example: str, wrap: Callable[[Q], Q] = lambda condition: condition) -> Key:
    """The value is the whole field; ``*`` at its start or end stands for anything. ``wrap``: the way to other rows."""

    def condition(operator: str, value: str) -> Q:
        middle = value.strip("*")
        start, end = value.startswith("*"), value.endswith("*")
        lookup = "icontains" if start and end else "iendswith" if start else "istartswith" if end else "iexact"
        return wrap(Q((f"{field}__{lookup}", middle)))

    return Key(condition, example)


def choice(field: str, values: Sequence[str], example: str, groups: Mapping[str, Sequence[str]] | None = None) -> Key:
    """One of a few words, several joined by commas. ``groups``: words that stand for several values."""
    known = {value: (value,) for value in values} | {name: tuple(group) for name, group in (groups or {}).items()}

    def condition(operator: str, value: str) -> Q:
        wanted: set[str] = set()
        for word in value.lower().split(","):
            if word not in known:
                raise FilterError(f"“{word}” is none of {', '.join(known)}.")
            wanted.update(known[word])
        return Q((f"{field}__in", sorted(wanted)))

    return Key(condition, example)


def flag(conditions: Mapping[str, Q], example: str) -> Key:
    """Named conditions: ``is:dangling``."""

    def condition(operator: str, value: str) -> Q:
        if value.lower() not in conditions:
            raise FilterError(f"“{value}” is none of {', '.join(conditions)}.")
        return conditions[value.lower()]

    return Key(condition, example)


def number(field: str, example: str, also: Q | None = None) -> Key:
    """A whole number, compared. ``also``: what must hold for the number to mean anything."""

    def condition(operator: str, value: str) -> Q:
        if not _NUMBER.fullmatch(value) or abs(int(value)) > MAX_NUMBER:
            raise FilterError(f"“{value}” is not a whole number.")
        return _compare(field, operator, int(value)) & (also or Q())

    return Key(condition, example, OPERATORS)


def size(field: str, example: str) -> Key:
    """A size in bytes: ``10MB`` is decimal as Docker prints it, ``10MiB`` binary."""

    def condition(operator: str, value: str) -> Q:
        match = _SIZE.fullmatch(value)
        if not match:
            raise FilterError(f"“{value}” is not a size. Write it as 512, 10kB, 10MB or 1.5GB.")
        power = " kmgtp".index(match[2].lower() or " ")
        amount = float(match[1]) * (1024 if match[3] else 1000) ** power
        return _compare(field, operator, int(min(amount, MAX_NUMBER)))

    return Key(condition, example, OPERATORS)


def age(field: str, example: str) -> Key:
    """How long ago a moment is: ``created<2h`` is younger than two hours. ``:`` means at most so old."""

    def condition(operator: str, value: str) -> Q:
        match = _AGE.fullmatch(value)
        unit = _SECONDS.get(match[2].lower()) if match else None
        if match is None or unit is None:
            raise FilterError(f"“{value}” is not a length of time. Write it as 30s, 10min, 2h, 3d or 1w.")
        try:
            moment = timezone.now() - timedelta(seconds=float(match[1]) * unit)
        except OverflowError as error:
            raise FilterError(f"“{value}” is longer than time itself.") from error
        older = operator in {">", ">="}
        return Q((f"{field}__{'lte' if older else 'gte'}", moment))

    return Key(condition, example, OPERATORS)


def label(field: str, example: str, values_of: Callable[[str], bool] = lambda name: True) -> Key:
    """A label by its name, or by name and value (``label:tier=web``), without regard to case.

    ``values_of`` says for a label's name whether this person may search its values: an answer is knowledge too.
    """

    def condition(operator: str, value: str) -> Q:
        name, equals, wanted = value.partition("=")
        if not name:
            raise FilterError("A label has a name: label:tier or label:tier=web.")
        if equals and not values_of(name):
            raise FilterError(f"The values of the label “{name}” are hidden from you. Without =… its name is searched.")
        return in_json(field, *(f"{start}{part}" for start in ("{", ", ") for part in _pairs(name, equals, wanted)))

    return Key(condition, example)


def in_json(field: str, *needles: str) -> Q:
    """The stored text of a JSON field holds one of the needles (made by us, with every value through ``json.dumps``).

    The same on SQLite and PostgreSQL, whose ``contains`` and key lookups differ; both write ", " and ": ".
    """
    return _any(*(Q(IContains(Cast(F(field), TextField()), needle)) for needle in needles))


def _pairs(name: str, equals: str, value: str) -> list[str]:
    """A pair as it stands in a JSON object. SQLite holds what Django wrote (ASCII), PostgreSQL its own form."""
    forms = []
    for ascii_only in (True, False):
        end = json.dumps(value, ensure_ascii=ascii_only) if equals else '"'
        form = f"{json.dumps(name, ensure_ascii=ascii_only)}: {end}"
        if form not in forms:
            forms.append(form)
    return forms


def _any(*conditions: Q) -> Q:
    found = Q()
    for condition in conditions:
        found |= condition
    return found


def _compare(field: str, operator: str, value: int) -> Q:
    lookup = {":": "exact", ">": "gt", "<": "lt", ">=": "gte", "<=": "lte"}[operator]
    return Q((f"{field}__{lookup}", value))


def _keyed(term: Term, keys: Mapping[str, Key]) -> Q:
    key = keys.get(term.key)
    if key is None:
        raise FilterError(
            f"Unknown key “{term.key}”. Keys: {', '.join(keys)}. To search for the text itself, put it in quotes."
        )
    if term.operator not in key.operators:
        raise FilterError(f"“{term.key}” is not compared by size. Write it as {key.example}.")
    if not term.value:
        raise FilterError(f"“{term.key}” needs a value, such as {key.example}.")
    return key.build(term.operator, term.value)


def _term(text: str, start: int) -> Term:
    """The term that begins at ``start``, which is no space."""
    at = start
    negated = text[at] == "-" and at + 1 < len(text) and not text[at + 1].isspace()
    at += negated
    match = _KEY.match(text, at)
    key, operator = (match[1].lower(), match[2]) if match else ("", ":")
    at = match.end() if match else at
    value, end = _value(text, at)
    return Term(key, operator, value, negated, text[start:end], start)


def _value(text: str, at: int) -> tuple[str, int]:
    """A value up to the next space, and where it ends. Quotes may stand around any part; in them ``\\`` escapes."""
    found: list[str] = []
    while at < len(text) and not text[at].isspace():
        quote = text[at]
        if quote not in "\"'":
            found.append(quote)
            at += 1
            continue
        opened = at
        at += 1
        while at < len(text) and text[at] != quote:
            at += text[at] == "\\" and at + 1 < len(text)
            found.append(text[at])
            at += 1
        if at == len(text):
            raise FilterError("A quote is opened and not closed.", opened)
        at += 1
    return "".join(found), at
