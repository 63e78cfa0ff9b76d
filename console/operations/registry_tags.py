"""What a registry has: repositories, tags, which tags are one image; deleting one. Asked now, kept nowhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from console.engine.registry import Names, RegistryClient, RegistryError
from console.models import Registry
from console.operations.registries import asked
from console.reads.registries import DEADLINE, ask

TAGS: Final = 50  # of one page, each of which is asked for its digest
MOST_LOOKED_AT: Final = 500  # tags whose digests are compared before a manifest is deleted


class Changed(Exception):
    """The tag names another manifest by now."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag and its digest; "" where the registry did not say it in time."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Tags:
    """One page of tags. ``next``: what ``last`` is for the page after it, or ""."""

    rows: tuple[Tag, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """What deleting a tag takes: its manifest, and all ``tags`` that name it. ``whole``: every tag was looked at."""

    digest: str
    tags: tuple[str, ...]
    whole: bool


def repositories(row: Registry, last: str = "") -> Names:
    """One page of names. Raises ``RegistryError``; "off" where the registry does not list them."""
    return ask(asked(row), lambda client: client.catalog(last))


def tags(row: Registry, repository: str, last: str = "") -> Tags:
    """One page of tags, with digests as far as the time goes. Raises ``RegistryError``."""

    def question(client: RegistryClient) -> Tags:
        end = time.monotonic() + DEADLINE / 2
        page = client.tags(repository, last, TAGS)
        found = tuple(Tag(name, _digest(client, repository, name, end)) for name in page.names)
        return Tags(found, page.next)

    return ask(asked(row), question)


def deletion(row: Registry, repository: str, tag: str) -> Deletion:
    """What deleting ``tag`` would take with it. Raises ``RegistryError``."""

    def question(client: RegistryClient) -> Deletion:
        end = time.monotonic() + DEADLINE / 2
        digest = client.digest(repository, tag)
        names: list[str] = []
        last, whole = "", False
        while len(names) < MOST_LOOKED_AT and time.monotonic() < end:
            page = client.tags(repository, last)
            names += page.names
            last = page.next
            if not last:
                whole = True
                break
        digests = {name: _digest(client, repository, name, end) for name in names}
        same = tuple(name for name, found in digests.items() if found == digest and name != tag)
        return Deletion(digest, (tag, *same), whole and all(digests.values()))

    return ask(asked(row), question)


def delete(row: Registry, repository: str, tag: str, digest: str) -> None:
    """Delete the manifest ``digest`` if ``tag`` still names it. Raises ``Changed``, ``RegistryError``."""

    def question(client: RegistryClient) -> None:
        if client.digest(repository, tag) != digest:
            raise Changed
        client.delete(repository, digest)

    ask(asked(row), question)


def _digest(client: RegistryClient, repository: str, tag: str, end: float) -> str:
    if time.monotonic() > end:
        return ""
    try:
        return client.digest(repository, tag)
    except RegistryError:
        return ""
