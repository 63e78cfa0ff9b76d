"""Steering containers in a real browser, with the docker command line as the witness of each effect."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from tests.e2e.desk import Desk
from tests.engines import PrivateEngine

POLITE = ("busybox", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
DEAF = ("busybox", "sh", "-c", "trap : TERM; while :; do sleep 0.1; done")
LONG = 20_000  # ms


def row_of(page: Page, name: str) -> Locator:
    return page.locator(f"tr[data-name='{name}']")


def state(engine: PrivateEngine, name: str) -> str:
    found = engine.docker("ps", "-a", "--filter", f"name=^/{name}$", "--format", "{{.State}}")
    return found.strip()


def menu(page: Page, name: str, label: str) -> None:
    """Choose from the menu behind "more" of a row."""
    row = row_of(page, name)
    row.hover()
    row.locator("summary").click()
    row.locator(".menu").get_by_text(label, exact=True).click()


def command(page: Page) -> Locator:
    return page.locator("#dialog .cmd code")


def happened(engine: PrivateEngine, container: str) -> Counter[str]:
    filters = quote(json.dumps({"container": [container]}))
    lines = engine.call("GET", f"/events?since=0&until={time.time():.3f}&filters={filters}")
    return Counter(json.loads(line)["Action"] for line in lines.splitlines() if line.strip())


def test_what_is_typed_while_a_dialog_asks_is_not_lost(desk: Desk, context: BrowserContext) -> None:
    desk.run("web", *POLITE)
    page = desk.open(context, "containers")
    held: list[Route] = []
    page.route("**/rename", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    menu(page, "web", "Rename…")
    field = page.locator("#dialog [name=name]")
    field.fill("not good")
    page.locator("#dialog-go").click()
    expect(field).to_be_disabled()  # the answer fills the dialog anew: nobody types into what is replaced
    expect(page.locator("#dialog-go")).to_be_disabled()
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    expect(field).to_be_enabled()
    expect(field).to_have_value("not good")
    field.fill("shop")
    expect(command(page)).to_have_text("docker container rename web shop")


def test_one_container_is_steered(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    desk.run("web", "-v", "/cache", "-v", "kept:/data", *POLITE)
    page = desk.open(context, "containers")
    stop = row_of(page, "web").get_by_role("button", name="Stop web", exact=True)
    row_of(page, "web").hover()
    stop.hover()
    expect(page.locator("#say")).to_have_text("docker container stop web")
    stop.click()
    expect(row_of(page, "web")).to_contain_text("Exited (0)", timeout=LONG)
    expect(page.locator("#toasts")).to_contain_text("web stopped")
    assert state(clean_engine, "web") == "exited"

    row_of(page, "web").get_by_role("button", name="Start web", exact=True).click()
    expect(row_of(page, "web")).to_contain_text("Up", timeout=LONG)
    menu(page, "web", "Pause")
    expect(row_of(page, "web")).to_contain_text("paused", timeout=LONG)
    assert state(clean_engine, "web") == "paused"
    row_of(page, "web").get_by_role("button", name="Unpause web", exact=True).click()
    expect(row_of(page, "web").get_by_role("button", name="Restart web", exact=True)).to_be_attached(timeout=LONG)

    menu(page, "web", "Rename…")
    field = page.locator("#dialog [name=name]")
    expect(field).to_be_focused()
    field.fill("not good")
    page.locator("#dialog-go").click()
    expect(page.locator("#dialog")).to_contain_text("Two characters or more")
    expect(field).to_have_value("not good")
    field.fill("shop")
    expect(command(page)).to_have_text("docker container rename web shop")
    page.locator("#dialog-go").click()
    expect(page.locator("#dialog")).not_to_be_visible()
    expect(row_of(page, "shop")).to_be_visible(timeout=LONG)
    assert state(clean_engine, "shop") == "running"

    menu(page, "shop", "Remove…")
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("anonymous volume at /cache, stays")
    expect(dialog.get_by_role("button", name="Keep it", exact=True)).to_be_focused()
    dialog.get_by_label("Remove anonymous volumes too").check()
    expect(dialog).to_contain_text("anonymous volume at /cache, removed with it")
    page.locator("#dialog-go").click()
    expect(dialog).to_contain_text("shop is not stopped: stop it first, or tick this.")
    dialog.get_by_label("Force: kill what still runs").check()
    expect(command(page)).to_have_text("docker container rm --force --volumes shop")
    page.locator("#dialog-go").click()
    expect(page.locator("#toasts")).to_contain_text("shop removed", timeout=LONG)
    expect(row_of(page, "shop")).to_have_count(0, timeout=LONG)
    assert state(clean_engine, "shop") == ""
    assert clean_engine.docker("volume", "ls", "--quiet") == "kept"


def test_an_engines_refusal_is_quoted_whole_and_tried_again(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    desk.run("first", "-p", "8080:80", *POLITE)
    clean_engine.docker("create", "--name", "second", "-p", "8080:80", *POLITE)
    desk.mirrored("second")
    page = desk.open(context, "containers")
    row_of(page, "second").hover()
    row_of(page, "second").get_by_role("button", name="Start second", exact=True).click()
    toast = page.locator("#toasts .toast", has_text="Could not start second")
    expect(toast).to_contain_text("port is already allocated", timeout=LONG)
    toast.get_by_role("link").click()
    expect(page.locator(".note.bad")).to_contain_text("Nothing was changed: second is still “created”.")
    expect(page.locator("pre.code")).to_contain_text("Bind for 0.0.0.0:8080 failed: port is already allocated")
    old = page.url
    clean_engine.docker("rm", "--force", "first")
    page.locator(".steps").get_by_role("button", name="Try again", exact=True).click()
    page.wait_for_url(lambda url: url != old)
    expect(page.locator("#operation-region")).to_contain_text("second started.", timeout=LONG)
    assert state(clean_engine, "second") == "running"


def test_several_at_once(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    for name in ("one", "two", "three"):
        desk.run(name, *POLITE)
    clean_engine.docker("stop", "three")
    page = desk.open(context, "containers")
    expect(row_of(page, "three")).to_contain_text("Exited", timeout=LONG)
    for name in ("one", "two", "three"):
        row_of(page, name).locator(".pick").check()
    stop = page.locator("#bulk [data-verb=stop]")
    expect(stop).to_have_text("Stop 2 of 3")
    stop.click()
    expect(page.locator("#toasts")).to_contain_text("2 containers stopped", timeout=LONG)
    expect(page.locator(".pick:checked")).to_have_count(0)
    for name in ("one", "two"):
        expect(row_of(page, name)).to_contain_text("Exited", timeout=LONG)
    for name in ("one", "two", "three"):
        row_of(page, name).locator(".pick").check()
    page.locator("#bulk [data-verb=remove]").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Remove 3 containers?")
    dialog.get_by_label("two").uncheck()
    page.locator("#dialog-go").click()
    expect(page.locator("#toasts")).to_contain_text("2 containers removed", timeout=LONG)
    assert [state(clean_engine, name) for name in ("one", "two", "three")] == ["", "exited", ""]


def test_without_script(desk: Desk, browser: Browser, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    desk.run("plain", *POLITE)
    desk.sign_in(context)
    bare = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = bare.new_page()
    page.goto(desk.at("containers/plain/"))
    page.locator(".head").get_by_role("button", name="Stop", exact=True).click()
    assert page.url == desk.at("containers/plain/")
    wait_for(lambda: state(clean_engine, "plain") == "exited")
    page.goto(desk.at("containers/plain/"))
    page.locator(".head summary").click()
    page.locator(".head").get_by_role("link", name="Remove…").click()
    expect(page.locator("main")).to_contain_text("docker container rm plain")
    page.locator("#dialog-go").click()
    wait_for(lambda: state(clean_engine, "plain") == "")
    page.reload()
    expect(page.locator("main")).to_contain_text("plain removed.")
    bare.close()


def wait_for(true: object, seconds: float = 20.0) -> None:
    """Ask until it is so."""
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def own_desk(clean_engine: PrivateEngine, tmp_path: Path) -> Iterator[Desk]:
    """A console that the test may kill."""
    made = Desk(tmp_path / "data", clean_engine)
    yield made
    made.console.end()


def test_the_console_is_killed_while_it_stops_a_container(
    own_desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    container = own_desk.run("slow", "--stop-timeout", "3", *DEAF)
    page = own_desk.open(context, "containers")
    row_of(page, "slow").hover()
    row_of(page, "slow").get_by_role("button", name="Stop slow", exact=True).click()
    expect(row_of(page, "slow")).to_contain_text("Stopping")
    wait_for(lambda: happened(clean_engine, container)["kill"] == 1)  # the engine is at it
    own_desk.console.process.kill()
    own_desk.restart()
    operation = str(own_desk.row("SELECT id FROM console_operation"))
    page.goto(f"{own_desk.url}/operations")
    page.get_by_role("link", name="Stop slow").click()
    assert operation in re.sub("-", "", page.url)
    expect(page.locator("#operation-region")).to_contain_text("stopped, found done after a restart", timeout=40_000)
    assert {name: happened(clean_engine, container)[name] for name in ("stop", "die", "start")} == {
        "stop": 1,
        "die": 1,
        "start": 1,
    }
    assert own_desk.row("SELECT COUNT(*) FROM console_operation") == 1
