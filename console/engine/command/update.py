"""What ``docker container update`` can change of a container that exists, with the values and words of the run options.

The engine takes zero and nothing for "as it is": a limit of memory, CPUs or weights can be changed and not taken away.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Final

from console.engine.command.flags import LONG
from console.engine.command.spec import RestartPolicy
from console.engine.command.values import BadValue
from console.engine.fields import child, integer
from console.engine.types import Raw

KEYS: Final[Mapping[str, str]] = {
    "memory": "Memory",
    "memory-reservation": "MemoryReservation",
    "memory-swap": "MemorySwap",
    "cpus": "NanoCpus",
    "cpu-shares": "CpuShares",
    "cpuset-cpus": "CpusetCpus",
    "cpuset-mems": "CpusetMems",
    "pids-limit": "PidsLimit",
    "blkio-weight": "BlkioWeight",
    "restart": "RestartPolicy",
}
NONE: Final[Mapping[str, str]] = {"pids-limit": "-1", "restart": "no"}  # what takes the limit away
AS_USUAL: Final[Mapping[str, str]] = {"cpu-shares": "1024", "blkio-weight": "500"}  # what is as without it

Options = tuple[tuple[str, str], ...]  # names and texts, in the order of ``KEYS``


def present(host: Raw) -> dict[str, str]:
    """Return the options as they are: from the ``HostConfig`` of an inspect; "" for what is not limited."""
    found: dict[str, str] = {}
    for name, key in KEYS.items():
        if name == "restart":
            policy = child(host, key)
            value: Any = RestartPolicy(str(policy.get("Name") or "no"), integer(policy, "MaximumRetryCount"))
        else:
            value = host.get(key)
        empty = not value or (name == "pids-limit" and value == -1)
        found[name] = "" if empty else LONG[name].codec.write(value)
    return found


def read(name: str, text: str) -> str:
    """Return the text of one option in its usual form. Raises ``BadValue``."""
    value = LONG[name].codec.read(text)
    if value in (0, "") and name != "pids-limit":
        raise BadValue("The engine takes this for “as it is”.")
    return LONG[name].codec.write(value)


def body(options: Options) -> dict[str, Any]:
    """Return the JSON of ``POST /containers/{id}/update``: nothing but what is to change."""
    found: dict[str, Any] = {}
    for name, text in options:
        value = LONG[name].codec.read(text)
        if isinstance(value, RestartPolicy):
            value = {"Name": value.name, "MaximumRetryCount": value.retries}
        found[KEYS[name]] = value
    return found


def render(options: Options, container: str) -> str:
    """Return the command."""
    flags = [f"--{name} {shlex.quote(text)}" for name, text in options]
    return " ".join(["docker container update", *flags, shlex.quote(container)])
