"""What a reader does with a log: reads JSON, copies, looks away, listens; and a download that is cut."""

from __future__ import annotations

import http.client
import time
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.e2e.desk import Desk
from tests.engines import EngineFactory

HIDE = """(hidden) => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def test_a_json_line_is_readable_and_opens(desk: Desk, context: BrowserContext) -> None:
    line = '{"level":"warn","msg":"slow query","took_ms":812,"sql":{"table":"cart"}}'
    desk.run("json", "alpine", "sh", "-c", f"echo '{line}'; sleep 1000")
    page = desk.open(context, "containers/json/logs")
    row = page.locator(".log li").first
    expect(row).to_have_class("w")
    expect(row.locator(".m")).to_have_text('▸ warn slow query took_ms=812 sql={"table":"cart"}')
    row.get_by_role("button", name="Show the fields one a line").click()
    expect(page.locator(".log dl dt")).to_have_text(["level", "msg", "took_ms", "sql"])
    expect(page.locator(".log dl dd").nth(2)).to_have_text("812")
    assert not page.locator(".follow").is_hidden()


def test_a_selection_is_copied_without_times(desk: Desk, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.run("lines", "alpine", "sh", "-c", "seq 1 30; sleep 1000")
    page = desk.open(context, "containers/lines/logs")
    expect(page.locator(".log li")).to_have_count(30)
    page.bring_to_front()
    page.evaluate(
        """() => { const rows = document.querySelectorAll('.log .m');
        getSelection().setBaseAndExtent(rows[3].firstChild, 0, rows[6].firstChild, 1); }"""
    )
    expect(page.locator("#fresh")).to_contain_text("Log paused while you read")
    page.locator(".log").press("Control+c")
    assert page.evaluate("navigator.clipboard.readText()") == "4\n5\n6\n7"


def test_a_hidden_tab_reads_nothing_and_misses_nothing(desk: Desk, context: BrowserContext) -> None:
    desk.run("count", "alpine", "sh", "-c", "i=0; while true; do i=$((i+1)); echo $i; sleep 0.05; done")
    page = desk.open(context, "containers/count/logs")
    expect(page.locator(".log li").nth(10)).to_be_visible()
    page.evaluate(HIDE, True)
    page.wait_for_timeout(300)
    before = page.locator(".log li .m").last.inner_text()
    page.wait_for_timeout(1500)
    assert page.locator(".log li .m").last.inner_text() == before
    page.evaluate(HIDE, False)
    expect(page.locator(".log li .m").last).not_to_have_text(before)
    shown = [int(text) for text in page.locator(".log li .m").all_inner_texts()]
    assert shown == list(range(shown[0], shown[-1] + 1))
    assert shown[-1] > int(before) + 10


def test_errors_are_announced_when_asked(desk: Desk, context: BrowserContext) -> None:
    desk.run("talker", "alpine", "sh", "-c", "while true; do echo INFO fine; echo ERROR broken; sleep 1; done")
    page = desk.open(context, "containers/talker/logs")
    expect(page.locator(".log li.e").first).to_be_visible()
    expect(page.locator(".log")).to_have_attribute("aria-live", "off")
    page.wait_for_timeout(3500)
    expect(page.locator("#log-said")).to_be_empty()
    page.get_by_role("button", name="Announce errors").click()
    expect(page.locator("#log-said")).to_contain_text("ERROR broken")
    page.get_by_role("button", name="Error", exact=False).first.click()
    expect(page.locator(".log li.n")).to_have_count(0)


def test_reading_pauses_following_and_the_place_stays(desk: Desk, context: BrowserContext) -> None:
    desk.run("count", "alpine", "sh", "-c", "seq 1 3000; while true; do echo more; sleep 0.02; done")
    page = desk.open(context, "containers/count/logs?tail=20000")
    expect(page.locator(".log li .m").last).to_have_text("more")
    page.locator(".log").hover()
    page.mouse.wheel(0, -4000)
    expect(page.locator(".follow")).to_contain_text("new line")
    first = "[...document.querySelectorAll('.log li')].find((row) => row.getBoundingClientRect().top > 300)"
    before = page.evaluate(f"[{first}.textContent, {first}.getBoundingClientRect().top]")
    page.wait_for_timeout(1000)
    assert page.evaluate(f"[{first}.textContent, {first}.getBoundingClientRect().top]") == before
    page.locator(".follow").click()
    expect(page.locator(".follow")).to_be_hidden()
    expect(page.locator("#fresh")).to_contain_text("Following")


@pytest.fixture
def lonely(browser: Browser, new_engine: EngineFactory, tmp_path: Path) -> Desk:
    """A console in front of an engine that may die."""
    return Desk(tmp_path / "data", new_engine())


def test_a_download_that_is_cut_does_not_look_whole(lonely: Desk, context: BrowserContext) -> None:
    try:
        lonely.run("big", "alpine", "sh", "-c", "yes 0123456789012345678901234567890123456789 | head -c 60000000")
        lonely.engine.docker("wait", "big")
        lonely.sign_in(context)
        cookies = "; ".join(f"{one['name']}={one['value']}" for one in context.cookies())
        host = lonely.url.removeprefix("http://")
        with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
            path = f"/e/{lonely.slug}/containers/big/logs/download"
            connection.request("GET", path, headers={"Cookie": cookies})
            answer = connection.getresponse()
            assert answer.status == 200
            assert len(answer.read(1_000_000)) == 1_000_000
            lonely.engine.kill()
            time.sleep(0.5)
            with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
                answer.read()
        assert lonely.row("SELECT count(*) FROM console_auditentry WHERE action = 'container.logs.download'") == 1
    finally:
        lonely.end()
