"""A registry beside a private engine: Debian's docker-registry, inside the engine's capsule.

It ends with the capsule. Engine and machine both reach it at the engine's address. An engine started with
`--registry-mirror http://127.0.0.1:5000` even pulls plain `nginx` from the one on port 5000.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from tools.engines import capsule, tokens
from tools.engines.control import docker
from tools.engines.install import which
from tools.engines.state import Engine, EngineError

# Of registries that live for a test; the hash is bcrypt's of the word.
USER, PASSWORD = "alice", "secret"
HASH = "$2y$05$QuarterdeckTestPasswoeT/0AMaouRPO3aLO8BjrSkefb2ZJwGdS"

CONFIGURATION = """
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: "{folder}/data"}}, delete: {{enabled: true}}}}
http: {{addr: ":{port}"}}
"""
LOCKED = """
auth: {{htpasswd: {{realm: test, path: "{folder}/htpasswd"}}}}
"""
TOKENS = """
auth: {{token: {{realm: "http://{realm}/token", service: test, issuer: test, rootcertbundle: "{folder}/token.crt"}}}}
"""


def start(engine: Engine, port: int = 5000, *, password: bool = False, token: bool = False) -> str:
    """Start a registry and wait until it answers; returns its HOST:PORT. Raises EngineError when it does not.

    ``password``: it wants alice and secret. ``token``: it wants a token, from the server at the next port.
    """
    if which("docker-registry") is None:
        raise EngineError("docker-registry is missing; run: python3 tools/engine.py install")
    if engine.capsule is None or not engine.running():
        raise EngineError(f"engine {engine.name} is not running")
    folder = engine.folder / f"registry-{port}"
    folder.mkdir(exist_ok=True)
    (folder / "htpasswd").write_text(f"{USER}:{HASH}\n")
    configuration = CONFIGURATION + (TOKENS if token else LOCKED if password else "")
    realm = f"{engine.address}:{port + 1}"
    (folder / "config.yml").write_text(configuration.format(folder=folder, port=port, realm=realm))
    if token:
        tokens.prepare(folder)
        _beside(engine, folder, sys.executable, tokens.__file__, engine.address, str(port + 1), str(folder))
    _beside(engine, folder, "docker-registry", "serve", str(folder / "config.yml"))
    server = f"{engine.address}:{port}"
    if not capsule.wait_until(lambda: _answers(server), 10, pause=0.05):
        raise EngineError(f"the registry {server} does not answer:\n{capsule.tail(folder / 'log')}")
    return server


def _beside(engine: Engine, folder: Path, *command: str) -> None:
    """Run in the engine's network and pid namespaces, but with this machine's files: it may have another root."""
    assert engine.capsule is not None
    capsule.run(
        *("nsenter", "-t", str(engine.capsule.pid), "--pid", "--net", "--", "sh", "-c"),
        'log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 &',
        *("sh", str(folder / "log"), *command),
    )


def _answers(server: str) -> bool:
    # Straight to the engine: a proxy of this machine's knows nothing of it.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://{server}/v2/", timeout=2):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False


def push(engine: Engine, server: str, names: Iterable[str]) -> None:
    """Push images of the engine as `library/NAME`; the engine keeps what it had. Raises EngineError."""
    for name in names:
        target = f"{server}/library/{name}"
        for arguments in (["tag", name, target], ["push", "-q", target], ["rmi", target]):
            done = docker(engine, *arguments)
            if done.returncode:
                raise EngineError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")


def slow_down(engine: Engine, megabits: int) -> None:
    """Limit the traffic inside the capsule, thus between engine and registry, to this rate per second."""
    limit = ("tbf", "rate", f"{megabits}mbit", "burst", "128k", "latency", "400ms")
    capsule.run(*capsule.inside(engine, "tc", "qdisc", "replace", "dev", "lo", "root", *limit))


def log(engine: Engine, port: int = 5000) -> Path:
    """The registry's log."""
    return engine.folder / f"registry-{port}" / "log"
