"""The browser side alone: what waits, what flashes, what the keys do. The stage gives rows and a socket, no engine."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

ROOT = Path(__file__).resolve().parents[2]
WEB = ["a1", "web", "running", "Up 3 d", "0.4%"]
DB = ["a2", "db", "healthy", "Up 3 d", "1.0%"]
JOB = ["a3", "job", "exited", "Exited (0)", ""]


class Stage:
    """The running stage, as the tests speak to it."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"

    def ask(self, target: str, body: str = "") -> str:
        """POST to the stage."""
        with urllib.request.urlopen(f"{self.base}{target}", data=body.encode(), timeout=10) as answer:
            return str(answer.read().decode())

    def push(self, html: str) -> None:
        """Send a message to every open socket."""
        assert int(self.ask("/stage/push", html)) > 0

    def row(self, *values: str, oob: str = "outerMorph") -> str:
        """A row as the socket sends it."""
        return self.ask(f"/stage/row?oob={oob}", json.dumps(values))

    def posts(self) -> list[dict[str, list[str]]]:
        """What the page posted."""
        found: list[dict[str, list[str]]] = json.loads(self.ask("/stage/posts"))
        return found


@pytest.fixture(scope="module")
def running_stage() -> Iterator[Stage]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "tests.e2e.stage", str(port)], cwd=ROOT)
    stage = Stage(port)
    deadline = time.monotonic() + 20
    while True:
        try:
            stage.posts()
            break
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield stage
    process.terminate()
    process.wait(10)


@pytest.fixture
def stage(running_stage: Stage, page: Page) -> Stage:
    running_stage.ask("/stage/rows", json.dumps([WEB, DB, JOB]))
    page.add_init_script(
        "addEventListener('htmx:ws:after:connection', () => { document.documentElement.dataset.connected = ''; })"
    )
    page.goto(f"{running_stage.base}/list")
    expect(page.locator("html[data-connected]")).to_have_count(1)
    expect(page.locator("[data-fresh-word]")).to_have_text("Live")
    return running_stage


def status(page: Page, row: str) -> Any:
    return expect(page.locator(f"#{row} .status"))


def settled(page: Page) -> None:
    """Longer than the gate looks, so that what did not happen now will not."""
    page.wait_for_timeout(600)


def test_changed_row_is_morphed_and_flashes_once(stage: Stage, page: Page) -> None:
    stage.push(stage.row("a1", "web", "exited", "Exited (0)", "0.0%"))
    status(page, "a1").to_have_text("Exited (0)")
    assert "changed" in (page.get_attribute("#a1", "class") or "")
    expect(page.locator("#a1.changed")).to_have_count(0)
    stage.push(stage.row("a1", "web", "exited", "Exited (0)", "7.7%"))
    expect(page.locator("#a1 .quiet")).to_have_text("7.7%")
    expect(page.locator("#a1.changed")).to_have_count(0)


def test_rows_wait_while_one_is_ticked_and_the_foot_says_so(stage: Stage, page: Page) -> None:
    page.click("#a2 .pick")
    expect(page.locator("#bulk")).to_be_visible()
    expect(page.locator("#bar")).to_be_hidden()
    stage.push(stage.row("a1", "web", "paused", "Paused", ""))
    stage.push(stage.row("a1", "web", "running", "Up 1 s", ""))
    settled(page)
    status(page, "a1").to_have_text("Up 3 d")
    expect(page.locator("[data-fresh-word]")).to_have_text("Paused while 1 row is selected")
    page.keyboard.press("Escape")
    status(page, "a1").to_have_text("Up 1 s")
    expect(page.locator("[data-fresh-word]")).to_have_text("Live")


def test_bulk_bar_says_what_fits_and_lets_go_after_the_action(stage: Stage, page: Page) -> None:
    page.click("#a1 .pick")
    page.click("#a3 .pick", modifiers=["Shift"])
    expect(page.locator("[data-bulk-count]")).to_have_text("3")
    button = page.locator("#bulk [data-verb=stop]")
    expect(button).to_have_text("Stop 2 of 3")
    expect(button).to_have_attribute("data-cmd", "docker container stop web db")
    button.click()
    expect(page.locator("#bulk")).to_be_hidden()
    assert stage.posts() == [{"id": ["a1", "a2", "a3"]}]


def test_what_is_typed_in_a_row_survives_its_change(stage: Stage, page: Page) -> None:
    page.fill("#a1 .draft", "half a wo")
    stage.push(stage.row("a1", "web", "exited", "Exited (0)", ""))
    settled(page)
    status(page, "a1").to_have_text("Up 3 d")
    page.keyboard.press("Escape")
    status(page, "a1").to_have_text("Exited (0)")
    assert page.input_value("#a1 .draft") == "half a wo"


def test_rows_wait_while_text_is_selected(stage: Stage, page: Page) -> None:
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#a2 .status'))")
    stage.push(stage.row("a1", "web", "exited", "Exited (0)", ""))
    settled(page)
    status(page, "a1").to_have_text("Up 3 d")
    page.evaluate("getSelection().removeAllRanges()")
    status(page, "a1").to_have_text("Exited (0)")


def test_row_does_not_change_under_a_double_click(stage: Stage, page: Page) -> None:
    page.hover("#a1")
    page.click("#a1 .acts button")
    stage.push(stage.row("a1", "web", "exited", "Exited (0)", ""))
    page.wait_for_timeout(200)
    status(page, "a1").to_have_text("Up 3 d")
    status(page, "a1").to_have_text("Exited (0)")
    assert stage.posts() == [{}]


def test_new_row_enters_at_the_end_and_a_known_one_changes_in_place(stage: Stage, page: Page) -> None:
    def added(values: list[str]) -> str:
        inside = stage.row(*values, oob="")
        return f'<hx-partial hx-target="#rows" hx-swap="beforeend">{inside}</hx-partial>'

    stage.push(added(["a4", "new", "created", "Created", ""]))
    expect(page.locator("#rows tr").last).to_have_id("a4")
    stage.push(added(["a1", "web", "paused", "Paused", ""]))
    status(page, "a1").to_have_text("Paused")
    expect(page.locator("#rows tr")).to_have_count(4)
    expect(page.locator("#rows tr").first).to_have_id("a1")


def test_additions_that_waited_are_read_again(stage: Stage, page: Page) -> None:
    new = ["a4", "new", "created", "Created", ""]
    page.click("#a2 .pick")
    stage.push(f'<hx-partial hx-target="#rows" hx-swap="beforeend">{stage.row(*new, oob="")}</hx-partial>')
    settled(page)
    expect(page.locator("#a4")).to_have_count(0)
    stage.ask("/stage/rows", json.dumps([WEB, DB, JOB, ["a4", "new", "running", "Up 1 s", ""]]))
    page.keyboard.press("Escape")
    status(page, "a4").to_have_text("Up 1 s")


def test_removed_row_says_so_and_leaves_when_the_pointer_is_elsewhere(stage: Stage, page: Page) -> None:
    page.hover("#a1")
    page.click("#a3 .pick")
    stage.push('<tr id="a3" hx-swap-oob="delete"></tr>')
    expect(page.locator("#a3.gone")).to_contain_text("removed")
    expect(page.locator("#bulk")).to_be_hidden()
    page.wait_for_timeout(6500)
    expect(page.locator("#a3")).to_have_count(1)
    page.mouse.move(5, 5)
    expect(page.locator("#a3")).to_have_count(0)


def test_lost_connection_is_said_and_mended(stage: Stage, page: Page) -> None:
    stage.ask("/stage/rows", json.dumps([["a1", "web", "paused", "Paused", ""], DB, JOB]))
    stage.ask("/stage/close?code=4000")
    expect(page.locator("[data-fresh-word]")).to_have_text("Reconnecting")
    expect(page.locator("[data-fresh-word]")).to_have_text("Live")
    status(page, "a1").to_have_text("Paused")
    stage.push(stage.row("a2", "db", "exited", "Exited (1)", ""))
    status(page, "a2").to_have_text("Exited (1)")


@pytest.mark.parametrize("code", [4401, 4403, 4404])
def test_lost_right_loads_the_page_again_but_not_for_ever(stage: Stage, page: Page, code: int) -> None:
    stage.ask("/stage/rows", json.dumps([["a1", "web", "paused", "Paused", ""]]))
    with page.expect_navigation():
        stage.ask(f"/stage/close?code={code}")
    status(page, "a1").to_have_text("Paused")
    for _ in range(20):  # until the page that was loaded again has its socket
        stage.ask(f"/stage/close?code={code}")
        if page.locator("[data-fresh-word]").inner_text() == "Not connected":
            break
        page.wait_for_timeout(500)
    expect(page.locator("[data-fresh-word]")).to_have_text("Not connected")


def test_server_that_says_resync_is_read_again(stage: Stage, page: Page) -> None:
    stage.ask("/stage/rows", json.dumps([["a1", "web", "paused", "Paused", ""]]))
    stage.push('{"resync": true}')
    status(page, "a1").to_have_text("Paused")
    expect(page.locator("#rows tr")).to_have_count(1)


def test_dialog_has_the_focus_on_the_safe_button_and_unlocks_by_the_name(stage: Stage, page: Page) -> None:
    page.click("#open-dialog")
    expect(page.locator("#dialog [data-safe]")).to_be_focused()
    expect(page.locator("#dialog-go")).to_be_disabled()
    stage.push(stage.row("a1", "web", "exited", "Exited (0)", ""))
    settled(page)
    status(page, "a1").to_have_text("Up 3 d")
    page.fill("#dialog [data-must-equal]", "rocky")
    page.click("#dialog-go")
    expect(page.locator("#dialog")).not_to_be_visible()
    assert stage.posts() == [{"id": ["a1"], "typed": ["rocky"]}]
    status(page, "a1").to_have_text("Exited (0)")


def test_escape_closes_the_dialog_and_gives_the_focus_back(stage: Stage, page: Page) -> None:
    page.click("#open-dialog")
    expect(page.locator("#dialog [data-safe]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).not_to_be_visible()
    expect(page.locator("#open-dialog")).to_be_focused()
    assert stage.posts() == []


def test_palette_is_a_keyboard_thing(stage: Stage, page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("we")
    options = page.locator("#pal [role=option]")
    expect(options.nth(0)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(page.locator("#say")).to_have_text("docker container restart web")
    page.keyboard.press("Enter")
    expect(page.locator("#palette")).not_to_be_visible()
    page.wait_for_timeout(300)
    assert len(stage.posts()) == 1


def test_keys_move_tick_and_stay_quiet_while_typing(stage: Stage, page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tr.at")).to_have_id("a2")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(page.locator(".pick:checked")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator(".pick:checked")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("jxt")
    expect(page.locator("[data-filter-text]")).to_have_value("jxt")
    expect(page.locator(".pick:checked")).to_have_count(0)
    assert page.get_attribute("html", "data-theme") == "light"
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    assert page.get_attribute("html", "data-theme") == "dark"


def test_filter_goes_into_the_address(stage: Stage, page: Page) -> None:
    page.fill("[data-filter-text]", "state:running web")
    expect(page).to_have_url(f"{stage.base}/list?q=state%3Arunning+web")


def test_foot_says_the_command_of_the_control(stage: Stage, page: Page) -> None:
    expect(page.locator("#say")).to_have_text("docker container ls --all")
    page.hover("#a1")
    page.hover("#a1 .acts button")
    expect(page.locator("#say")).to_have_text("docker container stop web")


def test_failure_of_the_console_never_lands_in_the_page(stage: Stage, page: Page) -> None:
    page.click("#break")
    expect(page.locator("#toasts")).to_contain_text("The console failed on this request")
    expect(page.locator("#list")).not_to_contain_text("must not land")
    status(page, "a1").to_have_text("Up 3 d")


def test_what_the_console_needs_and_does_not_reach_is_named(stage: Stage, page: Page) -> None:
    away = {"X-Away": "The database does not answer"}
    page.route("**/fail", lambda route: route.fulfill(status=503, headers=away, body="must not land"))
    page.click("#break")
    expect(page.locator("#toasts")).to_contain_text("The database does not answer")
    expect(page.locator("#toasts")).not_to_contain_text("The console failed")
    expect(page.locator("#list")).not_to_contain_text("must not land")


def test_toast_of_a_success_leaves_and_of_a_failure_stays(stage: Stage, page: Page) -> None:
    for state in ("done", "failed"):
        stage.push(f'<div hx-swap-oob="afterbegin:#toasts"><div class="toast" data-toast="{state}">{state}</div></div>')
    expect(page.locator("#toasts [data-toast]")).to_have_count(2)
    page.wait_for_timeout(5300)
    expect(page.locator("#toasts [data-toast]")).to_have_text(["failed"])


def test_drawer_opens_beside_the_page_and_closes(stage: Stage, page: Page) -> None:
    page.click("#running")
    expect(page.locator("#ops")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#ops")).to_be_hidden()


def test_page_is_readable_and_acts_without_script(running_stage: Stage, page: Page) -> None:
    running_stage.ask("/stage/rows", json.dumps([WEB, DB, JOB]))
    assert page.context.browser
    plain = page.context.browser.new_context(java_script_enabled=False)
    tab = plain.new_page()
    tab.goto(f"{running_stage.base}/list")
    expect(tab.locator("#a1 .status")).to_have_text("Up 3 d")
    tab.check("#a1 .pick")
    tab.click("#bulk [data-verb=stop]")
    plain.close()
    assert running_stage.posts() == [{"id": ["a1"]}]
