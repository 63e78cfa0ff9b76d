"""What making an image of a container can be told (``docker container commit``)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from console import masks
from console.operations.image_params import Reference
from console.operations.params import InvalidParams, Params, _flag, _text

LONGEST: Final = 4096  # characters of a message, an author, a change
MOST_CHANGES: Final = 100
INSTRUCTIONS: Final = ("CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "STOPSIGNAL", "USER",
                       "VOLUME", "WORKDIR")  # fmt: skip
_CHANGE: Final = re.compile(rf"({'|'.join(INSTRUCTIONS)})\s+\S.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CommitParams(Params):
    """``reference``: its name and tag, or "" for none; ``changes``: instructions of a Dockerfile."""

    reference: str = ""
    author: str = ""
    message: str = ""
    changes: tuple[str, ...] = ()
    pause: bool = True

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From a form (``changes`` lines, ``sent`` says that a missing tick is a no) or from ``to_json``."""
        errors: dict[str, str] = {}
        reference = _text(data, "reference")
        if reference:
            try:
                found = Reference.read(reference)
                reference = str(found)
                if found.digest:
                    errors["reference"] = "A name is a repository and a tag; a digest cannot be given."
            except ValueError as error:
                errors["reference"] = str(error)
        author, message = _text(data, "author"), _text(data, "message")
        for name, value in (("author", author), ("message", message)):
            if len(value) > LONGEST or not value.isprintable():
                errors[name] = f"One line of at most {LONGEST:,} characters."
        given = data.get("changes") or ""
        lines = given if isinstance(given, list | tuple) else str(given).splitlines()
        changes = tuple(str(line).strip() for line in lines if str(line).strip())
        if len(changes) > MOST_CHANGES or any(len(change) > LONGEST for change in changes):
            errors["changes"] = f"At most {MOST_CHANGES} lines of at most {LONGEST:,} characters."
        elif bad := next((change for change in changes if not _CHANGE.fullmatch(change)), ""):
            word = bad.split()[0][:40]
            errors["changes"] = f"“{word}” is none of {', '.join(INSTRUCTIONS)}, or nothing stands after it."
        if errors:
            raise InvalidParams(errors)
        pause = _flag(data, "pause") if "pause" in data or _flag(data, "sent") else True
        return cls(reference, author, message, changes, pause)

    def public(self) -> Self:
        return replace(self, changes=tuple(_masked(change) for change in self.changes))

    def command(self, base: str, name: str) -> str:
        words = [base, *self.flags(), shlex.quote(name)]
        return " ".join([*words, shlex.quote(self.reference)] if self.reference else words)

    def flags(self) -> list[str]:
        found = ["--author", shlex.quote(self.author)] if self.author else []
        found += ["--message", shlex.quote(self.message)] if self.message else []
        for change in self.public().changes:
            found += ["--change", shlex.quote(change)]
        return found + ["--pause=false"] * (not self.pause)


def _masked(change: str) -> str:
    """An instruction without secrets: "ENV DB_PASSWORD=***"."""
    instruction, _, rest = change.partition(" ")
    name, _, value = rest.strip().partition(" ")
    if instruction.upper() == "ENV" and "=" not in name and value:  # the old spelling: ENV NAME value
        return f"{instruction} {name} {masks.masked(name, value, masks.PLAIN_MASK)}"
    return " ".join(masks.masked_words(change.split(" ")))
