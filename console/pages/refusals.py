"""Which field of a form an engine's refusal is about, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

Refusal = tuple[str, str, str]  # a pattern of the engine's text, the field, what to do

NO_IPVLAN: Final = (
    "The kernel of the engine's host has no ipvlan: try “modprobe ipvlan” there, or take a macvlan network."
)

# What engines say (20.10 to 28) when a container cannot be put on its networks, and what to do.
_NETWORKING: Final = (
    (r"ipvlan port|ipvlan.*not supported", NO_IPVLAN),
    (
        r"port is already allocated|bind: address already in use|ports are not available",
        "Something else has this port of the host: stop it, or publish another port. “Published ports” lists them.",
    ),
    (
        r"address already in use|already allocated",
        "Another container has its address now: disconnect one of them from the network, or recreate this one.",
    ),
    (
        r"network \S+ not found|could not find .*network",
        "A network that it was made for was removed: recreate it on another one.",
    ),
    (
        r"swarm-scoped network|not manually attachable",
        "The network was made without --attachable: only services of the swarm can join it.",
    ),
)


def field_of(rows: Iterable[Refusal], said: str, default: str = "name") -> tuple[str, str]:
    """The field of the first row whose pattern is in ``said``, and what to do; ``default`` where none is."""
    found = next((row for row in rows if re.search(row[0], said, re.IGNORECASE)), None)
    return (found[1], found[2]) if found else (default, "")


def advice(said: str) -> str:
    """What to do when an engine could not put a container on its networks; "" for any other refusal."""
    return next((do for words, do in _NETWORKING if re.search(words, said, re.IGNORECASE)), "")
