"""The terminal in a real browser: full-screen programs, colours, wide characters, and programs that mean harm."""

from __future__ import annotations

import random
import re
import time
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.desk import Desk

LONG = 20_000  # ms
READY = "document.querySelector('[data-screen]').qdTerminal"
# The lines on screen as text.
SCREEN = f"""() => {{
  const terminal = {READY}, buffer = terminal?.buffer.active, line = (y) => buffer.getLine(buffer.viewportY + y);
  return Array.from({{ length: terminal?.rows ?? 0 }}, (_, y) => line(y)?.translateToString(true) ?? '');
}}"""
# Of the first place where `text` stands: for each of its characters its colour, its width in cells, whether it is bold.
CELLS = f"""(text) => {{
  const buffer = {READY}.buffer.active;
  for (let y = 0; y < buffer.length; y += 1) {{
    const line = buffer.getLine(y), cells = [];
    if (!line.translateToString(true).startsWith(text)) continue;
    for (let x = 0; cells.length < [...text].length; x += 1) {{
      const cell = line.getCell(x);
      const colour = cell.getFgColorMode() ? cell.getFgColor() : -1;
      if (cell.getWidth()) cells.push([cell.getChars(), colour, cell.getWidth(), cell.isBold() !== 0]);
    }}
    return cells;
  }}
  return null;
}}"""


@pytest.fixture
def page(desk: Desk, context: BrowserContext) -> Page:
    """A terminal with a shell."""
    desk.run("box", "alpine", "sleep", "600")
    made = desk.open(context, "containers/box/terminal")
    shell(made)
    return made


def shell(page: Page) -> None:
    expect(page.locator("[data-sessions] [aria-current=true]")).to_be_visible(timeout=LONG)
    shows(page, r"#\s*$")
    page.wait_for_timeout(500)  # with its prompt the shell asks where the cursor is: what is typed follows the answer


def screen(page: Page) -> list[str]:
    found: list[str] = page.evaluate(SCREEN)
    return found


def shows(page: Page, pattern: str) -> None:
    """Wait until a line of the screen fits."""
    deadline = time.monotonic() + 20
    lines = screen(page)
    while not any(re.search(pattern, line) for line in lines):
        assert time.monotonic() < deadline, "\n".join([pattern, *lines])
        time.sleep(0.05)
        lines = screen(page)


def test_vi(page: Page) -> None:
    page.keyboard.type("printf 'first\\nsecond\\nthird\\n' > /tmp/text; vi /tmp/text\n")
    shows(page, r"^~$")
    lines = screen(page)
    assert lines[:3] == ["first", "second", "third"]
    assert set(lines[3:-1]) == {"~"}
    assert "/tmp/text" in lines[-1]
    page.keyboard.type("jcwchanged 日本")
    shows(page, r"^changed")
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)  # what follows an escape at once is a key to vi
    page.keyboard.type(":wq\n")
    shows(page, r"#\s*$")
    page.keyboard.type("clear; cat /tmp/text; echo do''ne\n")
    shows(page, r"^done$")
    assert screen(page)[:3] == ["first", "changed 日本", "third"]


def test_top_takes_the_screen_and_gives_it_back(page: Page) -> None:
    page.keyboard.type("echo be''fore; top -d 1\n")
    shows(page, r"^\s*PID\s+PPID\s+USER")
    lines = screen(page)
    assert lines[0].startswith("Mem:")
    assert re.match(r"CPU:\s+[\d.]+% usr", lines[1])
    assert lines[2].startswith("Load average:")
    shows(page, r"sleep 600")
    page.keyboard.type("q")
    shows(page, r"#\s*$")
    page.keyboard.type("echo al''ive\n")
    shows(page, r"^alive$")


def test_ls_in_colour(page: Page) -> None:
    page.keyboard.type("mkdir /tmp/d; cd /tmp/d; mkdir folder; touch plain; touch run; chmod +x run; ln -s run link\n")
    page.keyboard.type("clear; ls -1 --color=always; echo do''ne\n")
    shows(page, r"^done$")
    assert [line for line in screen(page) if line][:4] == ["folder", "link", "plain", "run"]
    colours = {name: page.evaluate(CELLS, name)[0][1] for name in ("folder", "link", "plain", "run")}
    assert colours == {"folder": 4, "link": 6, "plain": -1, "run": 2}
    assert page.evaluate(CELLS, "folder")[0][3]


def test_japanese_and_emoji(page: Page) -> None:
    page.keyboard.type("clear; echo '日本語カナ|'; echo '🐳🎉|'; echo 'ﾊﾝｶｸ|'; echo 'é|'\n")
    shows(page, r"^é\|$")
    cells: list[list[Any]] = page.evaluate(CELLS, "日本語カナ|")
    assert [cell[2] for cell in cells] == [2, 2, 2, 2, 2, 1]
    assert [cell[2] for cell in page.evaluate(CELLS, "🐳🎉|")] == [2, 2, 1]
    assert [cell[2] for cell in page.evaluate(CELLS, "ﾊﾝｶｸ|")] == [1, 1, 1, 1, 1]


def test_a_reload_in_the_middle_of_a_command(page: Page) -> None:
    """The shell asked for the place of the cursor before: an answer to that now would stand among the output."""
    page.keyboard.type(
        "X=7; i=0; while [ $i -lt 40 ]; do echo step-$i; i=$((i+1)); usleep 99999; done; echo en''d-$X\n"
    )
    shows(page, r"^step-5$")
    page.reload()
    expect(page.locator("[data-sessions] [aria-current=true]")).to_be_visible(timeout=LONG)
    shows(page, r"^end-7$")
    everything = page.evaluate(
        f"(() => {{ const b = {READY}.buffer.active; "
        "return Array.from({ length: b.length }, (_, y) => b.getLine(y).translateToString(true)); })()"
    )
    assert [line for line in everything if re.match(r"step-\d+", line)] == [f"step-{n}" for n in range(40)], "\n".join(
        everything
    )


def test_several_sessions_go_on_together(page: Page) -> None:
    """A session behind another one has a page: it does not end, and shows what came meanwhile; a reload keeps both."""
    sessions = page.locator("[data-sessions] [data-session]")
    page.keyboard.type("echo first-$((6*7)); sleep 1; echo mean''while\n")
    shows(page, r"^first-42$")
    closed: list[str] = []
    page.on("websocket", lambda socket: socket.on("close", lambda _: closed.append(socket.url)))
    page.get_by_role("button", name="New session").click()
    expect(sessions).to_have_count(2)
    expect(sessions.nth(1)).to_have_attribute("aria-current", "true", timeout=LONG)
    shows(page, r"#\s*$")
    assert not any("first-42" in line for line in screen(page))
    page.wait_for_timeout(500)  # see ``shell``
    page.keyboard.type("echo second-$((6*7))\n")
    shows(page, r"^second-42$")
    sessions.nth(0).click()
    shows(page, r"^meanwhile$")
    page.keyboard.type("echo still-$((6*7))\n")
    shows(page, r"^still-42$")
    assert closed == []
    page.reload()
    expect(sessions.nth(0)).to_have_attribute("aria-current", "true", timeout=LONG)
    shows(page, r"^still-42$")
    expect(sessions).to_have_text([re.compile(r"^ash"), re.compile(r"^ash")])
    sessions.nth(1).click()
    shows(page, r"^second-42$")
    page.wait_for_timeout(500)
    page.keyboard.type("exit 3\n")
    expect(page.locator("[data-status]")).to_have_text("The process ended with exit code 3.", timeout=LONG)
    expect(sessions).to_have_count(1)
    sessions.nth(0).click()
    shows(page, r"^still-42$")


def test_a_variable_without_a_value_is_told_at_its_field(page: Page) -> None:
    page.get_by_text("Options", exact=True).click()
    page.locator("[name=env]").fill("GOOD=1\nBAD")
    page.get_by_role("button", name="New session").click()
    assert page.locator("[name=env]").evaluate("field => field.validationMessage") == "Write NAME=value: BAD"
    expect(page.locator("[data-sessions] [data-session]")).to_have_count(1)
    page.locator("[name=env]").fill("GOOD=1")
    page.get_by_role("button", name="New session").click()
    expect(page.locator("[data-sessions] [data-session]")).to_have_count(2, timeout=LONG)


# What a terminal may answer by itself: where the cursor is, what it is, its modes, that it has the focus. Nothing of it
# is chosen by the program that asks.
REPLIES = re.compile(
    rb"\x1b\[\??\d+;\d+(;\d+)?R|\x1b\[[?>]?[\d;]*c|\x1b\[\d+n|\x1bP>\|xterm\.js\([\w.-]+\)\x1b\\|\x1b\[\??\d+;\d\$y|\x1b\[[IO]"
)
INTRODUCERS = ("\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x9d", "\x90")
ENDS = ("\x07", "\x1b\\", "\x9c")


def sequences(seed: int) -> list[str]:
    """Five hundred escape sequences: the known dangerous ones, and random ones of every kind."""
    chance = random.Random(seed)
    found = ["\x05", "\x1bZ", "\x1b[c", "\x1b[>c", "\x1b[=c", "\x1b[5n", "\x1b[6n", "\x1b[?6n", "\x1b[>q", "\x1b[?1$p"]
    for osc in (
        "0;canary",
        "1;canary",
        "2;canary",
        "l canary",
        "L canary",
        "50;?",
        "52;c;Y2FuYXJ5",
        "52;c;?",
        "52;p;?",
    ):
        found += [f"\x1b]{osc}{end}" for end in ENDS]
    found += [f"\x1b]{number};?\x07" for number in (4, "4;1", 50, 10, 11, 12, 17, 19, 21, 104, 133, 1337, 9, 777, 99)]
    found += [
        f"\x1bP{dcs}\x1b\\" for dcs in ('$q"p', "$qm", "$qcanary", "+q544e", "+q63616e617279", "1$tcanary", "0;1|17/63")
    ]
    found += [f"\x1b[{code}t" for code in (11, 13, 14, 15, 16, 18, 19, 20, 21, "22;0", "23;0", "8;9;9", "3;9;9")]
    found += ["\x1b]8;;javascript:document.title='canary'\x07link\x1b]8;;\x07", "\x1b[?1004h", "\x1b[21;21x", "\x1b[1x"]
    found += [
        "\x1b[0;0*y",
        "\x1b[?62;1$p",
        "\x1b[8;1;1;2;2*{",
        "\x1b[1;1;1;1;5;5*y",
        "\x1b[?15n",
        "\x1b[?25n",
        "\x1b[?26n",
    ]
    while len(found) < 500:
        body = "".join(chance.choice(";?>=!$\"' 0123456789abcdefghqrtxycanary") for _ in range(chance.randrange(1, 12)))
        kind = chance.random()
        if kind < 0.5:
            found.append(f"\x1b[{chance.choice(['', '?', '>', '='])}{body[:6]}{chance.choice('cnqtxyRup{|$')}")
        else:
            found.append(f"{chance.choice(INTRODUCERS)}{body}{chance.choice(ENDS)}")
    # Modes that make the person's own mouse and keys talk are no answers; a reset would take the screen of the test.
    return [one for one in found if not re.search(r"\x1b\[\?[\d;]*h|\x1bc", one) or "1004" in one]


@pytest.mark.parametrize("seed", [random.randrange(10_000)])
def test_hostile_sequences_reach_neither_clipboard_nor_title_and_type_nothing(
    desk: Desk, context: BrowserContext, seed: int
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.run("box", "alpine", "sleep", "600")
    desk.engine.docker("exec", "-i", "box", "sh", "-c", "cat > /evil", stdin="".join(sequences(seed)))
    desk.sign_in(context)
    page = context.new_page()
    typed: list[bytes] = []

    def listen(socket: Any) -> None:
        if socket.url.endswith("/shell"):
            socket.on("framesent", lambda data: typed.append(data) if isinstance(data, bytes) else None)

    page.on("websocket", listen)
    page.goto(desk.at("containers/box/terminal"))
    shell(page)
    page.bring_to_front()
    page.evaluate("navigator.clipboard.writeText('mine')")
    title = page.title()
    typed.clear()
    page.keyboard.type("stty -echo; cat /evil; sleep 1; cat > /dev/null\n")
    page.wait_for_timeout(4000)
    page.keyboard.type("\x04")
    assert page.evaluate("navigator.clipboard.readText()") == "mine", f"seed {seed}"
    assert page.title() == title, f"seed {seed}"
    assert b"canary" not in b"".join(typed), f"seed {seed}"
    left = REPLIES.sub(b"", b"".join(part for part in typed if part.startswith((b"\x1b", b"\x9b"))))
    assert left == b"", f"seed {seed}: {left!r}"
    page.keyboard.type("\x03\nstty sane; reset; echo al''ive\n")
    shows(page, r"^alive$")
