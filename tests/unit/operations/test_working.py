"""A work's run without an engine: its result, progress, notes, cancellation in the middle, and what follows a crash."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from console.engine import errors
from console.models import Engine, Operation, User
from console.operations import job as jobs
from console.operations import request, store, verbs
from console.operations.job import Job
from console.operations.params import Params
from console.operations.runner import in_database, in_thread
from console.operations.verb import Verb
from console.operations.work import Cancelled, Work, WorkFailed, WorkKind
from console.pages.operation_rows import make_row, text
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
State = Operation.State
NAME = "image.ponder"
REFERENCE = "registry/" + "x" * 280
LOST = errors.Unreachable("The connection was lost.", "lost")


class HostParams(Params):
    """Parameters that reach further than the verb."""

    def needs(self) -> str:
        return "host"


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes a verb of the test known, whose work is the functions given."""

    def known(run: Callable[[Work], Mapping[str, Any]], params: type[Params] = Params, **how: Any) -> None:
        verb = Verb(NAME, "deploy", "Ponder", "Pondering", "pondered", "image", "docker image ponder", params=params)
        monkeypatch.setitem(verbs.VERBS, NAME, verb)
        monkeypatch.setitem(verbs.WORKS, NAME, WorkKind(run, **how))
        monkeypatch.setattr(store, "LONG", (NAME,))

    return known


class Nobody:
    """In place of the engine's clients."""

    def of(self, engine: Engine) -> Nobody:
        return self


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    async def perform(
        meanwhile: Callable[[Operation], None] | None = None,
        same: bool = True,
        first: Callable[[], None] | None = None,
        database: Callable[..., Any] = in_database,
        **columns: Any,
    ) -> Operation:
        monkeypatch.setattr(jobs, "same_engine", lambda *arguments: same)

        def prepare() -> Operation:
            engine, user = factories.engine(), factories.user("admin")
            made = request.request_operation(user, engine, NAME, REFERENCE, "nginx:1.27")
            Operation.objects.filter(pk=made.pk).update(**columns)
            if first is not None:
                first()
            return store.claim("w", 1, 1)[0]

        operation = await sync_to_async(prepare)()
        if meanwhile is not None:
            threading.Timer(0.3, meanwhile, (operation,)).start()
        await Job(operation, Nobody(), in_thread, database).run()  # type: ignore[arg-type]
        return await Operation.objects.select_related("engine").aget(pk=operation.pk)

    return perform


async def test_its_result_is_the_operations(kind: Callable[..., None], run: Callable[..., Any]) -> None:
    def ponder(work: Work) -> dict[str, Any]:
        work.progress(percent=50, text="half")
        work.progress(layers=["a"])
        return {"object_id": "sha256:1"}

    kind(ponder)
    ended = await run()
    assert (ended.state, ended.result) == (State.SUCCEEDED, {"note": "pondered", "object_id": "sha256:1"})
    assert ended.progress == {"percent": 50, "text": "half", "layers": ["a"]}
    assert (ended.object_id, ended.command) == (REFERENCE, "docker image ponder nginx:1.27")


async def test_progress_that_waits_for_a_thread_when_the_work_ends_is_kept(
    kind: Callable[..., None], run: Callable[..., Any]
) -> None:
    waiting = threading.Event()

    def busy(function: Callable[..., Any]) -> Callable[..., Any]:
        """The database, whose first write of progress has no thread yet."""
        asked = in_database(function)

        async def call(*arguments: Any, **more: Any) -> Any:
            if function is store.note_progress and not waiting.is_set():
                waiting.set()
                await asyncio.sleep(60)
            return await asked(*arguments, **more)

        return call

    def ponder(work: Work) -> dict[str, Any]:
        work.progress(layers=["a"])
        assert waiting.wait(10)
        return {}

    kind(ponder)
    ended = await run(database=busy)
    assert (ended.state, ended.progress) == (State.SUCCEEDED, {"layers": ["a"]})


async def test_failures_keep_both_sentences(kind: Callable[..., None], run: Callable[..., Any]) -> None:
    def ponder(work: Work) -> dict[str, Any]:
        raise WorkFailed("It is too hard.", "E42", {"step": 3})

    kind(ponder)
    ended = await run()
    assert (ended.state, ended.error) == (State.FAILED, "E42")
    assert ended.result == {"reason": "It is too hard.", "step": 3}


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (errors.Conflict("in use"), State.FAILED, "The state of things does not allow it."),
        (errors.NotFound("no such image"), State.FAILED, "The engine refused."),
        (errors.Unreachable("none", "not-running"), State.FAILED, "The engine is not reachable."),
        (LOST, State.UNKNOWN, "The engine's answer was lost"),
        (ZeroDivisionError(), State.UNKNOWN, "Internal error."),
    ],
)
async def test_what_the_engine_says(
    error: Exception, state: State, reason: str, kind: Callable[..., None], run: Callable[..., Any]
) -> None:
    def ponder(work: Work) -> dict[str, Any]:
        raise error

    kind(ponder)
    ended = await run()
    assert ended.state == state
    assert ended.result["reason"].startswith(reason)


async def test_a_lost_answer_is_recovered(kind: Callable[..., None], run: Callable[..., Any]) -> None:
    def ponder(work: Work) -> dict[str, Any]:
        work.keep(step="asked")
        raise LOST

    kind(ponder, recover=lambda work: {"note": f"found after {work.kept['step']}"})
    ended = await run()
    assert (ended.state, ended.result["note"]) == (State.SUCCEEDED, "found after asked")


def cancelling(operation: Operation) -> None:
    """Somebody else cancels, as the view does."""
    from django.db import connection

    fresh = Operation.objects.get(pk=operation.pk)
    assert make_row(fresh, fresh.user).can_cancel  # type: ignore[arg-type]
    request.cancel(factories.user("other"), fresh)
    fresh.refresh_from_db()
    assert not make_row(fresh, fresh.user).can_cancel  # type: ignore[arg-type]
    assert text(fresh) == "being cancelled by other"
    connection.close()


async def test_cancelled_between_two_steps(kind: Callable[..., None], run: Callable[..., Any]) -> None:
    def ponder(work: Work) -> dict[str, Any]:
        work.remains = "Two thoughts stay."
        while True:
            work.wait(5)

    kind(ponder, cancellable=True)
    ended = await run(cancelling)
    assert ended.state == State.CANCELLED
    assert ended.result["note"] == "cancelled by other"
    assert ended.result["remains"] == "Two thoughts stay."


async def test_cancelled_in_a_read_that_waits(kind: Callable[..., None], run: Callable[..., Any]) -> None:
    def ponder(work: Work) -> dict[str, Any]:
        closed = threading.Event()
        work.on_cancel(closed.set)
        assert closed.wait(5)
        raise OSError("closed while it was read")

    kind(ponder, cancellable=True)
    ended = await run(cancelling)
    assert (ended.state, ended.error) == (State.CANCELLED, "")


async def test_cancelled_too_late(kind: Callable[..., None], run: Callable[..., Any]) -> None:
    def ponder(work: Work) -> dict[str, Any]:
        try:
            work.wait(5)
        except Cancelled:
            return {"note": "done all the same"}
        return {}

    kind(ponder, cancellable=True)
    assert (await run(cancelling)).state == State.SUCCEEDED


def counted(calls: list[Work]) -> Callable[[Work], dict[str, Any]]:
    """A work that remembers that it was called."""

    def ponder(work: Work) -> dict[str, Any]:
        calls.append(work)
        return {}

    return ponder


async def test_interrupted_without_a_way_back(kind: Callable[..., None], run: Callable[..., Any]) -> None:
    calls: list[Work] = []
    kind(counted(calls))
    ended = await run(before={"kept": {}})
    assert (ended.state, calls) == (State.UNKNOWN, [])


async def test_interrupted_goes_on_from_its_notes(kind: Callable[..., None], run: Callable[..., Any]) -> None:
    calls: list[Work] = []
    kind(counted(calls), recover=lambda work: {"note": f"from {work.kept['step']}"})
    ended = await run(before={"kept": {"step": 7}})
    assert (ended.state, ended.result["note"], calls) == (State.SUCCEEDED, "from 7", [])


@pytest.mark.parametrize("change", [{"role": User.Role.VIEWER}, {"is_active": False}])
async def test_interrupted_and_the_right_is_lost(
    change: dict[str, Any], kind: Callable[..., None], run: Callable[..., Any]
) -> None:
    def no_more() -> None:
        User.objects.filter(username="admin").update(**change)

    def undo(work: Work) -> Mapping[str, Any]:
        raise WorkFailed(f"{work.refused} It is as it was, but for step {work.kept['step']}.")

    calls: list[Work] = []
    kind(counted(calls), recover=counted(calls), undo=undo)
    ended = await run(before={"kept": {"step": 7}}, first=no_more)
    assert (ended.state, calls) == (State.FAILED, [])
    assert ended.result["reason"] == "admin no longer has the right to do this. It is as it was, but for step 7."


async def test_interrupted_and_the_right_is_lost_without_a_way_to_undo(
    kind: Callable[..., None], run: Callable[..., Any]
) -> None:
    calls: list[Work] = []
    kind(counted(calls), recover=counted(calls))
    ended = await run(before={"kept": {}}, first=lambda: User.objects.filter(username="admin").update(role="viewer"))
    assert (ended.state, calls) == (State.UNKNOWN, [])
    assert ended.result["reason"].startswith("admin no longer has the right to do this.")


async def test_interrupted_and_nobody_can_tell(kind: Callable[..., None], run: Callable[..., Any]) -> None:
    kind(lambda work: {}, recover=lambda work: None)
    assert (await run(before={"kept": {"step": 7}})).state == State.UNKNOWN


async def test_interrupted_and_another_engine_answers_now(kind: Callable[..., None], run: Callable[..., Any]) -> None:
    calls: list[Work] = []
    kind(counted(calls), recover=counted(calls))
    ended = await run(before={"kept": {"step": 7}}, same=False)
    assert (ended.state, calls) == (State.UNKNOWN, [])
    assert "Another engine" in ended.result["reason"]


@pytest.mark.parametrize("before", [{}, {"kept": {"step": 7}}])
async def test_asked_and_the_engine_is_down_when_looked(
    before: dict[str, Any], kind: Callable[..., None], run: Callable[..., Any]
) -> None:
    """That this question was never sent tells nothing of the first one."""

    def ponder(work: Work) -> dict[str, Any]:
        raise LOST

    def recover(work: Work) -> dict[str, Any]:
        raise errors.Unreachable("There is no such socket.", "not-running")

    kind(ponder, recover=recover)
    assert (await run(before=before)).state == State.UNKNOWN


async def test_a_progress_that_cannot_be_written_hides_no_end(
    kind: Callable[..., None], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*arguments: Any) -> bool:
        raise OperationalError("database is locked")

    def ponder(work: Work) -> dict[str, Any]:
        work.progress(percent=100)
        return {"object_id": "sha256:1"}

    monkeypatch.setattr(store, "note_progress", busy)
    kind(ponder)
    ended = await run()
    assert (ended.state, ended.result["object_id"]) == (State.SUCCEEDED, "sha256:1")


async def test_a_lost_claim_ends_the_work(kind: Callable[..., None], run: Callable[..., Any]) -> None:
    ends: list[str] = []

    def ponder(work: Work) -> dict[str, Any]:
        try:
            work.wait(5)
        except Cancelled:
            ends.append("ended")
            raise
        return {}

    def steal(operation: Operation) -> None:
        Operation.objects.update(claimed_by="another", attempt=9)

    kind(ponder, cancellable=True)
    ended = await run(steal)
    assert (ended.state, ended.claimed_by, ends) == (State.RUNNING, "another", ["ended"])


def test_rights_that_its_parameters_need(kind: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    from console import access

    monkeypatch.setitem(access.ROLES, User.Role.VIEWER.value, frozenset({"observe", "deploy"}))
    person = factories.user("viewer", User.Role.VIEWER)
    kind(lambda work: {})
    assert request.request_operation(person, factories.engine(), NAME, "a", "a").state == State.QUEUED
    kind(lambda work: {}, HostParams)
    with pytest.raises(PermissionDenied):
        request.request_operation(person, factories.engine("b"), NAME, "a", "a")


def test_works_leave_half_of_the_places(kind: Callable[..., None]) -> None:
    kind(lambda work: {}, cancellable=True)
    engine, admin = factories.engine(), factories.user("admin")
    for n in range(9):
        request.request_operation(admin, engine, NAME, f"image-{n}", f"image-{n}")
    assert len(store.claim("w", 8, 8)) == 4
    assert store.claim("w", 4, 8) == []
    stop = request.request_operation(admin, engine, "container.stop", factories.hexid("web"), "web")
    assert store.claim("w", 4, 8) == [stop]


def test_what_has_no_id_yet_does_not_wait_for_another(kind: Callable[..., None]) -> None:
    kind(lambda work: {})
    engine = factories.engine()
    factories.operation(engine, factories.user("a"), verb=NAME, kind="image", object_id="", state=State.RUNNING)
    factories.operation(engine, factories.user("b"), verb=NAME, kind="image", object_id="")
    assert len(store.claim("w", 8, 8)) == 1


def test_its_page(kind: Callable[..., None], client: Client) -> None:
    kind(lambda work: {}, cancellable=True)
    admin = factories.user("admin")
    engine = factories.engine()
    image = factories.image(engine)
    running = factories.operation(
        engine,
        admin,
        verb=NAME,
        kind="image",
        object_id="nginx",
        object_name="nginx",
        state=State.RUNNING,
        progress={"percent": 40, "text": "4 of 10"},
        result={"object_id": image.image_id},
        started_at=factories.NOW,
    )
    client.force_login(admin)
    page = client.get(reverse("operation", args=[running.pk])).content.decode()
    assert 'value="40"' in page
    assert reverse("operation-cancel", args=[running.pk]) in page
    assert reverse("image", args=[engine.slug, image.image_id]) in page
    assert client.post(reverse("operation-cancel", args=[running.pk])).status_code == 302
    page = client.get(reverse("operation", args=[running.pk])).content.decode()
    assert reverse("operation-cancel", args=[running.pk]) not in page
    assert client.post(reverse("operation-look", args=[running.pk])).status_code == 409
