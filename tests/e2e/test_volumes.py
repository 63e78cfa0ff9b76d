"""A person removes a volume in the browser; the docker command line is the witness."""

from __future__ import annotations

import time

from playwright.sync_api import BrowserContext, expect

from tests.e2e.desk import Desk


def test_refused_while_in_use_then_gone(desk: Desk, context: BrowserContext) -> None:
    desk.run("vol-user", "--mount", "type=volume,src=vol-vm1,target=/home", "busybox", "sleep", "600")
    page = desk.open(context, "volumes/vol-vm1/remove")
    expect(page.get_by_text("It cannot be removed while containers use it")).to_be_visible()
    expect(page.locator("#dialog-go")).to_have_count(0)
    desk.engine.docker("rm", "--force", "vol-user")
    page.goto(desk.at("volumes/vol-vm1/"))
    expect(page.locator("#head + .facts").get_by_text("0 containers")).to_be_visible()
    page.locator(".head").get_by_text("Remove…").click()
    page.locator("#typed").fill(page.locator("#typed").get_attribute("data-must-equal") or "")
    page.locator("#dialog-go").click()
    page.wait_for_url("**/operations/**")
    deadline = time.monotonic() + 20
    while "vol-vm1" in desk.engine.docker("volume", "ls", "--quiet").split():
        assert time.monotonic() < deadline
        time.sleep(0.2)
