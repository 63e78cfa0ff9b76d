"""Take pictures of pages in light, dark and on a phone, and report what is wrong with them.

    python tools/screenshots.py http://127.0.0.1:8000 out/ / /e/local/containers --user admin --password …
    python tools/screenshots.py … vi=/e/local/containers/web/terminal --settle 2 --type 'vi /etc/passwd'

Signs in when --user is given. Prints, for each page and variant: CSP violations, console errors, failed requests, and
parts that stick out sideways at 390 px. Ends with status 1 when there were any. Needs Debian's chromium.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Records what the policy refused, from before the page's own scripts run.
RECORDER: Final = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (e) =>
  window.__violations.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile ?? ""}:${e.lineNumber ?? ""}`));
"""
# Elements wider than the window that nothing scrolls sideways.
OVERFLOW: Final = """() => {
  const width = document.documentElement.clientWidth, out = [];
  for (const el of document.querySelectorAll("body *")) {
    const box = el.getBoundingClientRect();
    if (!box.width || box.right <= width + 1) continue;
    let p = el, scrolls = false;
    while (!scrolls && (p = p.parentElement)) scrolls = /(auto|scroll|hidden|clip)/.test(getComputedStyle(p).overflowX);
    if (!scrolls) out.push(`${el.tagName.toLowerCase()}.${el.getAttribute("class") ?? ""} ${Math.round(box.right)} px`);
  }
  const main = document.querySelector(".main");
  if (main && main.scrollWidth > main.clientWidth + 1) out.push(`main scrolls sideways: ${main.scrollWidth} px`);
  return out.slice(0, 8);
}"""


@dataclass(frozen=True)
class Variant:
    """One way to look at a page."""

    name: str
    theme: str
    size: ViewportSize


VARIANTS: Final = (
    Variant("light", "light", {"width": 1440, "height": 900}),
    Variant("dark", "dark", {"width": 1440, "height": 900}),
    Variant("mobile", "light", {"width": 390, "height": 844}),
)


def sign_in(page: Page, base: str, user: str, password: str) -> None:
    """Sign in through the form. Raises SystemExit when the console refuses."""
    page.goto(f"{base}/login")
    page.fill("[name=login]", user)
    page.fill("[name=password]", password)
    page.click("main form button")
    page.wait_for_load_state()
    if "/login" in page.url:
        raise SystemExit(f"Could not sign in as {user}.")


def open_context(browser: Browser, variant: Variant) -> BrowserContext:
    """A fresh browser profile for one variant."""
    context = browser.new_context(
        viewport=variant.size,
        color_scheme="dark" if variant.theme == "dark" else "light",
        has_touch=variant.name == "mobile",
        reduced_motion="reduce",
    )
    context.add_init_script(RECORDER)
    return context


def shoot(
    page: Page, url: str, variant: Variant, target: Path, settle: float, clicks: list[str], lines: list[str]
) -> list[str]:
    """Take one picture; returns what was wrong."""
    problems: list[str] = []
    page.on("console", lambda m: problems.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda e: problems.append(f"script: {e}"))
    page.on("requestfailed", lambda r: problems.append(f"request: {r.url} {r.failure}"))
    answer = page.goto(url)
    if answer is None or answer.status >= 500:
        problems.append(f"status {answer.status if answer else 'none'}")
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", variant.theme)
    page.wait_for_timeout(settle * 1000)
    for selector in clicks:
        page.click(selector)
        page.wait_for_timeout(400)
    for line in lines:
        page.keyboard.type(f"{line}\n")
        page.wait_for_timeout(settle * 1000)
    page.screenshot(path=str(target))
    problems += [f"csp: {line}" for line in page.evaluate("window.__violations")]
    if variant.name == "mobile":
        problems += [f"overflow: {line}" for line in page.evaluate(OVERFLOW)]
    return problems


def main() -> int:
    """Returns 1 when a page had a problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="address of the console")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("paths", nargs="+", help="paths of pages; name=path to choose the picture's name")
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    parser.add_argument("--variant", action="append", choices=[v.name for v in VARIANTS], help="only these")
    parser.add_argument("--click", action="append", default=[], help="selectors to click before the picture")
    parser.add_argument("--type", action="append", default=[], help="lines to type, as into a terminal")
    parser.add_argument("--settle", type=float, default=0.6, help="seconds to wait after the page has loaded")
    options = parser.parse_args()
    base: str = options.base.rstrip("/")
    options.out.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for variant in VARIANTS:
            if options.variant and variant.name not in options.variant:
                continue
            context = open_context(browser, variant)
            if options.user:
                sign_in(context.new_page(), base, options.user, options.password)
            for given in options.paths:
                name, equals, path = given.partition("=")
                if not equals or "/" in name:
                    name, path = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-") or "index", given
                page = context.new_page()
                target = options.out / f"{name}.{variant.name}.png"
                problems = shoot(page, base + path, variant, target, options.settle, options.click, options.type)
                page.close()
                wrong += len(problems)
                print(f"{target.name}: {'ok' if not problems else ''}")
                for problem in problems:
                    print(f"  {problem}")
            context.close()
        browser.close()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
