"""Lines that break: proxies that cut idle sockets, a laptop that sleeps, an engine that is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.desk import Desk
from tests.e2e.test_logs import ALL_ROWS, rows, until
from tests.engines import EngineFactory
from tests.flaky_line import FlakyLine, flaky_line

ALL_RULES = ALL_ROWS.replace("li:not(.rule)", "li.rule").replace(
    "row.querySelector('.m').textContent", "row.textContent"
)
LOST, BACK = "Connection to the engine lost", "Connection to the engine is back. Nothing was missed."
SLOW = "i=0; while [ ! -e /end ]; do echo $i; i=$((i+1)); sleep 0.7; done; echo end; sleep 1000"
QUICK = "i=0; while [ ! -e /end ]; do echo $i; i=$((i+1)); usleep 50000; done; echo end; sleep 1000"


def through(line: FlakyLine, desk: Desk, context: BrowserContext, path: str) -> Page:
    """A tab of the signed-in admin whose console is behind ``line``."""
    desk.sign_in(context)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{line.port}/e/{desk.slug}/{path}")
    return page


def complete(desk: Desk, name: str, page: Page) -> None:
    """Let the container write its end; the view then has every line once, in order."""
    desk.engine.docker("exec", name, "touch", "/end")
    until(lambda: "end" in page.locator(".log li .m").all_inner_texts()[-3:], 60)
    shown = rows(page)
    assert shown == desk.engine.docker("logs", name).splitlines()
    assert len(shown) > 10


def test_a_proxy_that_cuts_idle_sockets_costs_no_line(desk: Desk, context: BrowserContext) -> None:
    desk.run("slow", "alpine", "sh", "-c", SLOW)
    with flaky_line(int(desk.url.rpartition(":")[2])) as line:
        page = through(line, desk, context, "containers/slow/logs?tail=20000")
        line.idle = 0.5  # only now: on a busy machine the page itself takes longer
        again: list[str] = []
        page.on("websocket", lambda socket: again.append(socket.url) if "after=" in socket.url else None)
        for _ in range(60):
            page.wait_for_timeout(500)
            if len(again) >= 6:
                break
        assert len(again) >= 6
        assert line.cuts >= 6
        line.idle = 30
        complete(desk, "slow", page)


@pytest.mark.soak
def test_a_usual_proxy_never_finds_a_socket_idle(desk: Desk, context: BrowserContext) -> None:
    """The heartbeats keep a silent log and a silent shell open behind a proxy that waits 25 s."""
    desk.run("silent", "alpine", "sleep", "1000")
    with flaky_line(int(desk.url.rpartition(":")[2]), idle=25) as line:
        log = through(line, desk, context, "containers/silent/logs")
        shell = through(line, desk, context, "containers/silent/terminal")
        expect(shell.locator("[data-sessions] [aria-current=true]")).to_be_visible(timeout=20_000)
        line.cuts = 0
        opened: list[str] = []
        for page in (log, shell):
            page.on("websocket", lambda socket: opened.append(socket.url))
        log.wait_for_timeout(90_000)
        assert opened == []
        expect(log.locator("#fresh")).to_contain_text("Following")


def chromium() -> list[int]:
    """The processes of the browser of this run: children of ours, at any depth."""
    found = [os.getpid()]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return [pid for pid in found if b"chrom" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]]


@contextmanager
def asleep() -> Iterator[None]:
    """The browser's machine sleeps."""
    processes = chromium()
    assert len(processes) > 1
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def test_a_laptop_that_slept_goes_on_where_it_was(desk: Desk, context: BrowserContext) -> None:
    desk.run("quick", "alpine", "sh", "-c", QUICK)
    with flaky_line(int(desk.url.rpartition(":")[2])) as line:
        page = through(line, desk, context, "containers/quick/logs?tail=20000")
        until(lambda: page.locator(".log li").count() > 20)
        with asleep():
            time.sleep(1)
            line.forget()  # what stood between has forgotten the connection, and tells nobody
            time.sleep(11)
        woken = time.monotonic()
        before = int(page.locator(".log li .m").last.inner_text())
        until(lambda: int(page.locator(".log li .m").last.inner_text()) > before + 150, 15)
        assert time.monotonic() - woken < 10
        expect(page.locator("#fresh")).to_contain_text("Following")
        complete(desk, "quick", page)


@pytest.fixture
def lonely(browser: Browser, new_engine: EngineFactory, tmp_path: Path) -> Iterator[Desk]:
    """A console in front of an engine that may die."""
    made = Desk(tmp_path / "data", new_engine(load=("alpine",), flags=["--live-restore"]))
    yield made
    made.end()


def test_a_lost_engine_stands_in_the_flow_once(lonely: Desk, context: BrowserContext) -> None:
    lonely.run("quick", "--network", "none", "alpine", "sh", "-c", QUICK)
    page = lonely.open(context, "containers/quick/logs?tail=20000")
    until(lambda: page.locator(".log li").count() > 20)
    lonely.engine.kill()
    expect(page.locator(".log .rule")).to_contain_text("Connection to the engine lost", timeout=10_000)
    other = lonely.open(context, "containers/quick/logs?tail=20000")  # who comes only now
    expect(other.locator(".log .rule")).to_contain_text("Connection to the engine lost", timeout=10_000)
    other.wait_for_timeout(4000)
    expect(other.locator(".log .rule")).to_have_count(1)
    lonely.engine.restart()
    for one in (page, other):
        expect(one.locator(".log .rule")).to_have_count(0, timeout=30_000)  # what comes again pushes them out of sight
    for one in (page, other):
        complete(lonely, "quick", one)
        told = one.evaluate(ALL_RULES)
        assert [text.partition(":")[0] for text in told] == [LOST, BACK]
