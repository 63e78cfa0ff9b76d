"""What pulling, tagging and removing an image can be told."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from console.operations.params import InvalidParams, Params, _flag, _text

LONGEST: Final = 300  # characters of a reference
MOST_REFERENCES: Final = 200
PLATFORM: Final = re.compile(r"[a-z0-9]+(/[a-z0-9_]+){0,2}")
# distribution/reference: a host has a dot, a port or is localhost; repositories are lower case.
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?")
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """``repository`` as it is typed, with its host; ``tag`` or ``digest``."""

    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        """From "nginx", "host:5000/a/b:1", "a@sha256:…". Raises ``ValueError`` with a sentence."""
        if len(text) > LONGEST:
            raise ValueError(f"At most {LONGEST} characters.")
        name, _, digest = text.partition("@")
        last = name.rpartition("/")[2]
        tag = last.partition(":")[2] if ":" in last else ""
        repository = name.removesuffix(f":{tag}") if tag else name
        if digest and not _DIGEST.fullmatch(digest):
            raise ValueError("After “@” stands a digest: sha256: and 64 hexadecimal digits.")
        if ":" in last and not _TAG.fullmatch(tag):
            raise ValueError("A tag has letters, digits, “_”, “.” and “-”, at most 128, and begins with none of “.-”.")
        host, path = _split(repository)
        if not _PATH.fullmatch(path) or (host and not _HOST.fullmatch(host)):
            raise ValueError("A repository is lower case: letters, digits, and “.”, “_”, “-” or “/” between them.")
        return cls(repository, "" if digest else tag or "latest", digest)

    @property
    def host(self) -> str:
        """The registry's host: "docker.io" where none is named."""
        return _split(self.repository)[0] or "docker.io"

    @property
    def origin(self) -> str:
        """Where it comes from, in full: "docker.io/library/nginx"."""
        host, path = _split(self.repository)
        return f"{host}/{path}" if host else f"docker.io/{path}" if "/" in path else f"docker.io/library/{path}"

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"


def is_host(host: str) -> bool:
    """Whether ``host`` can stand before a repository: with a dot, a port, or localhost."""
    named = bool(host) and ("." in host or ":" in host or host == "localhost")
    return named and bool(_HOST.fullmatch(host)) and int(host.partition(":")[2] or 1) in range(1, 65536)


def _split(repository: str) -> tuple[str, str]:
    first, slash, rest = repository.partition("/")
    return (first, rest) if slash and ("." in first or ":" in first or first == "localhost") else ("", repository)


def _reference(data: Mapping[str, Any], field: str, example: str) -> Reference:
    typed = _text(data, field)
    if not typed:
        raise InvalidParams({field: f"Which image? For example: {example}."})
    try:
        return Reference.read(typed)
    except ValueError as error:
        raise InvalidParams({field: str(error)}) from error


@dataclass(frozen=True, slots=True)
class PullParams(Params):
    """``reference``: with tag or digest; ``platform``: "linux/arm64" or "" for the engine's own."""

    reference: str = ""
    platform: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        platform = _text(data, "platform")
        if platform and (len(platform) > 60 or not PLATFORM.fullmatch(platform)):
            raise InvalidParams({"platform": "As docker writes it: linux/amd64, linux/arm64/v8."})
        return cls(str(_reference(data, "reference", "nginx:1.27")), platform)

    def command(self, base: str, name: str) -> str:
        return " ".join([base, *self.flags(), shlex.quote(self.reference or name)])

    def flags(self) -> list[str]:
        return ["--platform", self.platform] if self.platform else []


@dataclass(frozen=True, slots=True)
class TagParams(Params):
    """``reference``: the new name, with its tag."""

    reference: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        found = _reference(data, "reference", "registry.example:5000/shop/api:1.2")
        if found.digest:
            raise InvalidParams({"reference": "A name is a repository and a tag; a digest cannot be given."})
        return cls(str(found))

    def command(self, base: str, name: str) -> str:
        return " ".join([base, shlex.quote(name), shlex.quote(self.reference or "NAME:TAG")])


@dataclass(frozen=True, slots=True)
class PushParams(Params):
    """``reference``: where to, with its tag. ``tag``: the image does not have that name yet, and is given it first."""

    reference: str = ""
    tag: bool = False

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        found = _reference(data, "reference", "registry.example:5000/shop/api:1.2")
        if found.digest:
            raise InvalidParams({"reference": "A name is a repository and a tag; a digest cannot be given."})
        return cls(str(found), _flag(data, "tag"))

    def command(self, base: str, name: str) -> str:
        where = shlex.quote(self.reference or name)
        first = f"docker image tag {shlex.quote(name)} {where} && " if self.tag and self.reference else ""
        return f"{first}{base} {where}"


@dataclass(frozen=True, slots=True)
class RemoveImageParams(Params):
    """``references``: the tags to remove; none: the image by its id. ``force``: also what stopped containers use."""

    references: tuple[str, ...] = ()
    force: bool = False

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        given = data.getlist("references") if hasattr(data, "getlist") else data.get("references", ())
        if not isinstance(given, list | tuple) or len(given) > MOST_REFERENCES:
            raise InvalidParams({"references": f"Tags of this image, at most {MOST_REFERENCES}."})
        found = tuple(dict.fromkeys(str(reference) for reference in given))
        try:
            for reference in found:
                Reference.read(reference)
        except ValueError as error:
            raise InvalidParams({"references": str(error)}) from error
        return cls(found, _flag(data, "force"))

    def command(self, base: str, name: str) -> str:
        return " ".join([base, *self.flags(), *(shlex.quote(word) for word in self.references or (name,))])

    def flags(self) -> list[str]:
        return ["--force"] * self.force


@dataclass(frozen=True, slots=True)
class CheckParams(Params):
    """``references``: the tags whose registries are asked."""

    references: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        given = data.get("references", ())
        found = tuple(str(reference) for reference in given) if isinstance(given, list | tuple) else ()
        if not found or len(found) > MOST_REFERENCES:
            raise InvalidParams({"references": f"Tags of images, at most {MOST_REFERENCES}."})
        try:
            return cls(tuple(str(Reference.read(reference)) for reference in found))
        except ValueError as error:
            raise InvalidParams({"references": str(error)}) from error

    def command(self, base: str, name: str) -> str:
        return "; ".join(f"{base} {shlex.quote(reference)}" for reference in self.references) or f"{base} NAME:TAG"
