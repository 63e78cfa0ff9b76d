"""Files through the archive API and a container that never runs, on a real engine."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator

import pytest

from console.engine import archive, looking, marks, paths, tar
from console.engine.address import Address
from console.engine.client import EngineClient
from console.engine.errors import NotFound
from console.reads import files, left_over
from tests import factories
from tests.engines import PrivateEngine

FILL = r"""
mkdir -p /v/a/b /v/empty "$(printf '/v/dir\377/sub')"; echo odd > "$(printf '/v/dir\377/f\376')"
echo hi > /v/a/f; ln -s /etc/passwd /v/out; ln -s a /v/in; ln /v/a/f /v/hard; mkfifo /v/pipe
touch "$(printf '/v/bad\377')" '/v/new
line' '/v/<b>x'; chown 12:34 /v/a/f; chmod 4750 /v/a/f
"""
NAMES = {"dir\udcff", "a", "empty", "out", "in", "hard", "pipe", "bad\udcff", "new\nline", "<b>x"}


@pytest.fixture
def client(clean_engine: PrivateEngine) -> Iterator[EngineClient]:
    with EngineClient(Address(clean_engine.url)) as made:
        yield made


@pytest.fixture
def volume(clean_engine: PrivateEngine) -> str:
    clean_engine.docker("volume", "create", "vm1")
    clean_engine.docker("run", "--rm", "-v", "vm1:/v", "busybox", "sh", "-c", FILL)
    return "vm1"


def test_a_folder_a_file_and_what_is_a_link(client: EngineClient, volume: str, clean_engine: PrivateEngine) -> None:
    with looking.looking(client, volume) as found:
        at, base = found.container_id, found.base
        listed = archive.list_folder(client, at, base)
        assert listed.whole
        assert {entry.name for entry in listed.entries} == NAMES
        by_name = {entry.name: entry for entry in listed.entries}
        assert (by_name["out"].kind, by_name["out"].target) == ("link", "/etc/passwd")
        assert (by_name["hard"].kind, by_name["hard"].size, by_name["hard"].uid) == ("file", 3, 12)
        assert by_name["pipe"].kind == "pipe"
        for name in NAMES:
            assert archive.look(client, at, paths.child("/", name), base).kind == by_name[name].kind
        entry, content = archive.read_file(client, at, f"{base}/a/f", 100)
        assert (content, entry.mode, entry.uid, entry.gid) == (b"hi\n", 0o4750, 12, 34)
        assert archive.list_folder(client, at, f"{base}/empty") == archive.Listed((), True)
        odd = archive.list_folder(client, at, f"{base}/dir\udcff")
        assert [(entry.name, entry.kind) for entry in odd.entries] == [("f\udcfe", "file"), ("sub", "folder")]
        assert archive.read_file(client, at, f"{base}/dir\udcff/f\udcfe", 100)[1] == b"odd\n"
        assert archive.entry_of(client, at, f"{base}/dir\udcff").kind == "folder"
        with pytest.raises(archive.IsLink) as link:
            archive.look(client, at, "/in/f", base)
        assert (link.value.path, link.value.leads) == ("/in", "/a")
        assert archive.look(client, at, "/in", base).leads == "/a"
        assert archive.look(client, at, "/out", base).leads == ""  # the host's is out of reach, and so is the image's
        with pytest.raises(NotFound):
            archive.look(client, at, "/nothing", base)
        assert clean_engine.docker("ps", "--quiet") == ""  # it does not run
        assert client.containers() == []  # and is no container of the lists
    assert clean_engine.docker("ps", "--all", "--quiet") == ""


def test_what_is_put_is_there_and_an_empty_volume_stays_empty(
    client: EngineClient, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("volume", "create", "vm2")
    entry = tar.Entry("bad\udcff\n", tar.FILE, 70_000, 0o640, 12, 34, 1_700_000_000.0)
    with looking.looking(client, "vm2", write=True) as found:
        assert archive.list_folder(client, found.container_id, found.base).entries == ()
        archive.put(client, found.container_id, found.base, tar.archive(entry, [b"x" * 70_000]))
        assert archive.list_folder(client, found.container_id, found.base).entries == (entry,)
        with tarfile.open(fileobj=io.BytesIO(b"".join(archive.tar_of(client, found.container_id, found.base)))) as made:
            assert [member.size for member in made] == [0, 70_000]
    said = clean_engine.docker("run", "--rm", "-v", "vm2:/v", "busybox", "sh", "-c", "stat -c '%s %u %g %a %Y' /v/*")
    assert said == "70000 12 34 640 1700000000"


def test_a_name_like_the_beginning_of_a_packed_archive_is_only_a_name(
    client: EngineClient, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("volume", "create", "vm2")
    with looking.looking(client, "vm2", write=True) as found:
        for name in ("BZh91AY&SY", "\x1f\udc8b\x08", "\udcfd7zXZ"):
            entry = tar.Entry(name, tar.FILE, 1, 0o640, 0, 0, 0)
            archive.put(client, found.container_id, found.base, tar.archive(entry, [b"x"]))
        assert len(archive.list_folder(client, found.container_id, found.base).entries) == 3


def test_read_only_unless_it_is_to_write(client: EngineClient, volume: str, clean_engine: PrivateEngine) -> None:
    entry = tar.Entry("x", tar.FILE, 1, 0o640, 0, 0, 0.0)
    with looking.looking(client, volume) as found, pytest.raises(Exception, match="read-only"):
        archive.put(client, found.container_id, found.base, tar.archive(entry, [b"x"]))
    assert clean_engine.docker("ps", "--all", "--quiet") == ""


def test_a_list_that_takes_too_long_says_so(client: EngineClient, clean_engine: PrivateEngine) -> None:
    made = clean_engine.docker("create", "busybox")
    listed = archive.list_folder(client, made, "/", most_bytes=1000)
    assert (listed.whole, "too long" in listed.reason) == (False, True)
    listed = archive.list_folder(client, made, "/bin", most_entries=5)
    assert (len(listed.entries), listed.whole) == (5, False)


def test_without_an_image_it_says_so_and_makes_no_volume(client: EngineClient, clean_engine: PrivateEngine) -> None:
    with pytest.raises(NotFound), looking.looking(client, "nothing"):
        time.sleep(0.2)
    clean_engine.docker("volume", "create", "vm3")
    clean_engine.docker("rmi", "--force", *clean_engine.docker("images", "--quiet", "--no-trunc").split())
    with pytest.raises(looking.NoImage), looking.looking(client, "vm3"):
        time.sleep(0.2)
    assert clean_engine.docker("volume", "ls", "--quiet") == "vm3"


CRASH = """
import sys
from console.engine import looking
from console.engine.address import Address
from console.engine.client import EngineClient
with looking.looking(EngineClient(Address(sys.argv[1])), sys.argv[2]) as found:
    print(found.container_id, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_console_left_is_removed_and_nothing_else(
    transactional_db: None, client: EngineClient, volume: str, clean_engine: PrivateEngine
) -> None:
    factories.engine(url=clean_engine.url, engine_id=clean_engine.get("/info")["ID"])
    clean_engine.docker("create", "--name", "web", "--label", f"{marks.LABEL}=x", "busybox", "true")
    maker = subprocess.Popen(
        [sys.executable, "-c", CRASH, clean_engine.url, volume],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert maker.stdout is not None
    left = maker.stdout.readline().strip()
    assert left_over.sweep() == 0  # its maker lives
    os.kill(maker.pid, signal.SIGKILL)
    maker.communicate()
    with looking.looking(client, volume) as ours:
        assert left_over.sweep() == 1
        rest = clean_engine.docker("ps", "--all", "--quiet", "--no-trunc").split()
        assert left not in rest
        assert ours.container_id in rest
    assert clean_engine.docker("ps", "--all", "--format", "{{.Names}}") == "web"
    assert clean_engine.docker("volume", "ls", "--quiet") == volume


def test_a_list_that_was_cut_is_completed_by_a_running_container(
    transactional_db: None, client: EngineClient, clean_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = factories.engine(url=clean_engine.url, engine_id=clean_engine.get("/info")["ID"])
    script = "mkdir /etc/x; touch /etc/x/a /etc/x/b \"$(printf '/etc/x/c\\377\\nd')\"; ln -s a /etc/x/l; sleep 600"
    running = clean_engine.docker("run", "-d", "busybox", "sh", "-c", script)
    while clean_engine.docker("exec", running, "ls", "/etc/x").count("l") < 1:
        time.sleep(0.2)
    cut = archive.Listed((), False, "cut")
    monkeypatch.setattr(archive, "list_folder", lambda *_, **__: cut)
    found = files.find(files.Place(row, "container", running, "web", True), "/etc/x")
    assert [(entry.name, entry.kind) for entry in found.listed.entries] == [
        ("a", "file"),
        ("b", "file"),
        ("c\udcff\nd", "file"),
        ("l", "link"),
    ]
    assert found.listed.whole
    assert files.find(files.Place(row, "container", running, "web"), "/etc/x").listed == cut
