"""What one command in a container is told (``docker container exec``): an argument list, never a shell's line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from console import masks
from console.operations.params import InvalidParams, Params

LONGEST: Final = 8192  # characters of the command line, and of the environment
MOST_WORDS: Final = 256
MOST_VARIABLES: Final = 100
LONGEST_USER: Final = 100
LONGEST_PATH: Final = 1024
SECONDS: Final = 60  # where nothing else is said
MOST_SECONDS: Final = 600
_VARIABLE = re.compile(r"[^\s=]+=.*")
_SHELL = re.compile(r"(^|[^\\])([|<>;&`]|\$\()")


@dataclass(frozen=True, slots=True)
class ExecParams(Params):
    """``words``: the argument list; ``env``: NAME=value each; ``timeout``: seconds until it is ended."""

    words: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    env: tuple[str, ...] = ()
    timeout: int = SECONDS

    FIELDS: ClassVar[tuple[str, ...]] = ("command", "user", "workdir", "env", "timeout")

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From a form (``command`` a line, ``env`` lines) or from ``to_json`` (``words`` and ``env`` lists)."""
        errors: dict[str, str] = {}
        found: dict[str, Any] = {}
        for name, part in (
            ("command", _words),
            ("user", _user),
            ("workdir", _workdir),
            ("env", _env),
            ("timeout", _timeout),
        ):
            try:
                found["words" if name == "command" else name] = part(data)
            except ValueError as error:
                errors[name] = str(error)
        if errors:
            raise InvalidParams(errors)
        return cls(**found)

    def public(self) -> Self:
        """The same without what is secret by its name or look."""
        env = tuple(masks.masked_words(list(self.env)))
        return type(self)(tuple(masks.masked_words(list(self.words))), self.user, self.workdir, env, self.timeout)

    def flags(self) -> list[str]:
        found: list[str] = []
        for variable in masks.masked_words(list(self.env)):
            found += ["--env", shlex.quote(variable)]
        found += ["--user", shlex.quote(self.user)] if self.user else []
        return found + (["--workdir", shlex.quote(self.workdir)] if self.workdir else [])

    def command(self, base: str, name: str) -> str:
        words = shlex.join(masks.masked_words(list(self.words))) if self.words else "COMMAND"
        return " ".join([base, *self.flags(), shlex.quote(name), words])


def _line(data: Mapping[str, Any], name: str, most: int) -> str:
    value = data.get(name)
    text = "" if value is None else str(value).strip()
    if len(text) > most:
        raise ValueError(f"At most {most:,} characters.")
    if "\0" in text or any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise ValueError("A character in it can be in no argument of a program.")
    return text


def _words(data: Mapping[str, Any]) -> tuple[str, ...]:
    stored = data.get("words")
    if isinstance(stored, list | tuple):
        return tuple(str(word) for word in stored)
    line = _line(data, "command", LONGEST)
    if not line:
        raise ValueError("Which command? For example: ls -la /etc.")
    try:
        words = shlex.split(line)
    except ValueError as error:
        what = "A quotation mark is not closed" if "quotation" in str(error) else "It ends in a lone backslash"
        raise ValueError(f"{what}: the line cannot be split into arguments.") from error
    if not words or not words[0]:
        raise ValueError("The first word names the program: it is empty.")
    if len(words) > MOST_WORDS:
        raise ValueError(f"At most {MOST_WORDS} words.")
    return tuple(words)


def shell_signs(line: str) -> bool:
    """Whether a command line looks as if it were meant for a shell: pipes, redirections, several commands."""
    unquoted = re.sub(r"'[^']*'|\"(?:\\.|[^\"\\])*\"", "", line)
    return bool(_SHELL.search(unquoted))


def _user(data: Mapping[str, Any]) -> str:
    user = _line(data, "user", LONGEST_USER)
    if re.search(r"\s", user) or user.count(":") > 1:
        raise ValueError("A user, or user:group, as names or numbers.")
    return user


def _workdir(data: Mapping[str, Any]) -> str:
    path = _line(data, "workdir", LONGEST_PATH)
    if path and (not path.startswith("/") or "\n" in path):
        raise ValueError("A path that begins with “/”.")
    return path


def _env(data: Mapping[str, Any]) -> tuple[str, ...]:
    stored = data.get("env")
    if isinstance(stored, list | tuple):
        return tuple(str(variable) for variable in stored)
    lines = [line.lstrip() for line in _line(data, "env", LONGEST).splitlines() if line.strip()]
    for line in lines:
        if not _VARIABLE.fullmatch(line):
            name = line.partition("=")[0][:40]
            raise ValueError(f"One NAME=value a line; “{name}” is none.")
    if len(lines) > MOST_VARIABLES:
        raise ValueError(f"At most {MOST_VARIABLES} variables.")
    return tuple(lines)


def _timeout(data: Mapping[str, Any]) -> int:
    text = _line(data, "timeout", 20)
    if not text:
        return SECONDS
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= MOST_SECONDS:
        raise ValueError(f"A whole number of seconds from 1 to {MOST_SECONDS}.")
    return int(text[:6])
