"""Log pages in a real browser, against a real engine."""

from __future__ import annotations

import re
import subprocess
import time
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.desk import Desk
from tests.engines import PrivateEngine

TALKER = "while true; do echo to stdout; echo to stderr >&2; sleep 0.3; done"
LENGTHS = (16_383, 16_384, 16_385, 89_000, 2_000_000)
WRITER = (
    "line() { head -c $1 /dev/zero | tr '\\0' x; echo; }; "
    + "; ".join(f"line {length}" for length in LENGTHS)
    + r"; printf 'bad \377\376\n\r progress\r\n'; printf 'to err\n' >&2; printf 'no newline'"
)
# Everything the view has, from the top to the end: scrolls through and collects the text of the rows by their place.
ALL_ROWS = """async () => {
  const log = document.querySelector('.log'), found = new Map();
  log.scrollTop = 0;
  for (;;) {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    for (const row of log.querySelectorAll('li:not(.rule)'))
      found.set(row.qdEntry.order, row.querySelector('.m').textContent);
    if (log.scrollTop + log.clientHeight >= log.scrollHeight - 4) break;
    log.scrollTop += log.clientHeight * 0.8;
  }
  return [...found].sort(([a], [b]) => a - b).map(([, text]) => text);
}"""


def rows(page: Page) -> list[str]:
    """The text of every line that the view keeps."""
    found: list[str] = page.evaluate(ALL_ROWS)
    return found


def until(condition: Any, seconds: float = 20.0) -> None:
    """Wait for something that the browser shows."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.05)


def test_live_lines_with_both_streams_told_apart(desk: Desk, context: BrowserContext) -> None:
    desk.run("talker", "alpine", "sh", "-c", TALKER)
    page = desk.open(context, "containers/talker/logs")
    out, err = page.locator(".log [data-stream=stdout]"), page.locator(".log [data-stream=stderr]")
    expect(out.locator(".m").first).to_have_text("to stdout")
    expect(err.locator(".m").first).to_have_text("to stderr")
    looks = [one.first.locator("i").evaluate("(i) => getComputedStyle(i).backgroundImage") for one in (out, err)]
    assert looks[0] != looks[1]
    before = page.locator(".log li").count()
    until(lambda: page.locator(".log li").count() > before)
    expect(page.locator("#fresh")).to_contain_text("Following")
    page.get_by_role("button", name="stderr").click()
    expect(out).to_have_count(0)
    expect(err.first).to_be_visible()


def test_last_lines_without_script(desk: Desk, context: BrowserContext) -> None:
    desk.run("talker", "alpine", "sh", "-c", TALKER)
    page = desk.open(context, "containers/talker/logs?plain=1&stream=stderr")
    expect(page.locator("[data-stream=stderr] .m").first).to_have_text("to stderr")
    expect(page.locator("[data-stream=stdout]")).to_have_count(0)


def test_without_script_the_page_leads_to_the_plain_one(desk: Desk, browser: Any) -> None:
    desk.run("talker", "alpine", "sh", "-c", TALKER)
    context = browser.new_context(java_script_enabled=False)
    try:
        page = desk.open(context, "containers/talker/logs")
        expect(page.locator("[data-stream=stderr] .m").first).to_have_text("to stderr")
        assert page.url.endswith("plain=1")
    finally:
        context.close()


def test_a_console_that_restarts_loses_and_doubles_nothing(desk: Desk, context: BrowserContext) -> None:
    desk.run("count", "alpine", "sh", "-c", "i=0; while [ $i -lt 8000 ]; do echo $i; i=$((i+1)); usleep 1500; done")
    page = desk.open(context, "containers/count/logs?tail=20000")
    until(lambda: page.locator(".log li").count() > 20)
    for _ in range(2):
        desk.restart()
        time.sleep(2)
    until(lambda: "7999" in page.locator(".log li .m").all_inner_texts(), 60)
    assert rows(page) == [str(number) for number in range(8000)]
    expect(page.locator("#fresh")).to_contain_text("Following")


def test_a_dropped_line_loses_and_doubles_nothing(desk: Desk, context: BrowserContext) -> None:
    context.add_init_script(
        "const real = WebSocket; window.sockets = [];"
        "window.WebSocket = class extends real { constructor(...a) { super(...a); sockets.push(this); } };"
    )
    desk.run("count", "alpine", "sh", "-c", "i=0; while [ $i -lt 6000 ]; do echo $i; i=$((i+1)); usleep 1000; done")
    page = desk.open(context, "containers/count/logs?tail=20000")
    until(lambda: page.locator(".log li").count() > 20)
    for number in range(8):
        if number % 2:
            context.set_offline(True)
            time.sleep(0.3)
            context.set_offline(False)
        else:
            page.evaluate("sockets.filter((s) => s.url.includes('/logs')).forEach((s) => s.close())")
        time.sleep(0.6)
    until(lambda: "5999" in page.locator(".log li .m").all_inner_texts(), 60)
    assert rows(page) == [str(number) for number in range(6000)]
    assert page.evaluate("sockets.filter((s) => s.url.includes('after=')).length") >= 6


def test_many_lines_keep_the_document_small(desk: Desk, context: BrowserContext) -> None:
    desk.run("flood", "alpine", "sh", "-c", "seq 1 60000; sleep 2; seq 60001 90000; sleep 1000")
    page = desk.open(context, "containers/flood/logs?tail=20000")
    until(lambda: "90000" in page.locator(".log li .m").all_inner_texts(), 60)
    assert page.locator(".log li").count() < 140
    assert page.locator("*").count() < 1200
    client = context.new_cdp_session(page)

    def heap() -> float:
        client.send("HeapProfiler.collectGarbage")
        return float(client.send("Runtime.getHeapUsage")["usedSize"])

    before = heap()
    desk.engine.docker("exec", "flood", "sh", "-c", "seq 1 50000 > /proc/1/fd/1")
    until(lambda: "50000" in page.locator(".log li .m").all_inner_texts(), 60)
    assert heap() < before * 1.3 + 2e6
    assert page.evaluate("document.querySelector('.log').scrollHeight") < 20_200 * 18 + 1000
    page.keyboard.press("w")
    page.locator(".log").evaluate("(log) => log.scrollTo(0, 9000)")
    expect(page.locator(".follow")).to_be_visible()
    page.keyboard.press("End")
    expect(page.locator(".log li").last).to_contain_text("50000")
    expect(page.locator(".follow")).to_be_hidden()


def test_lines_of_any_length_are_shown(desk: Desk, context: BrowserContext) -> None:
    desk.run("writer", "alpine", "sh", "-c", f"{WRITER}; sleep 2; echo; line 300000; echo the end; sleep 1000")
    page = desk.open(context, "containers/writer/logs")
    expect(page.locator(".log .m", has_text="the end")).to_be_visible(timeout=20_000)
    lengths = page.evaluate(
        "[...document.querySelectorAll('.log li:not(.rule)')].map((row) => row.qdEntry.text.length)"
    )
    assert [length for length in lengths if length > 1000] == [*LENGTHS[:4], 1024 * 1024, 300_000]
    row = page.locator(".log li", has_text="more bytes, too long to keep")
    expect(row.locator(".m")).to_contain_text(f"{2_000_000 - 1024 * 1024:,} more bytes")
    assert page.evaluate("document.querySelector('.log').textContent.length") < 60_000
    page.locator(".fold").first.click()
    expect(page.locator(".log .m").nth(0)).to_have_text("x" * 16_383)


HOSTILE = r"""
printf '<script>window.hacked=1</script><img src=x onerror="window.hacked=2">\n'
printf '\033]52;c;aGFja2Vk\007clipboard\n'
printf '\033]0;hacked title\007title\n'
printf '\033P$q"p\033\\\033[c\033[6n\033[>q\033Z answers\n'
printf '\033[2J\033[10A\033[?1049h\033[8;1;1t moves\n'
printf 'abc\342\200\256gnp.exe\n'
printf 'nul\000\001\177end\n'
printf '\302\233 31m\302\235 52;c;aGFja2Vk\302\234 eight bit\n'
printf '\377\376 no utf\n'
printf '\033]8;;javascript:window.hacked=3\033\\link\033]8;;\033\\\n'
printf ' 10%%\r 50%%\r\033[32m100%%\033[0m\r\n'
printf '{"msg":"<b>x</b>","__proto__":{"a":1},"level":"error"}\n'
sleep 1000
"""


def test_hostile_lines_do_nothing(desk: Desk, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.run("evil", "-e", f"S={HOSTILE}", "alpine", "sh", "-c", 'eval "$S"')
    sent: list[str] = []
    desk.sign_in(context)
    page = context.new_page()
    page.on("websocket", lambda ws: ws.on("framesent", lambda data: sent.append(str(data))))
    page.goto(desk.at("containers/evil/logs"))
    page.bring_to_front()
    page.evaluate("navigator.clipboard.writeText('mine')")
    title = page.title()
    until(lambda: page.locator(".log li").count() >= 12)
    text = page.locator(".log li .m").all_inner_texts()
    assert text[0] == '<script>window.hacked=1</script><img src=x onerror="window.hacked=2">'
    assert text[1:5] == ["clipboard", "title", " answers", " moves"]
    assert text[5] == r"abc\u202egnp.exe"
    assert text[6] == "nul\u2400\u2401\u2421end"
    assert text[8] == "\ufffd\ufffd no utf"
    assert text[9] == "link"
    assert text[10] == "100%"
    assert page.locator(".log li:nth-child(11) .a2").inner_text() == "100%"
    assert "<b>x</b>" in text[11]
    assert page.locator(".log script, .log img, .log b, .log a").count() == 0
    assert page.evaluate("[window.hacked, ({}).a]") == [None, None]
    assert page.evaluate("navigator.clipboard.readText()") == "mine"
    assert page.title() == title
    assert all('"ack"' in data or '"beat"' in data for data in sent if "type" in data), sent


DEAR = r"""
fill() { yes "$(printf "$1")" | head -n $2 | tr -d '\n'; }
fill '\302\235' 200000; printf '\033 \001\n'
printf '\033['; fill '31;' 200000; printf 'x\n'
printf '\033['; fill '31;' 200000; printf 'mlong colours\n'
echo the end; sleep 1000
"""


def test_lines_that_are_dear_to_read_do_not_stop_the_tab(desk: Desk, context: BrowserContext) -> None:
    """They end strings that never began, or name colours without end: the time must not grow with its square."""
    desk.run("dear", "-e", f"S={DEAR}", "alpine", "sh", "-c", 'eval "$S"')
    page = desk.open(context, "containers/dear/logs")
    expect(page.locator(".log .m", has_text="the end")).to_be_visible(timeout=20_000)
    expect(page.locator(".log .m", has_text="long colours")).to_be_visible()


def test_a_colour_that_is_not_reset_goes_on(desk: Desk, context: BrowserContext) -> None:
    script = (
        r"printf '\033[31mred\nstill \033[1mred\n\033[39mbold\n'; sleep 0.2; echo error >&2; sleep 0.2; "
        r"printf 'bold \033[0mplain\nplain\n'; sleep 1000"
    )
    desk.run("colours", "alpine", "sh", "-c", script)
    page = desk.open(context, "containers/colours/logs")
    expect(page.locator(".log li .m")).to_have_text(["red", "still red", "bold", "error", "bold plain", "plain"])
    spans = "(all) => all.map((m) => [...m.querySelectorAll('span')].map((s) => [s.textContent, s.className]))"
    assert page.locator(".log li .m").evaluate_all(spans) == [
        [["red", "a1"]],
        [["still ", "a1"], ["red", "ab a1"]],
        [["bold", "ab"]],
        [],
        [["bold ", "ab"]],
        [],
    ]


SPLIT = (
    # a character that comes in two pieces; one that stands where log drivers cut; and what is no text at all
    r"printf '\343\201'; sleep 0.3; printf '\202\n'; head -c 16382 /dev/zero | tr '\0' x; printf '\360\237\220\263\n'; "
    r"printf 'bad \377'; sleep 0.3; printf '\376 \343\201 end\n'; head -c 16383 /dev/zero | tr '\0' y; printf '\303\n'"
)


@pytest.mark.parametrize("kind", [["--log-driver", "local"], ["-t"], []], ids=["local", "tty", "json-file"])
@pytest.mark.parametrize("live", [True, False], ids=["live", "past"])
def test_invalid_utf8_over_pieces_is_shown_as_what_docker_prints(
    desk: Desk, context: BrowserContext, kind: list[str], live: bool
) -> None:
    gate = "while [ ! -e /go ]; do usleep 50000; done; " if live else ""
    desk.run("bytes", *kind, "alpine", "sh", "-c", f"{gate}{SPLIT}; echo over; sleep 1000")
    if not live:
        until(lambda: b"over" in engine_bytes(desk.engine, "bytes"))
    page = desk.open(context, "containers/bytes/logs")
    if live:
        expect(page.locator("#fresh")).to_contain_text("Following")
        desk.engine.docker("exec", "bytes", "touch", "/go")
    raw = "[...document.querySelectorAll('.log li:not(.rule)')].map((row) => row.qdEntry.raw)"
    until(lambda: any(line.rstrip().endswith("over") for line in page.evaluate(raw)))
    printed = engine_bytes(desk.engine, "bytes").replace(b"\r\n", b"\n").decode("utf-8", "replace")
    shown = page.evaluate(raw)
    assert [line.removesuffix("\r") for line in shown] == printed.removesuffix("\n").split("\n")
    assert shown[0].startswith("あ")


def test_a_terminals_container_made_anew_without_one(desk: Desk, context: BrowserContext) -> None:
    script = "printf 'one\\ntwo\\n'; sleep 1000"
    desk.run("same", "-t", "alpine", "sh", "-c", script)
    page = desk.open(context, "containers/same/logs")
    expect(page.locator(".log .m")).to_have_text(["one", "two"])
    desk.engine.docker("rm", "-f", "same")
    expect(page.locator(".log .rule").last).to_contain_text("gone", timeout=10_000)
    new = desk.engine.docker("run", "-d", "--name", "same", "alpine", "sh", "-c", script)
    until(lambda: desk.row("SELECT count(*) FROM console_container WHERE container_id = ?", new))
    page.goto(desk.at("containers/same/logs"))
    expect(page.locator(".log .m")).to_have_text(["one", "two"])
    assert page.evaluate("[...document.querySelectorAll('.log li')].map((row) => row.qdEntry.raw)") == ["one", "two"]
    answer = context.request.get(desk.at("containers/same/logs/download"))
    assert answer.body() == engine_bytes(desk.engine, "same") == b"one\ntwo\n"


@pytest.fixture
def shop(desk: Desk) -> Desk:
    for name, line in (("web", "INFO hello from web"), ("api", "hello from api")):
        label = "com.docker.compose.project=shop"
        script = f"while true; do echo {line}; sleep 0.2; done"
        desk.run(f"shop-{name}-1", "--label", label, "alpine", "sh", "-c", script)
    return desk


def test_a_project_is_one_flow_in_the_order_of_time(shop: Desk, context: BrowserContext) -> None:
    page = shop.open(context, "projects/shop/logs")
    until(lambda: page.locator(".log li").count() > 20)
    expect(page.locator(".log .who", has_text="shop-web-1").first).to_be_visible()
    expect(page.locator(".log .who", has_text="shop-api-1").first).to_be_visible()
    times = page.locator(".log time").evaluate_all("(all) => all.map((time) => time.dateTime)")
    assert times == sorted(times)
    page.keyboard.press("1")
    expect(page.locator(".log .who", has_text="shop-web-1")).to_have_count(0)
    expect(page.get_by_role("button", name="shop-web-1")).to_have_attribute("aria-pressed", "false")


def test_search_marks_counts_and_walks(desk: Desk, context: BrowserContext) -> None:
    desk.run("words", "alpine", "sh", "-c", "for i in $(seq 1 400); do echo line $i; done; echo last; sleep 1000")
    page = desk.open(context, "containers/words/logs")
    until(lambda: page.locator(".log li").count() > 20)
    page.keyboard.press("/")
    page.keyboard.type("line 1[05]0$")
    page.get_by_role("button", name="Regular expression").click()
    expect(page.locator("#log-count")).to_have_text("2 of 2")
    expect(page.locator("mark.cur")).to_have_text("line 150")
    page.locator(".log").focus()
    page.keyboard.press("n")
    expect(page.locator("mark.cur")).to_have_text("line 100")
    page.keyboard.press("N")
    expect(page.locator("#log-count")).to_have_text("2 of 2")
    page.get_by_role("button", name="Show matching lines only").click()
    expect(page.locator(".log li")).to_have_count(2)
    page.locator("#log-search input").fill("line [")
    expect(page.locator("#log-q-error")).to_contain_text("no regular expression")


def test_a_log_that_cannot_be_read_says_so(desk: Desk, context: BrowserContext) -> None:
    desk.run("mute", "--log-driver", "none", "alpine", "sleep", "1000")
    page = desk.open(context, "containers/mute/logs")
    expect(page.locator(".log .rule")).to_contain_text("does not support reading")
    answer = page.request.get(desk.at("containers/mute/logs/download"))
    assert answer.status == 502
    assert "does not support reading" in answer.text()


def test_the_end_of_a_container_stands_in_the_flow(desk: Desk, context: BrowserContext) -> None:
    desk.run("short", "alpine", "sh", "-c", "echo begun; sleep 2; echo ends; exit 3")
    page = desk.open(context, "containers/short/logs")
    expect(page.locator(".log .rule")).to_have_text("The container stopped: exit code 3.", timeout=10_000)
    desk.engine.docker("start", "short")
    expect(page.locator(".log .rule").nth(1)).to_have_text("The container started again.", timeout=10_000)
    desk.engine.docker("rm", "-f", "short")
    expect(page.locator(".log .rule").last).to_contain_text("gone", timeout=10_000)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible(theme: str, shop: Desk, context: BrowserContext) -> None:
    script = r"printf '\033[31mred\033[0m \033[33myellow\033[0m ERROR x\n'; sleep 1000"
    shop.run("colours", "alpine", "sh", "-c", script)
    for path in (
        "containers/colours/logs?q=red",
        "projects/shop/logs",
        "containers/colours/logs?plain=1",
        "logs/search?q=hello",
    ):
        page = shop.open(context, path)
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.locator(".log li").first.wait_for()
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
        assert found.violations_count == 0, found.generate_report()


def engine_bytes(engine: PrivateEngine, name: str) -> bytes:
    """What ``docker container logs NAME 2>&1`` prints."""
    return subprocess.run(
        ["docker", "-H", engine.url, "container", "logs", name],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ).stdout


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_a_download_is_what_docker_prints(driver: str, desk: Desk, context: BrowserContext) -> None:
    desk.run("writer", "--log-driver", driver, "alpine", "sh", "-c", WRITER)
    desk.engine.docker("wait", "writer")
    desk.sign_in(context)
    answer = context.request.get(desk.at("containers/writer/logs/download"))
    expected = engine_bytes(desk.engine, "writer")
    assert answer.headers["content-disposition"] == 'attachment; filename="writer.log"'
    assert len(expected) > sum(LENGTHS)
    assert answer.body() == expected
    if driver == "local":
        assert b"bad \xff\xfe" in answer.body()


def test_search_through_the_past_of_many(shop: Desk, context: BrowserContext) -> None:
    shop.run("other", "alpine", "sh", "-c", "echo hello from other; sleep 1000")
    page = shop.open(context, "projects/shop/logs")
    page.get_by_role("link", name="Search the past").click()
    page.get_by_label("Search text").fill("HELLO from (web|api)")
    page.get_by_label("Regular expression").check(force=True)
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("#search-speed")).to_contain_text("done after")
    expect(page.locator("#search-sum")).to_contain_text("matches in 2 logs")
    expect(page.locator(".log mark").first).to_have_text(re.compile("hello from (web|api)"))
    expect(page.locator(".rule.grp")).to_have_count(2)
    page.get_by_label("Search text").fill("a(")
    page.get_by_role("button", name="Search again").click()
    expect(page.locator("#search-error")).to_contain_text("no regular expression")


def test_ticked_containers_lead_to_their_logs(shop: Desk, context: BrowserContext) -> None:
    page = shop.open(context, "containers")
    for name in ("shop-web-1", "shop-api-1"):
        page.get_by_label(f"Select {name}").check()
    page.locator("#bulk").get_by_role("link", name="Logs").click()
    expect(page.locator(".log .who", has_text="shop-web-1").first).to_be_visible()
    expect(page.locator(".log .who", has_text="shop-api-1").first).to_be_visible()
    expect(page.locator("h1")).to_have_text("Logs of 2 containers")
