"""The host ports that containers which do not run will ask for: only an inspect tells them, the mirror does not."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from console.engine.client import EngineClient
from console.engine.errors import NotFound, Unreachable
from console.engine.text import text
from console.models import Engine
from console.reads.ask import DEADLINE, ask

MOST: Final = 300  # containers
_NUMBER: Final = re.compile(r"[0-9]{1,5}")
Wish = tuple[str, int, int, str]  # host address, host port, container port, protocol


def wishes(engine: Engine, ids: Sequence[str], seconds: float = DEADLINE) -> dict[str, list[Wish]]:
    """``HostConfig.PortBindings`` by container id. Raises ``EngineError``."""

    def question(client: EngineClient) -> dict[str, list[Wish]]:
        found = {}
        end = time.monotonic() + seconds
        for container_id in ids[:MOST]:
            if time.monotonic() > end:  # nobody waits any more; the thread is for other questions
                raise Unreachable(f"{engine} did not tell of all containers within {seconds:g} s.", "timeout")
            try:
                answer = client.send("GET", f"/containers/{quote(container_id, safe='')}/json")
            except NotFound:
                continue
            host = answer.get("HostConfig")
            found[container_id] = list(bindings(host.get("PortBindings") if isinstance(host, dict) else None))
        return found

    return ask(engine, question, seconds)


def bindings(raw: Any) -> list[Wish]:
    """The entries of ``PortBindings`` that name a host port."""
    found: list[Wish] = []
    for spec, entries in (raw if isinstance(raw, Mapping) else {}).items():
        number, _, protocol = str(spec).partition("/")
        for entry in entries if isinstance(entries, list) else ():
            port = str(entry.get("HostPort") or "") if isinstance(entry, Mapping) else ""
            if _NUMBER.fullmatch(port) and _NUMBER.fullmatch(number) and 0 < int(port) < 65536:
                host = text(str(entry.get("HostIp") or ""), 64)
                found.append((host, int(port), int(number), text(protocol or "tcp", 16)))
    return found
