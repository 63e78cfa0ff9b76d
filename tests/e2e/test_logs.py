"""Log pages in a real browser, against a real engine."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, expect

from tests.e2e.desk import Desk

TALKER = "while true; do echo to stdout; echo to stderr >&2; sleep 0.3; done"


def test_live_lines_with_both_streams_told_apart(desk: Desk, context: BrowserContext) -> None:
    desk.run("talker", "alpine", "sh", "-c", TALKER)
    page = desk.open(context, "containers/talker/logs")
    expect(page.locator(".log [data-stream=stdout] .m").first).to_have_text("to stdout")
    expect(page.locator(".log [data-stream=stderr] .m").first).to_have_text("to stderr")


def test_last_lines_without_script(desk: Desk, context: BrowserContext) -> None:
    desk.run("talker", "alpine", "sh", "-c", TALKER)
    page = desk.open(context, "containers/talker/logs?plain=1")
    expect(page.locator("[data-stream=stderr] .m").first).to_have_text("to stderr")
