"""The form of a new volume: what is wrong with what was typed, and what people learn too late."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from console import access, masks
from console.engine.command.volume import CreateVolume, render, render_lines
from console.engine.risk import risk_of
from console.models import Engine, Operation
from console.operations.pairs import hidden_in
from console.operations.volume_params import CreateVolumeParams, check, reaches_host
from console.pages.refusals import Refusal, field_of
from console.pages.volume_typed import CIFS_VERSIONS, KINDS, NFS_VERSIONS, Typed

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_SIZE = re.compile(r"[0-9]{1,15}[kmgtKMGT]?[bB]?")
_TMPFS_SIZE = re.compile(r"[0-9]{1,15}[kmgtKMGT%]?")
_MODE = re.compile(r"[0-7]{3,4}")
_MORE = re.compile(r"[A-Za-z0-9_.,=:/@%+-]{0,500}")
_FS = re.compile(r"[a-z0-9_.]{1,30}")

# What engines say (20.10 to 28), the field that it is about, and what to do.
_REFUSALS: Final[tuple[Refusal, ...]] = (
    (r"already exists|is taken|name conflict", "name", "Choose another name."),
    (r"invalid characters|too short|name.*invalid|invalid.*name", "name", "Choose another name."),
    (r"plugin|driver|not found", "driver", "docker plugin ls on the engine's host lists what is there."),
    (r"quota|size", "size", "Leave it empty: only some file systems can limit a folder."),
    (r"invalid option|missing required option", "options", "local takes type, o and device together, and size."),
)


class VolumeForm:
    """The form for one person and one engine. ``checked``: show what is wrong; ``said``: the engine's refusal."""

    def __init__(self, user: access.Actor, engine: Engine, typed: Typed, checked: bool = False) -> None:
        self.user, self.engine, self.typed, self.checked = user, engine, typed, checked
        self.spec = typed.spec()
        self.said = self.reason = ""
        self.notes: list[str] = []
        self.waiting: Operation | None = None
        self.failed: Operation | None = None

    @cached_property
    def errors(self) -> dict[str, str]:
        """A sentence for each wrong field: what can be seen here, what the mirror knows, what the engine said."""
        errors = dict(self._of_kind())
        for name, text in check(self.spec).items():
            if name == "options" and self.typed.kind not in {"local", "driver"}:
                if not errors.keys() & {"path", "server", "more"}:
                    errors["more"] = text
            else:
                errors.setdefault(name, text)
        if "name" not in errors:
            taken = access.volumes_for(self.user, self.engine).filter(name=self.spec.name).exists()
            if taken:
                errors["name"] = f"There is a volume “{self.spec.name}” on {self.engine} already."
        if self.needs_host and not self.may_host:
            errors["kind"] = "You may not make this one: it reaches the engine's host, which needs the right “host”."
        errors |= dict.fromkeys(self._hidden(), masks.NOT_COPIED)
        if self.said:
            where, do = field_of(_REFUSALS, self.said)
            where = where if where in self.fields else "name"
            errors[where] = f"{self.said} {do}".strip()
        return errors

    def _hidden(self) -> Iterator[str]:
        """The fields in which a mask stands for a secret."""
        if hidden_in(self.spec.label):
            yield "labels"
        if hidden_in(self.spec.opt):
            own = self.fields & {"options", "password", "user", "more", "path"}
            yield from (name for name in sorted(own) if masks.PLAIN_MASK in getattr(self.typed, name))

    @property
    def fields(self) -> set[str]:
        """The fields that the chosen kind shows."""
        own = {
            "local": {"size", "options"},
            "nfs": {"server", "path", "more"},
            "cifs": {"server", "path", "user", "password", "more"},
            "tmpfs": {"size", "mode", "owner", "more"},
            "bind": {"path", "fs", "more"},
            "driver": {"driver", "options"},
        }
        return {"name", "kind", "labels", *own[self.typed.kind]}

    def _of_kind(self) -> Iterator[tuple[str, str]]:
        typed = self.typed
        if typed.kind == "local" and typed.size and not _SIZE.fullmatch(typed.size):
            yield "size", "A number of bytes, or with k, m or g, such as 10g."
        if typed.kind == "tmpfs" and typed.size and not _TMPFS_SIZE.fullmatch(typed.size):
            yield "size", "A number with k, m or g, such as 64m, or a share of the memory, such as 10%."
        if typed.kind == "tmpfs" and typed.mode and not _MODE.fullmatch(typed.mode):
            yield "mode", "Three or four octal digits, such as 1777."
        if typed.kind == "tmpfs" and typed.owner and not (typed.owner.isascii() and typed.owner.isdigit()):
            yield "owner", "The number of a user, such as 1000: a name means nothing to the kernel."
        if typed.kind in {"nfs", "cifs"}:
            yield from self._of_share()
        if typed.kind == "bind":
            yield from self._of_folder()
        if typed.kind == "driver" and not typed.driver:
            yield "driver", "Which one? docker plugin ls on the engine's host lists what is there."
        if not _MORE.fullmatch(typed.more):
            yield "more", "Options of mount with commas between them, such as noatime,soft."

    def _of_share(self) -> Iterator[tuple[str, str]]:
        typed = self.typed
        if not typed.server:
            yield "server", "Which server? Its name or its address."
        elif not _HOST.fullmatch(typed.server) and not _is_address(typed.server):
            yield "server", "A host's name or its address, such as 192.168.10.5."
        if any(letter < " " or letter == "," for letter in typed.path):
            yield "path", "No commas and no control characters."
        elif typed.kind == "nfs" and not typed.path.startswith("/"):
            yield "path", "The path that the server exports, from “/” on."
        elif typed.kind == "cifs" and not typed.path.strip("/"):
            yield "path", "Which share of the server? Its name, perhaps with a folder behind it: media/films."
        versions = NFS_VERSIONS if typed.kind == "nfs" else CIFS_VERSIONS
        if typed.version and typed.version not in versions:
            yield "version", f"One of {', '.join(filter(None, versions))}."
        if any(letter < " " or letter == "," for letter in typed.user):
            yield "user", "No commas and no control characters."
        if typed.kind == "cifs" and any(letter < " " for letter in typed.password):
            yield "password", "No control characters."
        if typed.kind == "cifs" and typed.password and not typed.user:
            yield "user", "Whose password is it? Without a user the share is opened as a guest."

    def _of_folder(self) -> Iterator[tuple[str, str]]:
        typed = self.typed
        if not typed.path.startswith("/"):
            yield "path", "A path of the engine's host, from “/” on."
        elif any(letter < " " for letter in typed.path):
            yield "path", "No control characters."
        if typed.fs and not _FS.fullmatch(typed.fs):
            yield "fs", "The name of a file system, such as ext4; empty for a folder."

    @cached_property
    def needs_host(self) -> bool:
        """Whether it reaches the engine's host."""
        return reaches_host(self.spec)

    @cached_property
    def may_host(self) -> bool:
        """Whether the person may reach hosts."""
        return access.can(self.user, "host")

    @property
    def shown(self) -> dict[str, str]:
        """The errors at their fields: none before somebody asked."""
        return self.errors if self.checked else {}

    @property
    def problems(self) -> list[tuple[str, str]]:
        """What is wrong, for the side: (field, sentence). An empty field is no news while one types."""
        empty = {name for name in ("name", "server", "path", "driver") if not getattr(self.typed, name)}
        return [(name, text) for name, text in self.errors.items() if self.checked or name not in empty]

    @property
    def warnings(self) -> Iterator[str]:
        """What people learn too late."""
        typed, device = self.typed, dict(self.spec.opt).get("device", "")
        bound = (typed.kind == "bind" and not typed.fs) or "bind" in dict(self.spec.opt).get("o", "").split(",")
        if bound and device.startswith("/") and (reason := risk_of(device)):
            yield f"{device} of {self.engine} is {reason}."
        if bound:
            yield "The folder must be there, or no container with it starts. Removing the volume leaves the folder."
        if typed.kind in {"nfs", "cifs"}:
            yield "Nothing is mounted before a container starts: a wrong server or password shows only then."
        if typed.kind == "cifs" and typed.password:
            yield f"{self.engine} keeps the password readable: docker volume inspect shows it to whoever may ask."
        if typed.kind == "tmpfs" and not typed.size:
            yield "Without a size it may take half of the host's memory."
        if typed.kind == "local" and typed.size:
            yield "A size needs a file system that can limit folders: XFS mounted with pquota. Others refuse."
        if typed.kind == "driver" and typed.driver and self.drivers and typed.driver not in self.drivers:
            yield f"{self.engine} lists {', '.join(self.drivers)}: a driver that it lacks is refused."

    @cached_property
    def drivers(self) -> Sequence[str]:
        """The volume drivers that the engine lists."""
        info = self.engine.info if isinstance(self.engine.info, dict) else {}
        plugins = info.get("plugins")
        found = plugins.get("Volume") if isinstance(plugins, dict) else None
        return [str(name) for name in found] if isinstance(found, (list, tuple)) else []

    @property
    def kinds(self) -> list[tuple[str, str, str]]:
        """(kind, label, in a line)."""
        return [(kind, *words) for kind, words in KINDS.items()]

    @property
    def means(self) -> str:
        """The chosen kind in a line."""
        return KINDS[self.typed.kind][1]

    @property
    def versions(self) -> Sequence[str]:
        """Versions of the protocol; "" lets both sides agree."""
        return NFS_VERSIONS if self.typed.kind == "nfs" else CIFS_VERSIONS

    @cached_property
    def _told(self) -> CreateVolume:
        """What the command says: without secrets, what is not said yet in capitals."""
        unsaid = (name for name in ("server", "path", "driver") if not getattr(self.typed, name))
        missing: dict[str, Any] = {name: name.upper() for name in unsaid}
        if "path" in missing and self.typed.kind != "cifs":
            missing["path"] = "/PATH"
        return CreateVolumeParams(replace(self.typed, **missing).spec()).public().spec

    @property
    def command(self) -> str:
        """The equivalent command on one line."""
        return render(self._told)

    @property
    def command_lines(self) -> str:
        """The same, one option a line."""
        return render_lines(self._told)

    @property
    def hides(self) -> bool:
        """Whether the command has a secret masked."""
        return CreateVolumeParams(self.spec).public().spec != self.spec


def forgotten(typed: Typed) -> Typed:
    """What was typed, read from what an operation keeps: without the password that it did not keep."""
    return replace(typed, password="") if typed.password == masks.PLAIN_MASK else typed


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
