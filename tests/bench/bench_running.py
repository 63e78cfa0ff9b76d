"""100 running containers: what the console costs when nobody looks, its starts, and events until a browser shows them.

``python -m tests.bench.bench_running``. Events are timed by the engine (``timeNano``), rows by the page itself, on the
same clock of the same machine.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.bench import table
from tests.bench.stand import Stand, docker_command, percentile, stand
from tests.console_process import Console
from tests.engines import PrivateEngine, start_engine
from tools import frontend
from tools.engines import api
from tools.screenshots import CHROMIUM, FLAGS

RUNNING = int(os.environ.get("QD_BENCH_RUNNING", "100"))
SAMPLES = int(os.environ.get("QD_BENCH_SAMPLES", "120"))
IDLE = 30.0  # seconds
STORM = 800  # events
# Notes when the row of a container says that it is paused or not. A timer of the page would be too coarse.
WATCH = """id => {
  const says = () => document.getElementById(`c-${id}`)?.textContent.includes("paused");
  window.__seen ??= {};
  const seen = window.__seen[id] = [];
  let last = says();
  new MutationObserver(() => {
    const now = says();
    if (now === last || now === undefined) return;
    last = now;
    seen.push([performance.timeOrigin + performance.now(), now]);
  }).observe(document.getElementById("container-table"), { subtree: true, childList: true, characterData: true });
}"""


def run_containers(private: PrivateEngine, count: int) -> list[str]:
    """Running sleepers; their ids."""

    def one(number: int) -> str:
        return private.docker("run", "-d", "--network", "none", "--name", f"bench-{number}", "alpine", "sleep", "1d")

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(count)))


def idle(console: Stand) -> list[table.Value]:
    """Memory and processor time with nobody looking; the engine's log tells that no statistics were asked for."""
    time.sleep(5)
    at, began, used = console.log_size(), time.monotonic(), console.cpu()
    time.sleep(IDLE)
    share = (console.cpu() - used) / (time.monotonic() - began)
    assert console.calls("", at), "the engine does not log what is asked"
    assert not console.calls("/stats", at) + console.calls("/logs", at)
    return [
        table.Value(f"idle, {RUNNING} running: memory", f"{console.rss() / 1e6:.0f} MB", "< 100 MB"),
        table.Value(f"idle, {RUNNING} running: processor", f"{share:.2%} of a core", "< 1 %"),
    ]


def starts(console: Stand, rounds: int = 5) -> list[table.Value]:
    """From the start of the process to the first page, with data and without."""

    def page_after(data: Path, path: str) -> float:
        began = time.monotonic()
        with Console(data, {"DOCKER_HOST": console.engine.url}) as started:
            status, _ = started.get(path)
            assert status == 200
            return time.monotonic() - began

    console.console.end()
    second = [page_after(console.data, "/login") for _ in range(rounds)]
    first = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
            first.append(page_after(Path(folder), "/login"))
    console.console = Console(console.data, {"DOCKER_HOST": console.engine.url})
    console.console.wait_ready()
    return [
        table.Value("start to first page", f"{percentile(second, 0.5):.2f} s", "< 2 s"),
        table.Value("start with empty data to first page", f"{percentile(first, 0.5):.2f} s"),
    ]


def toggle(private: PrivateEngine, container: str, paused: bool) -> None:
    """Pause or unpause. In a hurry the engine confuses itself about what it has just done, and refuses."""
    with suppress(api.Refused):
        private.call("POST", f"/containers/{container}/{'pause' if paused else 'unpause'}")


class Events:
    """What the engine says of pauses, as it says it: it remembers 256 events only."""

    def __init__(self, private: PrivateEngine) -> None:
        command, environment = docker_command(
            private, "events", "--format", "{{json .}}", "--filter", "event=pause", "--filter", "event=unpause"
        )
        self._told: list[dict[str, Any]] = []
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        time.sleep(1)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._told.append(json.loads(line))

    def of(self, container: str) -> list[tuple[float, bool]]:
        """When a container was paused (True) and unpaused, in milliseconds; what changes nothing is left out."""
        found = [(e["timeNano"] / 1e6, e["Action"] == "pause") for e in self._told if e["Actor"]["ID"] == container]
        return [one for number, one in enumerate(found) if not number or found[number - 1][1] != one[1]]

    def __len__(self) -> int:
        return len(self._told)

    def close(self) -> None:
        """End the command."""
        self._process.terminate()
        self._process.wait(10)
        self._thread.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


def seen(page: Page, container: str) -> list[list[Any]]:
    """What the page noted of a container's row."""
    found: list[list[Any]] = page.evaluate("id => window.__seen[id]", container[:12])
    return found


def shown(page: Page, container: str, paused: bool) -> None:
    """Wait until the row says so."""
    page.wait_for_function(
        "([id, paused]) => document.getElementById(`c-${id}`)?.textContent.includes('paused') === paused",
        arg=[container[:12], paused],
    )


def delays(page: Page, events: Events, container: str) -> list[float]:
    """Milliseconds from each event to the first look of the row that shows it."""
    rows, found = seen(page, container), []
    for event, paused in events.of(container):
        after = [row for row, says in rows if row >= event and says == paused]
        assert after, (event, paused)
        found.append(after[0] - event)
    return found


def changes(page: Page, private: PrivateEngine, container: str, samples: int) -> list[float]:
    """Milliseconds from the event to the row, for one container that is paused and unpaused on a quiet engine."""
    page.evaluate(WATCH, container[:12])
    with closing(Events(private)) as events:
        for number in range(samples):
            toggle(private, container, number % 2 == 0)
            shown(page, container, number % 2 == 0)
            time.sleep(0.3 * random.random())
    found = delays(page, events, container)
    assert len(found) == samples
    return found


def storm(page: Page, private: PrivateEngine, containers: list[str]) -> tuple[list[float], list[float], float]:
    """800 events of 40 containers, and one more container that is measured meanwhile.

    Milliseconds from the event to the row for that one; for the others from their last event; seconds of the storm.
    """
    probe, others = containers[0], containers[1:41]
    for container in others:
        page.evaluate(WATCH, container[:12])
    page.evaluate(WATCH, probe[:12])

    def rage(container: str) -> None:
        for number in range(STORM // len(others)):
            toggle(private, container, number % 2 == 0)
        while private.get(f"/containers/{container}/json")["State"]["Paused"]:
            toggle(private, container, False)

    began = time.time()
    with closing(Events(private)) as events, ThreadPoolExecutor(8) as pool:
        raging = [pool.submit(rage, container) for container in others]
        count = 0
        while not all(task.done() for task in raging) or count % 2:
            toggle(private, probe, count % 2 == 0)
            shown(page, probe, count % 2 == 0)
            count += 1
        for task in raging:
            task.result()
        took = time.time() - began
        for container in others:
            shown(page, container, False)
    assert len(events) > STORM * 0.9
    last = []
    for container in others:
        noted, told = seen(page, container), events.of(container)
        assert told[-1][1] is False
        if noted:  # else nothing of it was ever seen: all of its changes fell into one look
            assert noted[-1][1] is False
            last.append(max(0.0, noted[-1][0] - told[-1][0]))
    return delays(page, events, probe), last, took


def live(console: Stand, containers: list[str]) -> list[table.Value]:
    """Events until the row in a real browser has changed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": "quarterdeck", "value": console.sessions[0], "url": console.console.url}])
        page = context.new_page()
        page.goto(f"{console.console.url}/e/{console.slug}/containers?show=running")
        page.wait_for_function("n => document.querySelectorAll('tr[id^=c-]').length === n", arg=RUNNING)
        time.sleep(2)
        changes(page, console.engine, containers[0], 10)
        quiet = changes(page, console.engine, containers[0], SAMPLES)
        raging, last, took = storm(page, console.engine, containers)
        browser.close()
    return [
        table.Value(f"event to changed row, p50 of {len(quiet)}", f"{percentile(quiet, 0.5):.0f} ms"),
        table.Value("event to changed row, p99", f"{percentile(quiet, 0.99):.0f} ms", "< 50 ms"),
        table.Value(
            f"the same, {STORM} events in {took:.1f} s: p50 of {len(raging)}", f"{percentile(raging, 0.5):.0f} ms"
        ),
        table.Value(f"the same, p99 of {len(raging)}", f"{percentile(raging, 0.99):.0f} ms", "< 500 ms"),
        table.Value(f"last events of the storm, slowest of {len(last)} rows", f"{max(last):.0f} ms", "nothing missed"),
    ]


def main() -> int:
    """Start an engine and a console, measure, print the table."""
    assert frontend.main() == 0
    private = start_engine(load=("alpine",), flags=["--debug"])
    try:
        containers = run_containers(private, RUNNING)
        with stand(private) as console:
            console.until("SELECT COUNT(*) FROM console_container WHERE state = 'running'", RUNNING)
            lines = idle(console) + starts(console) + live(console, containers)
    finally:
        private.stop()
    table.show_values(f"{RUNNING} running containers", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
