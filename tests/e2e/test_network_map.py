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
    """Where each node, rail and wire stands."""
    found = page.evaluate(
        """() => {
          const all = (what) => [...document.querySelectorAll(`#network-map ${what}`)], d = (e) => e.getAttribute("d");
          const name = (id) => document.getElementById(`map-${id}`).querySelector(".tn").textContent;
          return [
            ...all(".node").map((n) => [name(n.dataset.c), n.getAttribute("transform")]),
            ...all(".lane").map((n) => [`rail ${n.dataset.n}`, d(n.querySelector("path"))]),
            ...all(".link").map((n) => [`${name(n.dataset.c)} on ${n.dataset.nets}`, d(n.querySelector(".wire"))]),
          ];
        }"""
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
    assert len(before) == 3 + 5 + 4  # nodes, rails, wires
    assert corners(page) == {what: at for what, at in after.items() if what.partition(" on ")[0] != "web"}


@pytest.mark.timeout(180)
def test_d2_d3_d5_who_reaches_whom_is_on_the_map_and_true(desk: Desk, context: BrowserContext) -> None:
    docker = desk.engine.docker
    docker("network", "create", "my-net")
    desk.run("aa", "-p", "8080:80", "nginx")
    desk.run("bb", "--dns", "127.0.0.1", "busybox", "sleep", "600")  # nobody there: what is unknown fails at once
    desk.run("cc", "--network", "my-net", "nginx")
    where = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    first, third = docker("inspect", "-f", where, "aa"), docker("inspect", "-f", where, "cc")
    page = desk.open(context, "networks/map")
    node = page.locator("#network-map .node", has_text="aa")
    expect(node).to_contain_text(first, timeout=WITHIN)
    expect(page.locator("#network-map .port", has_text=":8080")).to_be_visible()
    expect(page.locator("#network-map .lane", has_text="bridge")).to_contain_text("no DNS names")
    page.locator("#network-map .node", has_text="bb").click()
    side = page.locator("#map-side")
    expect(side).to_contain_text("Reaches by IP only", timeout=WITHIN)
    expect(side).not_to_contain_text("Reaches by name or IP")
    ask = ("exec", "bb", "sh", "-c")
    assert "1 packets received" in docker(*ask, f"ping -c 1 -W 2 {first}")
    assert "bad address" in docker(*ask, "timeout 8 ping -c 1 -W 1 aa 2>&1; true")
    page = desk.open(context, "networks/map?a=bb&b=cc")
    expect(page.locator("#map-side")).to_contain_text("No path", timeout=WITHIN)
    assert "1 packets received" not in docker(*ask, f"ping -c 1 -W 1 {third}; true")


@pytest.mark.timeout(180)
def test_a_folded_lane_is_opened_where_it_is(desk: Desk, context: BrowserContext) -> None:
    docker = desk.engine.docker
    for number in range(16):
        docker("network", "create", "--subnet", f"10.77.{number}.0/24", f"n{number}")
    desk.run("web", "--network", "n3", "nginx")
    page = desk.open(context, "networks/map")
    lane = page.locator("#network-map .lane", has=page.get_by_text("n3", exact=True))
    expect(lane).to_contain_text("1 container, folded", timeout=WITHIN)
    expect(page.locator("#network-map .node")).to_have_count(0)
    lane.locator("a.unfold").click()
    expect(page.locator("#network-map .node", has_text="web")).to_be_visible(timeout=WITHIN)
    expect(lane).not_to_contain_text("folded")
    page.get_by_role("link", name="Table", exact=True).click()
    expect(page.locator("#network-map .maptable")).to_contain_text("10.77.3.2", timeout=WITHIN)


@pytest.mark.timeout(180)
def test_a_phone_has_the_list_and_the_picture_on_request(desk: Desk, context: BrowserContext) -> None:
    furnished(desk)
    page = desk.open(context, "networks")
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("link", name="Map", exact=True).click()
    table = page.locator("#network-map .maptable")
    for name in ("web", "db", "api"):
        expect(table.locator("tr", has_text=name).first).to_be_visible(timeout=WITHIN)
    expect(table).to_contain_text(":8080")
    expect(page.locator("#network-map svg.topo")).to_be_hidden()
    expect(page.get_by_role("link", name="Table", exact=True)).to_have_attribute("aria-current", "page")
    tops = page.eval_on_selector_all("#bar > *, #map-options > a", "all => all.map(e => e.getBoundingClientRect())")
    lines = {round(box["top"] + box["height"] / 2) for box in tops if box["width"]}
    assert max(lines) - min(lines) <= 2  # one line of tools
    page.get_by_role("link", name="Map", exact=True).click()
    expect(page.locator("#network-map svg.topo")).to_be_visible(timeout=WITHIN)
    assert findings(page) == []


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
    expect(page.locator("select[name=a]")).to_be_visible(timeout=WITHIN)
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
