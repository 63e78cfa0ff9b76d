"""The console's own container, if it runs in one: it neither stops nor replaces itself.

The engine mounts files of a container's own folder into it (``/etc/hostname`` and others), and their path on the host
holds the id. Source: ``/proc/self/mountinfo``, fields 4 and 5, see proc_pid_mountinfo(5).
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")
_FOLDER = re.compile(r"/(?:overlay-)?containers/([0-9a-f]{64})/\S* /etc/(?:hostname|hosts|resolv\.conf) ")
ENDING: Final = frozenset(f"container.{short}" for short in ("stop", "restart", "kill", "pause", "remove", "recreate"))
REFUSAL: Final = "the console itself, which does not do this to itself"


@lru_cache(maxsize=1)
def container_id() -> str:
    """The id of the container that this process runs in; "" for none."""
    try:
        text = MOUNTS.read_text(errors="replace")
    except OSError:
        return ""
    found = _FOLDER.search(text)
    return found[1] if found else ""


def refusal(verb: str, object_id: str) -> str:
    """Why ``verb`` is not asked of the container with this id, or ""."""
    return REFUSAL if verb in ENDING and object_id and object_id == container_id() else ""
