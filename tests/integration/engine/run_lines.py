"""The lines of ``tests/payloads/run_lines.txt``, the stage they need, and what of an inspect is compared."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.engines import PrivateEngine
from tools.engines import api

FILE = Path(__file__).parents[2] / "payloads" / "run_lines.txt"
LINES = [line for line in FILE.read_text().splitlines() if line.startswith("docker")]
RICH = """FROM alpine
ENV MODE=prod LANGUAGE=en
LABEL maintainer=us tier=none
EXPOSE 9000
VOLUME /kept
WORKDIR /srv
USER nobody
STOPSIGNAL SIGINT
ENTRYPOINT ["/bin/sh"]
CMD ["-c", "sleep 1000"]
HEALTHCHECK --interval=20s --timeout=3s CMD nc -z localhost 80
"""

_HEX = re.compile(r"\b[0-9a-f]{64}\b")
_OF_THE_MOMENT = {"Id", "Name", "Created", "State", "RestartCount", "SizeRw", "SizeRootFs", "ExecIDs"} | {
    *("ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "GraphDriver", "ImageManifestDescriptor", "Storage")
}
_ENDPOINT = ("IPAMConfig", "Links", "Aliases", "DriverOpts", "GwPriority")


def prepare(engine: PrivateEngine) -> None:
    """Make what the lines name."""
    engine.clean()
    engine.docker("network", "create", "--ipv6", "--subnet", "10.99.0.0/24", "--subnet", "fd00:99::/64", "net")
    engine.docker("network", "create", "other")
    engine.docker("volume", "create", "data")
    engine.docker("run", "-d", "--name", "db", "-v", "/shared", "--ipc", "shareable", "alpine", "sleep", "10000")
    engine.docker("run", "-d", "--name", "inside", "--network", "net", "alpine", "sleep", "10000")
    engine.docker("build", "-q", "-t", "rich", "-", stdin=RICH)


def names(engine: PrivateEngine) -> set[str]:
    """The ids of all containers."""
    return {item["Id"] for item in engine.get("/containers/json?all=1")}


def remove(engine: PrivateEngine, container: str) -> None:
    """Remove a container with its anonymous volumes."""
    engine.call("DELETE", f"/containers/{container}?force=1&v=1")


def post(engine: PrivateEngine, target: str, body: Any = None) -> Any:
    """The answer to a request with JSON; raises ``api.Refused`` with the engine's sentence."""
    connection = api.SocketConnection(engine.socket, 60)
    try:
        data = None if body is None else json.dumps(body).encode()
        connection.request("POST", target, body=data, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    found = json.loads(said) if said.strip() else {}
    if answer.status >= 400:
        raise api.Refused(answer.status, str(found.get("message", "")))
    return found


def inspected(engine: PrivateEngine, container: str) -> dict[str, Any]:
    """What a container is, without what belongs to this one alone: ids, name, times, addresses that were given."""
    raw = engine.get(f"/containers/{container}/json")
    own: str = raw["Id"]
    text = json.dumps(raw).replace(own, "ID").replace(own[:12], "SHORT").replace(f"{raw['Name']}/", "/NAME/")
    found: dict[str, Any] = json.loads(_HEX.sub("HEX", text))
    networks = found["NetworkSettings"]["Networks"] or {}
    kept = {key: value for key, value in found.items() if key not in _OF_THE_MOMENT}
    kept["NetworkSettings"] = {
        name: {key: endpoint.get(key) for key in _ENDPOINT} for name, endpoint in networks.items()
    }
    for endpoint in kept["NetworkSettings"].values():
        endpoint["Aliases"] = sorted(endpoint["Aliases"] or [])
    kept["Mounts"] = sorted(found["Mounts"], key=lambda mount: str(mount["Destination"]))
    kept["Config"]["Env"] = sorted(found["Config"]["Env"] or [])  # the CLI sends them in any order, as it does binds
    kept["HostConfig"]["Binds"] = sorted(found["HostConfig"]["Binds"] or [])
    kept["HostConfig"]["Links"] = sorted(found["HostConfig"]["Links"] or [])  # the engine's own order is any
    kept["HostConfig"]["Links"] = sorted(found["HostConfig"]["Links"] or [])  # the engine keeps them in no order
    if found["Config"]["Hostname"] in {raw["Id"][:12], "SHORT"}:
        kept["Config"]["Hostname"] = "SHORT"
    return kept
