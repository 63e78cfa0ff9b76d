"""What a verb can be told: small frozen dataclasses, read from a form, kept as JSON, printed as docker's own flags."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Final, Self

MOST_SECONDS: Final = 3600
LONGEST_NAME: Final = 255
NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")  # moby daemon/names: RestrictedNamePattern
SIGNALS: Final = (
    "SIGKILL",
    "SIGTERM",
    "SIGINT",
    "SIGHUP",
    "SIGQUIT",
    "SIGUSR1",
    "SIGUSR2",
    "SIGWINCH",
    "SIGSTOP",
    "SIGCONT",
    "SIGABRT",
    "SIGALRM",
)
HIGHEST_SIGNAL: Final = 64  # of Linux


class InvalidParams(ValueError):
    """Parameters that cannot be right. ``errors``: a sentence for each field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Params:
    """No parameters; the base of the others."""

    FIELDS: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From a form's or a JSON object's values. Raises ``InvalidParams``; other keys are not looked at."""
        return cls()

    def to_json(self) -> dict[str, Any]:
        """What ``read`` takes."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def public(self) -> Self:
        """The same without secrets: what the row keeps."""
        return self

    def needs(self) -> str:
        """A right of ``access.VERBS`` beyond the verb's own, or "": for what reaches further than usual."""
        return ""

    def command(self, base: str, name: str) -> str:
        """The docker command: ``base`` is "docker container stop"."""
        return " ".join([base, *self.flags(), shlex.quote(name)])

    def flags(self) -> list[str]:
        """As docker spells them."""
        return []


@dataclass(frozen=True, slots=True)
class StopParams(Params):
    """``timeout``: seconds until the engine kills the container; None is what the container says, or 10."""

    timeout: int | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        text = _text(data, "timeout")
        if not text:
            return cls()
        if not text.isascii() or not text.isdigit() or len(text) > 6 or int(text) > MOST_SECONDS:
            raise InvalidParams({"timeout": f"A whole number of seconds from 0 to {MOST_SECONDS}."})
        return cls(int(text))

    def flags(self) -> list[str]:
        return [] if self.timeout is None else ["--time", str(self.timeout)]


@dataclass(frozen=True, slots=True)
class KillParams(Params):
    """``signal``: a name of ``SIGNALS`` or a number from 1 to 64, as text."""

    signal: str = "SIGKILL"

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        text = _text(data, "signal").upper()
        if not text:
            return cls()
        if text.isascii() and text.isdigit():
            if 1 <= int(text[:6]) <= HIGHEST_SIGNAL:
                return cls(str(int(text[:6])))
        else:
            full = text if text.startswith("SIG") else f"SIG{text}"
            if full in SIGNALS:
                return cls(full)
        names = ", ".join(SIGNALS[:7])
        raise InvalidParams({"signal": f"One of {names} …, or a number from 1 to {HIGHEST_SIGNAL}."})

    def flags(self) -> list[str]:
        return [] if self.signal == "SIGKILL" else ["--signal", self.signal]


@dataclass(frozen=True, slots=True)
class RenameParams(Params):
    """``name``: the new one."""

    name: str = field(default="")

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        name = _text(data, "name").removeprefix("/")
        if not name:
            raise InvalidParams({"name": "A container needs a name."})
        if len(name) > LONGEST_NAME:
            raise InvalidParams({"name": f"At most {LONGEST_NAME} characters."})
        if not NAME.fullmatch(name):
            raise InvalidParams(
                {"name": "Two characters or more: a letter or digit first, then letters, digits, “_”, “.” and “-”."}
            )
        return cls(name)

    def command(self, base: str, name: str) -> str:
        return " ".join([base, shlex.quote(name), shlex.quote(self.name or "NEW_NAME")])


@dataclass(frozen=True, slots=True)
class RemoveParams(Params):
    """``force`` kills a running container first; ``volumes`` removes its anonymous volumes too."""

    force: bool = False
    volumes: bool = False

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        return cls(force=_flag(data, "force"), volumes=_flag(data, "volumes"))

    def flags(self) -> list[str]:
        return ["--force"] * self.force + ["--volumes"] * self.volumes


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return "" if value is None else str(value).strip()


def _flag(data: Mapping[str, Any], name: str) -> bool:
    text = _text(data, name).lower()
    if text in {"1", "true", "on"}:
        return True
    if text in {"", "0", "false", "off"}:
        return False
    raise InvalidParams({name: "Yes or no."})
