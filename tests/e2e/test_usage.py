"""CPU and memory in the list and on the dashboard; nothing is sampled once nobody looks."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.desk import Desk
from tests.engines import PrivateEngine
from tests.proxy import Proxy, proxy

LONG = 20_000  # ms
FIGURE, MEMORY = re.compile(r"^\d+(\.\d)?%$"), re.compile(r"^\d+(\.\d)? [kM]B$")


@pytest.fixture
def watched(clean_engine: PrivateEngine, tmp_path: Path, context: BrowserContext) -> Iterator[tuple[Desk, Proxy]]:
    """A console whose connections to the engine can be counted."""
    loop = asyncio.new_event_loop()
    ready: list[Proxy] = []
    stop = asyncio.Event()

    async def serve() -> None:
        async with proxy(clean_engine.socket, tmp_path) as between:
            ready.append(between)
            await stop.wait()

    thread = Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    while not ready:
        time.sleep(0.01)
    desk = Desk(tmp_path / "data", clean_engine, {"DOCKER_HOST": f"unix://{tmp_path / 'proxy.sock'}"})
    try:
        yield desk, ready[0]
    finally:
        desk.end()
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


def wait_for(between: Proxy, number: int, seconds: float) -> None:
    """Until so many connections for statistics are open."""
    deadline = time.monotonic() + seconds
    while between.open_to("/stats") != number:
        assert time.monotonic() < deadline, between.open_to("/stats")
        time.sleep(0.05)


def cell(page: Page, name: str, of: str) -> str:
    return f"tr[data-name={name}] [data-use-of={of}] span"


def test_figures_while_somebody_looks(watched: tuple[Desk, Proxy], context: BrowserContext) -> None:
    desk, between = watched
    desk.run("busy", "--label", "com.docker.compose.project=shop", "alpine", "sh", "-c", "while :; do :; done")
    desk.run("idle", "--label", "com.docker.compose.project=shop", "--memory", "64m", "alpine", "sleep", "600")
    desk.engine.docker("create", "--name", "waiting", "alpine", "true")
    desk.mirrored("waiting")
    assert between.open_to("/stats") == 0
    page = desk.open(context, "containers")
    for name in ("busy", "idle"):
        expect(page.locator(cell(page, name, "cpu"))).to_have_text(FIGURE, timeout=LONG)
        expect(page.locator(cell(page, name, "memory"))).to_have_text(MEMORY, timeout=LONG)
    busy = float((page.locator(cell(page, "busy", "cpu")).text_content() or "").rstrip("%"))
    assert busy > 5
    expect(page.locator("tr[data-name=idle] [data-use-of=memory]")).to_have_attribute("title", re.compile("of 67 MB$"))
    expect(page.locator("[data-use-sum]").first).to_have_text(re.compile(r"^[\d.]+% CPU, [\d.]+ [kM]B$"))
    assert page.locator("tr[data-name=waiting] [data-use-of]").count() == 0
    wait_for(between, 2, 1)

    desk.engine.docker("pause", "idle")  # its row is drawn anew
    expect(page.locator("tr[data-name=idle]")).to_contain_text(", paused", timeout=LONG)
    expect(page.locator(cell(page, "busy", "cpu"))).to_have_text(FIGURE)
    desk.engine.docker("kill", "idle")
    expect(page.locator("tr[data-name=idle] [data-use-of]")).to_have_count(0, timeout=LONG)

    page.set_viewport_size({"width": 390, "height": 844})  # the columns are gone, and so is the reason to ask
    wait_for(between, 0, 13)
    page.set_viewport_size({"width": 1440, "height": 900})
    wait_for(between, 1, 10)
    page.close()
    wait_for(between, 0, 13)


def test_the_meters_of_one_container_on_a_phone(watched: tuple[Desk, Proxy], context: BrowserContext) -> None:
    desk, between = watched
    desk.run("busy", "alpine", "sh", "-c", "while :; do :; done")
    page = desk.open(context, "containers/busy/")
    page.wait_for_function("document.querySelector('[data-usage-one]') !== null")
    assert between.open_to("/stats") == 0  # a wide screen has no place for them
    page.set_viewport_size({"width": 390, "height": 844})
    meters = page.locator("[data-usage-one]")
    expect(meters.locator("[data-use-of=cpu]")).to_have_text(FIGURE, timeout=LONG)
    expect(meters.locator("[data-use-of=memory]")).to_have_text(MEMORY)
    expect(meters.locator(".l").first).to_have_attribute("d", re.compile(r"^M[\d.]+ [\d.]+L"), timeout=LONG)
    desk.engine.docker("kill", "busy")
    expect(meters).to_have_count(0, timeout=LONG)
    wait_for(between, 0, 13)


def test_the_top_consumers(watched: tuple[Desk, Proxy], context: BrowserContext) -> None:
    desk, between = watched
    desk.run("busy", "alpine", "sh", "-c", "while :; do :; done")
    for number in range(6):
        desk.run(f"idle-{number}", "alpine", "sleep", "600")
    desk.sign_in(context)
    page = context.new_page()
    page.goto(f"{desk.url}/")
    rows = page.locator("#top-consumers tbody tr:visible")
    expect(rows).to_have_count(7, timeout=LONG)
    expect(rows.first).to_contain_text("busy")
    expect(rows.first.locator("[data-use-of=memory] span").first).to_have_text(MEMORY)
    expect(rows.first.get_by_role("img", name="running")).to_be_visible()
    for line in rows.first.locator(".spark .l").all():  # of two samples at least
        expect(line).to_have_attribute("d", re.compile(r"^M[\d.]+ [\d.]+L"), timeout=LONG)
    page.reload()  # what was seen before is known at once
    expect(rows.first.locator(".spark .l").first).to_have_attribute("d", re.compile(r"^M[\d.]+ [\d.]+L"), timeout=LONG)
    for name, head in (("Memory", "CPU"), ("Network", "Network")):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
        expect(page.locator("[data-use-head]")).to_have_text(head)
    expect(rows.first.locator("[data-use-of=rate]")).to_have_text(re.compile(r"B/s$"))
    rows.filter(has_text="busy").get_by_role("link").first.click()
    page.wait_for_url("**/containers/busy/")
    wait_for(between, 0, 13)
