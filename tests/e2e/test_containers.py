"""Containers in a real browser, in front of a real engine: the list follows it; inspect folds and finds."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.console_process import Console
from tests.engines import PrivateEngine

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def console(engine: PrivateEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console in front of the run's engine."""
    engine.clean()
    settings = {"DOCKER_HOST": engine.url, "QUARTERDECK_ADMIN_PASSWORD": PASSWORD}
    with Console(tmp_path_factory.mktemp("containers"), settings) as running:
        yield running
    engine.clean()
    assert "Traceback" not in running.output


@pytest.fixture
def page(context: BrowserContext, console: Console, engine: PrivateEngine) -> Page:
    """A tab, signed in, on the list of containers of an engine that has none."""
    engine.clean()
    made = context.new_page()
    made.goto(f"{console.url}/login")
    made.fill("[name=login]", "admin")
    made.fill("[name=password]", PASSWORD)
    made.click("main form button")
    made.wait_for_load_state()
    made.click('.nav a[data-go="containers"]')
    expect(made.locator("h1")).to_have_text("Containers")
    return made


def test_the_list_follows_the_engine(page: Page, engine: PrivateEngine) -> None:
    engine.docker("run", "--detach", "--name", "first", "--publish", "8088:80", "nginx")
    first = page.locator('tr[data-name="first"]')
    expect(first).to_contain_text("Up ")
    expect(first.locator('a[href$=":8088"]')).to_have_text("8088→80")
    engine.docker("run", "--detach", "--name", "second", "--label", "com.docker.compose.project=shop", "nginx")
    expect(page.locator("tbody", has_text="shop").locator('tr[data-name="second"]')).to_be_visible()
    expect(page.locator("tbody", has_text="shop").locator(".grp")).to_contain_text("1/1 running")
    engine.docker("pause", "second")
    expect(page.locator('tr[data-name="second"]')).to_contain_text(", paused")
    engine.docker("rename", "second", "third")
    expect(page.locator('tr[data-name="third"]')).to_be_visible()
    expect(page.locator('tr[data-name="second"]')).to_have_count(0)
    expect(page.locator("#n-containers")).to_have_text("2", timeout=20_000)
    engine.docker("rm", "--force", "third")
    expect(page.locator('tr[data-name="third"]')).to_have_count(0)
    expect(page.locator("#n-containers")).to_have_text("1", timeout=20_000)


def test_a_removed_row_says_so_before_it_leaves(page: Page, engine: PrivateEngine) -> None:
    """One of four: a list that is read again as a whole, as after a lost hint on a busy machine, marks nothing."""
    names = [f"box-{number}" for number in range(6)]
    for name in names:
        engine.docker("run", "--detach", "--name", name, "alpine", "sleep", "600")
    for name in names:
        expect(page.locator(f'tr[data-name="{name}"]')).to_contain_text("Up ")
    for name in names[:4]:
        engine.docker("rm", "--force", name)
        page.wait_for_selector(f'tr[data-name="{name}"][data-gone], tbody:not(:has(tr[data-name="{name}"]))')
        if page.locator(f'tr[data-name="{name}"][data-gone]').count():
            break
    else:
        pytest.fail("no removed row was marked")
    expect(page.locator(f'tr[data-name="{name}"]')).to_have_count(0)
    expect(page.locator(f'tr[data-name="{names[5]}"]')).to_be_visible()


def test_the_filter_is_followed_by_the_socket(page: Page, engine: PrivateEngine) -> None:
    engine.docker("run", "--detach", "--name", "alpha", "alpine", "sleep", "600")
    engine.docker("run", "--detach", "--name", "beta", "alpine", "sleep", "600")
    expect(page.locator('tr[data-name="beta"]')).to_be_visible()
    with page.expect_websocket(lambda socket: "state" in socket.url):
        page.locator("[data-filter-text]").fill("state:running image:alpine")
    expect(page).to_have_url(re.compile(r"\?q=state%3Arunning"))
    expect(page.locator('tr[data-name="alpha"]')).to_be_visible()
    engine.docker("kill", "beta")
    expect(page.locator('tr[data-name="beta"]:not([data-gone])')).to_have_count(0)
    engine.docker("run", "--detach", "--name", "web-not-shown", "nginx")
    engine.docker("run", "--detach", "--name", "gamma", "alpine", "sleep", "600")
    expect(page.locator('tr[data-name="gamma"]')).to_be_visible()
    expect(page.locator('tr[data-name="web-not-shown"]')).to_have_count(0)
    page.locator("[data-filter-text]").fill("colour:red")
    expect(page.locator("#filter-error")).to_contain_text("Unknown key “colour”. Keys: name,")
    expect(page.locator("[data-filter-text]")).to_have_attribute("aria-invalid", "true")
    page.locator("[data-filter-text]").fill("gamma")
    expect(page.locator('tr[data-name="gamma"]')).to_be_visible()
    expect(page.locator("[data-filter-text]")).not_to_have_attribute("aria-invalid", "true")


def test_overview_and_reveal(page: Page, engine: PrivateEngine) -> None:
    engine.docker(
        *("run", "--detach", "--name", "secretive", "--env", "API_TOKEN=t0p-s3cret", "--env", "TZ=UTC"),
        *("--health-cmd", "echo fine", "--health-interval", "1s", "nginx"),
    )
    page.click('tr[data-name="secretive"] a.name')
    expect(page.locator(".head .tag")).to_have_text("healthy", timeout=10_000)
    expect(page.locator("#health")).to_contain_text("fine")
    expect(page.locator("main")).not_to_contain_text("t0p-s3cret")
    page.get_by_role("button", name="Reveal API_TOKEN").click()
    expect(page.locator(".secret .shown")).to_have_text("t0p-s3cret")
    engine.docker("stop", "--time", "0", "secretive")
    expect(page.locator(".head .tag")).to_have_text("exited")
    engine.docker("rm", "secretive")
    expect(page.locator("#object")).to_contain_text("secretive is gone")
    engine.docker("run", "--detach", "--name", "secretive", "alpine", "sleep", "600")
    expect(page.locator(".facts")).to_contain_text("alpine")


def test_inspect_folds_finds_and_copies(page: Page, engine: PrivateEngine) -> None:
    engine.docker("run", "--detach", "--name", "looked-at", "--env", "API_TOKEN=t0p-s3cret", "--memory", "64m", "nginx")
    page.locator('tr[data-name="looked-at"] a.name').click()
    page.get_by_role("link", name="Inspect").click()
    lines = page.locator(".src > li:visible")
    expect(page.locator(".src")).to_contain_text("API_TOKEN=***")
    before = lines.count()
    state = page.locator(".src > li", has_text='"State": {')
    state.get_by_role("button").click()
    expect(state).to_contain_text("keys }")
    assert lines.count() < before
    page.get_by_label("Search in JSON").fill("oomkilled")
    expect(page.locator("[data-json-count]")).to_have_text("1 of 1")
    expect(page.locator("mark.cur")).to_be_visible()
    assert lines.count() == before
    page.get_by_label("Search in JSON").fill("memoryswap")
    expect(page.locator("[data-json-count]")).to_have_text("1 of 2")
    page.get_by_role("button", name="Next match").click()
    expect(page.locator("[data-json-count]")).to_have_text("2 of 2")
    page.get_by_role("button", name="Fold all").click()
    assert lines.count() < 40
    page.get_by_role("button", name="Unfold all").click()
    assert lines.count() == before
    page.get_by_label("Filter fields").fill("memory")
    expect(page.locator("#groups section:visible")).to_have_count(2)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("main")).not_to_contain_text("t0p-s3cret")
    assert '"API_TOKEN=***"' in page.evaluate("navigator.clipboard.readText()")
