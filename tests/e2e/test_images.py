"""Pulling in the browser over a slow link: rows move, a reload and a second person see them; cancel; tag, rm."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect

from tests.e2e.desk import Desk
from tests.engines import EngineFactory, PrivateEngine

LONG = 30_000  # ms


@pytest.fixture
def shop(new_engine: EngineFactory) -> tuple[PrivateEngine, str]:
    """An engine and its registry, which has layers:8."""
    made = new_engine(load=("busybox", "layers"))
    server = made.start_registry("layers:8")
    made.docker("image", "rm", "layers:8")
    return made, server


@pytest.fixture
def counter(browser: Browser, shop: tuple[PrivateEngine, str], tmp_path: Path) -> Iterator[Desk]:
    """A console in front of it."""
    desk = Desk(tmp_path / "data", shop[0])
    yield desk
    desk.end()


def ask(page: Page, reference: str) -> None:
    """Fill in the dialog of a pull and send it."""
    dialog = page.locator("div.dialog")
    dialog.get_by_label("Image").fill(reference)
    dialog.get_by_role("button", name="Pull", exact=True).click()


def values(page: Page) -> list[str]:
    """What the bars of the layers stand at."""
    return [str(bar.get_attribute("value")) for bar in page.locator("#pull-layers progress").all()]


def moved(page: Page) -> None:
    """Wait until the bars show something else than now."""
    before = values(page)
    bars = "[...document.querySelectorAll('#pull-layers progress')].map(bar => bar.getAttribute('value'))"
    page.wait_for_function(f"before => JSON.stringify({bars}) !== JSON.stringify(before)", arg=before, timeout=LONG)


def test_a_pull_from_dialog_to_digest(
    counter: Desk, shop: tuple[PrivateEngine, str], context: BrowserContext, browser: Browser
) -> None:
    engine, server = shop
    reference = f"{server}/library/layers:8"
    engine.slow_down(16)
    page = counter.open(context, "images")
    page.get_by_role("link", name="Pull image…").click()
    ask(page, "Not An Image")
    expect(page.locator("div.dialog")).to_contain_text("A repository is lower case")
    page.locator("div.dialog").get_by_label("Image").fill(reference)
    expect(page.locator("#dialog-command")).to_contain_text(f"docker image pull {reference}")
    ask(page, reference)
    page.wait_for_url(re.compile(r"/operations/[0-9a-f-]{36}$"))
    expect(page.locator("#pull-layers progress")).to_have_count(9, timeout=LONG)
    moved(page)
    page.reload()
    expect(page.locator("#pull-layers progress")).to_have_count(9)
    moved(page)
    other = browser.new_context()
    counter.sign_in(other)
    second = other.new_page()
    second.goto(page.url)
    expect(second.locator("#pull-layers progress")).to_have_count(9)
    moved(second)
    second.locator(".head").get_by_role("button", name=re.compile("^Cancel")).click()
    expect(page.locator("main")).to_contain_text("It was cancelled by admin.", timeout=LONG)
    expect(page.locator("main")).to_contain_text("No image was changed")
    other.close()
    assert reference not in engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    engine.slow_down(1000)
    page.locator(".head").get_by_role("button", name="Try again").click()
    expect(page.locator("main")).to_contain_text("pulled, sha256:", timeout=LONG)
    digest = engine.docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", reference)
    expect(page.locator("main")).to_contain_text(f"docker image pull {digest}")


def test_tag_and_remove(counter: Desk, shop: tuple[PrivateEngine, str], context: BrowserContext) -> None:
    engine, _ = shop
    page = counter.open(context, "images")
    page.locator("a.name", has_text="busybox").first.click()
    page.get_by_role("link", name="Tag…").click()
    dialog = page.locator("div.dialog")
    dialog.get_by_label("New name").fill("shop/base:1")
    dialog.get_by_role("button", name="Tag", exact=True).click()
    expect(page.locator("main")).to_contain_text("tagged as shop/base:1", timeout=LONG)
    assert "shop/base:1" in engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    page.get_by_role("link", name=re.compile("^Open ")).click()
    expect(page.locator("#head")).to_contain_text("shop/base:1", timeout=LONG)
    page.get_by_role("link", name="Remove…").click()
    dialog.get_by_label("busybox:latest").uncheck()
    expect(dialog.locator("#dialog-command")).to_contain_text("docker image rm shop/base:1")
    dialog.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator("main")).to_contain_text("untagged: shop/base:1", timeout=LONG)
    assert "shop/base:1" not in engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")


def test_build_shows_its_failing_step_and_the_good_one_can_be_run(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    page = desk.open(context, "images")
    page.get_by_role("link", name="Build…").click()
    page.get_by_label("Name and tag").fill("shop/hello:1")
    page.get_by_label("Dockerfile").first.fill("FROM busybox\nRUN echo before; exit 4\nCMD echo hello\n")
    page.get_by_role("button", name="Build", exact=True).click()
    expect(page.locator("main")).to_contain_text("Step 2 of 3 failed.", timeout=LONG)
    expect(page.locator("#build-steps")).to_contain_text("before")
    expect(page.locator("#build-steps li").nth(1).get_by_role("img", name="failed")).to_be_visible()
    page.goto(desk.at("images/build"))
    page.get_by_label("Name and tag").fill("shop/hello:1")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("Dockerfile", "FROM busybox\nCOPY hello /\nCMD cat /hello\n")
        archive.writestr("hello", "hello")
        archive.writestr("ballast", bytes(5 * 1024 * 1024))  # more than a request takes
    file: FilePayload = {"name": "site.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
    page.get_by_label("Context").set_input_files(file)
    page.get_by_role("button", name="Build", exact=True).click()
    expect(page.locator("main")).to_contain_text("built, sha256:", timeout=LONG)
    expect(page.get_by_role("link", name="Open shop/hello:1")).to_be_visible(timeout=LONG)
    assert clean_engine.docker("run", "--rm", "shop/hello:1") == "hello"
    page.get_by_role("link", name="Run it…").click()
    expect(page.locator("main")).to_contain_text("shop/hello:1")
