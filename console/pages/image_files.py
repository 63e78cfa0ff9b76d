"""The forms that make images of files: load and import."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse

from console.models import Engine
from console.operations.params import InvalidParams
from console.operations.verb import Verb


def save_command(names: Sequence[str], file: str = "IMAGES.tar") -> str:
    """What a download stands for."""
    return shlex.join(["docker", "image", "save", "--output", file, *names])


class FileForm:
    """What the form shows. ``data``: what was typed; a file that was sent is not kept when something else is wrong."""

    def __init__(self, engine: Engine, verb: Verb, data: Mapping[str, Any], errors: Mapping[str, str]) -> None:
        self.engine, self.verb, self.data, self.errors = engine, verb, data, errors

    @property
    def context(self) -> dict[str, Any]:
        """Of ``images/file.html``."""
        try:
            typed = {name: self.data.get(name, "") for name in ("reference", "message", "changes", "file")}
            params = self.verb.params.read({**typed, "upload": "x"})
        except InvalidParams:
            params = self.verb.params()
        command = params.command(self.verb.base, "")
        importing = self.verb.short == "import"
        return {
            "engine": self.engine,
            "verb": self.verb,
            "importing": importing,
            "title": "Import a root file system" if importing else "Load images",
            "action": reverse(f"image-{self.verb.short}", args=[self.engine.slug]),
            "typed": self.data,
            "errors": self.errors,
            "kept": self.data.get("upload", "") if self.errors and "archive" not in self.errors else "",
            "command": command,
            "default_command": command,
        }
