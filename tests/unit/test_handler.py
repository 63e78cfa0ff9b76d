"""Threads of requests are used again, never by two at once, and the bound of those that wait holds."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from console.handler import KEPT, Threads

LONG = 30.0  # seconds, for what takes no time


def done(thread: ThreadPoolExecutor) -> None:
    """Wait until it has done all it was given."""
    thread.submit(int).result(LONG)


def test_a_thread_that_came_back_is_taken_again() -> None:
    threads = Threads()
    first, second = threads.take(), threads.take()
    assert first is not second
    threads.put(first)
    done(first)
    assert threads.take() is first
    for thread in (first, second):
        thread.shutdown()


def test_a_thread_that_still_works_is_nobody_elses() -> None:
    """A browser that leaves ends its request; what the request waits for goes on."""
    threads, busy = Threads(), threading.Event()
    slow = threads.take()
    working: Future[bool] = slow.submit(busy.wait, LONG)
    threads.put(slow)
    other = threads.take()
    assert other is not slow
    busy.set()
    assert working.result(LONG)
    done(slow)
    assert threads.take() is slow
    for thread in (slow, other):
        thread.shutdown()


def test_only_so_many_wait() -> None:
    threads = Threads()
    taken = [threads.take() for _ in range(KEPT + 3)]
    workers = [thread.submit(threading.current_thread).result(LONG) for thread in taken]
    for thread, worker in zip(taken, workers, strict=True):
        threads.put(thread)
        if thread in taken[:KEPT]:
            done(thread)
        else:
            worker.join(LONG)
    assert [worker.is_alive() for worker in workers] == [True] * KEPT + [False] * 3
    kept = [threads.take() for _ in range(KEPT)]
    assert set(kept) == set(taken[:KEPT])
    for thread in kept:
        thread.shutdown()
