"""The network map in a browser: it follows the engine, is worked by keyboard, and answers "can A reach B?"."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.desk import Desk
from tests.e2e.test_all_pages import findings

WITHIN = 10_000  # ms, on a busy machine


def corners(page: Page) -> dict[str, str]:
    """Where each node stands."""
    found = page.eval_on_selector_all(
        "#network-map .node",
        "nodes => nodes.map(n => [n.querySelector('.tn').textContent, n.getAttribute('transform')])",
    )
    return dict(found)


def furnished(desk: Desk) -> None:
    docker = desk.engine.docker
    docker("network", "create", "front")
    docker("network", "create", "--internal", "back")
    desk.run("web", "--network", "front", "-p", "8080:80", "nginx")
    desk.run("db", "--network", "back", "nginx")
    desk.run("api", "--network", "front", "nginx")
    docker("network", "connect", "back", "api")


@pytest.mark.timeout(180)
def test_a_container_that_joins_appears_and_nothing_else_moves(desk: Desk, context: BrowserContext) -> None:
    furnished(desk)
    page = desk.open(context, "networks/map")
    expect(page.locator("#network-map .node")).to_have_count(3, timeout=WITHIN)
    expect(page.locator("#network-map .link")).to_have_count(4, timeout=WITHIN)
    before = corners(page)
    desk.engine.docker("run", "-d", "--name", "late", "--network", "front", "nginx")
    began = time.monotonic()
    late = page.locator("#network-map .node", has_text="late")
    expect(late).to_be_visible(timeout=WITHIN)
    print(f"appeared after {time.monotonic() - began:.2f} s")
    after = corners(page)
    assert {name: after[name] for name in before} == before
    desk.engine.docker("rm", "-f", "web")
    expect(page.locator("#network-map .node", has_text="web")).to_have_count(0, timeout=WITHIN)
    assert corners(page) == {name: at for name, at in after.items() if name != "web"}


@pytest.mark.timeout(180)
def test_by_keyboard(desk: Desk, context: BrowserContext) -> None:
    furnished(desk)
    page = desk.open(context, "networks/map")
    expect(page.locator("#network-map .link")).to_have_count(4, timeout=WITHIN)
    web = page.locator("#network-map .node", has_text="web")
    page.locator("#network-map .canvas").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#network-map .node:focus")).to_have_count(1)
    web.focus()
    expect(page.locator(".topo.is-focus .node.self")).to_contain_text("web")
    expect(page.locator("#map-side")).to_contain_text("Reaches by name or IP", timeout=WITHIN)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#network-map .node:focus")).not_to_contain_text("web")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#network-map .node:focus")).to_contain_text("web")
    page.keyboard.press("Enter")
    page.wait_for_url("**/networks/map?*pin=*")
    expect(page.locator("#map-side")).to_contain_text("pinned")
    expect(page.locator("#network-map .node:focus")).to_contain_text("web")
    desk.engine.docker("run", "-d", "--name", "late", "--network", "front", "nginx")
    expect(page.locator("#network-map .node", has_text="late")).to_be_visible(timeout=WITHIN)
    expect(page.locator(".topo.is-focus .node.self")).to_contain_text("web")
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r"networks/map\??$"))
    expect(page.locator(".topo.is-focus")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("network:back")
    page.keyboard.press("Enter")
    expect(page.locator("#network-map .node")).to_have_count(2, timeout=WITHIN)


@pytest.mark.timeout(180)
def test_a_question_by_clicks_and_the_picture_as_a_file(desk: Desk, context: BrowserContext, tmp_path: Path) -> None:
    furnished(desk)
    page = desk.open(context, "networks/map")
    expect(page.locator("#network-map .link")).to_have_count(4, timeout=WITHIN)
    page.get_by_role("link", name="Can A reach B?").click()
    page.locator("#network-map .node", has_text="web").click()
    expect(page.locator("select[name=a] option:checked")).to_have_text("web")
    page.locator("#network-map .node", has_text="db").click(modifiers=["Shift"])
    side = page.locator("#map-side")
    expect(side).to_contain_text("No path", timeout=WITHIN)
    expect(side).to_contain_text("docker network connect back web")
    side.get_by_role("link", name="Connect…").first.click()
    page.locator("#dialog").get_by_role("button", name="Connect").click()
    expect(side).to_contain_text("Yes, through", timeout=2 * WITHIN)
    members = desk.engine.docker("network", "inspect", "-f", "{{range .Containers}}{{.Name}} {{end}}", "back")
    assert "web" in members.split()
    assert findings(page) == []
    with page.expect_download() as waiting:
        page.get_by_role("link", name="SVG").click()
    target = tmp_path / "map.svg"
    waiting.value.save_as(target)
    assert ET.parse(target).getroot().tag.endswith("svg")  # noqa: S314


@pytest.mark.timeout(180)
def test_a_live_check_tells_what_really_answers(desk: Desk, context: BrowserContext) -> None:
    furnished(desk)
    page = desk.open(context, "networks/map?a=web&b=api&port=80")
    side = page.locator("#map-side")
    expect(side).to_contain_text("Yes, through front", timeout=WITHIN)
    page.get_by_role("button", name="Live check").click()
    expect(side).to_contain_text("api resolves", timeout=3 * WITHIN)
    expect(side).to_contain_text(":80 is open")
    page.get_by_label("Port of B").fill("81")
    page.get_by_label("Port of B").press("Enter")
    page.wait_for_url("**port=81**")
    page.get_by_role("button", name="Live check").click()
    expect(side).to_contain_text(":81 does not answer", timeout=3 * WITHIN)
    assert findings(page) == []
    side.get_by_role("link", name="Done").click()
    expect(page.locator("main")).to_contain_text("docker container exec web nslookup api")
    assert desk.row("SELECT COUNT(*) FROM console_operation WHERE verb = 'reach.check' AND state = 'succeeded'") == 2
