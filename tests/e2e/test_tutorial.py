"""What a person learns on day one, in the browser, with the docker command line as the witness.

Rows of the walk-through that other files of this folder do not cover: steering containers is in test_actions.py, logs
are in test_logs.py. Each test names its row.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from console import docker_networks
from console.pages.setup import this_system
from tests.console_process import Console
from tests.e2e.desk import PASSWORD, Desk
from tests.engines import PrivateEngine

LONG = 20_000  # ms


def text_of(page: Page, selector: str = "main") -> str:
    return re.sub(r"\s+", " ", page.locator(selector).first.inner_text())


# ── A: the engine itself ──


@contextmanager
def console(data: Path, address: str, under: Sequence[str] = ()) -> Iterator[Console]:
    """A console that is told where its engine should be."""
    environment = {"DOCKER_HOST": address, "QUARTERDECK_ADMIN_PASSWORD": PASSWORD, "PORT": "0"}
    made = Console(data, environment, under)
    made.wait_ready()
    try:
        yield made
    finally:
        made.end()
        assert "Traceback" not in made.output, made.output


def signed_in(context: BrowserContext, made: Console) -> Page:
    page = context.new_page()
    page.goto(f"{made.url}/login?next=/")
    page.locator("[name=login]").fill("admin")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def test_a1_a_stopped_engine_is_named_and_the_page_moves_on_by_itself(
    context: BrowserContext, new_engine: Callable[..., PrivateEngine], tmp_path: Path
) -> None:
    engine = new_engine()
    engine.kill()
    with console(tmp_path / "data", engine.url) as made:
        page = signed_in(context, made)
        expect(page.locator("main")).to_contain_text("not running", timeout=LONG)
        expect(page.locator("main")).to_contain_text("systemctl start docker")
        engine.restart()
        expect(page.locator("main")).not_to_contain_text("systemctl start docker", timeout=LONG)
        expect(page.locator("#fresh")).to_contain_text("Live", timeout=LONG)


def test_a1_a_wrong_address_is_named(context: BrowserContext, tmp_path: Path) -> None:
    with console(tmp_path / "data", "tcp://127.0.0.1:9") as made:
        page = signed_in(context, made)
        expect(page.locator("main")).to_contain_text("127.0.0.1:9", timeout=LONG)
        expect(page.locator("main")).to_contain_text("DOCKER_HOST")


# A mount namespace in which the programs of the engines are no programs.
NOTHING_INSTALLED = (
    "unshare",
    "--mount",
    "sh",
    "-c",
    'for name in dockerd podman dockerd-rootless.sh; do path=$(command -v $name) && mount --bind /dev/null "$path";'
    ' done; exec "$@"',
    "sh",
)


def test_a1_an_absent_engine_is_named(context: BrowserContext, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with console(tmp_path / "data", f"unix://{tmp_path}/run/docker.sock", NOTHING_INSTALLED) as made:
        page = signed_in(context, made)
        expect(page.locator("main")).to_contain_text("No Docker engine is installed", timeout=LONG)
        expect(page.locator("main")).to_contain_text("apt install docker.io")


# What makes root as weak as anybody before a file of somebody else.
NO_OVERRIDE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def test_a1_a_forbidden_socket_is_named_and_the_page_moves_on_by_itself(
    context: BrowserContext, new_engine: Callable[..., PrivateEngine], tmp_path: Path
) -> None:
    engine = new_engine()
    mended_by = "DOCKER_GID" if this_system().contained else "usermod -aG docker root"
    socket = Path(engine.url.removeprefix("unix://"))
    before = socket.stat()
    os.chown(socket, 65534, before.st_gid)
    socket.chmod(0o600)
    with console(tmp_path / "data", engine.url, NO_OVERRIDE) as made:
        page = signed_in(context, made)
        expect(page.locator("main")).to_contain_text("may not open", timeout=LONG)
        expect(page.locator("main")).to_contain_text(mended_by)
        expect(page.locator("main")).to_contain_text("can become root on this host")
        os.chown(socket, before.st_uid, before.st_gid)
        expect(page.locator("main")).not_to_contain_text(mended_by, timeout=LONG)
        expect(page.locator("#fresh")).to_contain_text("Live", timeout=LONG)


def test_a2_version_and_info(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    info = json.loads(clean_engine.docker("info", "--format", "{{json .}}"))
    version = json.loads(clean_engine.docker("version", "--format", "{{json .}}"))
    page = desk.open(context, "")
    shown = text_of(page)
    for expected in (
        version["Server"]["Version"],
        version["Server"]["ApiVersion"],
        info["Driver"],
        f"version {info['CgroupVersion']}",
        info["CgroupDriver"],
        info["KernelVersion"],
        info["Architecture"],
        info["LoggingDriver"],
        "docker SDK for Python",
        *(info["Warnings"] or []),
    ):
        assert expected in shown, expected
    page.get_by_role("button", name="Verify mirror").click()
    expect(page.locator("main")).to_contain_text("0 differences", timeout=LONG)


# ── B: images ──


def test_b2_image_list(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    clean_engine.docker("tag", "alpine", "10.0.0.1:5000/team/app:1.2")
    container = clean_engine.docker("run", "-d", "alpine", "sleep", "60")
    dangling = clean_engine.docker("commit", container).removeprefix("sha256:")[:12]
    page = desk.open(context, "images")
    expect(page.locator("main")).to_contain_text(dangling, timeout=LONG)
    shown = text_of(page)
    rows = clean_engine.docker("image", "ls", "--format", "{{.Repository}}|{{.Tag}}|{{.ID}}|{{.Size}}").splitlines()
    assert len(rows) >= 5
    for row in rows:
        repository, tag, image_id, size = row.split("|")
        assert image_id in shown, row
        assert re.sub(r"([\d.]+)([kMG]?B)", r"\1 \2", size) in shown, row
        if repository != "<none>":
            assert f"{repository}:{tag}" in shown.replace(" ", ""), row


def test_b3_image_inspect(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    [raw] = json.loads(clean_engine.docker("image", "inspect", "nginx"))
    page = desk.open(context, "images/nginx:latest/")
    shown = text_of(page)
    assert raw["Id"] in shown
    assert "80/tcp" in shown
    assert raw["Config"]["StopSignal"] in shown
    page.goto(desk.at("images/nginx:latest/inspect"))
    whole = page.locator("main").inner_text()
    for layer in raw["RootFS"]["Layers"]:
        assert layer in whole


def test_b4_image_history(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    page = desk.open(context, "images/nginx:latest/layers")
    shown = text_of(page)
    history = clean_engine.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", "nginx").splitlines()
    assert len(history) > 5
    for created_by in filter(None, history):
        plain = created_by.removesuffix("# buildkit")
        said = re.sub(r"\s+", " ", re.sub(r"^(RUN )?/bin/sh -c (#\(nop\))?", "", plain)).strip()
        assert said in shown, created_by


# ── C: containers ──


def test_c3_container_list(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    desk.run("web", "-p", "8080:80", "-p", "127.0.0.1:9000:9000/udp", "nginx")
    desk.run("gone", "alpine", "sh", "-c", "exit 3")
    clean_engine.docker("wait", "gone")
    clean_engine.docker("create", "--name", "waiting", "alpine", "ls")
    desk.mirrored("waiting")
    page = desk.open(context, "containers")
    rows = clean_engine.docker("ps", "-a", "--format", "{{.Names}}|{{.ID}}|{{.Image}}|{{.State}}").splitlines()
    for row in rows:
        name, container_id, image, _ = row.split("|")
        line = text_of(page, f"tr[data-name='{name}']")
        assert container_id in line
        assert image in line
    assert "8080" in text_of(page, "tr[data-name=web]")
    expect(page.locator("tr[data-name=gone]")).to_contain_text("Exited (3)")
    expect(page.locator("tr[data-name=waiting]")).to_contain_text("Created")
    link = page.locator("tr[data-name=web] a[href*='8080']").first
    assert link.get_attribute("target") == "_blank"


def test_c3_the_list_follows_by_itself(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    page = desk.open(context, "containers")
    expect(page.locator("#fresh")).to_contain_text("Live", timeout=LONG)
    clean_engine.docker("run", "-d", "--name", "new", "alpine", "sleep", "60")
    row = page.locator("tr[data-name=new]")
    expect(row).to_contain_text("Up", timeout=LONG)
    clean_engine.docker("pause", "new")
    expect(row).to_contain_text(re.compile("paused", re.I), timeout=LONG)
    clean_engine.docker("rename", "new", "other")
    expect(page.locator("tr[data-name=other]")).to_be_visible(timeout=LONG)
    expect(row).to_have_count(0)
    clean_engine.docker("rm", "-f", "other")
    expect(page.locator("tr[data-name=other]:not(.gone)")).to_have_count(0, timeout=LONG)


def test_c5_a_shell(desk: Desk, context: BrowserContext) -> None:
    desk.run("box", "alpine", "sleep", "600")
    page = desk.open(context, "containers/box/terminal")
    screen = page.locator("[data-screen] .xterm-screen")
    expect(screen).to_be_visible(timeout=LONG)
    expect(page.locator("[data-sessions] [aria-current=true]")).to_be_visible(timeout=LONG)
    page.keyboard.type("echo first > /tmp/seen; X=42\n")
    witness(desk, "box", "/tmp/seen", "first")
    page.reload()
    expect(page.locator("[data-sessions] [aria-current=true]")).to_be_visible(timeout=LONG)
    page.keyboard.type("echo again-$X > /tmp/seen\n")
    witness(desk, "box", "/tmp/seen", "again-42")
    page.get_by_role("button", name="Disconnect").click()
    expect(page.locator("[data-status]")).to_contain_text("Closed.", timeout=LONG)
    left = desk.engine.docker("exec", "box", "sh", "-c", "grep -ls QUARTERDECK_SHELL /proc/[0-9]*/environ; true")
    assert left == ""


def witness(desk: Desk, name: str, path: str, expected: str) -> None:
    script = (
        f"i=0; until grep -qx '{expected}' {path} 2>/dev/null || [ $i -gt 100 ]; do i=$((i+1)); usleep 100000; done"
    )
    desk.engine.docker("exec", name, "sh", "-c", f"{script}; cat {path}")
    assert desk.engine.docker("exec", name, "cat", path) == expected


def test_c6_container_inspect(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    desk.run("web", "-e", "DB_PASSWORD=canary", "--label", "tier=front", "-v", "data:/data", "nginx")
    [raw] = json.loads(clean_engine.docker("inspect", "web"))
    page = desk.open(context, "containers/web/")
    shown = text_of(page)
    network = raw["NetworkSettings"]["Networks"]["bridge"]
    for expected in (raw["Id"], network["IPAddress"], network["MacAddress"], network["Gateway"], "/data", "tier"):
        assert expected in shown, expected
    assert "canary" not in page.content()
    page.goto(desk.at("containers/web/inspect"))
    assert "canary" not in page.content()
    for expected in (raw["Id"], raw["Image"], raw["LogPath"], "HostConfig", "NetworkSettings"):
        assert expected in page.content(), expected


# ── D and E: networks and volumes ──


def test_d1_networks(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    clean_engine.docker("network", "create", "--subnet", "172.31.5.0/24", "my-net")
    page = desk.open(context, "networks")
    expect(page.locator("main")).to_contain_text("my-net", timeout=LONG)
    shown = text_of(page)
    for row in clean_engine.docker("network", "ls", "--format", "{{.Name}}|{{.Driver}}|{{.Scope}}").splitlines():
        for word in row.split("|"):
            assert word in shown, row
    assert "172.31.5.0/24" in shown
    for driver in ("bridge", "host", "null"):
        assert docker_networks.DRIVERS[driver] in shown, driver


def test_d2_network_inspect(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    desk.run("one", "alpine", "sleep", "60")
    [raw] = json.loads(clean_engine.docker("network", "inspect", "bridge"))
    [member] = raw["Containers"].values()
    page = desk.open(context, "networks/bridge/")
    expect(page.locator("main")).to_contain_text("one", timeout=LONG)
    shown = text_of(page)
    assert member["MacAddress"] in shown
    assert member["IPv4Address"].partition("/")[0] in shown
    assert member["EndpointID"][:12] in shown


def test_e2_volumes(desk: Desk, context: BrowserContext, clean_engine: PrivateEngine) -> None:
    clean_engine.docker("volume", "create", "--label", "kind=test", "vm1")
    desk.run("user", "--mount", "type=volume,src=vm1,target=/home", "alpine", "sleep", "60")
    [raw] = json.loads(clean_engine.docker("volume", "inspect", "vm1"))
    page = desk.open(context, "volumes")
    expect(page.locator("main")).to_contain_text("vm1", timeout=LONG)
    assert "user" in text_of(page)
    page.goto(desk.at("volumes/vm1/"))
    shown = text_of(page)
    for expected in (raw["Mountpoint"], raw["Driver"], "kind", "user", "/home"):
        assert expected in shown, expected


@pytest.mark.parametrize("path", ["containers/none/", "images/none/", "networks/nothing/", "volumes/none/"])
def test_what_is_not_there(desk: Desk, context: BrowserContext, path: str) -> None:
    desk.sign_in(context)
    answer = context.new_page().goto(desk.at(path))
    assert answer is not None
    assert answer.status == 404
