"""A raw document as lines."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.pages.json_lines import MOST_LINES, document, dumped

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=8), inner, max_size=8),
    max_leaves=60,
)


@given(values)
def test_the_lines_are_the_document(value: Any) -> None:
    lines = document(value).lines
    assert json.loads("\n".join(line.text for line in lines)) == value
    for line in lines:
        if line.inner:
            last = lines[line.number - 1 + line.inner]
            assert last.text.strip().rstrip(",") in {"}", "]"}
            indent = len(line.text) - len(line.text.lstrip())
            assert len(last.text) - len(last.text.lstrip()) == indent


@given(values, st.text(min_size=1, max_size=3))
def test_what_is_found_is_marked_and_nothing_lost(value: Any, find: str) -> None:
    found = document(value, find)
    for line in found.lines:
        assert "".join(text for text, _ in line.parts) == line.text
    assert found.matches == sum(hit for line in found.lines for _, hit in line.parts)


def test_short_things_stand_on_one_line() -> None:
    lines = [line.text for line in document({"Args": ["a", "b"], "Policy": {"Name": "no"}, "E": {}, "N": []}).lines]
    assert lines == ["{", '  "Args": ["a", "b"],', '  "Policy": { "Name": "no" },', '  "E": {},', '  "N": []', "}"]
    assert document({"Long": ["x" * 60, "y" * 60]}).lines[1].summary == "[ 2 items ],"[:-1]


def test_a_long_document_ends_in_a_count() -> None:
    found = document({str(number): [[1], [2]] for number in range(MOST_LINES)})
    assert len(found.lines) == MOST_LINES
    assert found.left_out > 0
    assert all(line.number + line.inner <= MOST_LINES for line in found.lines)
    assert json.loads(dumped({"é": 1})) == {"é": 1}
