"""What copies of volumes are told: backup, clone, restore. Their commands are what a person would type for the same."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from console.engine.command.volume import CreateVolume
from console.operations.pairs import text_of
from console.operations.params import InvalidParams, Params
from console.operations.volume_params import check


@dataclass(frozen=True, slots=True)
class BackupParams(Params):
    """A download with its users stopped: nothing can be said."""

    def command(self, base: str, name: str) -> str:
        return f"docker stop $(docker ps --quiet --filter volume={shlex.quote(name)}) && {download_command(name)}"


@dataclass(frozen=True, slots=True)
class CloneParams(Params):
    """``target``: the new volume; ``stop``: its running users first."""

    target: str = ""
    stop: bool = False

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        found = cls(text_of(data, "target"), _flag(data, "stop"))
        if wrong := check(CreateVolume(found.target)).get("name"):
            raise InvalidParams({"target": wrong})
        return found

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def command(self, base: str, name: str) -> str:
        target = self.target or "NEW_NAME"
        copy = shlex.join(
            ["docker", "run", "--rm", "--volume", f"{name}:/from:ro", "--volume", f"{target}:/to", "busybox"]
        )
        return f"docker volume create {shlex.quote(target)} && {copy} cp -a /from/. /to"


@dataclass(frozen=True, slots=True)
class RestoreParams(Params):
    """``upload``: the token of the kept file, of the person ``by``; ``file``: what it was called.

    ``target``: a new volume for it, "" for the one that it is asked of; ``stop``: the running users of that first.
    """

    upload: str = ""
    by: int = 0
    file: str = ""
    target: str = ""
    stop: bool = False

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        by = text_of(data, "by")
        found = cls(
            text_of(data, "upload"),
            int(by[:18]) if by.isascii() and by.isdigit() else 0,
            text_of(data, "file")[:200],
            text_of(data, "target"),
            _flag(data, "stop"),
        )
        if found.target and (wrong := check(CreateVolume(found.target)).get("name")):
            raise InvalidParams({"target": wrong})
        if not found.upload:
            raise InvalidParams({"archive": "Choose a tar or tar.gz."})
        return found

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def command(self, base: str, name: str) -> str:
        volume = self.target or name
        made = f"docker volume create {shlex.quote(volume)} && " if self.target else ""
        run = shlex.join(["docker", "run", "--rm", "--interactive", "--volume", f"{volume}:/volume", "busybox"])
        return f"{made}{run} tar -xz -C /volume < {shlex.quote(self.file or 'BACKUP.tar.gz')}"


def download_command(name: str) -> str:
    """A backup of the volume as one command."""
    run = shlex.join(["docker", "run", "--rm", "--volume", f"{name}:/volume:ro", "busybox"])
    return f"{run} tar -cz -C /volume . > {shlex.quote(f'{name}.tar.gz')}"


def _flag(data: Mapping[str, Any], name: str) -> bool:
    return data.get(name) in (True, "1", "on")
