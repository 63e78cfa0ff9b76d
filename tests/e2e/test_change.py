"""A container is changed in the browser; docker sees what came of it."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.desk import Desk
from tests.e2e.test_all_pages import findings
from tests.engines import PrivateEngine

LONG = 30_000  # ms
SLEEP = ("busybox", "sleep", "1000")


def inspected(engine: PrivateEngine, name: str) -> Any:
    return json.loads(engine.docker("container", "inspect", name))[0]


def finished(page: Page, words: str) -> None:
    """The operation's page says how it ended."""
    page.wait_for_url("**/operations/*", timeout=LONG)
    expect(page.locator("#operation-region .note").first).to_contain_text(words, timeout=LONG)


def test_limits_are_changed_while_it_runs(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    desk.run("limited", "--memory", "64m", *SLEEP)
    page = desk.open(context, "containers/limited/")
    policy = page.locator("section", has=page.get_by_role("heading", name="Limits and policy"))
    policy.get_by_text("Change…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Memory", exact=True)).to_have_value("64m")
    page.wait_for_timeout(500)  # it fades in
    assert findings(page) == []
    dialog.get_by_label("Memory", exact=True).fill("96m")
    dialog.get_by_label("Memory and swap").fill("256m")
    dialog.get_by_label("Restart policy").select_option("unless-stopped")
    command = "docker container update --memory 96m --memory-swap 256m --restart unless-stopped limited"
    expect(dialog.locator("#dialog-command")).to_contain_text(command, timeout=LONG)
    dialog.get_by_role("button", name="Change").click()
    expect(policy).to_contain_text("unless-stopped", timeout=LONG)
    host = inspected(clean_engine, "limited")["HostConfig"]
    assert (host["Memory"], host["MemorySwap"]) == (96 * 1024**2, 256 * 1024**2)
    assert desk.row("SELECT command FROM console_operation WHERE object_name = 'limited'") == command


def test_a_refused_limit_without_script(desk: Desk, browser: Browser, clean_engine: PrivateEngine) -> None:
    made = desk.run("refused", "--memory", "64m", "--memory-swap", "64m", *SLEEP)
    context = browser.new_context(java_script_enabled=False)
    try:
        page = desk.open(context, f"containers/{made}/update")
        page.get_by_label("Memory", exact=True).fill("128m")
        page.get_by_role("button", name="Change").click()
        page.wait_for_url("**/operations/*")
        for _ in range(30):
            if page.get_by_text("Change it and try again").count():
                break
            page.wait_for_timeout(500)
            page.reload()
        page.get_by_text("Change it and try again").click()
        expect(page.locator("#memory-note")).to_contain_text("memoryswap")
        expect(page.get_by_label("Memory", exact=True)).to_have_value("128m")
        page.get_by_label("Memory and swap").fill("256m")
        page.get_by_role("button", name="Change").click()
        page.wait_for_url("**/operations/*")
        for _ in range(30):
            if inspected(clean_engine, "refused")["HostConfig"]["Memory"] == 128 * 1024**2:
                break
            page.wait_for_timeout(500)
        assert inspected(clean_engine, "refused")["HostConfig"]["MemorySwap"] == 256 * 1024**2
    finally:
        context.close()


def test_recreate_with_another_variable_and_back(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("network", "create", "change-net")
    options = ("--network", "change-net", "--network-alias", "front", "-v", "/anon", "--memory", "64m")
    old = desk.run("again", "-e", "THE_PASSWORD=canary", "-e", "TIER=web", *options, *SLEEP)
    clean_engine.docker("run", "-d", "--name", "beside", "--network", "container:again", *SLEEP)
    desk.mirrored("beside")
    page = desk.open(context, "containers/again/")
    page.get_by_role("link", name="Recreate").click()
    expect(page.locator("[name=env][value='THE_PASSWORD=***']")).to_be_visible()  # the CLI shuffles variables
    assert findings(page) == []
    page.locator("[name=env][value='TIER=web']").fill("TIER=db")
    expect(page.locator("#equiv-run")).to_contain_text("TIER=db", timeout=LONG)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#changes")).to_contain_text("1 by you")
    expect(page.locator("#dependants")).to_contain_text("beside")
    expect(page.locator("#losses")).to_contain_text("Kept: /anon")
    expect(page.locator("#recreate-steps")).to_contain_text("docker container rename again again-before-")
    assert "canary" not in page.content()
    assert findings(page) == []
    page.get_by_role("button", name="Recreate again").click()
    finished(page, "again recreated.")
    now = inspected(clean_engine, "again")
    assert now["Id"] != old
    assert {"THE_PASSWORD=canary", "TIER=db"} <= set(now["Config"]["Env"])
    assert "front" in now["NetworkSettings"]["Networks"]["change-net"]["Aliases"]
    assert clean_engine.docker("ps", "-a", "--format", "{{.Names}}").split().count("again") == 1
    desk.mirrored("again")
    page.reload()  # without the toast, which fades in
    assert findings(page) == []
    page.get_by_role("link", name="Go back to the earlier one").click(timeout=LONG)
    expect(page.locator("#changes")).to_contain_text("TIER")
    page.get_by_role("button", name="Recreate again").click()
    finished(page, "again recreated.")
    assert {"THE_PASSWORD=canary", "TIER=web"} <= set(inspected(clean_engine, "again")["Config"]["Env"])


def test_a_bad_command_without_script_leaves_the_old_one(
    desk: Desk, browser: Browser, clean_engine: PrivateEngine
) -> None:
    old = desk.run("stays", "-p", "8097:80", *SLEEP)
    context = browser.new_context(java_script_enabled=False)
    try:
        page = desk.open(context, f"containers/{old}/recreate")
        page.locator("[name=command]").fill("no-such-program")
        page.locator("[name=memory]").fill("much")
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#f-memory [data-err]")).to_contain_text("not a size")
        page.locator("[name=memory]").fill("64m")
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("button", name="Change more fields").click()
        expect(page.locator("[name=memory]")).to_have_value("64m")
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("button", name="Recreate stays").click()
        page.wait_for_url("**/operations/*")
        for _ in range(60):
            if "is back, and runs" in page.content():
                break
            page.wait_for_timeout(500)
            page.reload()
        expect(page.locator("#operation-region")).to_contain_text("The new one did not start.")
        expect(page.locator("#operation-region")).to_contain_text("no-such-program")
    finally:
        context.close()
    found = inspected(clean_engine, "stays")
    assert (found["Id"], found["State"]["Running"]) == (old, True)
    assert not [name for name in clean_engine.docker("ps", "-a", "--format", "{{.Names}}").split() if "before" in name]
