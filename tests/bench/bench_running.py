"""100 running containers: what the console costs when nobody looks, its starts, and events until a browser shows them.

``python -m tests.bench.bench_running``. Events are timed by the engine (``timeNano``), rows by the page itself, on the
same clock of the same machine.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.bench import table
from tests.bench.stand import Stand, percentile, stand
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
    log = console.engine._engine.log
    at, began, used = log.stat().st_size, time.monotonic(), console.cpu()
    time.sleep(IDLE)
    share = (console.cpu() - used) / (time.monotonic() - began)
    with log.open(errors="replace") as opened:
        opened.seek(at)
        asked = [line for line in opened if "Calling " in line]
    assert asked, "the engine does not log what is asked"
    assert not [line for line in asked if "/stats" in line or "/logs" in line], asked
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


def event_times(private: PrivateEngine, container: str, since: float) -> list[tuple[float, bool]]:
    """When the engine says that it paused and unpaused a container, in milliseconds."""
    wanted = json.dumps({"container": [container], "event": ["pause", "unpause"]})
    target = f"/events?since={since:.3f}&until={time.time():.3f}&filters={wanted}".replace('"', "%22").replace(" ", "")
    events = map(json.loads, private.call("GET", target).decode().splitlines())
    found = [(event["timeNano"] / 1e6, event["Action"] == "pause") for event in events]
    return [one for number, one in enumerate(found) if not number or found[number - 1][1] != one[1]]


def seen(page: Page, container: str) -> list[list[Any]]:
    """What the page noted of a container's row."""
    found: list[list[Any]] = page.evaluate("id => window.__seen[id]", container[:12])
    return found


def changes(page: Page, private: PrivateEngine, container: str, samples: int, rest: float) -> list[float]:
    """Milliseconds from the event to the row, for one container that is paused and unpaused again and again."""
    page.evaluate(WATCH, container[:12])
    since = time.time()
    for number in range(samples):
        toggle(private, container, number % 2 == 0)
        page.wait_for_function("([id, n]) => window.__seen[id].length >= n", arg=[container[:12], number + 1])
        time.sleep(rest * random.random())
    rows, events = seen(page, container), event_times(private, container, since)
    assert [paused for _, paused in rows] == [paused for _, paused in events]
    return [row - event for (row, _), (event, _) in zip(rows, events, strict=True)]


def storm(page: Page, private: PrivateEngine, containers: list[str]) -> tuple[list[float], list[float], float]:
    """800 events of 40 containers, and one more container that is measured meanwhile.

    Milliseconds from the event to the row for that one; for the others from their last event; seconds of the storm.
    """
    probe, others = containers[0], containers[1:41]
    for container in others:
        page.evaluate(WATCH, container[:12])
    since = time.time()

    def rage(container: str) -> None:
        for number in range(STORM // len(others)):
            toggle(private, container, number % 2 == 0)
        while private.get(f"/containers/{container}/json")["State"]["Paused"]:
            toggle(private, container, False)

    with ThreadPoolExecutor(8) as pool:
        raging = [pool.submit(rage, container) for container in others]
        page.evaluate(WATCH, probe[:12])
        count = 0
        while not all(task.done() for task in raging):
            toggle(private, probe, count % 2 == 0)
            count += 1
            page.wait_for_function("([id, n]) => window.__seen[id].length >= n", arg=[probe[:12], count])
        for task in raging:
            task.result()
    took = time.time() - since
    if count % 2:
        toggle(private, probe, False)
        count += 1
    page.wait_for_function("([id, n]) => window.__seen[id].length >= n", arg=[probe[:12], count])
    page.wait_for_function(
        "ids => ids.every(id => !document.getElementById(`c-${id}`).textContent.includes('paused'))",
        arg=[container[:12] for container in others],
    )
    events = event_times(private, probe, since)
    rows = seen(page, probe)
    assert len(rows) == len(events) == count
    measured = [row - event for (row, _), (event, _) in zip(rows, events, strict=True)]
    last, total = [], 0
    for container in others:
        noted, told = seen(page, container), event_times(private, container, since)
        total += len(told)
        assert noted[-1][1] is told[-1][1] is False
        last.append(noted[-1][0] - told[-1][0])
    assert total > STORM * 0.9
    return measured, last, took


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
        changes(page, console.engine, containers[0], 10, 0.1)
        quiet = changes(page, console.engine, containers[0], SAMPLES, 0.2)
        raging, last, took = storm(page, console.engine, containers)
        browser.close()
    return [
        table.Value(f"event to changed row, p50 of {len(quiet)}", f"{percentile(quiet, 0.5):.0f} ms"),
        table.Value("event to changed row, p99", f"{percentile(quiet, 0.99):.0f} ms", "< 50 ms"),
        table.Value(
            f"the same, {STORM} events in {took:.1f} s: p50 of {len(raging)}", f"{percentile(raging, 0.5):.0f} ms"
        ),
        table.Value(f"the same, p99 of {len(raging)}", f"{percentile(raging, 0.99):.0f} ms", "< 500 ms"),
        table.Value("last events of the storm, slowest of 40 rows", f"{max(last):.0f} ms", "nothing missed"),
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
