"""What a build can be told (``docker image build``)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from console import masks
from console.operations.image_params import PLATFORM, Reference
from console.operations.params import InvalidParams, Params, _flag, _text

LONGEST: Final = 64 * 1024  # characters of a Dockerfile
MOST_ARGS: Final = 100
_ARG: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*")
_TARGET: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")


@dataclass(frozen=True, slots=True)
class BuildParams(Params):
    """``context``: the token of what was kept in the spool; ``args``: NAME=value each.

    ``typed``: the Dockerfile of the form, sealed: to be mended when the build fails.
    """

    tag: str = ""
    context: str = ""
    args: tuple[str, ...] = ()
    target: str = ""
    platform: str = ""
    no_cache: bool = False
    pull: bool = False
    typed: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From a form (``args`` lines) or from ``to_json`` (``args`` a list)."""
        errors: dict[str, str] = {}
        tag, target, platform = _text(data, "tag"), _text(data, "target"), _text(data, "platform")
        try:
            found = Reference.read(tag)
            tag = str(found)
            if found.digest:
                errors["tag"] = "A name is a repository and a tag; a digest cannot be given."
        except ValueError as error:
            errors["tag"] = str(error) if tag else "How shall it be called? For example: shop/api:1.2."
        if target and not _TARGET.fullmatch(target):
            errors["target"] = "The name of a stage: letters, digits, “_”, “.” and “-”."
        if platform and (len(platform) > 60 or not PLATFORM.fullmatch(platform)):
            errors["platform"] = "As docker writes it: linux/amd64, linux/arm64/v8."
        given = data.get("args") or ""
        lines = given if isinstance(given, list | tuple) else str(given).splitlines()
        args = tuple(str(line).strip() for line in lines if str(line).strip())
        if len(args) > MOST_ARGS or any(len(arg) > 4096 for arg in args):
            errors["args"] = f"At most {MOST_ARGS} arguments of at most 4,096 characters."
        elif bad := next((arg for arg in args if not _ARG.fullmatch(arg)), ""):
            errors["args"] = f"One NAME=value a line; “{bad.partition('=')[0][:40]}” is none."
        if errors:
            raise InvalidParams(errors)
        flags = _flag(data, "no_cache"), _flag(data, "pull")
        return cls(tag, _text(data, "context"), args, target, platform, *flags, str(data.get("typed") or ""))

    def public(self) -> Self:
        args = tuple(masks.masked_words(list(self.args)))
        return replace(self, args=args)

    def command(self, base: str, name: str) -> str:
        return " ".join([base, *self.flags(), "."])

    def flags(self) -> list[str]:
        found = ["--tag", shlex.quote(self.tag or "NAME:TAG")]
        for arg in masks.masked_words(list(self.args)):
            found += ["--build-arg", shlex.quote(arg)]
        found += ["--target", shlex.quote(self.target)] if self.target else []
        found += ["--platform", self.platform] if self.platform else []
        return found + ["--no-cache"] * self.no_cache + ["--pull"] * self.pull
