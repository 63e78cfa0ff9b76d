"""What loading and importing an image can be told (``docker image load``, ``docker image import``)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from console.operations.commit_params import CommitParams
from console.operations.params import InvalidParams, Params, _text


@dataclass(frozen=True, slots=True)
class LoadParams(Params):
    """``upload``: the token of the kept file, of the person ``by``; ``file``: what it was called."""

    upload: str = ""
    by: int = 0
    file: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        return cls(*_file(data))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def command(self, base: str, name: str) -> str:
        return f"{base} --input {shlex.quote(self.file or 'IMAGES.tar')}"


@dataclass(frozen=True, slots=True)
class ImportParams(Params):
    """A file as ``LoadParams``; the rest as for a commit."""

    upload: str = ""
    by: int = 0
    file: str = ""
    reference: str = ""
    message: str = ""
    changes: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        errors: dict[str, str] = {}
        said, file = CommitParams(), ("", 0, "")
        try:
            said = CommitParams.read({name: data.get(name) for name in ("reference", "message", "changes")})
        except InvalidParams as error:
            errors |= error.errors
        try:
            file = _file(data)
        except InvalidParams as error:
            errors |= error.errors
        if errors:
            raise InvalidParams(errors)
        return cls(*file, said.reference, said.message, said.changes)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def public(self) -> Self:
        changes = CommitParams(changes=self.changes).public().changes
        return type(self)(self.upload, self.by, self.file, self.reference, self.message, changes)

    def command(self, base: str, name: str) -> str:
        flags = CommitParams(message=self.message, changes=self.changes).flags()
        words = [base, *flags, shlex.quote(self.file or "ROOTFS.tar")]
        return " ".join([*words, shlex.quote(self.reference)] if self.reference else words)


def _file(data: Mapping[str, Any]) -> tuple[str, int, str]:
    by = _text(data, "by")
    found = _text(data, "upload"), int(by[:18]) if by.isascii() and by.isdigit() else 0, _text(data, "file")[:200]
    if not found[0]:
        raise InvalidParams({"archive": "Choose a file."})
    return found
