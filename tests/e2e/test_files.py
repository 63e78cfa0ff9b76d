"""A person looks into volumes and containers in the browser; the docker command line is the witness."""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.sync_api import BrowserContext, expect

from tests.e2e.desk import Desk

FILL = r"""
mkdir -p /v/site /v/many
printf 'server {\n  <script>alert(1)</script>\n}\n' > /v/nginx.conf; ln -s /etc/passwd /v/out
head -c 3000000 /dev/urandom > /v/big.bin; touch '/v/<img src=x onerror=alert(1)>'
touch "$(printf '/v/a\nb')" "$(printf '/v/z\377')"
echo hidden > "$(printf '/v/site/q\377\n.txt')"; i=0; while [ $i -lt 250 ]; do touch /v/many/f$i; i=$((i+1)); done
"""


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def filled(desk: Desk, name: str) -> None:
    desk.engine.docker("volume", "create", name)
    desk.engine.docker("run", "--rm", "-v", f"{name}:/v", "busybox", "sh", "-c", FILL)
    desk.run(f"{name}-user", "-v", f"{name}:/data", "busybox", "sleep", "600")


def test_e5_a_volume_is_browsed_read_and_downloaded(desk: Desk, context: BrowserContext) -> None:
    filled(desk, "files-vm1")
    before = desk.engine.docker("ps", "--all", "--quiet")
    page = desk.open(context, "volumes/files-vm1/")
    page.get_by_role("link", name="Files", exact=True).click()
    expect(page.get_by_text("read through a container that never runs")).to_be_visible()
    listed = page.locator("table.files tbody tr")
    expect(listed).to_have_count(8)
    expect(page.get_by_text("\u2192 /etc/passwd")).to_be_visible()
    page.get_by_role("link", name="nginx.conf").click()
    expect(page.locator("aside pre")).to_contain_text("<script>alert(1)</script>")
    page.get_by_role("link", name="out", exact=True).click()
    expect(page.get_by_text("it is not followed")).to_be_visible()
    page.get_by_role("link", name="big.bin").click()
    with page.expect_download() as got:
        page.get_by_role("link", name="Download").click()
    told = desk.engine.docker("exec", "files-vm1-user", "sha256sum", "/data/big.bin").split()[0]
    with open(got.value.path(), "rb") as content:
        assert hashlib.sha256(content.read()).hexdigest() == told
    page.get_by_role("link", name="site").click()
    expect(listed).to_have_count(2)
    page.locator("table.files tbody a.ink").click()
    expect(page.locator("aside pre")).to_have_text("hidden\n")
    with page.expect_download() as got:
        page.get_by_role("link", name="Folder as tar").click()
    with open(got.value.path(), "rb") as content, tarfile.open(fileobj=io.BytesIO(content.read())) as found:
        assert [member.name for member in found.getmembers()] == ["site", "site/q\udcff\n.txt"]
    page.goto(desk.at("volumes/files-vm1/files?path=/many"))
    expect(listed).to_have_count(201)
    page.get_by_role("link", name="Next").click()
    expect(listed).to_have_count(51)
    assert desk.engine.docker("ps", "--all", "--quiet") == before
    page.goto(f"{desk.url}/audit?show=files")
    expect(page.get_by_text("/big.bin").first).to_be_visible()


def test_a_container_running_and_stopped_and_what_it_changed(desk: Desk, context: BrowserContext) -> None:
    desk.run(
        "files-c1",
        "busybox",
        "sh",
        "-c",
        "mkdir -p /etc/x; echo changed > /etc/x/new.conf; touch /etc/x/.dot; sleep 600",
    )
    page = desk.open(context, "containers/files-c1/changes")
    page.get_by_role("link", name="Open /etc/x/new.conf").click()
    expect(page.locator("aside pre")).to_have_text("changed\n")
    expect(page.locator("tr.at td").last).to_have_text("added")
    page.get_by_role("link", name="Hide hidden files").click()
    expect(page.locator("table.files tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Show hidden files (1)").click()
    expect(page.locator("table.files tbody tr")).to_have_count(3)
    desk.engine.docker("kill", "files-c1")
    page.get_by_role("link", name="etc", exact=True).click()
    expect(page.get_by_role("link", name="x", exact=True)).to_be_visible()
    for path, status in (("/../etc", 422), ("/etc/none", 404), ("/bin/sh/x", 422), ("/%00", 422)):
        answer = page.goto(desk.at(f"containers/files-c1/files?path={path}"))
        assert answer is not None
        assert answer.status == status, path


def test_e5_files_are_made_uploaded_edited_renamed_and_deleted(
    desk: Desk, context: BrowserContext, tmp_path: Path
) -> None:
    desk.engine.docker("volume", "create", "files-vm2")
    desk.run("files-vm2-user", "-v", "files-vm2:/data", "busybox", "sleep", "900")

    def told(*command: str) -> str:
        return desk.engine.docker("exec", "files-vm2-user", *command)

    page = desk.open(context, "volumes/files-vm2/files")
    page.get_by_role("link", name="New folder").click()
    page.locator("#name").fill("a/b")
    page.locator("#dialog-go").click()
    expect(page.locator("#name-note")).to_contain_text("not a name")
    page.locator("#name").fill("conf & <b>")
    page.locator("#dialog-go").click()
    page.get_by_role("link", name="conf & <b>").click()
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(range(256)) * 40_000)
    page.get_by_role("link", name="Upload").click()
    page.locator("#archive").set_input_files(large)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("link", name="large.bin")).to_be_visible(timeout=20_000)
    summed = hashlib.sha256(large.read_bytes()).hexdigest()
    assert told("sha256sum", "/data/conf & <b>/large.bin").startswith(summed)
    told("sh", "-c", "printf 'one\\n' > '/data/conf & <b>/x.conf'; chmod 600 '/data/conf & <b>/x.conf'")
    page.reload()
    page.get_by_role("link", name="x.conf").click()
    page.get_by_role("link", name="Edit").click()
    expect(page.locator("#text")).to_have_value("one\n")
    page.locator("#text").fill("two\n")
    page.get_by_role("button", name="Save file").click()
    expect(page.locator("aside pre")).to_have_text("two\n")
    assert told("stat", "-c", "%a %s", "/data/conf & <b>/x.conf") == "600 4"
    page.get_by_role("link", name="Edit").click()
    told("sh", "-c", "echo other > '/data/conf & <b>/x.conf'")
    page.locator("#text").fill("three\n")
    page.get_by_role("button", name="Save file").click()
    expect(page.get_by_text("Somebody changed the file").first).to_be_visible()
    assert told("cat", "/data/conf & <b>/x.conf") == "other"
    page.goto(desk.at("volumes/files-vm2/files?path=/conf%20%26%20<b>/x.conf"))
    page.get_by_role("link", name="Rename").click()
    page.locator("#name").fill("y.conf")
    page.locator("#dialog-go").click()
    page.wait_for_url(lambda url: not url.endswith("x.conf"))  # to the folder, or to the operation's page
    until(lambda: told("ls", "/data/conf & <b>") == "large.bin\ny.conf")
    page.goto(desk.at("volumes/files-vm2/files?path=/conf%20%26%20<b>/y.conf"))
    page.get_by_role("link", name="Delete").click()
    page.locator("#dialog-go").click()
    page.wait_for_url(lambda url: not url.endswith("y.conf"))
    until(lambda: told("ls", "/data/conf & <b>") == "large.bin")
    until(lambda: "quarterdeck" not in desk.engine.docker("ps", "--all", "--format", "{{.Names}}"))


def test_the_file_system_of_a_container_is_exported(desk: Desk, context: BrowserContext) -> None:
    desk.run("files-c2", "busybox", "sh", "-c", "echo changed > /etc/new.conf; sleep 600")
    page = desk.open(context, "containers/files-c2/changes")
    with page.expect_download() as got:
        page.get_by_role("link", name="Export file system").click()
    with tarfile.open(got.value.path()) as found:
        content = found.extractfile("etc/new.conf")
        assert content is not None
        assert content.read() == b"changed\n"


def peak(desk: Desk) -> int:
    """The most memory that the console has had, in bytes."""
    status = Path(f"/proc/{desk.console.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def test_a_large_file_comes_down_whole_with_flat_memory(desk: Desk, context: BrowserContext) -> None:
    desk.engine.docker("volume", "create", "files-vm3")
    fill = "dd if=/dev/urandom of=/data/large bs=1M count=300 2>/dev/null; sleep 900"
    desk.run("files-vm3-user", "-v", "files-vm3:/data", "busybox", "sh", "-c", fill)
    page = desk.open(context, "volumes/files-vm3/files")  # all that such a page needs is in memory
    expect(page.get_by_role("link", name="large")).to_be_visible(timeout=20_000)
    written = ("exec", "files-vm3-user", "stat", "-c", "%s", "/data/large")
    until(lambda: desk.engine.docker(*written) == str(300 * 1024 * 1024))
    cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in context.cookies())
    before, summed = peak(desk), hashlib.sha256()
    asked = Request(desk.at("volumes/files-vm3/files/download?path=/large"), headers={"Cookie": cookies})
    with urlopen(asked, timeout=60) as answer:
        while piece := answer.read(1024 * 1024):
            summed.update(piece)
    assert desk.engine.docker("exec", "files-vm3-user", "sha256sum", "/data/large").split()[0] == summed.hexdigest()
    assert peak(desk) - before < 64 * 1024 * 1024
