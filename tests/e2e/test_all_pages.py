"""Every page there is: nothing that axe calls serious, nothing that sticks out on a phone, hostile objects harmless."""

from __future__ import annotations

import http.client
import json
import re
import socket
from contextlib import closing
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.desk import Desk
from tests.engines import PrivateEngine
from tools.screenshots import RECORDER

LONG = 20_000  # ms
PAGES = (
    "/",
    "/events",
    "/operations",
    "/palette?q=stop",
    "/keys",
    "/password",
    "/setup/engine",
    "/_kit",
    "/nothing-here",
    "/registries",
    "/registries/add",
    "/e/{slug}/",
    "/e/{slug}/containers",
    "/e/{slug}/containers/create",
    "/e/{slug}/containers/create?image=nginx",
    "/e/{slug}/containers?q=state:running",
    "/e/{slug}/containers?q=nonsense:1",
    "/e/{slug}/containers/web/",
    "/e/{slug}/containers/web/inspect",
    "/e/{slug}/containers/web/logs",
    "/e/{slug}/containers/web/terminal",
    "/e/{slug}/containers/web/stats",
    "/e/{slug}/containers/web/processes",
    "/e/{slug}/containers/web/changes",
    "/e/{slug}/containers/web/files",
    "/e/{slug}/containers/web/files?path=/etc",
    "/e/{slug}/images",
    "/e/{slug}/images/pull",
    "/e/{slug}/images/build",
    "/e/{slug}/images/load",
    "/e/{slug}/images/import",
    "/e/{slug}/images/nginx:latest/",
    "/e/{slug}/images/nginx:latest/layers",
    "/e/{slug}/images/nginx:latest/inspect",
    "/e/{slug}/networks",
    "/e/{slug}/networks/map",
    "/e/{slug}/networks/map?as=map&pin=web",
    "/e/{slug}/networks/map?as=table&stopped=1",
    "/e/{slug}/networks/map?a=web&b=failed&port=80",
    "/e/{slug}/networks/create",
    "/e/{slug}/networks/create?driver=macvlan",
    "/e/{slug}/networks/create?driver=overlay",
    "/e/{slug}/networks/ports",
    "/e/{slug}/swarm",
    "/e/{slug}/networks/bridge/",
    "/e/{slug}/networks/bridge/inspect",
    "/e/{slug}/volumes",
    "/e/{slug}/volumes/mounts",
    "/e/{slug}/volumes/create",
    "/e/{slug}/volumes/create?kind=nfs",
    "/e/{slug}/volumes/create?kind=cifs",
    "/e/{slug}/volumes/create?kind=tmpfs",
    "/e/{slug}/volumes/create?kind=bind",
    "/e/{slug}/volumes/create?kind=driver",
    "/e/{slug}/volumes/data/",
    "/e/{slug}/volumes/data/inspect",
    "/e/{slug}/disk?now=1",
    "/e/{slug}/prune/containers",
    "/e/{slug}/prune/images?which=all",
    "/e/{slug}/prune/networks",
    "/e/{slug}/prune/volumes?which=all",
    "/e/{slug}/prune/cache",
    "/e/{slug}/volumes/data/backup",
    "/e/{slug}/volumes/data/clone",
    "/e/{slug}/volumes/data/restore",
    "/e/{slug}/volumes/data/files",
    "/e/{slug}/volumes/data/files?path=/nothing",
)
SERIOUS = {"serious", "critical"}


def furnished(desk: Desk) -> None:
    """Something of every kind, so that no page is empty."""
    desk.run("web", "-p", "8080:80", "-v", "data:/data", "--label", "com.docker.compose.project=shop", "nginx")
    desk.run("failed", "alpine", "sh", "-c", "echo out; echo err >&2; exit 3")
    desk.engine.docker("network", "create", "my-net")


def findings(page: Page, **options: Any) -> list[str]:
    """What axe calls serious or critical, with the elements."""
    result = Axe().run(page, options={"resultTypes": ["violations"], **options})
    return [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in result.response["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"][:3]
    ]


@pytest.mark.timeout(400)
def test_axe_finds_nothing_serious(desk: Desk, context: BrowserContext) -> None:
    """Light with all rules, dark with those about colours: the theme is one attribute that only colours depend on."""
    furnished(desk)
    page = desk.open(context, "containers")
    theme = "theme => document.documentElement.dataset.theme = theme"
    found = {}
    for path in PAGES:
        page.goto(desk.url + path.format(slug=desk.slug))
        page.evaluate(theme, "light")
        light = findings(page)
        page.evaluate(theme, "dark")
        dark = findings(page, runOnly=["color-contrast", "link-in-text-block"])
        if light or dark:
            found[path] = {"light": light, "dark": dark}
    assert found == {}


@pytest.mark.timeout(240)
def test_nothing_sticks_out_on_a_phone(desk: Desk, browser: Browser) -> None:
    furnished(desk)
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.add_init_script(RECORDER)
    page = desk.open(phone, "containers")
    wide = {}
    for path in PAGES:
        page.goto(desk.url + path.format(slug=desk.slug))
        width = page.evaluate(
            "Math.max(document.documentElement.scrollWidth, document.querySelector('main').scrollWidth)"
        )
        if width > 390:
            wide[path] = width
    phone.close()
    assert wide == {}


# ── hostile objects ──

SCRIPT = "<script>window.__owned=1</script><img src=x onerror=window.__owned=1>"
NUL = "\0"
HOSTILE = {
    "script": SCRIPT,
    "attribute": '" onmouseover="window.__owned=1" x="',
    "template": "{{ 7*7 }}{% debug %}${7*7}",
    "htmx": '<b hx-get="/logout" hx-trigger="load">x</b>',
    "right-to-left": "safe\u202egnp.exe\u2066",
    "ansi": "\x1b[31mred\x1b]0;title\x07\x1b]52;c;b3duZWQ=\x07",
    "emoji": "👩\u200d👩\u200d👧\u200d👦 \U0001f3f4\U000e0067",
    "nul": "before\0after",
    "javascript": "javascript:window.__owned=1",
    "large": "x" * 5_000_000,
}


def create(engine: PrivateEngine, name: str, body: dict[str, Any]) -> str:
    """``POST /containers/create`` with what the command line would not let through; the container's id."""
    connection = http.client.HTTPConnection("engine", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(engine.socket))
    with closing(connection):
        connection.request(
            "POST", f"/containers/create?name={name}", json.dumps(body), {"Content-Type": "application/json"}
        )
        return str(json.loads(connection.getresponse().read())["Id"])


def hostile_containers(engine: PrivateEngine) -> list[str]:
    """Ten containers with what they say of themselves in labels, environment, command, and their logs."""
    names = []
    for number, (kind, text) in enumerate(HOSTILE.items()):
        name = f"hostile-{kind}"
        body = {
            "Image": "alpine",
            "Cmd": ["sh", "-c", 'printf "%s\\n" "$EVIL" | head -c 5000; exit 1'] if kind != "large" else ["true"],
            "Env": [f"EVIL={text[:100_000].replace(NUL, '')}"],  # runc refuses NUL there
            "Labels": {"evil": text, text[:300] or "x": "as a key", "com.docker.compose.project": text[:200]},
            "User": "",
            "Hostname": "h",
            "Healthcheck": {"Test": ["CMD-SHELL", text[:2000].replace(NUL, "")]},
        }
        done = create(engine, name, body)
        engine.docker("start", done)
        names.append(name)
        if number < 3:
            engine.docker("volume", "create", "--label", f"evil={text}", f"hostile-{kind}")
            engine.docker("network", "create", "--label", f"evil={text}", f"hostile-{kind}")
            engine.docker("commit", "--author", text[:500], "--message", text[:500], name, f"hostile/{kind}:1")
    return names


@pytest.mark.timeout(400)
def test_hostile_objects_leave_every_page_standing(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    names = hostile_containers(clean_engine)
    desk.run("neighbour", "nginx")
    page = desk.open(context, "containers?group=none")
    for name in names:
        desk.mirrored(name)
    foreign: list[str] = []
    context.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(desk.url) else None)
    paths = ["/", "/events", "/operations", "/palette?q=hostile", "/e/{slug}/containers", "/e/{slug}/images"]
    paths += [
        "/e/{slug}/networks",
        "/e/{slug}/networks/map?open=all&stopped=1",
        "/e/{slug}/volumes",
        "/e/{slug}/containers?group=none",
        "/e/{slug}/",
    ]
    for name in names:
        paths += [f"/e/{{slug}}/containers/{name}/{tab}" for tab in ("", "inspect", "logs")]
    for kind in list(HOSTILE)[:3]:
        paths += [f"/e/{{slug}}/networks/hostile-{kind}/", f"/e/{{slug}}/volumes/hostile-{kind}/"]
        image = clean_engine.docker("image", "inspect", "--format", "{{.Id}}", f"hostile/{kind}:1")[7:19]
        paths += [f"/e/{{slug}}/images/{image}/", f"/e/{{slug}}/images/{image}/layers"]
    for path in paths:
        answer = page.goto(desk.url + path.format(slug=desk.slug))
        assert answer is not None
        assert answer.status == 200, path
        expect(page.locator("main h1, header h1").first).to_be_attached()
        assert page.evaluate("window.__owned") is None, path
        assert page.evaluate("window.__violations ?? []") == [], path
        assert page.evaluate("document.querySelectorAll('main script, main [onerror], main [onmouseover]').length") == 0
        assert page.evaluate("[...document.links].filter(a => !/^(https?|mailto):/.test(a.href)).length") == 0, path
        assert len(page.content()) < 3_000_000, path
    assert foreign == []
    page.goto(desk.at("containers?group=none"))
    for name in (*names, "neighbour"):
        expect(page.locator(f"tr[data-name='{name}']")).to_be_visible()
    shown = page.goto(desk.at("containers/hostile-right-to-left/"))
    assert shown is not None
    assert "\u202e" not in re.sub(r"<[^>]*>", "", page.content())
    data = page.locator("main").inner_text()
    assert "\u202e" not in data
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", data)
