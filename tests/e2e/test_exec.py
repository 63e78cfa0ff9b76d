"""One command in a container: asked for in the dialog, its output on the page of the operation (tutorial C5)."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, expect

from tests.e2e.desk import Desk
from tests.engines import PrivateEngine

LONG = 20_000  # ms


def test_c5_one_command_and_its_output(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    desk.run("nginx", "nginx")
    page = desk.open(context, "containers/nginx/")
    page.locator("#object, #overview").get_by_text("More", exact=True).first.click()
    page.get_by_role("link", name="Run a command…").click()
    dialog = page.locator("div.dialog")
    dialog.locator("#command").fill("/bin/ls '/")
    dialog.get_by_role("button", name="Run", exact=True).click()
    expect(dialog).to_contain_text("A quotation mark is not closed")
    dialog.locator("#command").fill("/bin/ls")
    expect(dialog.locator("#dialog-command")).to_contain_text("docker container exec nginx /bin/ls")
    dialog.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile(r"/operations/[0-9a-f-]{36}$"))
    printed = clean_engine.docker("container", "exec", "nginx", "/bin/ls") + "\n"
    expect(page.locator("#output pre")).to_have_text(printed, timeout=LONG)
    expect(page.locator("main")).to_contain_text("Done with exit code 0.")
    expect(page.locator("main")).to_contain_text("docker container exec nginx /bin/ls")


def test_a_failing_command_from_the_terminal(desk: Desk, context: BrowserContext) -> None:
    desk.run("nginx", "nginx")
    page = desk.open(context, "containers/nginx/terminal")
    page.get_by_role("link", name="Run one command…").click()
    dialog = page.locator("div.dialog")
    dialog.locator("#command").fill("sh -c 'printf \"\\033[31m<b>\"; echo no >&2; exit 3'")
    dialog.get_by_label("Environment").fill("API_TOKEN=canary")
    expect(dialog.locator("#dialog-command")).to_contain_text("API_TOKEN=***")
    dialog.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/operations/*")
    expect(page.locator("main")).to_contain_text("Done with exit code 3.", timeout=LONG)
    expect(page.locator("#output .se")).to_have_text("no\n")
    expect(page.locator("#output pre")).to_contain_text("␛[31m<b>")
    assert "canary" not in page.content()
