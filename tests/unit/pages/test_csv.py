"""Events and the audit as CSV: what the filter shows, bounded, read back by a reader, hostile names as text."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from console.pages import csv_lines
from tests import factories, hostile

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
NAMES = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", '=HYPERLINK("http://x","y")', 'a"b', "a,b", "a\r\nb", "'=1", "ä☃"),
    *(name for name in (*hostile.MARKUP, *hostile.LOOKS) if "\0" not in name and len(name) < 150),
)


async def _joined(parts: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in parts])


def downloaded(client: Client, path: str, **params: Any) -> list[list[str]]:
    answer = client.get(path, params | {"download": "csv"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{path[1:]}-2')
    text = async_to_sync(_joined)(cast("Any", answer).streaming_content).decode()
    assert text.endswith("\r\n")
    return list(csv.reader(StringIO(text, newline=""), strict=True))


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.force_login(factories.user("mika"))
    return client


def guarded(name: str) -> str:
    return f"'{name}" if name[:1] in {"=", "+", "-", "@", "\t", "\r"} else name


@pytest.mark.parametrize("value", NAMES)
def test_a_cell_is_never_a_formula_and_comes_back_as_it_was(value: str) -> None:
    text = csv_lines.lines([["before", value, "after"]])
    ((before, found, after),) = csv.reader(StringIO(text, newline=""), strict=True)
    assert (before, after) == ("before", "after")
    assert found == guarded(value)


def test_the_form_of_rfc_4180() -> None:
    assert csv_lines.lines([["a", 'b"c', "d,e"], ["f\r\ng", "", "=1"]]) == 'a,"b""c","d,e"\r\n"f\r\ng",,\'=1\r\n'


def test_events(signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_lines, "AT_ONCE", 7)
    engine = factories.engine("here")
    for name in NAMES:
        factories.event(engine, "start", name)
    titles, *rows = downloaded(signed_in, "/events")
    assert titles == ["Time", "Engine", "Kind", "Action", "Object", "Object id", "Who", "Detail"]
    assert sorted(row[4] for row in rows) == sorted(map(guarded, NAMES))
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), reverse=True)
    factories.event(engine, "die", "web", attributes={"exitCode": "137"})
    (row,) = downloaded(signed_in, "/events", q="action:die")[1:]
    assert (row[3], row[4], row[7]) == ("die", "web", "exit code 137")
    assert downloaded(signed_in, "/events", show="console")[1:] == []


def test_repeats_are_all_there_and_the_newest_are_the_bound(signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = factories.engine("here")
    for number in range(20):
        factories.event(
            engine, "die", "loop", attributes={"exitCode": str(number)}, time=NOON + timedelta(seconds=number)
        )
    assert len(downloaded(signed_in, "/events", before="1.1")) == 21
    monkeypatch.setattr(csv_lines, "MOST", 5)
    codes = [row[7] for row in downloaded(signed_in, "/events")[1:]]
    assert codes == [f"exit code {number}" for number in (19, 18, 17, 16, 15)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_lines, "AT_ONCE", 2)
        assert len(downloaded(signed_in, "/events")) == 6


def test_the_audit(signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_lines, "AT_ONCE", 7)
    engine, by = factories.engine("here"), factories.user("=cmd|' /C calc'!A0")
    for name in NAMES:
        factories.audit(by, engine=engine, object_name=name, kind="volume")
    titles, *rows = downloaded(signed_in, "/audit", q="action:container.env.reveal")
    assert titles[:4] == ["Time", "Who", "Action", "Object"]
    assert sorted(row[3] for row in rows) == sorted(map(guarded, NAMES))
    assert {row[1] for row in rows} == {"'=cmd|' /C calc'!A0"}
    monkeypatch.setattr(csv_lines, "MOST", 3)
    assert len(downloaded(signed_in, "/audit")) == 4
    viewer = factories.user("vic", "viewer")
    signed_in.force_login(viewer)
    assert signed_in.get("/audit", {"download": "csv"}).status_code == 403


@pytest.mark.parametrize("path", ["/events", "/audit"])
def test_the_link_carries_the_filter_and_a_wrong_one_is_a_page(signed_in: Client, path: str) -> None:
    page = signed_in.get(path, {"q": "action:die", "page": "1"}).content.decode()
    assert 'href="?q=action%3Adie&amp;download=csv" download' in page
    part = signed_in.get(path, {"q": "action:die"}, headers={"HX-Request": "true"}).content.decode()
    assert "download=csv" in part, "the link follows the filter"
    wrong = signed_in.get(path, {"q": "nokey:x", "download": "csv"})
    assert (wrong.status_code, "> CSV<" in wrong.content.decode() or "</svg>CSV" in wrong.content.decode()) == (
        422,
        False,
    )
    head = signed_in.head(path, {"download": "csv"})
    assert (head.status_code, head.content) == (200, b"")
