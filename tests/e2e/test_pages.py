"""Lists, dashboard, events and the engine's page in a real browser: they follow the engine by themselves."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, expect

from tests.e2e.desk import Desk
from tests.engines import PrivateEngine

# What the socket says after a hint was lost: read the list again.
RESYNC = """() => document.dispatchEvent(
  new CustomEvent("htmx:ws:before:message:incoming", { detail: { message: { data: '{"resync":true}' } } }))"""


def test_lists_follow_the_engine(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    images, networks, volumes = (desk.open(context, kind) for kind in ("images", "networks", "volumes"))
    images.locator("[data-filter-text]").fill("follow")
    expect(images.get_by_text("No image matches")).to_be_visible()
    clean_engine.docker("image", "tag", "alpine", "follow:me")
    row = images.get_by_role("row").filter(has_text="follow:me")
    expect(row).to_have_count(0)  # the first tag names the row: alpine
    expect(images.get_by_role("row").filter(has_text="alpine")).to_contain_text("me")
    clean_engine.docker("network", "create", "follow-net")
    expect(networks.get_by_role("row").filter(has_text="follow-net")).to_be_visible()
    clean_engine.docker("volume", "create", "follow-volume")
    unused = volumes.get_by_role("row").filter(has_text="follow-volume")
    expect(unused).to_contain_text("no container")
    desk.run("user", "-v", "follow-volume:/data", "--network", "follow-net", "alpine", "sleep", "600")
    expect(unused).to_contain_text("user")
    expect(networks.get_by_role("row").filter(has_text="follow-net").get_by_role("cell").last).to_have_text("1")
    clean_engine.docker("container", "rm", "--force", "user")
    clean_engine.docker("volume", "rm", "follow-volume")
    expect(volumes.get_by_role("row").filter(has_text="follow-volume")).to_have_count(0)


def test_the_page_of_a_volume_says_that_it_went(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("volume", "create", "short")
    volumes = desk.open(context, "volumes")
    volumes.get_by_role("link", name="short").click()
    expect(volumes.get_by_role("heading", level=1)).to_have_text("short")
    expect(volumes.get_by_text("No container uses it")).to_be_visible()
    volumes.get_by_role("link", name="Measure").click()
    expect(volumes.get_by_text("measured just now")).to_be_visible()
    clean_engine.docker("volume", "rm", "short")
    expect(volumes.get_by_text("This volume is gone")).to_be_visible()


def test_events_wait_under_the_pointer(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    clean_engine.docker("volume", "create", "held-first")
    events = desk.open(context, "")
    events.goto(f"{desk.url}/events")
    first = events.get_by_role("row", name="create held-first").first
    expect(first).to_contain_text("outside the console")
    first.hover()
    foot, pill = events.locator("#fresh"), events.locator("[data-newer]")
    events.evaluate(RESYNC)
    expect(foot).to_contain_text("Paused while the pointer is on the list · 1 waiting")
    expect(pill).to_be_hidden()  # no row of it is new
    clean_engine.docker("volume", "create", "held-second")
    expect(pill).to_have_text("▲ 1 new")
    expect(foot).to_contain_text("Paused while the pointer is on the list · 1 waiting")
    second, third = (events.get_by_role("row", name=f"create {name}") for name in ("held-second", "held-third"))
    expect(second).to_have_count(0)
    events.get_by_role("heading", level=1).hover()
    expect(second).to_be_visible()
    expect(foot).to_contain_text("Live")
    first.hover()
    clean_engine.docker("volume", "create", "held-third")
    expect(pill).to_have_text("▲ 1 new")
    pill.hover()  # as it may be by itself, for it comes up over the list
    clean_engine.docker("volume", "create", "held-fourth")
    expect(pill).to_have_text("▲ 2 new")
    expect(third).to_have_count(0)
    pill.click()
    expect(third).to_be_visible()
    expect(pill).to_be_hidden()


def test_events_wait_while_one_reads_further_down(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    for number in range(60):
        clean_engine.docker("volume", "create", f"old-{number}")
    events = desk.open(context, "")
    events.goto(f"{desk.url}/events?fold=0")
    expect(events.get_by_role("row", name="create old-59")).to_be_visible(timeout=10_000)
    expect(events.locator("#fresh")).to_contain_text("Live")
    pill = events.locator("[data-newer]")
    expect(pill).to_be_hidden()
    events.locator(".main").evaluate("(main) => main.scrollTo(0, 600)")
    place = "(() => document.querySelector('#event-table tr:nth-child(30)').getBoundingClientRect().top)()"
    before = events.evaluate(place)
    for number in range(3):
        clean_engine.docker("volume", "create", f"new-{number}")
    expect(pill).to_have_text("▲ 3 new")
    expect(events.locator("#fresh")).to_contain_text("you read further down")
    assert events.evaluate(place) == before
    pill.click()
    expect(events.get_by_role("row", name="create new-2")).to_be_visible()
    expect(pill).to_be_hidden()
    expect(events.locator("#fresh")).to_contain_text("Live")


def test_the_dashboard_raises_an_alarm(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    desk.sign_in(context)
    board = context.new_page()
    board.goto(f"{desk.url}/")
    expect(board.get_by_text("Nothing needs attention")).to_be_visible()
    desk.run("fragile", "alpine", "sh", "-c", "exit 3")
    expect(board.get_by_role("link", name="fragile failed")).to_be_visible()
    expect(board.get_by_role("link", name=re.compile("1 Failed"))).to_be_visible()
    desk.run("fine", "alpine", "true")
    expect(board.get_by_role("link", name=re.compile("1 Completed"))).to_be_visible()
    expect(board.get_by_role("link", name="fine failed")).to_have_count(0)


def test_verify_in_the_page(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    desk.run("web", "nginx")
    about = desk.open(context, "")
    about.get_by_role("button", name="Verify mirror").click()
    expect(about.locator(".big")).to_contain_text("0 differences in", timeout=20_000)
    row = about.get_by_role("row").filter(has_text="Containers, every field of inspect")
    expect(row.get_by_role("cell")).to_have_text(["Containers, every field of inspect", "1", "1", "0"])
