"""Registries in the browser, the docker command line as witness: sign in, push, pull, commit, remove several."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.desk import Desk
from tests.engines import PrivateEngine, start_engine
from tests.fake_registry import FakeRegistry

LONG = 30_000  # ms
SECRET = "secret"
Harbour = tuple[Desk, PrivateEngine, dict[str, str]]


@pytest.fixture(scope="module")
def harbour(browser: Browser, engine_session: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    """A console before an engine with three registries: open, locked, tokens."""
    made = start_engine(load=("busybox", "layers"))
    servers = {
        "open": made.start_registry("busybox"),
        "locked": made.start_registry(port=5001, password=True),
        "tokens": made.start_registry(port=5002, token=True),
    }
    desk = Desk(tmp_path_factory.mktemp("harbour") / "data", made)
    yield desk, made, servers
    desk.end()
    made.stop()


def enter(desk: Desk, page: Page, host: str, secret: str = "", tokens: str = "") -> None:
    """Add a registry through its form."""
    page.goto(f"{desk.url}/registries/add")
    page.get_by_label("Host").fill(host)
    if secret:
        page.get_by_label("Account").fill("alice")
        page.get_by_label("Password or token").fill(secret)
    if tokens:
        page.get_by_label("Token server").fill(tokens)
    page.get_by_label("Plain HTTP").check()
    page.get_by_role("button", name="Save and test").click()
    page.wait_for_url("**/registries")


def forget(desk: Desk, page: Page, host: str) -> None:
    """Remove it again."""
    page.goto(f"{desk.url}/registries")
    page.get_by_role("link", name=f"Remove {host}").click()
    page.locator("div.dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator("main")).not_to_contain_text(host, timeout=LONG)


@pytest.mark.parametrize("kind", ["locked", "tokens"])
def test_b9_sign_in_push_and_pull(harbour: Harbour, context: BrowserContext, kind: str) -> None:
    desk, engine, servers = harbour
    host = servers[kind]
    reference = f"{host}/shop/base:1"
    page = desk.open(context, "images")
    tokens = host.replace("5002", "5003") if kind == "tokens" else ""
    enter(desk, page, host, "wrong", tokens)
    expect(page.locator("main")).to_contain_text("does not accept the credentials")
    page.get_by_role("link", name=f"Edit {host}").click()
    page.get_by_label("Password or token").fill(SECRET)
    expect(page.locator("#dialog-command")).to_contain_text(f"docker login --username alice --password-stdin {host}")
    page.get_by_role("button", name="Save and test").click()
    page.wait_for_url("**/registries")
    expect(page.locator("main")).to_contain_text("It accepts alice.")
    assert SECRET not in page.content()
    page.goto(desk.at("images/busybox:latest/"))
    page.locator(".head summary", has_text="More").click()
    page.get_by_role("link", name="Push…").click()
    dialog = page.locator("div.dialog")
    dialog.get_by_label("Push as").fill(reference)
    expect(dialog.locator("#dialog-command")).to_contain_text(f"docker image push {reference}")
    dialog.get_by_role("button", name="Push", exact=True).click()
    expect(page.locator("main")).to_contain_text("pushed, sha256:", timeout=LONG)
    expect(page.locator("#pull-layers")).to_contain_text("Pushed")
    engine.docker("login", "-u", "alice", "--password-stdin", host, stdin=SECRET)
    engine.docker("rmi", reference)
    engine.docker("pull", "-q", reference)
    digest = engine.docker("image", "inspect", "--format", "{{json .RepoDigests}}", reference)
    expect(page.locator("main")).to_contain_text(re.search("sha256:[0-9a-f]{64}", digest.split(host)[1])[0])  # type: ignore[index]
    engine.docker("logout", host)
    engine.docker("rmi", reference)
    page.goto(desk.at("images/pull"))
    page.get_by_role("textbox", name="Image").fill(reference)
    page.get_by_role("button", name="Pull", exact=True).click()
    expect(page.locator("main")).to_contain_text("pulled, sha256:", timeout=LONG)
    assert reference in engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    forget(desk, page, host)
    page.goto(desk.at("images/pull"))
    page.get_by_role("textbox", name="Image").fill(f"{host}/shop/other")
    page.get_by_role("button", name="Pull", exact=True).click()
    expect(page.locator("main")).to_contain_text("failed", timeout=LONG, ignore_case=True)
    engine.docker("rmi", reference)


def test_a_push_moves_is_seen_by_another_and_is_cancelled(
    harbour: Harbour, context: BrowserContext, browser: Browser
) -> None:
    desk, engine, servers = harbour
    reference = f"{servers['open']}/shop/slow:1"
    engine.slow_down(16)
    page = desk.open(context, "images/layers:8/")
    page.locator(".head summary", has_text="More").click()
    page.get_by_role("link", name="Push…").click()
    dialog = page.locator("div.dialog")
    dialog.get_by_label("Push as").fill(reference)
    dialog.get_by_role("button", name="Push", exact=True).click()
    expect(page.locator("#pull-layers")).to_contain_text("Pushing", timeout=LONG)
    other = browser.new_context()
    desk.sign_in(other)
    second = other.new_page()
    second.goto(page.url)
    expect(second.locator("#pull-layers")).to_contain_text("Pushing", timeout=LONG)
    before = [bar.get_attribute("value") for bar in second.locator("#pull-layers progress").all()]
    bars = "[...document.querySelectorAll('#pull-layers progress')].map(bar => bar.getAttribute('value'))"
    second.wait_for_function(f"was => JSON.stringify({bars}) !== JSON.stringify(was)", arg=before, timeout=LONG)
    second.locator(".head").get_by_role("button", name=re.compile("^Cancel")).click()
    expect(page.locator("main")).to_contain_text("It was cancelled by admin.", timeout=LONG)
    other.close()
    engine.slow_down(1000)
    page.locator(".head").get_by_role("button", name="Try again").click()
    expect(page.locator("main")).to_contain_text("pushed, sha256:", timeout=LONG)
    engine.docker("rmi", reference)


def test_commit_and_remove_several(harbour: Harbour, context: BrowserContext) -> None:
    desk, engine, _ = harbour
    desk.run("writer", "busybox", "sh", "-c", "echo hello > /hello; sleep 600")
    page = desk.open(context, "containers/writer/")
    page.locator(".head summary", has_text="More").click()
    page.get_by_role("link", name="Commit…").click()
    dialog = page.locator("div.dialog")
    dialog.get_by_label("Name of the image").fill("own/writer:1")
    dialog.get_by_label("Changes").fill("RUN nothing")
    dialog.get_by_role("button", name="Commit", exact=True).click()
    expect(dialog).to_contain_text("“RUN” is none of")
    dialog.get_by_label("Changes").fill("CMD cat /hello")
    expect(dialog.locator("#dialog-command")).to_contain_text("--change 'CMD cat /hello' writer own/writer:1")
    dialog.get_by_role("button", name="Commit", exact=True).click()
    expect(page.locator("main")).to_contain_text("committed as own/writer:1", timeout=LONG)
    assert engine.docker("run", "--rm", "own/writer:1") == "hello"
    expect(page.get_by_role("link", name="Open the image")).to_be_visible()
    engine.docker("tag", "own/writer:1", "own/writer:2")
    engine.docker("commit", "writer", "own/other:1")
    engine.docker("run", "-d", "--name", "user", "own/other:1", "sleep", "600")
    desk.mirrored("user")
    page.goto(desk.at("images"))
    for name in ("own/writer", "own/other"):
        expect(page.locator("tr", has_text=name).locator(".pick")).to_be_visible(timeout=LONG)
        page.locator("tr", has_text=name).locator(".pick").check()
    page.locator("#bulk").get_by_role("button", name="Remove").click()
    expect(dialog).to_contain_text("2 tags, then deleted")
    expect(dialog).to_contain_text("in use: user")
    dialog.get_by_role("checkbox", name="own/other:1").check()
    dialog.get_by_role("button", name="Remove the ticked ones").click()
    page.wait_for_url("**/operations?q=batch*")
    expect(page.locator("main")).to_contain_text("removed, ", timeout=LONG)
    expect(page.locator("main")).to_contain_text("is using its referenced image", timeout=LONG)
    tags = engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    assert "own/writer" not in tags
    assert "own/other:1" in tags


def test_browse_pull_and_delete_a_tag(harbour: Harbour, context: BrowserContext) -> None:
    desk, engine, servers = harbour
    host = servers["open"]
    for tag in ("1", "1.0"):
        engine.docker("tag", "busybox", f"{host}/shop/shelf:{tag}")
        engine.docker("push", "-q", f"{host}/shop/shelf:{tag}")
        engine.docker("rmi", f"{host}/shop/shelf:{tag}")
    page = desk.open(context, "images")
    enter(desk, page, host)
    page.get_by_role("link", name=host).first.click()
    page.get_by_role("link", name="shop/shelf").click()
    expect(page.locator("main")).to_contain_text("same as 1.0")
    page.get_by_role("link", name="Pull 1", exact=True).click()
    dialog = page.locator("div.dialog")
    dialog.get_by_role("button", name="Pull", exact=True).click()
    expect(page.locator("main")).to_contain_text("pulled, sha256:", timeout=LONG)
    assert f"{host}/shop/shelf:1" in engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    number = desk.row("SELECT id FROM console_registry")
    page.goto(f"{desk.url}/registries/{number}/?repository=shop/shelf")
    page.get_by_role("link", name="Delete 1", exact=True).click()
    expect(dialog).to_contain_text("same digest, goes too")
    dialog.get_by_label("Type shop/shelf:1").fill("shop/shelf:1")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("main")).to_contain_text("No tag", timeout=LONG)
    engine.docker("rmi", f"{host}/shop/shelf:1")
    forget(desk, page, host)


def test_newer_images_are_looked_for_on_demand(harbour: Harbour, context: BrowserContext) -> None:
    desk, engine, servers = harbour
    reference = f"{servers['open']}/shop/moving:1"
    made = engine.docker("commit", "--change", "LABEL n=2", engine.docker("create", "busybox"))
    for image in ("busybox", made):
        engine.docker("tag", image, reference)
        engine.docker("push", "-q", reference)
    engine.docker("rmi", "--force", made)
    engine.docker("tag", "busybox", reference)
    page = desk.open(context, "images")
    row = page.locator("tr", has_text="shop/moving")
    expect(row).to_be_visible(timeout=LONG)
    expect(row).not_to_contain_text("newer")
    page.locator("#bar summary", has_text="More").click()
    page.get_by_role("button", name="Look for newer").click()
    page.wait_for_url(re.compile(r"/operations/[0-9a-f-]{36}$"))
    expect(page.locator("#updates tr", has_text=reference)).to_contain_text("newer: sha256:", timeout=LONG)
    page.goto(desk.at("images?q=update:yes"))
    page.locator("tr", has_text="busybox").get_by_role("link", name="newer").click()
    page.locator("div.dialog").get_by_role("button", name="Pull", exact=True).click()
    expect(page.locator("main")).to_contain_text("pulled, sha256:", timeout=LONG)
    assert engine.docker("image", "inspect", "--format", "{{.Config.Labels.n}}", reference) == "2"
    page.goto(desk.at("images?q=update:yes"))
    expect(page.locator("main")).to_contain_text("No image", timeout=LONG)
    engine.docker("rmi", reference)


def test_save_load_and_import(harbour: Harbour, context: BrowserContext, tmp_path: Path) -> None:
    desk, engine, _ = harbour
    engine.docker("tag", "layers:8", "own/saved:1")
    container = engine.docker("create", "busybox")
    engine.docker("commit", "--change", "CMD echo hello", container, "own/small:1")
    ids = {
        name: engine.docker("image", "inspect", "--format", "{{.Id}}", name) for name in ("own/saved:1", "own/small:1")
    }
    page = desk.open(context, "images")
    for name in ("own/saved", "own/small"):
        expect(page.locator("tr", has_text=name).locator(".pick")).to_be_visible(timeout=LONG)
        page.locator("tr", has_text=name).locator(".pick").check()
    with page.expect_download() as download:
        page.locator("#bulk").get_by_role("link", name="Save as tar").click()
    saved = tmp_path / "saved.tar"
    download.value.save_as(saved)
    engine.docker("rmi", "own/saved:1", "layers:8", "own/small:1")
    page.goto(desk.at("images/load"))
    page.locator("input[type=file]").set_input_files(saved)
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.locator("main")).to_contain_text("loaded ", timeout=LONG)
    for name, image_id in ids.items():
        assert engine.docker("image", "inspect", "--format", "{{.Id}}", name) == image_id
    assert engine.docker("run", "--rm", "own/small:1") == "hello"
    root = tmp_path / "root.tar"
    engine.docker("export", "--output", str(root), container)
    page.goto(desk.at("images/import"))
    page.locator("input[type=file]").set_input_files(root)
    page.get_by_label("Name of the image").fill("own/root:1")
    page.get_by_label("Changes").fill("CMD echo imported")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("main")).to_contain_text("imported as own/root:1", timeout=LONG)
    assert engine.docker("run", "--rm", "own/root:1") == "imported"
    page.goto(desk.at("images/load"))
    page.locator("input[type=file]").set_input_files({"name": "no.tar", "mimeType": "x", "buffer": b"garbage" * 2000})
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.locator("main")).to_contain_text("The engine did not take it.", timeout=LONG)
    engine.docker("tag", "own/saved:1", "layers:8")


CANARY = "canary-7c1f-of-a-secret"


def test_a_secret_shows_nowhere(harbour: Harbour, context: BrowserContext) -> None:
    """Not in a page, what the console prints, a process list, its data folder, or a request to another registry."""
    desk, _, servers = harbour
    forms = [CANARY, *(b64encode(text.encode()).decode().rstrip("=") for text in (CANARY, f"alice:{CANARY}"))]

    def holds(text: str) -> list[str]:
        return [form for form in forms if form in text]

    def processes() -> str:
        """All command lines of the machine."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it has ended
                found.append(path.read_bytes().decode("utf-8", "replace"))
        return "\n".join(found)

    host, elsewhere = servers["locked"], FakeRegistry(lambda method, path, headers: (200, {}, b"{}"))
    try:
        page = desk.open(context, "images")
        enter(desk, page, host, CANARY)
        expect(page.locator("main")).to_contain_text("does not accept the credentials")
        enter(desk, page, elsewhere.host)
        seen = [processes()]
        for reference in (f"{host}/shop/none", f"{elsewhere.host}/shop/none"):
            page.goto(desk.at("images/pull"))
            page.get_by_role("textbox", name="Image").fill(reference)
            page.get_by_role("button", name="Pull", exact=True).click()
            seen.append(processes())
            expect(page.locator("main")).to_contain_text("failed", timeout=LONG, ignore_case=True)
            seen.append(page.content())
        for path in ("/registries", "/operations", "/audit", "/events", "/palette?q=canary"):
            page.goto(f"{desk.url}{path}")
            seen.append(page.content())
        page.goto(f"{desk.url}/registries")
        page.get_by_role("link", name=f"Edit {host}").click()
        expect(page.get_by_label("Account")).to_have_value("alice")
        seen += [page.content(), desk.console.output, repr(elsewhere.asked)]
        assert elsewhere.asked
        assert [holds(text) for text in seen] == [[]] * len(seen)
        files = [path for path in desk.data.rglob("*") if path.is_file()]
        assert any(path.name.endswith("-wal") or path.suffix == ".sqlite3" for path in files)
        assert [path for path in files if holds(path.read_bytes().decode("latin-1"))] == []
    finally:
        elsewhere.close()
        forget(desk, page, host)
        forget(desk, page, elsewhere.host)
