"""The messages of a pull as rows and totals, also when they lie."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine.errors import Malformed
from console.engine.messages import LONGEST, _messages, error_of
from console.operations.kinds.images import reason_of
from console.operations.kinds.pulling import MOST_LAYERS, MOST_LINES, Layers


def message(name: str, status: str, current: object = None, total: object = None) -> dict[str, object]:
    detail = {} if current is None else {"current": current, "total": total}
    return {"id": name, "status": status, "progressDetail": detail}


def test_rows_and_totals() -> None:
    layers = Layers()
    layers.take({"id": "1.27", "status": "Pulling from library/nginx"})
    for name in "abc":
        layers.take(message(name, "Pulling fs layer"))
    assert layers.shown(0.0)["text"] == "0 of 3 layers"
    layers.take(message("a", "Downloading", 0, 1000))
    layers.take(message("b", "Downloading", 0, 3000))
    layers.shown(1.0)
    layers.take(message("a", "Downloading", 1000, 1000))
    layers.take(message("b", "Downloading", 1000, 3000))
    shown = layers.shown(3.0)
    assert (shown["percent"], shown["text"]) == (50, "2kB of 4kB")
    assert shown["speed"] == "667B/s, about 3 s left"
    layers.take(message("a", "Extracting", 500, 1000))
    layers.take(message("a", "Pull complete"))
    layers.take(message("c", "Already exists"))
    shown = layers.shown(4.0)
    assert shown["complete"] == 2
    assert [layer["text"] for layer in shown["layers"]] == [
        "Pull complete 1kB",
        "Downloading 1kB of 3kB",
        "Already exists",
    ]
    assert [layer["tone"] for layer in shown["layers"]] == ["done", "", "done"]
    assert shown["lines"] == ["1.27: Pulling from library/nginx", "a: Pull complete", "c: Already exists"]


def test_a_stalled_pull_says_so() -> None:
    layers = Layers()
    layers.take(message("a", "Downloading", 100, 1000))
    layers.shown(0.0)
    assert layers.shown(4.0)["speed"] == "waiting for the registry"


def test_the_digest_and_up_to_date() -> None:
    layers = Layers()
    layers.take({"status": "Digest: sha256:12"})
    layers.take({"status": "Status: Image is up to date for nginx:1"})
    assert (layers.digest, layers.fresh) == ("sha256:12", False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.sampled_from(["current", "total", "x"]), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.dictionaries(st.sampled_from(["id", "status", "progressDetail"]), JSON, max_size=3), max_size=20))
def test_whatever_the_engine_says_is_bounded(said: list[dict[str, object]]) -> None:
    layers = Layers()
    for each in said:
        layers.take(each)
    shown = layers.shown()
    json.dumps(shown)
    assert 0 <= shown.get("percent", 0) <= 100
    assert all(0 <= layer["percent"] <= 100 for layer in shown["layers"])


def test_bounds() -> None:
    layers = Layers()
    for number in range(MOST_LAYERS + 50):
        layers.take(message(str(number), "Waiting"))
        layers.take({"status": f"line {number}"})
    assert len(layers.shown()["layers"]) == MOST_LAYERS
    assert len(layers.lines) == MOST_LINES


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("manifest for x:1 not found: manifest unknown", "The registry has no such image or tag."),
        ("no matching manifest for linux/arm64", "The registry has no such image for this platform."),
        ("pull access denied for x, repository does not exist", "The registry wants credentials"),
        ("write /var/lib/docker/x: no space left on device", "The engine has no space left."),
        ("Get https://x/v2/: net/http: request canceled (Client.Timeout exceeded)", "The registry did not answer in"),
        ("something new", "The pull failed."),
    ],
)
def test_reasons(said: str, reason: str) -> None:
    assert reason_of(said).startswith(reason)


def parts(*sent: bytes) -> Iterator[bytes]:
    yield from sent


def test_messages_are_cut_at_lines_wherever_they_were_sent() -> None:
    assert list(_messages(parts(b'{"a":', b'1}\r\n{"b"', b":2}", b"\n\n[1]\n", b'{"c":3}'))) == [
        {"a": 1},
        {"b": 2},
        {"c": 3},
    ]
    with pytest.raises(Malformed):
        list(_messages(parts(b"<html>\n")))
    with pytest.raises(Malformed):
        list(_messages(parts(b"x" * LONGEST, b"x")))


def test_error_of() -> None:
    assert error_of({"errorDetail": {"message": "no\x1b"}, "error": "other"}) == "no␛"
    assert error_of({"error": "other"}) == "other"
    assert error_of({"status": "fine"}) == ""
