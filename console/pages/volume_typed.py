"""The fields of a new volume as they are typed, and the command that they stand for.

``KINDS`` are the ways to fill the form. All but the first and the last are the driver ``local`` with options that
people do not remember; a command that is none of them is shown with its options as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from django.http import QueryDict

from console.engine.command.table import Pairs
from console.engine.command.volume import CreateVolume
from console.operations.pairs import joined, lines
from console.operations.volume_params import LOCAL

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "local": ("Local", "A folder below the engine's own, on the disk of its host."),
    "nfs": ("NFS", "A folder of an NFS server: the engine's host mounts it when a container with it starts."),
    "cifs": ("CIFS", "A share of Windows or Samba: the engine's host mounts it when a container with it starts."),
    "tmpfs": ("tmpfs", "Memory of the host: what is in it is gone when its last container stops."),
    "bind": ("Host folder", "A folder or a disk of the engine's host under a name of its own."),
    "driver": (
        "Plugin",
        "A volume driver that the engine got from somebody else, with options of its own.",
    ),
}
NFS_VERSIONS: Final = ("", "4.2", "4.1", "4", "3")
CIFS_VERSIONS: Final = ("", "3.1.1", "3.0", "2.1", "2.0")
_TEXTS: Final = (
    "name", "kind", "driver", "size", "server", "path", "version", "user", "mode", "owner", "fs", "more",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields as they were typed.

    ``path``: of the share or of the host; ``fs``: the file system of a device of the host, "" for a folder; ``more``:
    further options of mount; ``options``, ``labels``: NAME=value a line.
    """

    name: str = ""
    kind: str = "local"
    driver: str = ""
    size: str = ""
    server: str = ""
    path: str = ""
    version: str = ""
    user: str = ""
    password: str = ""
    mode: str = ""
    owner: str = ""
    fs: str = ""
    more: str = ""
    read_only: bool = False
    options: str = ""
    labels: str = ""

    @classmethod
    def posted(cls, data: QueryDict) -> Self:
        """From a form."""
        given: dict[str, Any] = {name: data.get(name, "").strip() for name in _TEXTS}
        given |= {name: data.get(name, "") for name in ("password", "options", "labels")}
        given["kind"] = given["kind"] if given["kind"] in KINDS else "local"
        return cls(**given, read_only=data.get("read_only") == "1")

    @classmethod
    def of(cls, spec: CreateVolume) -> Typed:
        """From a command: the kind whose fields say the same, else its options as they are."""
        base = cls(name=spec.name, labels=joined(spec.label))
        if spec.driver != LOCAL:
            return replace(base, kind="driver", driver=spec.driver, options=joined(spec.opt))
        found = _guessed(base, dict(spec.opt))
        if found is not None and _same(found.spec(), spec):
            return found
        return replace(base, options=joined(spec.opt))

    def spec(self) -> CreateVolume:
        """The command that this stands for; fields of other kinds do not count."""
        driver = self.driver if self.kind == "driver" else LOCAL
        return CreateVolume(self.name, driver, self._options(), lines(self.labels))

    def _options(self) -> Pairs:
        access = "ro" if self.read_only else ""
        if self.kind == "nfs":
            version = f"nfsvers={self.version}" if self.version else ""
            return _mount("nfs", f":{self.path}", f"addr={self.server}", access or "rw", version, self.more)
        if self.kind == "cifs":
            secret = self.password.replace(",", ",,")  # as the kernel reads it
            parts = [f"addr={self.server}", f"username={self.user}" if self.user else "guest"]
            parts += [f"password={secret}"] if secret else []
            parts += [f"vers={self.version}"] if self.version else []
            return _mount("cifs", f"//{self.server}/{self.path.strip('/')}", *parts, access, self.more)
        if self.kind == "tmpfs":
            named = {"size": self.size, "mode": self.mode, "uid": self.owner}
            return _mount("tmpfs", "tmpfs", *(f"{name}={text}" for name, text in named.items() if text), self.more)
        if self.kind == "bind":
            return _mount(self.fs or "none", self.path, "" if self.fs else "bind", access, self.more)
        size = (("size", self.size),) if self.size and self.kind == "local" else ()
        return (*size, *lines(self.options))


def _mount(kind: str, device: str, *options: str) -> Pairs:
    told = ",".join(option for option in options if option)
    pairs = (("type", kind), ("o", told), ("device", device))
    return tuple((name, value) for name, value in pairs if value)


def _guessed(base: Typed, options: Mapping[str, str]) -> Typed | None:
    """What the fields of a helper would be, if it is one."""
    kind, device, told = options.get("type", ""), options.get("device", ""), _parts(options.get("o", ""))
    if not kind and not device:
        return replace(base, size=options.get("size", ""))
    read_only = "ro" in told
    if kind == "nfs":
        version = told.pop("nfsvers", "")
        found = replace(base, kind="nfs", server=told.pop("addr", ""), path=device.removeprefix(":"), version=version)
        return replace(found, read_only=read_only, more=_rest(told, "ro", "rw"))
    if kind == "cifs":
        server, _, share = device.removeprefix("//").partition("/")
        found = replace(base, kind="cifs", server=server, path=share, user=told.pop("username", ""))
        found = replace(found, password=told.pop("password", "").replace(",,", ","), version=told.pop("vers", ""))
        return replace(found, read_only=read_only, more=_rest(told, "ro", "addr", "guest"))
    if kind == "tmpfs":
        found = replace(base, kind="tmpfs", size=told.pop("size", ""), mode=told.pop("mode", ""))
        return replace(found, owner=told.pop("uid", ""), more=_rest(told))
    if kind == "none":
        return replace(base, kind="bind", path=device, read_only=read_only, more=_rest(told, "ro", "bind"))
    return replace(base, kind="bind", path=device, fs=kind, read_only=read_only, more=_rest(told, "ro"))


def _parts(told: str) -> dict[str, str]:
    """Options of mount by name; a comma within a value is doubled."""
    found = (part.replace("\0", ",,").partition("=") for part in told.replace(",,", "\0").split(",") if part)
    return {name: value for name, _, value in found}


def _rest(told: Mapping[str, str], *without: str) -> str:
    return ",".join(f"{name}={value}" if value else name for name, value in told.items() if name not in without)


def _same(one: CreateVolume, other: CreateVolume) -> bool:
    """Whether two commands say the same: the order of options does not matter."""

    def told(spec: CreateVolume) -> dict[str, Any]:
        return {name: sorted(_told(value)) if name == "o" else value for name, value in spec.opt}

    return told(one) == told(other)


def _told(value: str) -> list[str]:
    return value.replace(",,", "\0").split(",")
