"""Rows D1 to D9 of the walk-through but their picture: networks made, joined, left and removed in a browser.

The docker command line is the witness.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.desk import Desk
from tests.engines import PrivateEngine

LONG = 20_000  # ms
SLEEP = ("busybox", "sleep", "600")


def inspected(engine: PrivateEngine, name: str) -> Any:
    return json.loads(engine.docker("network", "inspect", name))[0]


def new(desk: Desk, context: BrowserContext, name: str, driver: str = "bridge") -> Page:
    """The page of a new network, from the list, with a name and a driver."""
    page = desk.open(context, "networks")
    page.get_by_role("link", name="Create network").click()
    page.get_by_label("Name", exact=True).fill(name)
    if driver != "bridge":
        page.get_by_role("button", name=driver, exact=True).click()
        expect(page.get_by_role("button", name=driver, exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Name", exact=True)).to_have_value(name)
    return page


def create(page: Page) -> None:
    page.get_by_role("button", name="Create network").last.click()


def test_d4_d6_a_network_is_made_joined_used_left_and_removed(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    desk.run("aa", *SLEEP)
    desk.run("bb", *SLEEP)
    page = new(desk, context, "my-net")
    page.get_by_label("Subnet 1", exact=True).fill("172.30.0.0/16")
    side = page.locator("#network-side")
    expect(side).to_contain_text("docker network create \\ --driver bridge \\ --subnet 172.30.0.0/16 \\ my-net")
    create(page)
    page.wait_for_url("**/networks/*/")
    assert inspected(clean_engine, "my-net")["IPAM"]["Config"][0]["Subnet"] == "172.30.0.0/16"
    expect(page.locator("main")).to_contain_text("172.30.0.0/16")
    for name in ("aa", "bb"):
        page.get_by_role("link", name="Connect container…").click()
        page.get_by_label("Container", exact=True).select_option(label=name)
        expect(page.locator("#dialog-command")).to_contain_text(f"docker network connect my-net {name}")
        page.locator("#dialog-go").click()
        expect(page.locator("table.tbl")).to_contain_text(name, timeout=LONG)
    assert "172.30.0." in clean_engine.docker("exec", "aa", "ping", "-c", "1", "bb")  # by name
    page.get_by_role("link", name="Remove…").click()
    expect(page.locator("#dialog")).to_contain_text("cannot be removed while containers are on it")
    page.locator("#dialog-go").click()
    expect(page.locator("#dialog")).to_contain_text("In use by aa, bb")
    page.get_by_role("button", name="Keep it").click()
    for name in ("aa", "bb"):
        page.get_by_role("link", name=f"Disconnect {name}").click()
        page.locator("#dialog-go").click()
        expect(page.get_by_role("link", name=f"Disconnect {name}")).to_have_count(0, timeout=LONG)
    page.get_by_role("link", name="Remove…").click()
    page.locator("#dialog-go").click()
    expect(page.locator("main")).to_contain_text("This network is gone", timeout=LONG)
    assert "my-net" not in clean_engine.docker("network", "ls")


def test_d4_from_a_container_with_address_and_aliases(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("network", "create", "--subnet", "172.30.0.0/16", "my-net")
    desk.run("aa", *SLEEP)
    page = desk.open(context, "containers/aa/")
    page.get_by_role("link", name="Connect to a network…").click()
    page.get_by_label("Network", exact=True).select_option(label="my-net (bridge)")
    page.get_by_label("IPv4 address").fill("172.30.0.77")
    page.get_by_label("Aliases").fill("db")
    page.locator("#dialog-go").click()
    expect(page.locator("main")).to_contain_text("172.30.0.77", timeout=LONG)
    joined = json.loads(clean_engine.docker("inspect", "aa"))[0]["NetworkSettings"]["Networks"]["my-net"]
    assert (joined["IPAddress"], "db" in joined["Aliases"]) == ("172.30.0.77", True)


def test_d9_the_engines_refusal_stands_at_its_field(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    page = new(desk, context, "lan", "macvlan")
    page.get_by_label("Parent").fill("nowhere0")
    page.get_by_label("Subnet 1", exact=True).fill("10.77.0.0/24")
    create(page)
    expect(page.locator("#parent-error")).to_contain_text("nowhere0", timeout=LONG)
    expect(page.get_by_label("Subnet 1", exact=True)).to_have_value("10.77.0.0/24")
    page.get_by_label("Parent").fill("up0")
    create(page)
    page.wait_for_url("**/networks/*/")
    clean_engine.docker("run", "-d", "--name", "aa", "--network", "lan", *SLEEP)
    clean_engine.docker("run", "-d", "--name", "bb", "--network", "lan", *SLEEP)
    assert "1 packets received" in clean_engine.docker("exec", "aa", "ping", "-c", "1", "bb")


def test_d9_what_overlaps_is_said_before_it_is_sent(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("network", "create", "--subnet", "172.30.0.0/16", "other")
    page = new(desk, context, "my-net")
    page.get_by_label("Subnet 1", exact=True).fill("172.30.5.0/24")
    with page.expect_navigation():  # the check while typing says the same, before it is sent
        create(page)
    expect(page.locator("#line-0-errors")).to_contain_text("172.30.5.0/24 overlaps other (172.30.0.0/16)")
    page.get_by_role("button", name="Use 172").click()
    expect(page.get_by_label("Subnet 1", exact=True)).not_to_have_value("172.30.5.0/24")
    expect(page.locator("#line-0-errors")).to_have_count(0)
    page.wait_for_load_state()
    create(page)
    page.wait_for_url("**/networks/*/")
    assert inspected(clean_engine, "my-net")["IPAM"]["Config"][0]["Subnet"] != "172.30.5.0/24"


def test_d9_ipvlan_says_what_the_kernel_may_lack(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    page = new(desk, context, "edge", "ipvlan")
    page.get_by_label("Parent").fill("up0")
    page.get_by_label("Subnet 1", exact=True).fill("10.78.0.0/24")
    expect(page.locator("#network-side")).to_contain_text("failed to create the ipvlan port: operation not supported")
    create(page)
    page.wait_for_url("**/networks/*/")
    assert inspected(clean_engine, "edge")["Options"]["parent"] == "up0"


def test_d9_overlay_after_a_swarm_is_begun_from_the_form(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    page = new(desk, context, "mesh", "overlay")
    expect(page.locator("#offer")).to_contain_text("is not in a swarm")
    page.get_by_label("Address for other engines").fill(clean_engine.address)
    page.get_by_role("button", name="Start a swarm, then go on").click()
    expect(page.locator("#offer")).to_have_count(0, timeout=LONG)
    expect(page.get_by_label("Name", exact=True)).to_have_value("mesh")
    create(page)
    page.wait_for_url("**/networks/*/")
    assert inspected(clean_engine, "mesh")["Attachable"] is True
    page = desk.open(context, "")
    expect(page.locator("#swarm")).to_contain_text("manager, leader", timeout=LONG)
    assert "SWMTKN-" not in page.content()
    page.get_by_role("button", name="Reveal worker").click()
    expect(page.locator("#swarm .secret").first).to_contain_text("SWMTKN-")
    assert clean_engine.docker("swarm", "join-token", "-q", "worker") in page.content()
    assert clean_engine.docker("swarm", "join-token", "-q", "manager") not in page.content()
    page.get_by_role("link", name="Leave the swarm…").click()
    page.get_by_label("Also as a manager").check()
    page.locator("#dialog-go").click()
    expect(page.locator("main")).to_contain_text("has left the swarm", timeout=LONG)
    assert clean_engine.docker("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive"


def test_d7_d8_host_and_none(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    desk.run("aa", "--network", "host", *SLEEP)
    desk.run("bb", "--network", "none", *SLEEP)
    page = desk.open(context, "networks/host/")
    expect(page.locator("main")).to_contain_text("a container uses the host's addresses and ports as they are")
    expect(page.get_by_role("link", name="Connect container…")).to_have_count(0)
    page = desk.open(context, "networks/none/")
    expect(page.locator("main")).to_contain_text("a container has only its own loopback")
    page = desk.open(context, "networks/ports")
    expect(page.locator("main")).to_contain_text("On the host's own network")


def test_the_last_network_is_left_after_a_warning(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    desk.run("aa", *SLEEP)
    page = desk.open(context, "networks/bridge/")
    page.get_by_role("link", name="Disconnect aa").click()
    expect(page.locator("#dialog")).to_contain_text("It is its last network: afterwards it reaches only itself")
    page.locator("#dialog-go").click()
    expect(page.get_by_role("link", name="Disconnect aa")).to_have_count(0, timeout=LONG)
    assert clean_engine.docker("inspect", "-f", "{{len .NetworkSettings.Networks}}", "aa") == "0"
    page = desk.open(context, "networks/map")
    expect(page.locator("#network-map .node", has_text="aa")).to_be_visible(timeout=LONG)
    expect(page.locator("#network-map .lane", has_text="no network")).to_have_count(1)


def test_unused_networks_are_shown_before_they_go(
    desk: Desk, context: BrowserContext, clean_engine: PrivateEngine
) -> None:
    for name in ("net-free", "net-kept", "net-used"):
        clean_engine.docker("network", "create", name)
    desk.run("aa", "--network", "net-used", *SLEEP)
    page = desk.open(context, "networks")
    expect(page.locator("main")).to_contain_text("net-used", timeout=LONG)
    page.get_by_role("link", name="Clean up networks").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("net-free")
    expect(dialog).not_to_contain_text("net-used")
    dialog.locator("tr", has_text="net-kept").get_by_role("checkbox").uncheck()
    dialog.locator("#dialog-go").click()
    page.wait_for_url("**/operations/**")
    expect(page.locator("#operation-region")).to_contain_text("net-free", timeout=LONG)
    expect(page.locator("main")).to_contain_text("Done", timeout=LONG)
    left = set(clean_engine.docker("network", "ls", "--format", "{{.Name}}").split())
    assert left == {"bridge", "host", "none", "net-kept", "net-used"}


def test_published_ports_and_their_conflicts(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    desk.run("aa", "-p", "8080:80", *SLEEP)
    clean_engine.docker("create", "--name", "bb", "-p", "127.0.0.1:8080:80", *SLEEP)
    desk.mirrored("bb")
    page = desk.open(context, "networks/ports")
    row = page.locator("tr", has_text="127.0.0.1:8080")
    expect(row).to_contain_text("aa wants it too")
    expect(page.locator("tr", has_text="0.0.0.0:8080")).to_contain_text("open: every address of the host")


@pytest.mark.parametrize("script", [False])
def test_without_script_a_network_is_made(
    script: bool, desk: Desk, context: BrowserContext, browser: Any, clean_engine: PrivateEngine
) -> None:
    plain = browser.new_context(java_script_enabled=script)
    page = desk.open(plain, "networks/create")
    page.get_by_label("Name", exact=True).fill("plain-net")
    page.get_by_role("button", name="Add subnet").click()
    page.get_by_label("Subnet 1", exact=True).fill("172.30.0.0/16")
    create(page)
    for _ in range(40):
        if "create?operation" not in page.url:
            break
        page.wait_for_timeout(250)
        page.get_by_role("link", name="Look again").click()
    assert inspected(clean_engine, "plain-net")["IPAM"]["Config"][0]["Subnet"] == "172.30.0.0/16"
    plain.close()
