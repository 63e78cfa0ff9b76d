"""Hostile names, links and archives at a console process: pages stand, nothing is reached or changed but what is shown.

A canary is a file of the engine's host, outside of every container and volume. The host's own /etc/shadow is another.
"""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest

from console.engine import archive, copies, paths
from console.engine.address import Address
from console.engine.client import EngineClient
from console.engine.errors import EngineError
from console.engine.looking import looking
from console.engine.members import BadArchive, Told, rewritten
from tests import hostile, leavings
from tests.bench.stand import Stand, stand
from tests.engines import PrivateEngine
from tests.visitor import Visitor

SECRET = b"canary of the host 5d1f"
STANDS = {200, 404, 409, 422}
# Links that climb are refused by the engine when they come in a tar: ``links_to`` makes those.
TARGETS = (*(name for name in hostile.OUT if name and ".." not in name and "\0" not in name), *hostile.MARKUP, "\udcff")


@dataclass
class Host:
    """Files of the engine's host that nobody may reach."""

    folder: Path

    @property
    def canary(self) -> Path:
        return self.folder / "canary"

    def state(self) -> tuple[object, ...]:
        """What is there, to compare."""
        stat, shadow = self.canary.stat(), Path("/etc/shadow")
        names = sorted(path.name for path in self.folder.iterdir())
        return (
            names,
            self.canary.read_bytes(),
            stat.st_mtime_ns,
            stat.st_mode,
            shadow.read_bytes(),
            shadow.stat().st_mtime,
        )


@pytest.fixture
def host(clean_engine: PrivateEngine) -> Iterator[Host]:
    made = Host(clean_engine.socket.parents[1] / "host-files")
    made.folder.mkdir()
    made.canary.write_bytes(SECRET)
    before = made.state()
    yield made
    assert made.state() == before
    made.canary.unlink()
    made.folder.rmdir()


@pytest.fixture
def client(clean_engine: PrivateEngine) -> Iterator[EngineClient]:
    with EngineClient(Address(clean_engine.url)) as made:
        yield made


class Tags(HTMLParser):
    """Notes what a name has become in a page, if it became markup."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        planted = given.get("src") == "x" or given.get("hx-get") == "/" or any(name.startswith("on") for name in given)
        foreign = tag == "script" and not str(given.get("src") or "").startswith("/static/")
        if planted or foreign or tag in ("iframe", "object"):
            self.wrong.append(self.get_starttag_text() or tag)


def harmless(page: str) -> None:
    """Fail when a page has markup or invisible characters of a name."""
    assert Tags(page).wrong == []
    assert not [letter for letter in "\x00\x01\x07\x08\x1b\x7f\u202e\u2066\u200b" if letter in page]


def furnished() -> bytes:
    """A tar of more than 200 files, folders, links and special files with names of all kinds, below ``h``."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as made:

        def add(path: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> None:
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname, entry.mode = kind, target, 0o755
            entry.size = len(hostile.CONTENT) if kind == tarfile.REGTYPE else 0
            made.addfile(entry, io.BytesIO(hostile.CONTENT))

        for name in [paths.decoded(raw) for raw in hostile.NAMES]:
            add(f"h/files/{name}")
            add(f"h/folders/{name}", tarfile.DIRTYPE)
            add(f"h/links/{name}", tarfile.SYMTYPE, "/etc/shadow")
        for number, target in enumerate(TARGETS):
            add(f"h/targets/{number}", tarfile.SYMTYPE, target or "x")
        add("h/odd/pipe", tarfile.FIFOTYPE)
        add("h/odd/hard", tarfile.LNKTYPE, f"h/files/{paths.decoded(hostile.NAMES[0])}")
    return out.getvalue()


@pytest.fixture
def visitor(clean_engine: PrivateEngine) -> Iterator[Visitor]:
    """A person at a console in front of the engine; the log stays without a traceback (``stand``)."""
    with stand(clean_engine) as console, Visitor(console) as made:
        yield made


def known(console: Stand, volumes: int, containers: int) -> None:
    """Wait until the console knows them."""
    console.until("SELECT count(*) FROM console_volume", volumes)
    console.until("SELECT count(*) FROM console_container", containers)


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_names_of_all_kinds_are_listed_and_every_so_many_opened_and_downloaded(
    every: int, host: Host, client: EngineClient, visitor: Visitor, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("volume", "create", "odd")
    box = clean_engine.docker("create", "--name", "box", "-v", "odd:/v", "busybox", "true")
    content = furnished()
    for folder in ("/", "/v"):
        archive.put(client, box, folder, iter([content]))
    known(visitor.stand, 1, 1)
    for base in (f"containers/{box}/files", "volumes/odd/files"):
        for name in ("files", "folders", "links", "targets", "odd"):
            shown = visitor.get(f"{base}?path=/h/{name}")
            assert shown.status_code == 200
            harmless(shown.text)
            assert shown.text.count("<tr") > (40 if name in ("files", "folders", "links") else 3)
        with tarfile.open(fileobj=io.BytesIO(visitor.get(f"{base}/download?path=/h").content)) as found:
            with tarfile.open(fileobj=io.BytesIO(content)) as given:
                wanted = {(member.name, member.linkname) for member in given if not member.islnk()}
            assert len(wanted) > 200
            assert wanted <= {(member.name, member.linkname) for member in found}
    for raw in hostile.NAMES[::every]:
        at = quote_from_bytes(raw)
        for name in ("files", "links"):
            shown = visitor.get(f"containers/{box}/files?path=/h/{name}/{at}")
            assert shown.status_code == 200, (name, raw)
            harmless(shown.text)
            assert SECRET.decode() not in shown.text
        got = visitor.get(f"containers/{box}/files/download?path=/h/files/{at}")
        assert (got.status_code, got.content) == (200, hostile.CONTENT), raw
        assert got.headers["Content-Disposition"].isprintable()
    for number in range(0, len(TARGETS), every):
        for tail in ("", "/shadow", "/x"):
            shown = visitor.get(f"containers/{box}/files?path=/h/targets/{number}{tail}")
            assert shown.status_code == (422 if tail else 200), TARGETS[number]
            harmless(shown.text)


def around(engine: PrivateEngine) -> list[str]:
    """What is beside the volume: what another container changed, and which volumes there are."""
    return sorted(engine.docker("diff", "web").splitlines()) + sorted(engine.docker("volume", "ls", "-q").splitlines())


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.soak)])
def test_hostile_archives_change_nothing_but_their_volume(
    every: int, host: Host, client: EngineClient, clean_engine: PrivateEngine
) -> None:
    for name in ("into", "other"):
        clean_engine.docker("volume", "create", name)
    clean_engine.docker("run", "-d", "--name", "web", "-v", "other:/v", "busybox", "sleep", "600")
    clean_engine.docker("exec", "web", "sh", "-c", "echo mine > /v/f; touch /etc/mine")
    before = around(clean_engine)
    taken = refused = 0
    with looking(client, "into", write=True, top=True) as found:
        for member in hostile.MEMBERS[::every]:
            tar = rewritten(io.BytesIO(hostile.archive(member)), copies.TOP, Told())
            try:
                copies.write(client, found.container_id, tar)
                taken += 1
            except (BadArchive, EngineError):
                refused += 1
    assert taken > 100 / every
    assert refused > 50 / every
    assert clean_engine.docker("exec", "web", "sh", "-c", "ls /v; cat /v/f") == "f\nmine"
    assert around(clean_engine) == before
    devices = "find /v -type b -o -type c"
    assert clean_engine.docker("run", "--rm", "-v", "into:/v", "busybox", "sh", "-c", devices) == ""
    leavings.check_engine(clean_engine, 0.0)


def links_to(canary: Path) -> dict[str, str]:
    """Links that would lead to the canary or its folder, or to the host's shadow, for who follows them."""
    up = "../" * 15
    return {
        "absolute": str(canary),
        "relative": f"{up}{canary}".replace("//", "/"),
        "doubled": f"//{canary}",
        "folder": str(canary.parent),
        "up": f"{up}{canary.parent}".replace("//", "/"),
        "nested": "absolute",
        "nested-folder": "./folder/../folder",
        "root": "/",
        "init": f"/proc/1/root{canary}",
        "init-folder": f"/proc/1/root{canary.parent}",
        "self": f"/proc/self/root{canary}",
        "shadow": "/etc/shadow",
        "shadow-up": f"{up}etc/shadow",
        "shadow-init": "/proc/1/root/etc/shadow",
    }


def test_the_host_is_reached_through_no_link_and_no_path(
    host: Host, visitor: Visitor, clean_engine: PrivateEngine
) -> None:
    shadow, links = Path("/etc/shadow").read_bytes(), links_to(host.canary)
    script = " && ".join(f"ln -s '{target}' '$D/{name}'".replace("'$D/", '"$D"/\'') for name, target in links.items())
    shared = host.folder.parent / "shared"
    shared.mkdir(exist_ok=True)
    mounts = ("-v", "vm1:/v", "-v", f"{shared}:/b")
    clean_engine.docker("run", "-d", "--name", "runs", *mounts, "busybox", "sleep", "900")
    for folder in ("/v", "/b", "/l"):
        clean_engine.docker("exec", "runs", "sh", "-c", f"mkdir -p {folder}; D={folder}; {script}")
    clean_engine.docker("create", "--name", "stopped", *mounts, "busybox", "true")
    known(visitor.stand, 1, 2)
    followed = 0
    for base, folders in (
        ("volumes/vm1/files", ("",)),
        ("containers/runs/files", ("/l", "/b")),
        ("containers/stopped/files", ("/v",)),
    ):
        asked = [f"{folder}/{name}{tail}" for folder in folders for name in links for tail in ("", "/canary")]
        asked += [str(host.canary), f"/proc/1/root{host.canary}", f"/v/../{host.canary}", "/proc/1/root/etc/shadow"]
        for path in asked:
            for route in ("", "/download") if not path.endswith("/canary") else ("",):
                answer = visitor.get(f"{base}{route}?path={path}")
                assert answer.status_code in STANDS, path
                assert SECRET not in answer.content, path
                assert shadow not in answer.content, path
                if path.endswith("/canary") and path != str(host.canary):
                    assert answer.status_code in (404, 422), path
                    followed += answer.status_code == 422
        for folder in folders:  # a folder as a tar has the links, not what they lead to
            assert SECRET not in visitor.get(f"{base}/download?path={folder or '/'}").content
    assert followed >= 4 * len(links), "a link on the way is told"
    for base, through in (("volumes/vm1/files", "/up"), ("containers/runs/files", "/b/folder")):
        token = visitor.send(iter([b"changed"]), 7)
        file = {"upload": token, "file": "canary", "over": "1"}
        for answer in (
            visitor.post(f"{base}/file-upload?path={through}", file),
            visitor.post(f"{base}/folder-make?path={through}", {"name": "new"}),
            visitor.post(f"{base}/file-delete?path={through}/canary", {}),
            visitor.post(f"{base}/file-rename?path={through}/canary", {"name": "moved"}),
        ):
            state, result = visitor.done(answer)
            assert (state, "link" in result) == ("failed", True), (through, result)
    clean_engine.docker("exec", "runs", "sh", "-c", "rm -rf /b/*")
    shared.rmdir()


def test_a_link_that_is_swapped_in_meanwhile_leads_nowhere_else(
    host: Host, visitor: Visitor, clean_engine: PrivateEngine
) -> None:
    swap = (
        f"cd /v; while :; do mkdir x; echo inner > x/canary; usleep 3000; rm -rf x; ln -s {host.folder} x; "
        "usleep 3000; rm x; done"
    )
    clean_engine.docker("run", "-d", "--name", "swaps", "-v", "vm1:/v", "busybox", "sh", "-c", swap)
    known(visitor.stand, 1, 1)
    seen: set[int] = set()
    asked, end = 0, time.monotonic() + 40
    while (len(seen) < 2 or asked < 30) and time.monotonic() < end:
        for base, top in (("volumes/vm1/files", ""), ("containers/swaps/files", "/v")):
            answer = visitor.get(f"{base}/download?path={top}/x/canary")
            assert answer.status_code in STANDS
            assert SECRET not in answer.content
            seen.add(answer.status_code)
            asked += 1
    assert {200, 422} & seen
    for _ in range(4):
        token = visitor.send(iter([b"changed"]), 7)
        visitor.done(
            visitor.post("volumes/vm1/files/file-upload?path=/x", {"upload": token, "file": "canary", "over": "1"})
        )
        visitor.done(visitor.post("volumes/vm1/files/file-delete?path=/x/canary", {}))
    clean_engine.docker("rm", "--force", "swaps")
