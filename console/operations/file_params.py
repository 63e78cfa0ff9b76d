"""What can be told of changes to files: of a volume, or of a container.

Paths stand in the row as they stand in an address (``paths.quoted``): bytes of any kind, in ASCII.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Self
from urllib.parse import unquote_to_bytes

from console.engine import paths
from console.operations.params import InvalidParams, Params

MOST_TEXT: Final = 256 * 1024  # bytes of a text that is edited
_SEAL: Final = re.compile(r"[0-9]{1,20}-[0-9TZ:.+-]{0,40}")
_TOKEN: Final = re.compile(r"[0-9a-f]{32}")


def unquoted(text: str) -> str:
    """The path that ``paths.quoted`` was given. Raises ``InvalidParams``."""
    try:
        return paths.normal(paths.decoded(unquote_to_bytes(text)))
    except paths.BadPath as error:
        raise InvalidParams({"path": str(error)}) from error


def _text(data: Mapping[str, Any], name: str) -> str:
    return str(data.get(name) or "")


@dataclass(frozen=True, slots=True)
class FileParams(Params):
    """``path``: what is changed, quoted; ``host``: it reaches the host, and needs that right.

    ``volume``: of a container that does not run, the volume that the path is in, mounted ``at`` (quoted).
    """

    path: str = "/"
    host: bool = False
    volume: str = ""
    at: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From what ``to_json`` gave. Raises ``InvalidParams``."""
        path = unquoted(_text(data, "path"))
        if path == "/":
            raise InvalidParams({"path": "The top folder itself stays as it is."})
        volume, at = _text(data, "volume")[:255], unquoted(_text(data, "at"))
        if volume and paths.mount_of([at], path) != at:
            raise InvalidParams({"path": "It is not in that volume."})
        where = {"volume": volume, "at": paths.quoted(at)} if volume else {}
        return cls(path=paths.quoted(path), host=bool(data.get("host")), **where)

    @property
    def real(self) -> str:
        """The path."""
        return unquoted(self.path)

    def inside(self, path: str = "") -> str:
        """Where a path (quoted; what is changed) is in the tree that the change is made in."""
        real = unquoted(path or self.path)
        return real.removeprefix(unquoted(self.at).rstrip("/")) if self.volume else real

    def needs(self) -> str:
        return "host" if self.host else ""

    def command(self, base: str, name: str) -> str:
        """Of a container: ``docker container exec``; of a volume: ``docker container run`` with the volume in it."""
        if base.endswith(" run") or self.volume:
            mount = shlex.quote(f"type=volume,src={self.volume or name},target=/v")
            return f"docker container run --rm --network none --mount {mount} busybox {self.words('/v')}"
        return f"{base} --user 0 {shlex.quote(name)} {self.words('')}"

    def words(self, top: str) -> str:
        """What the command runs; the tree begins at ``top``."""
        return f"ls -l {self.shown(top)}"

    def shown(self, top: str, path: str = "") -> str:
        """A path of the command, quoted for a shell."""
        return shlex.quote(paths.shown(f"{top}{self.inside(path)}"))


@dataclass(frozen=True, slots=True)
class MakeParams(FileParams):
    """A new folder."""

    def words(self, top: str) -> str:
        return f"mkdir {self.shown(top)}"


@dataclass(frozen=True, slots=True)
class RenameParams(FileParams):
    """``to``: the new path, quoted, in the same folder."""

    to: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        found = super(RenameParams, cls).read(data)
        to = unquoted(_text(data, "to"))
        if to == "/" or paths.parent(to) != paths.parent(found.real):
            raise InvalidParams({"name": "A name without “/”."})
        if to == found.real:
            raise InvalidParams({"name": "That is its name already."})
        return replace(found, to=paths.quoted(to))

    def words(self, top: str) -> str:
        return f"mv -n -- {self.shown(top)} {self.shown(top, self.to)}"


@dataclass(frozen=True, slots=True)
class DeleteParams(FileParams):
    """With all that is below it."""

    def words(self, top: str) -> str:
        return f"rm -rf -- {self.shown(top)}"


@dataclass(frozen=True, slots=True)
class EditParams(FileParams):
    """``text``: the new content, kept sealed; ``seal``: of the file that was read (``archive.Stat.seal``)."""

    FIELDS: ClassVar[tuple[str, ...]] = ("text", "seal")

    seal: str = ""
    text: str | None = None
    digest: str = ""  # SHA-256 of the new content

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        found = super(EditParams, cls).read(data)
        seal, text = _text(data, "seal"), data.get("text")
        if not _SEAL.fullmatch(seal):
            raise InvalidParams({"text": "It is not told which version was read: open the file again."})
        if text is not None and len(str(text).encode("utf-8", "replace")) > MOST_TEXT:
            raise InvalidParams({"text": "More than 256 KiB are not edited here: download, change, upload."})
        return replace(found, seal=seal, text=None if text is None else str(text), digest=_text(data, "digest")[:64])

    def public(self) -> Self:
        return replace(self, text=None)

    def command(self, base: str, name: str) -> str:
        return _copied(self, base, name)


@dataclass(frozen=True, slots=True)
class UploadParams(FileParams):
    """``upload``: the token of what ``by`` (a person's key) sent, ``size`` bytes; ``over``: a file is replaced."""

    upload: str = ""
    by: str = ""
    size: int = 0
    over: bool = False

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        found = super(UploadParams, cls).read(data)
        token, by, size = _text(data, "upload"), _text(data, "by"), data.get("size")
        if not _TOKEN.fullmatch(token) or not by.isdecimal() or not isinstance(size, int) or size < 0:
            raise InvalidParams({"file": "Choose a file."})
        return replace(found, upload=token, by=by, size=size, over=bool(data.get("over")))

    def command(self, base: str, name: str) -> str:
        return _copied(self, base, name)


def _copied(params: FileParams, base: str, name: str) -> str:
    """``docker container cp`` of a file with the same name; of a volume into a container that has it."""
    file = shlex.quote(paths.shown(paths.name_of(params.real)))
    if base.endswith(" run"):
        mount = shlex.quote(f"type=volume,src={name},target=/v,volume-nocopy")
        return f"docker container cp {file} $(docker container create --mount {mount} busybox):{params.shown('/v')}"
    return f"docker container cp {file} {shlex.quote(f'{name}:{paths.shown(params.real)}')}"
