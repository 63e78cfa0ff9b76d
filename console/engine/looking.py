"""A container that is made to be looked into and never started: a volume's files are reached through it.

Made from an image that is on the engine already (nothing is pulled, nothing of it runs), without network, with the
volume read-only unless something is to be written, and removed at the end. Its label names the process that made it
and when its time is over, so that ``sweep`` removes what a crash left behind. It is no object of the console's lists.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from console.engine.client import EngineClient
from console.engine.errors import Conflict, EngineError, Failed, Invalid, NotFound, Unsupported
from console.engine.marks import COMMAND, LABEL, NAME, NAP, is_looking, is_working

BASE: Final = "/quarterdeck-volume"  # where the volume stands in it
LIFE: Final = 600.0  # seconds after which it is left over, whoever made it; a transfer asks for more
TRANSFER_LIFE: Final = 12 * 3600.0
_DIGITS: Final = re.compile(r"[0-9]{1,15}")
MOST_TRIES: Final = 5  # images
MOST_IMAGES: Final = 20  # that are looked into for programs


class NoPrograms(EngineError):
    """No image on the engine has the programs."""


class NoImage(EngineError):
    """The engine has no image to make a container from."""


@dataclass(frozen=True, slots=True)
class Looking:
    """A container that never ran; the volume's top is at ``base``."""

    container_id: str
    base: str = BASE


@contextmanager
def looking(
    client: EngineClient, volume: str, *, write: bool = False, top: bool = False, life: float = LIFE
) -> Iterator[Looking]:
    """A container with ``volume`` in it, while the block runs. Raises ``NoImage``, ``NotFound`` for the volume.

    ``top``: a tar may be unpacked at its root too, to give the volume's own folder its owner, mode and time. ``life``:
    seconds after which others may take it for left over.
    """
    name = f"{NAME}{secrets.token_hex(6)}"
    client.volume(volume)  # a container would make a missing one
    try:
        yield Looking(_make(client, name, volume, write, top, life))
    finally:
        with suppress(EngineError):  # the sweep comes
            client.remove(name, volumes=True)


@contextmanager
def working(client: EngineClient, volume: str, programs: Sequence[str]) -> Iterator[Looking]:
    """A container that runs and does nothing, with ``volume`` to be written: its ``programs`` are for exec.

    For what the archive API cannot do. It ends by itself after ``NAP`` seconds and is then removed by the engine.
    Raises ``NoPrograms``.
    """
    name = f"{NAME}{secrets.token_hex(6)}"
    client.volume(volume)
    try:
        yield Looking(_started_with(client, name, volume, programs))
    finally:
        with suppress(EngineError):
            client.remove(name, force=True, volumes=True)


def _started_with(client: EngineClient, name: str, volume: str, programs: Sequence[str]) -> str:
    for image in images(client)[:MOST_IMAGES]:
        with suppress(NotFound, Invalid, Unsupported, Failed):
            asked = _nap(body(image, volume, True, NAP))
            made = str(client.send("POST", "/containers/create", asked, {"name": name}, 30.0).get("Id") or name)
            if all(_has(client, made, program) for program in programs):
                client.start(made)
                return made
        with suppress(NotFound):
            client.remove(name, force=True, volumes=True)
    listed = ", ".join(programs)
    raise NoPrograms(f"This needs a container with {listed}, and no image on this engine has them: pull busybox.")


def _has(client: EngineClient, container_id: str, program: str) -> bool:
    return any(client.has_path(container_id, f"{folder}/{program}") for folder in ("/bin", "/usr/bin"))


def _nap(asked: dict[str, Any]) -> dict[str, Any]:
    """What runs is ``sleep``, as root with no more than the rights to change any file of the volume."""
    host = asked["HostConfig"] | {"AutoRemove": True, "CapAdd": ["DAC_OVERRIDE", "FOWNER"]}
    return asked | {"Entrypoint": ["sleep"], "Cmd": [str(NAP)], "User": "0", "HostConfig": host}


def sweep(client: EngineClient) -> int:
    """Remove those whose maker is gone or whose time is over; how many."""
    params = {"all": "1", "filters": json.dumps({"label": [LABEL]})}
    gone = 0
    for found in client.send("GET", "/containers/json", params=params, many=True):
        if (is_looking(found) or is_working(found)) and left_over(str(found["Labels"][LABEL]), time.time()):
            with suppress(NotFound, Conflict):
                client.remove(str(found.get("Id")), force=is_working(found), volumes=True)
                gone += 1
    return gone


def left_over(mark: str, now: float) -> bool:
    """Whether a container with this label's value is nobody's: ``now`` in seconds since 1970."""
    host, _, rest = mark.partition("/")
    pid, _, rest = rest.partition("/")
    started, _, until = rest.partition("/")
    if not (_DIGITS.fullmatch(until) and _DIGITS.fullmatch(pid)) or now > int(until):
        return True
    return host == socket.gethostname() and _started(int(pid)) != started


def _mark(life: float) -> str:
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}/{time.time() + life:.0f}"


def _started(pid: int) -> str:
    """When a process of this machine started, in the kernel's ticks; "" when it does not run."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    state, *fields = said.rpartition(")")[2].split()
    return "" if state in "ZX" or len(fields) < 19 else fields[18]


def _make(client: EngineClient, name: str, volume: str, write: bool, top: bool, life: float) -> str:
    refused: EngineError | None = None
    for image in images(client)[:MOST_TRIES]:
        try:
            wanted = body(image, volume, write, life, top)
            answer = client.send("POST", "/containers/create", wanted, {"name": name}, 30.0)
        except (NotFound, Invalid, Unsupported, Failed) as error:
            refused = error  # removed meanwhile, or of another platform
            continue
        return str(answer.get("Id") or name)
    raise refused or NoImage("There is no image on this engine.")


def images(client: EngineClient) -> list[str]:
    """The ids of the images that there are, the smallest first."""
    found = [image for image in client.send("GET", "/images/json", many=True) if isinstance(image, dict)]
    sizes = {str(image["Id"]): image.get("Size") for image in found if image.get("Id")}
    return sorted(sizes, key=lambda one: (size if isinstance(size := sizes[one], int) else 0, one))


def body(image: str, volume: str, write: bool, life: float, top: bool = False) -> dict[str, Any]:
    """``POST /containers/create``. What it would run does not exist, and it is not started."""
    mount = {"Type": "volume", "Source": volume, "Target": BASE, "ReadOnly": not write}
    return {
        "Image": image,
        "Entrypoint": [COMMAND],
        "Cmd": [],
        "NetworkDisabled": True,
        "Labels": {LABEL: _mark(life)},
        "HostConfig": {
            "NetworkMode": "none",
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "ReadonlyRootfs": not top,
            "LogConfig": {"Type": "none"},
            "Mounts": [mount | {"VolumeOptions": {"NoCopy": True}}],
        },
    }
