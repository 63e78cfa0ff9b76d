"""The log socket over a real engine: flow control, resuming, honest ends, the audit."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from console.consumers import stream
from console.engine.demux import Line
from console.live.cursor import Cursor
from console.models import AuditEntry, Container, Engine, User
from tests import factories
from tests.engines import PrivateEngine
from tests.sockets import connected, socket

pytestmark = pytest.mark.django_db(transaction=True)


def mirrored(engine: PrivateEngine, *ids: str) -> User:
    """Rows for these containers as the mirror would have them, and an admin."""
    row = factories.engine("here", url=engine.url, api_version=engine.api_version)
    for container_id in ids:
        raw = engine.get(f"/containers/{container_id}/json")
        factories.container(
            row,
            raw["Name"].lstrip("/"),
            container_id=container_id,
            tty=raw["Config"]["Tty"],
            open_stdin=raw["Config"]["OpenStdin"],
            state=raw["State"]["Status"],
            started_at=raw["State"]["StartedAt"],
        )
    return factories.user("admin")


class Reader:
    """The browser's part: reads, acknowledges, keeps its place."""

    def __init__(self, made: Any, patience: float = 10) -> None:
        self.made = made
        self.patience = patience  # seconds for a message
        self.lines: list[str] = []
        self.marks: list[str] = []
        self.skipped = 0
        self.cursor = Cursor()

    async def next(self, acknowledge: bool = True) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self.made.receive_from(timeout=self.patience))
        for source, time, text, *_ in message.get("d", []):
            self.lines.append(text)
            self.cursor.advance(Line("stderr" if source == 2 else "stdout", b"", int(time)))
        if message["t"] == "mark":
            self.marks.append(message["what"])
        self.skipped += message.get("n", 0)
        if acknowledge and "s" in message:
            await self.made.send_to(text_data=json.dumps({"type": "ack", "s": message["s"]}))
        return message

    async def until(self, what: str) -> None:
        while what not in self.marks:
            await self.next()


async def test_past_then_live_then_stopped(clean_engine: PrivateEngine) -> None:
    container = clean_engine.docker(
        "run", "-d", "alpine", "sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.2; done"
    )
    admin = await sync_to_async(mirrored)(clean_engine, container)
    async with connected(f"/ws/e/here/logs?c={container}&tail=100", admin) as made:
        reader = Reader(made)
        await reader.until("stopped")
    assert reader.lines == ["1", "2", "3", "4", "5"]
    assert reader.marks == ["past", "stopped"]
    entry = await AuditEntry.objects.aget()
    assert (entry.action, entry.object_id, entry.user_name) == ("container.logs", container, "admin")


async def test_a_cut_socket_goes_on_from_its_place(clean_engine: PrivateEngine) -> None:
    container = clean_engine.docker(
        "run", "-d", "alpine", "sh", "-c", "i=0; while [ $i -lt 1500 ]; do echo $i; i=$((i+1)); usleep 800; done"
    )
    admin = await sync_to_async(mirrored)(clean_engine, container)
    lines: list[str] = []
    place = ""
    for _ in range(200):
        async with connected(f"/ws/e/here/logs?c={container}&tail=20000&after={place}", admin) as made:
            reader = Reader(made)
            reader.cursor = Cursor.parse(place)
            for _ in range(12):
                await reader.next()
                if "stopped" in reader.marks:
                    break
        lines += reader.lines
        place = str(reader.cursor)
        if "stopped" in reader.marks:
            break
    assert lines == [str(number) for number in range(1500)]


async def test_without_acknowledgements_the_stream_waits_and_the_socket_ends(
    clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SILENCE", 2.0)
    container = clean_engine.docker("run", "-d", "alpine", "sh", "-c", "yes 0123456789012345678901234567890123456789")
    admin = await sync_to_async(mirrored)(clean_engine, container)
    try:
        made = await socket(f"/ws/e/here/logs?c={container}&tail=0", admin)
        assert (await made.connect(timeout=5))[0]
        received = 0
        async with asyncio.timeout(15):
            while True:
                message = await made.receive_output(timeout=10)
                if message["type"] == "websocket.close":
                    break
                received += len(message.get("text", ""))
        assert message["code"] == stream.STALLED
        assert stream.WINDOW * 0.5 < received < stream.WINDOW * 1.5
    finally:
        await asyncio.to_thread(clean_engine.docker, "rm", "-f", container)


async def test_two_containers_in_one_socket(clean_engine: PrivateEngine) -> None:
    ids = [clean_engine.docker("run", "-d", "alpine", "echo", name) for name in ("one", "two")]
    for container in ids:
        clean_engine.docker("wait", container)
    admin = await sync_to_async(mirrored)(clean_engine, *ids)
    found: dict[int, str] = {}
    async with connected(f"/ws/e/here/logs?c={ids[0]}&c={ids[1]}", admin) as made:
        reader = Reader(made)
        while len(found) < 2:
            message = await reader.next()
            for row in message.get("d", []):
                found[message["c"]] = row[2]
    assert found == {0: "one", 1: "two"}


async def test_a_range_of_the_past_ends(clean_engine: PrivateEngine) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "sh", "-c", "for i in 1 2 3 4; do echo $i; sleep 0.05; done")
    clean_engine.docker("wait", container)
    stamps = [line.split(" ")[0] for line in clean_engine.docker("logs", "-t", container).splitlines()]
    nanoseconds = [int(factories.stamp(stamp)) for stamp in stamps]
    admin = await sync_to_async(mirrored)(clean_engine, container)
    query = f"c={container}&since={nanoseconds[1]}&until={nanoseconds[2]}"
    async with connected(f"/ws/e/here/logs?{query}", admin) as made:
        reader = Reader(made)
        while (await reader.next())["t"] != "end":
            pass
    assert reader.lines == ["2", "3"]


@pytest.mark.parametrize("query", ["", "c=", "c=0&tail=-1", "c=ID&tail=x", "c=ID&after=stdout", "c=ID&since=-1"])
async def test_bad_addresses_are_refused(clean_engine: PrivateEngine, query: str) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "true")
    admin = await sync_to_async(mirrored)(clean_engine, container)
    made = await socket(f"/ws/e/here/logs?{query.replace('ID', container)}", admin)
    assert not (await made.connect(timeout=5))[0]


async def test_a_viewer_without_the_right_is_refused(clean_engine: PrivateEngine) -> None:
    container = clean_engine.docker("run", "-d", "alpine", "true")
    await sync_to_async(mirrored)(clean_engine, container)
    viewer = await sync_to_async(factories.user)("viewer", User.Role.VIEWER)
    made = await socket(f"/ws/e/here/logs?c={container}", viewer)
    assert not (await made.connect(timeout=5))[0]
    assert await Container.objects.acount() == await Engine.objects.acount() == 1
