"""Private engines: they start, break, mend, and leave nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.engines import EngineFactory, PrivateEngine
from tools import engines
from tools.engines import api, capsule, control, images, registry
from tools.engines.install import missing

PROGRAM = Path(__file__).parents[2] / "tools" / "engine.py"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True, check=False)


def name(label: str) -> str:
    return f"test-{os.getpid()}-{label}"


def fetch(url: str, context: ssl.SSLContext | None = None, seconds: float = 10) -> str:
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5, context=context) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def test_nothing_to_install_is_quick_to_see() -> None:
    assert missing() == []
    images.fast_archive()
    done = command("install")
    assert done.stdout == "nothing to install\n"


def test_a_dockerd_that_ended_since_it_was_looked_up_is_no_fault(
    engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    found = iter([[gone.pid]])
    monkeypatch.setattr(capsule, "processes", lambda *arguments: next(found, []))
    control._signal(engines.get(engine.name), signal.SIGKILL, needed=False)
    assert next(found, None) is None


def test_a_test_that_leaves_the_engine_dead_takes_no_other_along(
    engine: PrivateEngine, request: pytest.FixtureRequest
) -> None:
    engine.kill()
    assert engine.state == "dead"
    assert request.getfixturevalue("clean_engine").state == "running"


def test_containers_survive_a_crash_of_dockerd(new_engine: EngineFactory) -> None:
    engine = new_engine(flags=["--live-restore"])
    identity = engine.docker("run", "-d", "--name", "web", "-p", "8080:80", "nginx")
    started = engine.docker("inspect", "-f", "{{.State.Pid}} {{.State.StartedAt}}", "web")
    engine.kill()
    assert engine.state == "dead"
    assert "httpd" in engine.exec("ps", "-eo", "comm")
    with pytest.raises(OSError, match="refused"):
        api.call(engine.socket, "GET", "/_ping")
    engine.restart()
    assert engine.docker("ps", "-q", "--no-trunc") == identity
    assert engine.docker("inspect", "-f", "{{.State.Pid}} {{.State.StartedAt}}", "web") == started
    assert "Welcome to nginx!" in fetch(f"http://{engine.address}:8080/")


def test_a_hung_engine_accepts_and_does_not_answer(new_engine: EngineFactory) -> None:
    engine = new_engine(load=())
    engine.hang()
    with pytest.raises(TimeoutError):
        api.call(engine.socket, "GET", "/_ping", timeout=0.3)
    engine.resume()
    assert api.call(engine.socket, "GET", "/_ping") == b"OK"
    engine.hang()
    engine.stop()
    assert engine.state == "stopped"


def test_the_images_are_what_their_names_promise(clean_engine: PrivateEngine) -> None:
    nginx = clean_engine.get("/images/nginx/json")
    assert nginx["Config"]["ExposedPorts"] == {"80/tcp": {}}
    assert nginx["Config"]["Labels"]["maintainer"]
    assert len(nginx["RootFS"]["Layers"]) == 6
    assert clean_engine.docker("run", "--rm", "alpine", "sh", "-c", ". /etc/os-release; echo $ID") == "alpine"
    assert clean_engine.docker("run", "--rm", "busybox", "sh", "-c", "ls /etc | grep -c release || true") == "0"
    assert len({clean_engine.get(f"/images/{image}/json")["Id"] for image in images.FAST}) == 3
    clean_engine.docker("run", "-d", "--name", "web", "-p", "80", "nginx")
    port = clean_engine.docker("port", "web", "80").splitlines()[0].rpartition(":")[2]
    assert "Welcome to nginx!" in fetch(f"http://{clean_engine.address}:{port}/")
    start = time.monotonic()
    clean_engine.docker("stop", "web")
    assert time.monotonic() - start < 8, "must not need the engine's ten seconds of patience"
    log = engines.docker(engines.get(clean_engine.name), "logs", "web")
    assert re.search(r"response:200[\s\S]*\[notice\] 1#1: exit", log.stderr)


def test_without_an_uplink_the_way_out_is_closed_at_once(clean_engine: PrivateEngine) -> None:
    start = time.monotonic()
    done = engines.docker(engines.get(clean_engine.name), "pull", "no-such-image")
    assert done.returncode != 0
    assert "network is unreachable" in done.stderr
    assert time.monotonic() - start < 5, "the engine waits for answers that cannot come"


def test_cleaning_brings_back_the_start(clean_engine: PrivateEngine) -> None:
    before = sorted(clean_engine.docker("images", "--no-trunc", "-a").splitlines())
    clean_engine.docker("volume", "create", "data")
    clean_engine.docker("network", "create", "net")
    clean_engine.docker(
        "run", "-d", "--network", "net", "-v", "data:/data", "-v", "/anonymous", "alpine", "sleep", "99"
    )
    clean_engine.docker("run", "-d", "--rm", "alpine", "sleep", "99")
    clean_engine.docker("commit", clean_engine.docker("create", "alpine"), "mine")
    clean_engine.docker("tag", "alpine", "alpine:other")
    clean_engine.docker("import", "-", stdin="")
    clean_engine.docker("rmi", "busybox")
    clean_engine.clean()
    assert clean_engine.get("/containers/json?all=1") == []
    assert clean_engine.docker("network", "ls", "--format", "{{.Name}}").split() == ["bridge", "host", "none"]
    assert clean_engine.docker("volume", "ls", "-q") == ""
    assert sorted(clean_engine.docker("images", "--no-trunc", "-a").splitlines()) == before


def test_cleaning_leaves_a_swarm(clean_engine: PrivateEngine) -> None:
    clean_engine.docker("swarm", "init", "--advertise-addr", clean_engine.address)
    clean_engine.docker("service", "create", "--detach", "--no-resolve-image", "--name", "web", "nginx")
    clean_engine.clean()
    assert clean_engine.get("/info")["Swarm"]["LocalNodeState"] == "inactive"
    assert clean_engine.docker("network", "ls", "--format", "{{.Name}}").split() == ["bridge", "host", "none"]


def test_stop_leaves_nothing() -> None:
    engine = engines.start(name("rest"), uplink=True, owner=os.getpid())
    try:
        images.load(engine, ["alpine"])
        for _ in range(3):
            assert engines.docker(engine, "run", "-d", "-p", "80", "-m", "64m", "alpine", "sleep", "99").returncode == 0
        found = " ".join(capsule.leftovers(engine))
        for kind in ("process", "network device", "control group", "rule", "folder"):
            assert kind in found, f"the check would not see a {kind}"
    finally:
        engines.stop(engine.name, graceful=0, wipe=True)
    assert capsule.leftovers(engine) == []


def test_a_graceful_stop_keeps_the_data() -> None:
    engine = engines.start(name("data"), owner=os.getpid())
    try:
        identity = api.get_json(engine.socket, "/info")["ID"]
        assert engines.docker(engine, "volume", "create", "kept").returncode == 0
        engines.stop(engine.name)
        left = capsule.leftovers(engine)
        assert [thing for thing in left if not thing.startswith("folder ")] == []
        assert engines.status(engines.get(engine.name))["state"] == "stopped"
        again = engines.start(engine.name, owner=os.getpid())
        assert engines.docker(again, "volume", "ls", "-q").stdout == "kept\n"
        assert api.get_json(again.socket, "/info")["ID"] == identity
    finally:
        engines.stop(engine.name, graceful=0, wipe=True)


def test_engines_do_not_share_anything(engine: PrivateEngine, new_engine: EngineFactory) -> None:
    other = new_engine(load=(), tcp=2375)
    assert other.address != engine.address
    assert other.get("/info")["ID"] != engine.get("/info")["ID"]
    assert other.get("/info")["Name"] == other.name
    assert other.get("/images/json") == []
    assert fetch(f"http://{other.address}:2375/_ping") == "OK"


def test_tls_wants_the_clients_certificate(new_engine: EngineFactory) -> None:
    engine = new_engine(load=(), tls=2376)
    url = f"https://{engine.address}:2376/_ping"
    known = ssl.create_default_context(cafile=engine.certificates / "ca.pem")
    with pytest.raises(OSError):
        fetch(url, known, seconds=0)
    stranger = ssl.create_default_context(cafile=engine.certificates / "ca.pem")
    stranger.load_cert_chain(engine.certificates / "other-cert.pem", engine.certificates / "other-key.pem")
    with pytest.raises(OSError):
        fetch(url, stranger, seconds=0)
    known.load_cert_chain(engine.certificates / "cert.pem", engine.certificates / "key.pem")
    assert fetch(url, known) == "OK"


def test_a_registry_serves_pulls_in_layers(new_engine: EngineFactory) -> None:
    engine = new_engine(load=["alpine", "layers"], flags=["--registry-mirror", "http://127.0.0.1:5000"])
    server = engine.start_registry("alpine", "layers:8")
    assert json.loads(fetch(f"http://{server}/v2/_catalog")) == {"repositories": ["library/alpine", "library/layers"]}
    engine.docker("rmi", "alpine", "layers:8")
    assert "Downloaded newer image" in engine.docker("pull", "alpine"), "the mirror stands in for the public registry"
    engine.slow_down(100)
    start = time.monotonic()
    assert "Digest: sha256:" in engine.docker("pull", f"{server}/library/layers:8")
    assert time.monotonic() - start > 3, "48 MB at 100 Mbit/s"
    locked = engine.start_registry(port=5001, password=True)
    with pytest.raises(OSError, match="401"):
        fetch(f"http://{locked}/v2/", seconds=0)
    engine.docker("login", "-u", registry.USER, "--password-stdin", locked, stdin=registry.PASSWORD)
    engine.docker("tag", "alpine", f"{locked}/mine")
    engine.docker("push", "-q", f"{locked}/mine")


def test_reap_removes_the_engines_of_the_dead_and_only_those(engine: PrivateEngine) -> None:
    owner = subprocess.Popen(["sleep", "60"])
    kept, lost = name("kept"), name("lost")
    try:
        assert command("start", lost, "--owner", str(owner.pid)).returncode == 0
        lost_engine = engines.get(lost)
        assert command("start", kept).returncode == 0
        assert lost not in engines.reap()
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        assert lost in engines.reap()
        assert capsule.leftovers(lost_engine) == []
        assert engines.status(engines.get(kept))["state"] == "running"
        assert engine.state == "running"
    finally:
        owner.kill()
        owner.wait()
        for each in (kept, lost):
            engines.stop(each, graceful=0, wipe=True)


def test_the_command_line_walks_through_an_engines_life() -> None:
    own = name("cli")
    try:
        started = command("start", own, "--", "--label", "colour=blue")
        assert started.stdout == f"unix://{engines.get(own).socket}\n", started.stderr
        assert command("images", own, "alpine").returncode == 0
        assert '"Labels":["colour=blue"]' in engines.docker(engines.get(own), "info", "-f", "{{json .}}").stdout
        assert command("hang", own).returncode == 0
        assert '"state": "silent"' in command("status", own).stdout
        assert command("resume", own).returncode == 0
        assert '"state": "running"' in command("status", own).stdout
        assert command("kill", own).returncode == 0
        assert '"state": "dead"' in command("status", own).stdout
        assert command("restart", own).returncode == 0
        assert "up0" in command("exec", own, "--", "ip", "-o", "link").stdout
        assert command("stop", own, "--graceful", "0", "--wipe").returncode == 0
        assert "there is no engine" in command("status", own).stderr
    finally:
        engines.stop(own, graceful=0, wipe=True)


def test_what_cannot_start_says_why_and_leaves_nothing() -> None:
    own = name("bad")
    try:
        with pytest.raises(engines.EngineError, match="no-such-flag"):
            engines.start(own, flags=["--no-such-flag"], owner=os.getpid())
        stopped = engines.get(own)
        assert [thing for thing in capsule.leftovers(stopped) if not thing.startswith("folder ")] == []
        with pytest.raises(engines.EngineError, match="no engine name"):
            engines.start("../x")
        with pytest.raises(engines.EngineError, match="dockerd"):
            engines.kill(own)
    finally:
        engines.stop(own, graceful=0, wipe=True)


def test_an_index_is_given_once(engine: PrivateEngine) -> None:
    taken = engines.get(engine.name).index
    own = name("index")
    try:
        with pytest.raises(engines.EngineError, match=f"index {taken}"):
            engines.start(own, index=taken, owner=os.getpid())
    finally:
        engines.stop(own, graceful=0, wipe=True)
    assert engine.state == "running"
