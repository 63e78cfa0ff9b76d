"""A person makes and removes volumes in the browser; the docker command line is the witness."""

from __future__ import annotations

import json
import time
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, expect

from tests.e2e.desk import Desk


def test_refused_while_in_use_then_gone(desk: Desk, context: BrowserContext) -> None:
    desk.run("vol-user", "--mount", "type=volume,src=vol-vm1,target=/home", "busybox", "sleep", "600")
    page = desk.open(context, "volumes/vol-vm1/remove")
    expect(page.get_by_text("It cannot be removed while containers use it")).to_be_visible()
    expect(page.locator("#dialog-go")).to_have_count(0)
    desk.engine.docker("rm", "--force", "vol-user")
    page.goto(desk.at("volumes/vol-vm1/"))
    expect(page.locator("#head + .facts").get_by_text("0 containers")).to_be_visible()
    page.locator(".head").get_by_text("Remove…").click()
    page.locator("#typed").fill(page.locator("#typed").get_attribute("data-must-equal") or "")
    page.locator("#dialog-go").click()
    page.wait_for_url("**/operations/**")
    deadline = time.monotonic() + 20
    while "vol-vm1" in desk.engine.docker("volume", "ls", "--quiet").split():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_e2_created_in_the_browser_and_on_the_engine(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context, "volumes")
    page.get_by_role("link", name="Create volume").click()
    page.locator("#name").fill("vol-made")
    page.get_by_label("Labels").fill("tier=data")
    expect(page.locator("#volume-side pre").first).to_contain_text("vol-made")
    page.locator("#volume-side").get_by_role("button", name="Create volume").click()
    page.wait_for_url("**/volumes/vol-made/")
    found = json.loads(desk.engine.docker("volume", "inspect", "vol-made"))[0]
    assert (found["Driver"], found["Labels"]) == ("local", {"tier": "data"})
    page.goto(desk.at("volumes/create"))
    page.locator("#name").fill("vol-made")
    page.locator("#volume-side").get_by_role("button", name="Create volume").click()
    expect(page.locator("#name-error")).to_contain_text("already")


def test_a_memory_volume_without_script(desk: Desk, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = desk.open(context, "volumes/create")
    page.get_by_role("button", name="tmpfs").click()
    page.locator("#name").fill("vol-memory")
    page.get_by_label("Size").fill("8m")
    page.locator("#volume-side").get_by_role("button", name="Create volume").click()
    page.wait_for_url(lambda address: not address.endswith("/create"))
    deadline = time.monotonic() + 20
    while not (answer := page.goto(desk.at("volumes/vol-memory/"))) or answer.status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    shown = desk.engine.docker("run", "--rm", "-v", "vol-memory:/home", "busybox", "df", "-k", "/home")
    assert "8192" in shown
    context.close()


def test_backup_delete_restore_in_the_browser(desk: Desk, context: BrowserContext, tmp_path: Path) -> None:
    make = "echo kept > /v/file; head -c 9000000 /dev/urandom > /v/big; chmod 640 /v/file"
    desk.engine.docker("run", "--rm", "-v", "vol-saved:/v", "busybox", "sh", "-c", make)
    sums = ("run", "--rm", "-v", "vol-saved:/v", "busybox", "sh", "-c", "cd /v; sha256sum *; stat -c '%n %a %Y' . *")
    before = desk.engine.docker(*sums)
    page = desk.open(context, "volumes")
    page.get_by_role("link", name="vol-saved").click()
    page.locator(".head").get_by_text("Back up…").click()
    with page.expect_download() as started:
        page.locator("#dialog-go").click()
    saved = tmp_path / started.value.suggested_filename
    started.value.save_as(saved)
    assert saved.name == "vol-saved.tar.gz"
    assert saved.stat().st_size > 9_000_000
    desk.engine.docker("volume", "rm", "vol-saved")
    desk.engine.docker("volume", "create", "vol-saved")
    deadline = time.monotonic() + 20
    while True:  # until the mirror has seen it go and come
        page.goto(desk.at("volumes/vol-saved/restore"))
        if page.locator("#archive").count():
            break
        assert time.monotonic() < deadline
        time.sleep(0.5)
    page.locator("#archive").set_input_files(saved)
    page.locator("[data-upload-go]").click()
    page.wait_for_url("**/operations/**")
    expect(page.get_by_text("restored, ").first).to_be_visible(timeout=30_000)
    assert desk.engine.docker(*sums) == before
    assert desk.engine.docker("ps", "--all", "--quiet", "--filter", "label=quarterdeck.looking") == ""


def test_users_stop_for_a_backup_and_run_again(desk: Desk, context: BrowserContext, tmp_path: Path) -> None:
    desk.run(
        "vol-writer", "-v", "vol-busy:/home", "busybox", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"
    )
    page = desk.open(context, "volumes/vol-busy/backup")
    expect(page.get_by_text("In use by vol-writer")).to_be_visible()
    page.get_by_text("Stop them first").click()
    page.wait_for_url("**/operations/**")
    running = ("inspect", "--format", "{{.State.Running}}", "vol-writer")
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible(timeout=30_000)
    assert desk.engine.docker(*running) == "false"
    with page.expect_download() as started:
        link.click()
    started.value.save_as(tmp_path / "busy.tar.gz")
    expect(page.get_by_text("downloaded, ").first).to_be_visible(timeout=30_000)
    assert desk.engine.docker(*running) == "true"


def test_a_clone_in_the_browser(desk: Desk, context: BrowserContext) -> None:
    desk.engine.docker("run", "--rm", "-v", "vol-first:/v", "busybox", "sh", "-c", "echo same > /v/file")
    page = desk.open(context, "volumes")
    page.get_by_role("link", name="vol-first").click()
    page.locator(".head").get_by_text("Clone…").click()
    page.locator("#target").fill("vol-second")
    page.locator("#dialog-go").click()
    page.wait_for_url("**/operations/**")
    expect(page.get_by_text("cloned to vol-second").first).to_be_visible(timeout=30_000)
    assert desk.engine.docker("run", "--rm", "-v", "vol-second:/v", "busybox", "cat", "/v/file") == "same"


def test_e1_what_a_container_alone_holds_is_lost_with_it(desk: Desk, context: BrowserContext) -> None:
    made = desk.run("vol-layer", "busybox", "sh", "-c", "echo x > /file; sleep 600")
    assert desk.engine.docker("exec", "vol-layer", "cat", "/file") == "x"
    page = desk.open(context, f"containers/{made}/remove")
    expect(page.locator("main")).to_contain_text("every file that it wrote outside of volumes")
    desk.engine.docker("rm", "--force", "vol-layer")
    said = desk.engine.docker("run", "--rm", "busybox", "sh", "-c", "cat /file 2>&1 || true")
    assert said.endswith("No such file or directory")


def test_e4_e5_folders_of_the_host_and_memory_are_storage_too(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context, "volumes")
    page.get_by_role("link", name="Bind mounts, tmpfs").click()
    memory = ("--mount", "type=tmpfs,target=/home,tmpfs-size=8388608,tmpfs-mode=1777", "--tmpfs", "/run:size=4m")
    desk.run("vol-mounts", *memory, "-v", "/etc:/host-etc:ro", "busybox", "sleep", "600")
    table = page.locator("#storage-table")
    expect(table).to_contain_text("size=8388608,mode=1777")  # live, without a reload
    expect(table).to_contain_text("size=4m")
    row = table.locator("tr", has_text="/host-etc")
    expect(row).to_contain_text("passwords, keys")
    expect(row).to_contain_text("read only")
    assert "8192" in desk.engine.docker("exec", "vol-mounts", "df", "-k", "/home")
    page.get_by_role("link", name="Risky").click()
    expect(table.locator("tbody tr")).to_have_count(1)
    desk.engine.docker("rm", "--force", "vol-mounts")
    expect(table).not_to_contain_text("vol-mounts")
