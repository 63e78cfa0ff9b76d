"""The worker's jobs: restarted when they fail, ended when told, never silent."""

from __future__ import annotations

import asyncio

import pytest

from console import worker


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(worker, "LONGEST_PAUSE", 0.04)


async def run(job: worker.Job, stop: asyncio.Event) -> None:
    await asyncio.wait_for(worker.keep_running("job", job, stop, "me"), 5)


async def test_a_job_that_fails_is_logged_and_starts_again(caplog: pytest.LogCaptureFixture) -> None:
    stop, starts = asyncio.Event(), 0

    async def job(stop: asyncio.Event, owner: str) -> None:
        nonlocal starts
        starts += 1
        if starts < 4:
            raise ConnectionError("lost")
        assert owner == "me"
        stop.set()

    await run(job, stop)
    assert starts == 4
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["job failed"] * 3
    assert "ConnectionError: lost" in caplog.text


async def test_a_job_that_ends_early_starts_again(caplog: pytest.LogCaptureFixture) -> None:
    stop, starts = asyncio.Event(), 0

    async def job(stop: asyncio.Event, owner: str) -> None:
        nonlocal starts
        starts += 1
        if starts == 2:
            stop.set()

    await run(job, stop)
    assert starts == 2
    assert "job ended by itself" in caplog.text


async def test_pauses_grow_to_a_bound(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(worker, "FIRST_PAUSE", 1.0)
    monkeypatch.setattr(worker, "LONGEST_PAUSE", 5.0)
    pauses: list[float] = []
    stop = asyncio.Event()

    async def wait_for(waiting: asyncio.Future[bool], seconds: float) -> None:
        asyncio.ensure_future(waiting).cancel()
        pauses.append(seconds)
        if len(pauses) == 4:
            stop.set()
        raise TimeoutError

    async def job(stop: asyncio.Event, owner: str) -> None:
        raise ValueError

    monkeypatch.setattr(asyncio, "wait_for", wait_for)
    await worker.keep_running("job", job, stop, "me")
    assert pauses == [1.0, 2.0, 4.0, 5.0]


async def test_stop_ends_the_pause_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "FIRST_PAUSE", 60.0)
    stop = asyncio.Event()

    async def job(stop: asyncio.Event, owner: str) -> None:
        asyncio.get_running_loop().call_later(0.01, stop.set)
        raise ValueError

    await run(job, stop)


async def test_cancelling_the_worker_cancels_its_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    def job(name: str) -> worker.Job:
        async def wait(stop: asyncio.Event, owner: str) -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(name)

        return wait

    monkeypatch.setattr(worker, "JOBS", {"one": job("one"), "two": job("two")})
    running = asyncio.create_task(worker.run_worker(asyncio.Event(), "me"))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(ended) == ["one", "two"]


def test_owners_differ() -> None:
    assert worker.new_owner() != worker.new_owner()
    assert len(worker.new_owner()) < 80
