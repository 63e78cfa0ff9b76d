"""What ``docker container run`` or ``create`` is told: the whole command, as one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from console.engine.command.parse import MAX_LENGTH, parse
from console.engine.command.reach import host_options
from console.engine.command.render import render
from console.engine.command.spec import RunSpec
from console.operations.params import InvalidParams, Params
from console.reads.command import MASK


@dataclass(frozen=True, slots=True)
class CreateParams(Params):
    """``line``: a command that ``render`` made; reading it again gives the same spec."""

    line: str = ""

    FIELDS: ClassVar[tuple[str, ...]] = ("line",)

    @classmethod
    def of(cls, spec: RunSpec) -> Self:
        """The parameters that say ``spec``."""
        return cls(render(spec))

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        line = str(data.get("line") or "")
        if len(line) > MAX_LENGTH or not parse(line).spec.image:
            raise InvalidParams({"line": "A command that names an image."})
        return cls(line)

    @property
    def spec(self) -> RunSpec:
        """What is wanted."""
        return parse(self.line).spec

    def needs(self) -> str:
        return "host" if host_options(self.spec) else ""

    def public(self) -> Self:
        return type(self)(render(self.spec, MASK)) if self.line else self

    def command(self, base: str, name: str) -> str:
        return self.public().line or base
