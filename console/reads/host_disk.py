"""How full the disk below an engine's data is, where engine and console share a machine."""

from __future__ import annotations

import os
from dataclasses import dataclass

from console.models import Engine


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system that holds ``path`` (the engine's data root). ``size`` and ``free`` in bytes."""

    path: str
    size: int
    free: int

    @property
    def used(self) -> float:
        """The share that nobody but root could fill further, 0 to 1."""
        return 1 - self.free / self.size


def of_engine(engine: Engine) -> Disk | None:
    """The disk of ``engine``; None where it is on another machine, behind another root folder, or cannot be told.

    No engine tells this over its API, so this machine is asked: only for an address ``unix://`` whose engine gives this
    machine's name (``Name`` of ``GET /info``) and whose data root is there.
    """
    root = str(engine.info.get("root_dir") or "")
    if not engine.url.startswith("unix://") or engine.name != os.uname().nodename or not os.path.isabs(root):
        return None
    try:
        found = os.statvfs(root)
    except OSError:
        return None
    size = found.f_blocks * found.f_frsize
    return Disk(root, size, found.f_bavail * found.f_frsize) if size else None
