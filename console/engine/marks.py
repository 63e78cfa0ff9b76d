"""How the console's own containers are told from everybody's: see ``looking``.

A label alone hides nothing, for an image may bring any label: it takes the name, the command, and that it never ran.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

LABEL: Final = "quarterdeck.looking"
NAME: Final = "quarterdeck-looking-"
COMMAND: Final = "/quarterdeck-looks-only"  # is nowhere, and never started
OPERATION: Final = "quarterdeck.operation"  # label of a volume: the operation that made it as a copy
NAP: Final = 900  # seconds that a container lives to change files
_QUIET: Final = frozenset({"create", "destroy", "remove"})


def is_looking(entry: Any) -> bool:
    """Whether an entry of ``GET /containers/json`` is a container that the console only looks through."""
    return _is(entry, COMMAND) and str(entry.get("State")).lower() == "created"


def is_working(entry: Any) -> bool:
    """Whether an entry is a container that runs to change a volume's files."""
    return _is(entry, f"sleep {NAP}")


def _is(entry: Any, command: str) -> bool:
    labels, names = (entry.get("Labels"), entry.get("Names")) if isinstance(entry, Mapping) else (None, None)
    return (
        isinstance(labels, Mapping)
        and LABEL in labels
        and str(entry.get("Command")).strip() == command
        and isinstance(names, list)
        and any(str(name).removeprefix("/").startswith(NAME) for name in names)
    )


def is_quiet(type_: str, action: str, attributes: Mapping[str, str]) -> bool:
    """Whether an event only tells that such a container came or went. One that did anything else is heard."""
    if type_ != "container" or action not in _QUIET:
        return False
    return LABEL in attributes and attributes.get("name", "").startswith(NAME)
