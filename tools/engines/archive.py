"""Write images as the archives `docker load` reads, without any engine.

The same input gives the same bytes, so the same image ids on every engine. The format is that of
`docker save` before the OCI layout (one manifest.json, a configuration and layer tars), which all engines read.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

EPOCH = 1735689600  # every file and image: 2025-01-01T00:00:00Z
CREATED = "2025-01-01T00:00:00Z"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class File:
    """A regular file in a layer."""

    data: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link in a layer."""

    target: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder in a layer; parents of files need not be named."""

    mode: int = 0o755


Entry = File | Link | Folder


@dataclass(frozen=True, slots=True)
class Layer:
    """One step of an image's history. `tar` is None for a step that only changes the configuration."""

    created_by: str
    tar: bytes | None = None

    @property
    def diff_id(self) -> str:
        return hashlib.sha256(self.tar or b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Image:
    """An image to be written: its tags, its steps from the oldest to the newest, its `config` in the API's words."""

    tags: Sequence[str]
    layers: Sequence[Layer]
    config: Mapping[str, object] = field(default_factory=dict)


def layer(created_by: str, entries: Mapping[str, Entry]) -> Layer:
    """A layer with these entries, by path without a leading slash; parent folders are added."""
    everything: dict[str, Entry] = dict(entries)
    for path in entries:
        for parent in Path(path).parents:
            everything.setdefault(str(parent), Folder())
    everything.pop(".", None)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, entry in sorted(everything.items()):
            _add(tar, path, entry)
    return Layer(created_by, buffer.getvalue())


def _add(tar: tarfile.TarFile, path: str, entry: Entry) -> None:
    info = tarfile.TarInfo(path)
    info.mtime = EPOCH
    data = b""
    match entry:
        case File(data, mode):
            info.mode, info.size = mode, len(data)
        case Link(target):
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
        case Folder(mode):
            info.type, info.mode = tarfile.DIRTYPE, mode
    tar.addfile(info, io.BytesIO(data))


def write(target: Path, images: Sequence[Image], machine: str) -> None:
    """Write one archive with all images; `machine` is what `uname -m` says."""
    blobs: dict[str, bytes] = {}
    manifest = []
    for image in images:
        names = []
        for step in image.layers:
            if step.tar is not None:
                names.append(f"{step.diff_id}/layer.tar")
                blobs[names[-1]] = step.tar
        config = json.dumps(_config(image, machine), sort_keys=True).encode()
        digest = f"{hashlib.sha256(config).hexdigest()}.json"
        blobs[digest] = config
        manifest.append({"Config": digest, "RepoTags": list(image.tags), "Layers": names})
    blobs["manifest.json"] = json.dumps(manifest).encode()
    new = target.with_suffix(".new")
    with tarfile.open(new, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in blobs.items():
            _add(tar, name, File(data))
    new.replace(target)


def _config(image: Image, machine: str) -> dict[str, object]:
    history: list[dict[str, object]] = [
        {"created": CREATED, "created_by": step.created_by} | ({} if step.tar is not None else {"empty_layer": True})
        for step in image.layers
    ]
    return {
        "architecture": MACHINES.get(machine, machine),
        "os": "linux",
        "created": CREATED,
        "config": {"Env": [PATH]} | dict(image.config),
        "history": history,
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{step.diff_id}" for step in image.layers if step.tar is not None],
        },
    }
