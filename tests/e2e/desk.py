"""A console in front of the engine of the run, as a person would start it, for tests in a real browser."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests import leavings
from tests.console_process import Console
from tests.engines import PrivateEngine

PASSWORD = "correct horse battery"
MIRRORED_WITHIN = 15.0  # seconds


class Desk:
    """A running console, its data folder, and its admin's way in.

    ``engine`` is the engine it shows; ``slug`` is that engine's name in addresses.
    """

    def __init__(self, data: Path, engine: PrivateEngine, environment: Mapping[str, str] | None = None) -> None:
        self.engine = engine
        self.data = data
        self._environment = {"DOCKER_HOST": engine.url, "QUARTERDECK_ADMIN_PASSWORD": PASSWORD, **(environment or {})}
        self._port = "0"
        self._cookies: Any = None
        self.console = self._start()
        self.slug = str(self.row("SELECT slug FROM console_engine"))

    def _start(self) -> Console:
        console = Console(self.data, {**self._environment, "PORT": self._port})
        self.url = console.wait_ready()
        """Where it listens; stays the same over a restart."""
        self._port = self.url.rpartition(":")[2]
        return console

    def at(self, path: str) -> str:
        """The address of a page of the engine: ``at("containers/web/logs")``."""
        return f"{self.url}/e/{self.slug}/{path}"

    def restart(self) -> None:
        """End the console and start it again with the same data at the same port."""
        self.console.end()
        self.console = self._start()

    def end(self) -> None:
        """End the console; fails when it wrote a traceback, or leaves files that no operation needs."""
        self.console.end()
        assert "Traceback" not in self.console.output, self.console.output
        leavings.check_data(self.data)

    def row(self, query: str, *values: Any) -> Any:
        """The first column of the first row that the console's database has for a query; None without one."""
        with closing(
            sqlite3.connect(f"file:{self.data}/quarterdeck.sqlite3?mode=ro", uri=True, timeout=10)
        ) as database:
            found = database.execute(query, values).fetchone()
        return found[0] if found else None

    def mirrored(self, name: str) -> str:
        """Wait until the console knows a container by this name; its id."""
        deadline = time.monotonic() + MIRRORED_WITHIN
        while time.monotonic() < deadline:
            found = self.row("SELECT container_id FROM console_container WHERE name = ?", name)
            if found:
                return str(found)
            time.sleep(0.05)
        raise AssertionError(f"{name} is not in the mirror after {MIRRORED_WITHIN} s\n{self.console.output}")

    def run(self, name: str, *arguments: str) -> str:
        """``docker run -d --name`` on the engine, then wait until it is in the mirror; its id."""
        self.engine.docker("run", "-d", "--name", name, *arguments)
        return self.mirrored(name)

    def sign_in(self, context: BrowserContext) -> None:
        """Make ``context`` the admin's: through the sign-in page the first time, with its cookies afterwards."""
        if self._cookies is None:
            page = context.new_page()
            page.goto(f"{self.url}/login?next=/e/{self.slug}/containers")
            page.locator("[name=login]").fill("admin")
            page.locator("[name=password]").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/containers")
            self._cookies = context.cookies()
            page.close()
        context.add_cookies(self._cookies)

    def open(self, context: BrowserContext, path: str) -> Page:
        """A tab of the signed-in admin at a page of the engine."""
        self.sign_in(context)
        page = context.new_page()
        page.goto(self.at(path))
        return page
