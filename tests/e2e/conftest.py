"""A real browser for the end-to-end tests: Debian's chromium, one for the run, a fresh profile for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.desk import Desk
from tests.engines import PrivateEngine
from tools import frontend
from tools.screenshots import CHROMIUM, FLAGS, RECORDER

expect.set_options(timeout=15_000)  # ms: three browsers and their engines share two cores


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, with the front end built."""
    assert frontend.main() == 0
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile at 1440x900. The test fails when a page of it broke the policy or its script failed."""
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    made.add_init_script(RECORDER)
    problems: list[str] = []
    made.on("weberror", lambda error: problems.append(str(error.error)))
    yield made
    for page in made.pages:
        problems += page.evaluate("window.__violations ?? []")
    made.close()
    assert problems == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab."""
    return context.new_page()


@pytest.fixture(scope="session")
def session_desk(browser: Browser, engine: PrivateEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One console for the run, in front of the engine of the run. Tests use ``desk``."""
    running = Desk(tmp_path_factory.mktemp("desk") / "data", engine)
    yield running
    running.end()


@pytest.fixture
def desk(session_desk: Desk, clean_engine: PrivateEngine) -> Desk:
    """The console of the run in front of a clean engine: ``desk.run("web", "nginx")``, ``desk.open(context, path)``."""
    return session_desk
