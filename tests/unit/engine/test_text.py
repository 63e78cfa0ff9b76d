"""The decoder of hostile strings."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine.errors import Malformed
from console.engine.text import SHOWN_DEPTH, decode, show, text

ANY_TEXT = st.text(st.characters() | st.sampled_from("\ud800\udfff\x00\x1b\x85\u202e\u200d\U000e0041"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ANY_TEXT, inner, max_size=5),
    max_leaves=30,
)


@given(ANY_TEXT | st.binary() | st.none() | st.integers() | st.floats(), st.integers(0, 300), st.booleans())
def test_text_is_always_safe_and_bounded(value: object, limit: int, multiline: bool) -> None:
    cleaned = text(value, limit, multiline=multiline)
    cleaned.encode("utf-8")
    assert len(cleaned) <= max(limit, 64)
    kept = {"\n", "\t"} if multiline else set()
    assert not {char for char in cleaned if unicodedata.category(char) in ("Cc", "Cs")} - kept
    assert not set(cleaned) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\u061c\ufeff"
    )
    assert text(cleaned, limit, multiline=multiline) == cleaned


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("größer 日本 🚢", "größer 日本 🚢"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "caf\ufffd"),
        ("a\x00b", "a␀b"),
        ("a\x1b[31mb", "a␛[31mb"),
        ("a\nb\tc\r", "a␊b␉c␍"),
        ("a\x7fb", "a␡b"),
        ("a\x9bb\x85", "a\\u009bb\\u0085"),
        ("user\u202egpj.exe", "user\\u202egpj.exe"),
        ("a\u2066b\u2069\u200b\u200f\u061c\ufeff\u2028", "a\\u2066b\\u2069\\u200b\\u200f\\u061c\\ufeff\\u2028"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("lone\ud800", "lone\ufffd"),
        (None, ""),
        (7, "7"),
        (True, "True"),
        ({"a": 1}, "(dict)"),
    ],
)
def test_text_shows_what_would_act(value: object, shown: str) -> None:
    assert text(value) == shown


def test_text_survives_a_number_that_python_does_not_print() -> None:
    assert text(10**5000) == "(a number too large to show)"


def test_text_keeps_lines_where_asked() -> None:
    assert text("a\nb\tc\x1b\r", multiline=True) == "a\nb\tc␛␍"


def test_text_cuts_and_says_so() -> None:
    cut = text("x" * 5_000_000)
    assert len(cut) == 4096
    assert cut.endswith("x… (cut, 5,000,000 characters)")
    assert text("x" * 4096) == "x" * 4096
    assert text("\u202e" * 4096).endswith("… (cut, 4,096 characters)")


@pytest.mark.parametrize("body", [b"", b"{", b"OK", b"[NaN]", b"[1e", b"[" * 100_000, b"\xff", b"9" * 5000])
def test_decode_refuses_what_is_no_json(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(body)


def test_decode_survives_bad_utf8() -> None:
    assert decode(b'{"a": "\xff\xc3"}') == {"a": "\ufffd\ufffd"}


@given(JSON, st.integers(0, 500))
def test_show_is_safe_json_and_bounded(value: Any, limit: int) -> None:
    shown = json.dumps(show(value, limit), allow_nan=False, ensure_ascii=False)
    shown.encode("utf-8")
    assert "\x00" not in shown
    # The last string, its key and the marks of the open levels may stand beyond the limit.
    assert len(shown) <= 20 * (limit + 200) + 100 * 64


def test_show_changes_nothing_that_is_harmless() -> None:
    value: dict[str, Any] = {"a": [1, 2.5, None, True, "x", {"b": []}], "c": {}}
    assert show(value) == value


def test_show_marks_what_it_cuts() -> None:
    assert show(["x" * 100] * 100, limit=1000)[-1] == "… (cut, 90 more)"
    assert list(show({str(n): "x" * 100 for n in range(100)}, limit=1000))[-1] == "…"
    assert show({"label": "x" * 5_000_000})["label"].endswith("… (cut, 5,000,000 characters)")
    deep: Any = "end"
    for _ in range(300):
        deep = [deep]
    shown, depth = show(deep), 0
    while isinstance(shown, list):
        shown, depth = shown[0], depth + 1
    assert (shown, depth) == ("… (cut, nested too deep)", SHOWN_DEPTH)


def test_show_of_a_number_that_json_cannot_write() -> None:
    assert show(decode(b"[1e999, -1e999]")) == ["inf", "-inf"]
