"""What must not be there when a test, an engine or a run has ended: helper containers, images, volumes, files.

A leak is seen where it is made: after every test on the engine of the run, before any engine ends, when a console's
data folder is put away, and at the end of the process in its folder for temporary files.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from console.engine import looking, marks
from console.engine.address import Address
from console.engine.client import EngineClient

PATIENCE: Final = 20.0  # seconds that a page which nobody waits for may still look into a volume
PREFIX: Final = marks.NAME.rstrip("-")  # of all that the console makes for itself on an engine
OF_THE_BROWSER: Final = (".org.chromium.", "org.chromium.", ".com.google.", "playwright", "chromium", "Crashpad")


class Asked(Protocol):
    """An engine as tests have it."""

    url: str

    def get(self, target: str) -> Any:
        """JSON answer of the engine's API."""


def of_engine(private: Asked, volumes: bool = True) -> list[str]:
    """The console's own containers, images, networks and ``volumes`` that an engine has, one a word."""
    named = [
        *(("container", name) for item in private.get("/containers/json?all=1") for name in item["Names"] or ()),
        *(("image", tag) for item in private.get("/images/json?all=1") for tag in item["RepoTags"] or ()),
        *(("volume", item["Name"]) for item in (volumes and private.get("/volumes")["Volumes"]) or ()),
        *(("network", item["Name"]) for item in private.get("/networks")),
    ]
    return [f"{kind} {name}" for kind, name in named if name.removeprefix("/").startswith(PREFIX)]


def check_engine(private: Asked, seconds: float = PATIENCE, volumes: bool = True) -> None:
    """Fail when something of ours stays on an engine. ``volumes``: not where a test's volume driver may hang.

    What a test killed leaves its helper behind: that one is the sweep's, which has to find it. All others are removed
    by who made them; those get a moment, for a page that was left is read to its end.
    """
    end = time.monotonic() + seconds
    while left := of_engine(private, volumes):
        with EngineClient(Address(private.url)) as client:
            swept = looking.sweep(client)
        if swept:
            continue
        assert time.monotonic() < end, f"left on {private.url}: {', '.join(left)}"
        time.sleep(0.2)


def of_data(data: Path) -> list[str]:
    """Files that stay in the spool of a console's data folder: uploads, contexts of builds."""
    spool = data / "spool"
    return sorted(str(path.relative_to(data)) for path in spool.rglob("*") if not path.is_dir())


def check_data(data: Path, needed: Iterable[str] = ()) -> None:
    """Fail when a file stays that no operation needs. ``needed``: tokens of those that are open still."""
    left = [name for name in of_data(data) if not any(token in name for token in needed)]
    assert not left, f"left in {data}: {', '.join(left)}"


def of_temp(folder: Path) -> list[str]:
    """What stays in a folder for temporary files, but for what a browser keeps there."""
    return sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith(OF_THE_BROWSER))


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of this process and its children for temporary files; fails when one of theirs is left in it."""
    before, kept = os.environ.get("TMPDIR"), tempfile.tempdir
    folder = Path(tempfile.mkdtemp(prefix="quarterdeck-run-"))
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    try:
        yield folder
        left = of_temp(folder)
        assert not left, f"left among the temporary files: {', '.join(left)}"
    finally:
        tempfile.tempdir = kept
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
        shutil.rmtree(folder, ignore_errors=True)
