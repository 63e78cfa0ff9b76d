"""The lines of ``tests/payloads/run_lines.txt``, the stage they need, and what of an inspect is compared."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from console.engine.command.body import body, query
from console.engine.command.flags import LONG, SHORT
from console.engine.command.parse import parse
from tests.engines import PrivateEngine
from tools import engines
from tools.engines import api

DAEMON: Final = "Error response from daemon: "
# Options that no line has: they speak of the machine on which the command is typed.
NOT_IN_A_LINE: Final = {"env-file", "label-file", "cidfile", "use-api-socket"}
# Options with which not every engine here makes a container, so that there it is the refusals that are compared.
NOT_EVERYWHERE: Final[Mapping[str, str]] = {
    "storage-opt": "overlay takes it on xfs with pquota only",
    "annotation": "engines from API 1.43 on",
    "health-start-interval": "engines from API 1.44 on",
    "mac-address": "this command line sends it to engines from API 1.44 on",
}

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
    if found["Config"]["Hostname"] in {raw["Id"][:12], "SHORT"}:
        kept["Config"]["Hostname"] = "SHORT"
    return kept


def by_cli(engine: PrivateEngine, words: list[str]) -> tuple[str, str]:
    """The id of the container that the CLI made, and what it said where it failed."""
    before = names(engine)
    done = engines.docker(engine._engine, *words)
    made = names(engine) - before
    # A container that could not be started is there all the same.
    return (made.pop() if made else ""), ("" if done.returncode == 0 else done.stderr)


def by_us(engine: PrivateEngine, line: str, version: str) -> tuple[str, str]:
    """The same by our request, through the same version of the API."""
    spec = parse(line).spec
    address = f"/v{version}/containers/create?{urlencode(query(spec))}"
    try:
        made = str(post(engine, address, body(spec, version))["Id"])
    except api.Refused as refusal:
        return "", str(refusal)
    if spec.start:
        try:
            post(engine, f"/v{version}/containers/{made}/start")
        except api.Refused as refusal:
            return made, str(refusal)
    return made, ""


def said(text: str) -> str:
    """The engine's sentence in what the CLI prints."""
    _, _, sentence = text.partition(DAEMON)
    return listed(sentence.partition("\n")[0])


def listed(sentence: str) -> str:
    """The sentence with the networks that it names in order: the engine keeps them in none."""
    begin, colon, given = " ".join(sentence.split()).rstrip(".").partition("endpoints: ")
    return begin + colon + ", ".join(sorted(given.split(", ")))


def options(line: str) -> set[str]:
    """The long names of the options that a line gives."""
    words = iter(shlex.split(line))
    for word in words:
        if word in ("run", "create"):
            break
    return set(_options(words))


def _options(words: Iterator[str]) -> Iterator[str]:
    for word in words:
        if word == "--" or not word.startswith("-"):
            return
        name, given, _ = word.removeprefix("--").partition("=")
        if word.startswith("--"):
            yield LONG[name].name
            if not given and not LONG[name].bool:
                next(words)
            continue
        for place, letter in enumerate(word[1:], 2):
            flag = SHORT[letter]
            yield flag.name
            if not flag.bool:
                if not word[place:]:
                    next(words)
                break
            if word[place:].startswith("="):
                break
