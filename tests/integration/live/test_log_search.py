"""Searching the past of many logs on a real engine, through the socket."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import sync_to_async

from console.consumers import log_search
from console.live import matcher
from console.live.matcher import BadPattern, Expression, TooSlow, Words
from console.models import AuditEntry, User
from tests import factories
from tests.engines import PrivateEngine
from tests.sockets import connected

pytestmark = pytest.mark.django_db(transaction=True)


def mirrored(engine: PrivateEngine, *names: str) -> User:
    row = factories.engine("here", url=engine.url, api_version=engine.api_version)
    for name in names:
        raw = engine.get(f"/containers/{name}/json")
        factories.container(row, name, container_id=raw["Id"], tty=raw["Config"]["Tty"], state=raw["State"]["Status"])
    return factories.user("admin")


async def searched(user: User, **asked: str) -> list[dict[str, Any]]:
    """All messages of one search."""
    messages: list[dict[str, Any]] = []
    async with connected(f"/ws/e/here/logs/search?{urlencode(asked)}", user) as made:
        while not messages or messages[-1]["t"] != "end":
            messages.append(json.loads(await made.receive_from(timeout=30)))
            if "s" in messages[-1]:
                await made.send_to(text_data=json.dumps({"type": "ack", "s": messages[-1]["s"]}))
    return messages


def rows(messages: list[dict[str, Any]]) -> list[list[Any]]:
    return [row for message in messages if message["t"] == "found" for row in message["d"]]


def run(engine: PrivateEngine, name: str, script: str, *flags: str) -> None:
    engine.docker("run", "-d", "--name", name, *flags, "alpine", "sh", "-c", script)
    engine.docker("wait", name)


async def test_matches_with_what_stands_around_them(clean_engine: PrivateEngine) -> None:
    run(clean_engine, "one", "seq 1 5000; echo 'Needle here' >&2; seq 1 3")
    run(clean_engine, "two", "echo nothing")
    run(clean_engine, "mute", "echo needle", "--log-driver", "none")
    admin = await sync_to_async(mirrored)(clean_engine, "one", "two", "mute")
    messages = await searched(admin, q="needle")
    found = rows(messages)
    hit = [row for row in found if row[3]]
    assert [(row[0], row[2], row[3]) for row in hit] == [(2, "Needle here", [[0, 6]])]
    assert len(found) in (3, 4, 5)  # the streams of a container may overtake each other
    last = {m["c"]: m for m in messages if m["t"] == "log"}
    assert sorted(m["state"] for m in last.values()) == ["read", "read", "refused"]
    assert {m["n"] for m in last.values()} == {0, 1}
    assert next(m for m in last.values() if m["state"] == "refused")["text"]
    assert (messages[-1]["n"], messages[-1]["why"]) == (1, "")
    assert await AuditEntry.objects.filter(action="container.logs.search").acount() == 3
    assert await AuditEntry.objects.filter(detail__icontains="needle").acount() == 0


async def test_context_rows_come_once_and_gaps_are_told(clean_engine: PrivateEngine) -> None:
    run(clean_engine, "one", "seq 1 100")
    admin = await sync_to_async(mirrored)(clean_engine, "one")
    found = rows(await searched(admin, q="^(10|12|50)$", regex="1"))
    assert [(row[2], bool(row[3]), row[4]) for row in found] == [
        ("8", False, 1),
        ("9", False, 0),
        ("10", True, 0),
        ("11", False, 0),
        ("12", True, 0),
        ("13", False, 0),
        ("14", False, 0),
        ("48", False, 1),
        ("49", False, 0),
        ("50", True, 0),
        ("51", False, 0),
        ("52", False, 0),
    ]


async def test_too_many_matches_end_the_search(clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_search, "MOST_MATCHES", 3000)
    run(clean_engine, "one", "seq 1 20000")
    admin = await sync_to_async(mirrored)(clean_engine, "one")
    messages = await searched(admin, q="1")
    assert messages[-1]["why"] == "matches"
    assert messages[-1]["n"] >= 3000
    assert len([row for row in rows(messages) if row[3]]) == 1000


async def test_a_hostile_expression_costs_seconds_not_the_server(
    clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matcher, "SLOW", 1.0)
    run(clean_engine, "one", "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")
    admin = await sync_to_async(mirrored)(clean_engine, "one")
    began, longest = time.monotonic(), 0.0
    search = asyncio.create_task(searched(admin, q="(a+)+$", regex="1"))
    while not search.done():  # the loop stays alive meanwhile
        before = time.monotonic()
        await asyncio.sleep(0.02)
        longest = max(longest, time.monotonic() - before)
    assert (await search)[-1]["why"] == "slow"
    assert time.monotonic() - began < 60  # on the loop, or without a limit, it would be hours
    assert longest < 5


async def test_a_bad_expression_is_told_and_leaves_no_process() -> None:
    expression = Expression("(", True)
    with pytest.raises(BadPattern, match="unterminated"):
        await expression.start()
    await expression.end()
    with pytest.raises(TooSlow):
        await expression.find(["x"])


async def test_both_ways_find_the_same() -> None:
    lines = ["Straße 1", "\U0001f600 one", "", "x" * 20_000 + "one", "none at all, one"]
    words, expression = Words("one", False), Expression("one", False)
    await expression.start()
    try:
        assert await words.find(lines) == await expression.find(lines) == [[], [(2, 5)], [], [], [(1, 4), (13, 16)]]
    finally:
        await expression.end()
