"""The page socket: what it pushes for which hint, what it does when hints get lost, and how it holds in a storm."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db import transaction
from django.http import Http404, QueryDict
from django.utils.html import format_html

from console import access, changes, people
from console.consumers import guard, page, versions
from console.models import Container, Engine, Operation, User
from console.pages.live import RESYNC
from console.pages.registry import LIVE_VIEWS
from tests import factories
from tests.sockets import connected, socket

pytestmark = pytest.mark.django_db(transaction=True)


class Names:
    """A page that shows the names of containers. What it was asked is kept for the tests."""

    kinds = frozenset({"container", "operation"})
    asked: ClassVar[list[tuple[str, Sequence[str] | None]]] = []
    answer: ClassVar[Callable[[Names, str, Sequence[str] | None], str] | None] = None

    def __init__(self, user: User, engine: Engine | None, params: QueryDict) -> None:
        if engine is None or params.get("of") == "nothing":
            raise Http404("container")
        self.user, self.engine = user, engine

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        Names.asked.append((kind, ids))
        if Names.answer is not None:
            return Names.answer(self, kind, ids)
        if ids is None:
            return RESYNC
        rows = access.containers_for(self.user, self.engine).filter(container_id__in=ids)
        return "".join(format_html("<tr>{}</tr>", row.name) for row in rows)


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIVE_VIEWS, "names", Names)
    monkeypatch.setattr(Names, "asked", [])


def house() -> tuple[User, Engine, Container]:
    engine = factories.engine("here", version=7)
    return factories.user("admin"), engine, factories.container(engine, "nginx")


async def receive(made: Any, seconds: float = 5) -> str:
    return str(await made.receive_from(timeout=seconds))


async def until(made: Any, text: str, seconds: float = 5) -> str:
    """The first message that holds ``text``."""
    async with asyncio.timeout(seconds):
        while text not in (message := await receive(made, seconds)):
            pass
    return message


async def silence(made: Any, seconds: float = 0.3) -> bool:
    return bool(await made.receive_nothing(timeout=seconds))


@asynccontextmanager
async def opened(user: User, query: str = "view=names&v=7", path: str = "/ws/e/here") -> AsyncIterator[Any]:
    async with connected(f"{path}?{query}", user) as made:
        first = await receive(made)
        if path != "/ws/page":
            assert 'id="fresh"' in first
        yield made


def change(engine: Engine, *ids: str, kind: changes.Kind = "container", version: int = 8) -> None:
    with transaction.atomic():
        Engine.objects.filter(pk=engine.pk).update(version=version)
        changes.objects_changed(engine.pk, kind, ids, version)


async def changed(engine: Engine, *ids: str, kind: changes.Kind = "container", version: int = 8) -> None:
    await sync_to_async(change)(engine, *ids, kind=kind, version=version)


async def test_a_change_is_read_again_and_pushed_at_once() -> None:
    admin, engine, nginx = await sync_to_async(house)()
    async with opened(admin) as made:
        await sync_to_async(Container.objects.filter(pk=nginx.pk).update)(name="<b>renamed</b>")
        await changed(engine, nginx.container_id)
        assert "<tr>&lt;b&gt;renamed&lt;/b&gt;</tr>" in await receive(made)
        assert await silence(made)


async def test_kinds_that_the_page_does_not_show_are_not_asked_for() -> None:
    admin, engine, _ = await sync_to_async(house)()
    async with opened(admin) as made:
        await changed(engine, "x", kind="event")
        assert await silence(made)
        assert not Names.asked


@pytest.mark.parametrize("view", ["images", "networks", "volumes", "network-map", "ports", "containers"])
async def test_a_beat_alone_makes_no_list_read_itself_again(view: str) -> None:
    admin, engine, _ = await sync_to_async(house)()
    async with opened(admin, f"view={view}&v=7") as made:
        await changes.beat(engine.pk, 7)
        assert 'id="fresh"' in await receive(made)
        assert await silence(made)


async def test_events_of_all_engines_are_read_again_for_events_only() -> None:
    admin, engine, _ = await sync_to_async(house)()
    async with opened(admin, "view=events", "/ws/page") as made:
        while not await silence(made):
            await receive(made)
        await changes.beat(engine.pk, 7)
        assert await silence(made)
        await changed(engine, "1", kind="event")
        await until(made, '{"resync":true}')


async def test_other_engines_are_not_heard() -> None:
    admin, _, _ = await sync_to_async(house)()
    other = await sync_to_async(factories.engine)("other")
    async with opened(admin) as made:
        await changed(other, "x")
        assert await silence(made)
        assert not Names.asked


async def test_numbers_of_the_side_bar_follow() -> None:
    admin, engine, _ = await sync_to_async(house)()
    async with opened(admin) as made:
        await sync_to_async(factories.volume)(engine, "data")
        await changed(engine, "data", kind="volume")
        text = await receive(made)
        assert '<span class="n" id="n-volumes" hx-swap-oob="outerMorph">1</span>' in text
        assert "n-containers" not in text, "it did not change"


@pytest.mark.parametrize("query", ["view=names&v=6", "view=names", "view=names&v=x", "view=names&v=-1"])
async def test_what_changed_between_page_and_socket_is_read_again(query: str) -> None:
    admin, _, _ = await sync_to_async(house)()
    async with connected(f"/ws/e/here?{query}", admin) as made:
        assert await receive(made) == '{"resync":true}'


@pytest.mark.parametrize("query", ["view=names&v=7", f"view=names&v={'9' * 400}", "v=1", ""])
async def test_a_page_that_is_current_is_left_alone(query: str) -> None:
    admin, _, _ = await sync_to_async(house)()
    async with opened(admin, query) as made:
        assert await silence(made)


async def test_a_hint_that_was_lost_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "GRACE", 0.3)
    monkeypatch.setattr(page, "GRACE", 0.3)
    admin, engine, nginx = await sync_to_async(house)()
    async with opened(admin) as made:
        await changes.beat(engine.pk, 8)
        await until(made, '{"resync":true}', 2)
        await changed(engine, nginx.container_id, version=10)  # 9 was lost
        await until(made, "nginx")
        await until(made, '{"resync":true}', 2)
        await changed(engine, nginx.container_id, version=11)
        await until(made, "nginx")
        assert await silence(made, 0.8)


async def test_a_beat_that_overtakes_its_hint_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "GRACE", 0.5)
    monkeypatch.setattr(page, "GRACE", 0.5)
    admin, engine, nginx = await sync_to_async(house)()
    async with opened(admin) as made:
        await changes.beat(engine.pk, 8)
        assert 'id="fresh"' in await receive(made)
        await changed(engine, nginx.container_id, version=8)
        assert "nginx" in await receive(made)
        assert await silence(made, 1)


async def test_the_foot_bar_follows_the_engine() -> None:
    admin, engine, _ = await sync_to_async(house)()
    async with opened(admin) as made:
        await sync_to_async(Engine.objects.filter(pk=engine.pk).update)(state="stale", stale_since=datetime.now(UTC))
        await changes.beat(engine.pk, 7)
        assert '"resync"' in await until(made, "resync"), "its banner, and what can be done"
        assert 'data-state="stale"' in await until(made, 'data-state="stale"')


async def test_a_dead_worker_shows_as_stale_without_any_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "QUIET", 0.2)
    admin, engine, _ = await sync_to_async(house)()
    async with opened(admin) as made:
        assert 'data-state="live"' in await receive(made)
        old = datetime.now(UTC) - timedelta(seconds=16)
        await sync_to_async(Engine.objects.filter(pk=engine.pk).update)(seen_at=old)
        assert '"resync"' in await until(made, "resync"), "the page has a banner for it"
        text = await until(made, 'data-state="stale"')
        assert old.isoformat()[:19] in text, "since when"


async def test_a_layer_that_forgot_the_page_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "QUIET", 0.2)
    monkeypatch.setattr(versions, "GRACE", 0.1)
    monkeypatch.setattr(page, "GRACE", 0.1)
    admin, engine, nginx = await sync_to_async(house)()
    async with opened(admin) as made:
        layer: Any = get_channel_layer()
        layer.groups.clear()
        await changed(engine, nginx.container_id, version=8)
        await until(made, '{"resync":true}', 3)
        await changed(engine, nginx.container_id, version=9)
        await until(made, "nginx", 3)


async def test_many_at_once_are_one_answer() -> None:
    admin, engine, _ = await sync_to_async(house)()
    async with opened(admin) as made:
        await changed(engine, *(factories.hexid(str(n)) for n in range(changes.MOST_IDS + 1)))
        assert await until(made, "resync") == '{"resync":true}'
        assert Names.asked == [("container", None)]


async def test_a_storm_is_answered_in_batches_and_ends_with_the_truth() -> None:
    admin, engine, nginx = await sync_to_async(house)()

    def storm() -> None:
        for number in range(400):
            Container.objects.filter(pk=nginx.pk).update(name=f"name-{number}")
            change(engine, nginx.container_id, version=8 + number)

    async with opened(admin) as made:
        began = time.monotonic()
        await sync_to_async(storm)()
        await until(made, "<tr>name-399</tr>", 40)
        took = time.monotonic() - began
        assert len(Names.asked) <= took / page.STORM + 2
        assert len(Names.asked) < 200
        for _ in range(2):  # hints of rows that were read already may ask for one more batch, of the same
            if await silence(made, 1.5):
                return
            assert "<tr>name-399</tr>" in await receive(made)
        assert await silence(made, 1.5)


async def test_after_a_quiet_moment_two_changes_are_pushed_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    admin, engine, nginx = await sync_to_async(house)()

    def in_a_storm_from_now_on(view: Names, kind: str, ids: Sequence[str] | None) -> str:
        monkeypatch.setattr(page, "STORM", 60.0)
        return "<tr>x</tr>"

    monkeypatch.setattr(Names, "answer", in_a_storm_from_now_on)
    async with opened(admin) as made:
        assert await silence(made, 1)
        for version in (8, 9):
            await changed(engine, nginx.container_id, version=version)
            await until(made, "<tr>x</tr>", 20)


async def test_one_batch_is_under_way_at_a_time() -> None:
    admin, engine, nginx = await sync_to_async(house)()
    at_once, most = 0, 0

    def slow(view: Names, kind: str, ids: Sequence[str] | None) -> str:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        time.sleep(0.2)
        at_once -= 1
        return "<tr>x</tr>"

    Names.answer = slow
    try:
        async with opened(admin) as made:
            for number in range(30):
                await changed(engine, nginx.container_id, factories.hexid(str(number)), version=8 + number)
            await until(made, "<tr>x</tr>")
            await silence(made, 1)
    finally:
        Names.answer = None
    assert most == 1
    assert len(Names.asked) <= 8
    heard = {one for _, ids in Names.asked for one in ids or ()}
    assert heard == {nginx.container_id, *(factories.hexid(str(number)) for number in range(30))}


async def test_an_operation_counts_and_its_end_is_told_to_who_asked() -> None:
    admin, engine, _ = await sync_to_async(house)()
    other = await sync_to_async(factories.user)("other")
    async with opened(admin) as made, opened(other) as others:

        def begin() -> Operation:
            with transaction.atomic():
                operation = factories.operation(engine, admin)
                changes.operation_changed(engine.pk, str(operation.pk), 1)
            return operation

        operation = await sync_to_async(begin)()
        text = await receive(made)
        assert "1 running" in text
        assert 'id="n-operations" hx-swap-oob="outerMorph">1<' in text
        assert "toast" not in text
        assert "1 running" in await receive(others)

        def end() -> None:
            with transaction.atomic():
                Operation.objects.filter(pk=operation.pk).update(state="failed", error="no <such> thing")
                changes.operation_changed(engine.pk, str(operation.pk), 2)

        await sync_to_async(end)()
        text = await receive(made)
        assert 'hx-swap-oob="afterbegin:#toasts"' in text
        assert "no &lt;such&gt; thing" in text
        assert f"/operations/{operation.pk}" in text
        assert "Idle" in text
        assert "toast" not in await receive(others)
    assert ("operation", [str(operation.pk)]) in Names.asked


async def test_the_end_of_many_operations_is_few_toasts() -> None:
    admin, engine, _ = await sync_to_async(house)()

    def end() -> None:
        with transaction.atomic():
            for number in range(40):
                state = "failed" if number < 12 else "succeeded"
                operation = factories.operation(engine, admin, name=f"c{number}", state=state)
                changes.operation_changed(engine.pk, str(operation.pk), 1)

    async with opened(admin) as made:
        await sync_to_async(end)()
        text = await until(made, "toast")
        while not await silence(made, 0.3):
            text += await receive(made)
        assert "operations done" in text
        assert "operations failed" in text
        assert text.count('class="toast"') < 10


async def test_a_page_without_an_engine_follows_operations() -> None:
    admin, engine, _ = await sync_to_async(house)()

    def begin() -> None:
        with transaction.atomic():
            operation = factories.operation(engine, admin)
            changes.operation_changed(engine.pk, str(operation.pk), 1)

    async with opened(admin, "", "/ws/page") as made:
        await sync_to_async(begin)()
        assert "1 running" in await receive(made)


async def test_an_object_that_went_makes_the_page_ask_again() -> None:
    admin, engine, nginx = await sync_to_async(house)()

    def gone(view: Names, kind: str, ids: Sequence[str] | None) -> str:
        raise Http404("container")

    async with opened(admin) as made:
        Names.answer = gone
        try:
            await changed(engine, nginx.container_id)
            assert await receive(made) == '{"resync":true}'
        finally:
            Names.answer = None


async def test_an_engine_that_went_ends_the_socket() -> None:
    admin, engine, _ = await sync_to_async(house)()
    async with opened(admin) as made:
        await sync_to_async(engine.delete)()
        await changes.beat(engine.pk or 1, 7)
        await sync_to_async(people.set_role)(admin, "admin")  # look at once
        message = await made.receive_output(timeout=5)
        assert (message["type"], message["code"]) == ("websocket.close", guard.MISSING)


async def test_a_fault_in_a_page_closes_its_socket_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    admin, engine, nginx = await sync_to_async(house)()

    def broken(view: Names, kind: str, ids: Sequence[str] | None) -> str:
        raise RuntimeError("a fault")

    async with opened(admin) as made, opened(admin, "") as other:
        Names.answer = broken
        try:
            await changed(engine, nginx.container_id)
            message = await made.receive_output(timeout=5)
        finally:
            Names.answer = None
        assert (message["type"], message["code"]) == ("websocket.close", page.COME_AGAIN)
        await changes.beat(engine.pk, 8)
        assert 'id="fresh"' in await receive(other)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "A page could not be kept live: /ws/e/here"
    ]
    caplog.clear()


@pytest.mark.parametrize("query", ["view=nothing", "view=names&of=nothing", "view=__class__", "view=%00"])
async def test_a_page_that_is_not_there_is_refused(query: str) -> None:
    admin, _, _ = await sync_to_async(house)()
    made = await socket(f"/ws/e/here?{query}", admin)
    accepted, _ = await made.connect(timeout=5)
    assert not accepted
    await made.disconnect()


async def test_a_closed_page_leaves_nothing_behind() -> None:
    admin, _, _ = await sync_to_async(house)()
    layer: Any = get_channel_layer()
    before = {name: set(members) for name, members in layer.groups.items() if members}
    tasks = len(asyncio.all_tasks())
    for _ in range(3):
        async with opened(admin):
            pass
    await asyncio.sleep(0.1)
    assert {name: set(members) for name, members in layer.groups.items() if members} == before
    assert len(asyncio.all_tasks()) <= tasks
    assert not guard._open
