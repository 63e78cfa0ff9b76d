"""Who did it: events joined with operations, and the audit of what was looked at, against a real engine."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.desk import Desk
from tests.engines import PrivateEngine

LONG = 20_000  # ms


def event(page: Page, action: str, name: str) -> str:
    """The newest row of that action on that container."""
    return f"#event-table tr:has(td:text-is('{action}')):has(td[title='{name}'])"


def test_events_say_whether_the_console_did_it(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    desk.run("itself", "alpine", "sleep", "1")
    for name in ("ours", "theirs"):
        desk.run(name, "alpine", "sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait")
    page = desk.open(context, "containers/ours/")
    page.locator(".head").get_by_role("button", name="Stop").click()
    expect(page.locator(".head .tag").first).to_have_text("exited", timeout=LONG)
    clean_engine.docker("stop", "theirs")
    page.goto(f"{desk.url}/events")
    ours = page.locator(event(page, "stop", "ours")).first
    expect(ours).to_contain_text("by admin, console", timeout=LONG)
    theirs = page.locator(event(page, "stop", "theirs")).first
    expect(theirs).to_contain_text("outside the console", timeout=LONG)
    died = page.locator(event(page, "die", "itself")).first
    expect(died).to_contain_text("process ended", timeout=LONG)
    expect(died).to_contain_text("exit code 0")
    page.goto(f"{desk.url}/events?show=console&q=action:stop")
    expect(page.locator("#event-table")).to_contain_text("ours")
    expect(page.locator("#event-table")).not_to_contain_text("theirs")
    page.locator("#event-table").get_by_role("link", name="by admin, console").first.click()
    page.wait_for_url(re.compile(r"/operations/[0-9a-f-]{36}$"))
    expect(page.locator("main")).to_contain_text("docker container stop ours")


def test_the_audit_tells_who_looked(desk: Desk, context: BrowserContext) -> None:
    desk.run("web", "-e", "DB_PASSWORD=canary", "nginx")
    page = desk.open(context, "containers/web/terminal")
    expect(page.locator("[data-status]")).to_contain_text("audit", timeout=LONG)
    page.goto(desk.at("containers/web/logs"))
    expect(page.locator(".log li").first).to_be_visible(timeout=LONG)
    page.goto(desk.at("containers/web/"))
    page.get_by_role("button", name=re.compile("Reveal|Show", re.I)).first.click()
    expect(page.locator("main")).to_contain_text("canary")
    page.goto(f"{desk.url}/audit?q=object:web")
    for action in ("container.shell", "container.env.reveal", "container.logs"):
        row = page.locator(f"#audit-table tr:has(td:text-is('{action}'))").first
        expect(row).to_contain_text("admin", timeout=LONG)
        expect(row).to_contain_text("127.0.0.1")
    expect(page.locator("#audit-table")).to_contain_text("variable DB_PASSWORD")
    assert "canary" not in page.content()
    page.locator("#audit-table tr:has(td:text-is('container.shell'))").get_by_role("link", name="web").first.click()
    page.wait_for_url("**/containers/**")
