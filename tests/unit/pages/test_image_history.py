"""Steps of an image's history, as classic builds and BuildKit write them; an inspect in groups."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.engine.types import HistoryEntry
from console.pages.document import MOST_PAIRS, groups
from console.pages.image import parts, split_step, steps


@pytest.mark.parametrize(
    ("text", "instruction", "rest"),
    [
        ('/bin/sh -c #(nop)  CMD ["/bin/sh"]', "CMD", '["/bin/sh"]'),
        ("/bin/sh -c #(nop) ADD file:rootfs in / ", "ADD", "file:rootfs in /"),
        ("/bin/sh -c apk add curl", "RUN", "apk add curl"),
        ("RUN /bin/sh -c apk add curl # buildkit", "RUN", "apk add curl"),
        ("RUN |1 VERSION=2 /bin/sh -c make # buildkit", "RUN", "make"),
        ("COPY a b # buildkit", "COPY", "a b"),
        ("ENV A=b", "ENV", "A=b"),
        ("# debian.sh --arch 'amd64'", "", "# debian.sh --arch 'amd64'"),
        ("HELLO world", "", "HELLO world"),
        ("", "", ""),
    ],
)
def test_split(text: str, instruction: str, rest: str) -> None:
    assert split_step(text) == (instruction, rest)


def entry(created_by: str, size: int) -> HistoryEntry:
    return HistoryEntry("", datetime(2026, 1, 1, tzinfo=UTC), created_by, size, "", ())


def test_steps_are_oldest_first_and_layers_numbered() -> None:
    history = (entry("CMD sh", 0), entry("RUN /bin/sh -c b", 25), entry("ENV DB_PASSWORD=x", 0), entry("ADD a /", 75))
    found = steps(history, secrets=True)
    assert [(step.number, step.instruction, step.share) for step in found] == [
        (1, "ADD", 75.0),
        (0, "ENV", 0.0),
        (2, "RUN", 25.0),
        (0, "CMD", 0.0),
    ]
    assert found[1].text == "DB_PASSWORD=***"
    assert [(css, size) for css, size, _ in parts(found, history)] == [("f1", 75), ("f2", 25)]
    assert {step.text for step in steps(history, secrets=False)} == {""}
    assert steps((), secrets=True) == []


def test_groups_of_a_document() -> None:
    found = groups({"Id": "a", "On": True, "Nothing": None, "Config": {"Env": ["A=b"], "Deep": {"x": 1}}, "Empty": {}})
    assert [(group.title, group.pairs) for group in found] == [
        ("Object", (("Id", "a"), ("On", "true"), ("Nothing", "–"))),
        ("Config", (("Env › 1", "A=b"), ("Deep › x", "1"))),
    ]
    assert [group.title for group in groups({"Id": "a", "Config": {"Env": ["A=b"]}}, find="env")] == ["Config"]
    many = groups({"All": {str(number): number for number in range(MOST_PAIRS + 5)}})
    assert many[0].pairs[-1] == ("…", "5 more")
