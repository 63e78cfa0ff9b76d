"""A container is brought into the world in the browser; docker sees it. Rows C1, C7, C8, E3, E4, E5."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.desk import Desk
from tests.engines import PrivateEngine

LONG = 30_000  # ms


def inspected(engine: PrivateEngine, name: str) -> Any:
    return json.loads(engine.docker("container", "inspect", name))[0]


def read(page: Page, line: str) -> None:
    page.get_by_label("docker run command").fill(line)
    page.get_by_role("button", name="Read command").click()
    expect(page.locator("#parsed")).to_be_visible(timeout=LONG)


def finished(page: Page, note: str) -> None:
    """The operation's page says that it is done."""
    page.wait_for_url("**/operations/*", timeout=LONG)
    expect(page.locator("#operation-region")).to_contain_text(note, timeout=LONG)


def test_c1_create_a_pasted_line(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    page = desk.open(context, "containers")
    page.get_by_role("link", name="Create container").click()
    read(page, "docker container create -it --name nginx nginx")
    expect(page.locator("#equiv-run")).to_contain_text("--name nginx")
    page.get_by_role("button", name="Create only").click()
    finished(page, "created")
    made = inspected(clean_engine, "nginx")
    assert made["State"]["Status"] == "created"
    assert (made["Config"]["Tty"], made["Config"]["OpenStdin"]) == (True, True)
    page.get_by_role("link", name="Open nginx").click()
    expect(page.locator("#run-command")).to_contain_text(
        "docker container create --name nginx -i -t nginx", timeout=LONG
    )


def test_sections_fold_to_their_value_on_a_phone(desk: Desk, browser: Browser, clean_engine: PrivateEngine) -> None:
    desk.run("first", "-p", "8081:80", "nginx")
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    faults: list[str] = []
    phone.on("weberror", lambda error: faults.append(str(error.error)))
    page = desk.open(phone, "containers/create?image=nginx")
    ports, mounts = (page.locator(f".sec:has(#f-{name})") for name in ("publish", "mount"))
    fold = ports.get_by_role("button", name="Ports")
    expect(page.locator("[name=image]")).to_be_visible()
    expect(fold).to_contain_text("8080 → 80/tcp")
    expect(ports.locator("input").first).to_be_hidden()
    expect(mounts.get_by_role("button", name="Mounts")).to_have_attribute("aria-expanded", "false")
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "true")
    page.locator("[name=publish-host]").fill("8081")
    fold.click()  # what is wrong opens its section
    expect(fold).to_contain_text("8081", timeout=LONG)
    expect(fold).to_have_attribute("aria-expanded", "true", timeout=LONG)
    expect(ports.locator("[data-err]").first).to_be_visible()
    fold.click()
    page.locator("#issues a").first.click()
    expect(page.locator("[name=publish-host]")).to_be_focused()
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.get_by_role("heading", name="Ports")).to_be_visible()
    expect(fold).to_have_count(0)
    expect(page.locator("[name=mount-target]")).to_be_visible()
    phone.close()
    assert faults == []


def test_c7_run_by_hand_with_a_port(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    desk.run("first", "-p", "8080:80", "nginx")
    page = desk.open(context, "containers/create")
    page.locator("[name=image]").fill("nginx")
    page.locator("[name=name]").fill("first")
    page.locator("[name=interactive]").check()
    page.locator("[name=tty]").check()
    page.locator("[name=publish-host]").fill("8080")
    page.locator("[name=publish-container]").fill("80")
    expect(page.locator("#issues")).to_contain_text("name is taken", timeout=LONG)
    expect(page.locator("#f-name [data-err]")).to_contain_text("Choose another: first-2 is free.")
    expect(page.locator("#f-publish [data-err]")).to_contain_text("Next free port: 8081.")
    page.locator("[name=name]").fill("nginx")
    page.locator("[name=publish-host]").fill("8081")
    expect(page.locator("#issues")).to_have_count(0, timeout=LONG)
    expect(page.locator("#f-name [data-err]")).to_be_hidden()
    expect(page.locator("#equiv-run")).to_contain_text("-p 8081:80")
    page.get_by_role("button", name="Add variable").click()
    page.locator("[name=env]").first.fill("TIER=web")
    page.locator("[name=env]").last.fill("DB_PASSWORD=canary")
    expect(page.locator("#equiv-run")).to_contain_text("TIER=web", timeout=LONG)
    expect(page.locator("#equiv")).not_to_contain_text("canary")
    page.get_by_role("button", name="Add variable").click()
    page.locator("[name=env]").last.fill("GONE=1")
    expect(page.locator("#equiv-run")).to_contain_text("GONE=1", timeout=LONG)
    page.locator("#f-env").get_by_role("button", name="Remove line").last.click()
    expect(page.locator("#equiv-run")).not_to_contain_text("GONE=1", timeout=LONG)
    expect(page.locator("[name=env]")).to_have_count(2)
    page.get_by_role("button", name="Create and start").click()
    finished(page, "created and started")
    expect(page.locator("body")).not_to_contain_text("canary")
    made = inspected(clean_engine, "nginx")
    assert made["State"]["Status"] == "running"
    assert {"TIER=web", "DB_PASSWORD=canary"} <= set(made["Config"]["Env"])
    assert made["HostConfig"]["PortBindings"]["80/tcp"] == [{"HostIp": "", "HostPort": "8081"}]
    page.get_by_role("link", name="Open nginx").click()
    expect(page.locator(".facts a[href*=':8081']").first).to_be_visible(timeout=LONG)


def test_c8_run_rm(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    page = desk.open(context, "containers/create")
    read(page, "docker run -d --rm --name once busybox sleep 3")
    page.get_by_role("button", name="Create and start").click()
    finished(page, "created and started")
    page.goto(desk.at("containers"))
    expect(page.locator("#container-table")).not_to_contain_text("once", timeout=LONG)
    assert "once" not in clean_engine.docker("container", "ls", "--all", "--format", "{{.Names}}")


@pytest.mark.parametrize(
    ("mount", "kind"),
    [
        ("type=volume,src=vm1,target=/home", "volume"),
        ("type=bind,src=/tmp,target=/home", "bind"),
        ("type=tmpfs,target=/home,tmpfs-size=1m", "tmpfs"),
    ],
)
def test_e3_e4_e5_mounts(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine, mount: str, kind: str
) -> None:
    page = desk.open(context, "containers/create")
    read(page, f"docker run -d --name mounted --mount {mount} busybox sleep 600")
    page.get_by_role("button", name="Create and start").click()
    finished(page, "created and started")
    assert [(found["Type"], found["Destination"]) for found in inspected(clean_engine, "mounted")["Mounts"]] == [
        (kind, "/home")
    ]


def test_e4_a_missing_source_is_refused_by_the_engine(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    page = desk.open(context, "containers/create")
    read(page, "docker run -d --name mounted --mount type=bind,src=/nowhere,target=/home busybox")
    page.get_by_role("button", name="Create and start").click()
    finished(page, "bind source path does not exist: /nowhere")
    assert clean_engine.docker("container", "ls", "--all", "--quiet") == ""


def test_an_image_is_run_from_its_page(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    page = desk.open(context, "images/nginx:latest/")
    page.get_by_role("link", name="Run this image").click()
    expect(page.locator("[name=image]")).to_have_value("nginx:latest")
    expect(page.locator("#image-words")).to_contain_text("On ")
    page.get_by_role("button", name="Create and start").click()
    finished(page, "created and started")
    names = clean_engine.docker("container", "ls", "--format", "{{.Names}}").split()
    assert [re.sub("-[0-9a-f]{4}$", "", name) for name in names] == ["nginx"]


def test_it_works_without_script(desk: Desk, browser: Any, clean_engine: PrivateEngine) -> None:
    with_cookies = browser.new_context()
    desk.sign_in(with_cookies)
    plain = browser.new_context(java_script_enabled=False, storage_state=with_cookies.storage_state())
    page = plain.new_page()
    page.goto(desk.at("containers/create"))
    page.locator("[name=image]").fill("busybox")
    page.locator("[name=name]").fill("plain")
    page.locator("[name=command]").fill("sleep 600")
    page.locator("[name=env]").fill("A=1")
    page.get_by_role("button", name="Add variable").click()
    page.locator("[name=env]").last.fill("B=2")
    page.locator("[name=memory]").fill("1m")
    page.get_by_role("button", name="Create and start").click()
    expect(page.locator("#f-memory")).to_contain_text("The least that an engine allows is 6m.")
    expect(page.locator("[name=env]").last).to_have_value("B=2")
    page.locator("[name=memory]").fill("64m")
    page.get_by_role("button", name="Create and start").click()
    page.wait_for_url("**/operations/*")
    desk.mirrored("plain")
    assert {"A=1", "B=2"} <= set(inspected(clean_engine, "plain")["Config"]["Env"])
    plain.close()
    with_cookies.close()
