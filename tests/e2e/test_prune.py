"""A person sees what takes space and cleans up in the browser; the docker command line is the witness."""

from __future__ import annotations

import time

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.desk import Desk

FORMAT = "{{.TotalCount}}|{{.Active}}|{{.Size}}|{{.Reclaimable}}"


def ended(desk: Desk, name: str, *options: str) -> str:
    """A container that has run to its end, in the mirror as such; its id."""
    desk.engine.docker("run", "--name", name, *options, "busybox", "sh", "-c", "head -c 2000000 /dev/zero >/written")
    deadline = time.monotonic() + 15
    while not desk.row("SELECT 1 FROM console_container WHERE name = ? AND state = 'exited'", name):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return desk.mirrored(name)


def names(desk: Desk, *command: str) -> set[str]:
    return set(desk.engine.docker(*command).split())


def outcome(page: Page, name: str) -> str:
    row = page.locator("#operation-region tr", has=page.get_by_text(name, exact=True))
    return row.locator("td").last.inner_text()


def test_disk_usage_is_what_docker_system_df_says(desk: Desk, context: BrowserContext) -> None:
    ended(desk, "prune-df")
    desk.engine.docker("volume", "create", "prune-df-volume")
    page = desk.open(context, "disk")
    expect(page.locator("#disk table").first).to_be_visible()
    page.get_by_role("link", name="Measure again").click()
    expect(page.locator("#disk table").first).to_be_visible()
    said = [line.split("|") for line in desk.engine.docker("system", "df", "--format", FORMAT).splitlines()]
    rows = page.locator("#disk table").first.locator("tbody tr")
    shown = [[cell.strip() for cell in row.locator("td").all_inner_texts()] for row in rows.all()]
    assert [row[0] for row in shown] == ["Images", "Containers", "Volumes", "Build cache"]
    for theirs, ours in zip(said, shown, strict=True):
        assert ours[1:4] == theirs[:3]
        freed, _, share = ours[4].partition(" ")
        assert f"{freed} ({share})" == theirs[3] or (freed == theirs[3] and not share)
    assert "2" in page.get_by_text("prune-df", exact=True).locator("xpath=ancestor::tr").inner_text()
    desk.engine.docker("rm", "prune-df")
    desk.engine.docker("volume", "rm", "prune-df-volume")


def test_what_started_after_the_preview_is_not_touched(desk: Desk, context: BrowserContext) -> None:
    desk.engine.docker("create", "--name", "prune-started", "busybox", "sleep", "600")
    for name in ("prune-a", "prune-b", "prune-kept"):
        ended(desk, name)
    page = desk.open(context, "containers")
    page.get_by_role("link", name="Clean up containers").click()
    dialog = page.locator("#dialog")
    expect(dialog.get_by_label("prune-kept")).to_be_checked()
    dialog.get_by_label("prune-kept").uncheck()
    expect(dialog.locator("#prune-total")).not_to_contain_text("prune-kept")
    expect(dialog.locator("#prune-total")).to_contain_text("prune-a")
    expect(dialog.locator("#prune-total")).to_contain_text("docker container prune")
    desk.engine.docker("start", "prune-started")
    desk.engine.docker("start", "prune-a")  # ends again: another run
    dialog.locator("#dialog-go").click()
    page.wait_for_url("**/operations/**")
    expect(page.get_by_text("What became of each")).to_be_visible()
    left = names(desk, "ps", "--all", "--format", "{{.Names}}")
    assert {"prune-a", "prune-started", "prune-kept"} <= left
    assert "prune-b" not in left
    assert outcome(page, "prune-a") == "left: it changed since the list was made"
    assert outcome(page, "prune-started") == "left: it is running now"
    desk.engine.docker("rm", "--force", "prune-a", "prune-started", "prune-kept")


def test_exactly_what_was_ticked_goes(desk: Desk, context: BrowserContext) -> None:
    for name in ("prune-gone", "prune-stays"):
        ended(desk, name)
    page = desk.open(context, "prune/containers")
    page.get_by_label("prune-stays").uncheck()
    page.locator("#dialog-go").click()
    page.wait_for_url("**/operations/**")
    expect(page.get_by_text("What became of each")).to_be_visible()
    left = names(desk, "ps", "--all", "--format", "{{.Names}}")
    assert "prune-stays" in left
    assert "prune-gone" not in left
    assert outcome(page, "prune-gone").startswith("removed, 2")
    desk.engine.docker("rm", "prune-stays")


def test_b7_unused_images(desk: Desk, context: BrowserContext) -> None:
    """First the list with sizes and the total, then exactly those, and what that gave back."""
    for name in ("prune-image:1", "prune-image:2", "prune-used:1"):
        desk.engine.docker(
            "run", "--name", "prune-made", "busybox", "sh", "-c", f"yes {name} | head -c 2000000 >/written"
        )
        desk.engine.docker("commit", "prune-made", name)
        desk.engine.docker("rm", "prune-made")
    desk.engine.docker("create", "--name", "prune-user", "prune-used:1")
    desk.mirrored("prune-user")
    deadline = time.monotonic() + 15
    while not desk.row("SELECT 1 FROM console_imagetag WHERE reference = 'prune-used:1'"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    page = desk.open(context, "prune/images")
    page.get_by_role("link", name="all without a container").click()
    expect(page.get_by_label("prune-used:1")).to_have_count(0)
    for kept in ("prune-image:2", "nginx:latest", "busybox:latest", "alpine:latest"):
        page.get_by_label(kept).uncheck()
    page.get_by_role("button", name="Count again").click()
    expect(page.locator("#prune-total")).to_contain_text("docker image rm prune-image:1")
    expect(page.locator("#prune-total")).to_contain_text("1 image, 2.0 MB")
    page.get_by_label("Type").fill(page.locator("#prune-total label code").inner_text())
    page.locator("#dialog-go").click()
    page.wait_for_url("**/operations/**")
    expect(page.get_by_text("What became of each")).to_be_visible()
    assert outcome(page, "prune-image:1") == "removed, 2.0 MB"
    expect(page.locator("main")).to_contain_text("1 removed, 2MB freed")
    left = names(desk, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    assert "prune-image:1" not in left
    assert {"prune-image:2", "prune-used:1", "nginx:latest", "busybox:latest", "alpine:latest"} <= left
    desk.engine.docker("rm", "prune-user")
    desk.engine.docker("image", "rm", "prune-image:2", "prune-used:1")


def test_a_named_volume_goes_only_when_ticked_and_confirmed_without_script(desk: Desk, browser: Browser) -> None:
    desk.engine.docker("volume", "create", "prune-volume")
    anonymous = desk.engine.docker("volume", "create")
    deadline = time.monotonic() + 15
    while not desk.row("SELECT 1 FROM console_volume WHERE name = ?", anonymous):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    context = browser.new_context(java_script_enabled=False)
    page = desk.open(context, "prune/volumes")
    expect(page.get_by_label(anonymous)).to_be_checked()
    page.get_by_role("link", name="all without a container").click()
    expect(page.get_by_label("prune-volume")).not_to_be_checked()
    page.get_by_label("prune-volume").check()
    page.get_by_label(anonymous).uncheck()
    page.get_by_role("button", name="Count again").click()
    expect(page.locator("#prune-total")).to_contain_text("docker volume rm prune-volume")
    page.locator("#dialog-go").click()
    expect(page.locator("#typed-note")).to_contain_text("cannot be brought back")
    expect(page.get_by_label("prune-volume")).to_be_checked()
    must = page.locator("#prune-total label code").inner_text()
    page.locator("#typed").fill(must)
    page.locator("#dialog-go").click()
    page.wait_for_url("**/operations/**")
    deadline = time.monotonic() + 15
    while "prune-volume" in names(desk, "volume", "ls", "--quiet"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert anonymous in names(desk, "volume", "ls", "--quiet")
    desk.engine.docker("volume", "rm", anonymous)
    context.close()
