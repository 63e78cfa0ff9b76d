"""What a registry has, as pages: repositories, the tags of one, what deleting a tag takes."""

from __future__ import annotations

import shlex
from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from console import access
from console.engine.registry import HUB, RegistryError
from console.models import Engine, Registry
from console.operations import registry_tags


def reference_of(registry: Registry, repository: str, tag: str) -> str:
    """As it is pulled: "registry.example:5000/shop/api:1.2"; those of Docker Hub without a host."""
    if registry.host == HUB:
        return f"{repository.removeprefix('library/')}:{tag}"
    return f"{registry.host}/{repository}:{tag}"


def curl(registry: Registry, path: str, *options: str) -> str:
    """What a question to the registry is on a command line; docker has no word for it."""
    scheme = "http" if registry.plain_http else "https"
    account = ["--user", registry.username] if registry.username else []
    return shlex.join(["curl", *options, *account, f"{scheme}://{registry.host}{path}"])


@dataclass(frozen=True, slots=True)
class TagRow:
    """One tag of a page. ``engines``: names of those that have it; ``same``: other tags of the page with its digest."""

    name: str
    digest: str
    reference: str
    same: tuple[str, ...]
    engines: tuple[str, ...]
    pull: str
    run: str
    delete: str

    @property
    def short(self) -> str:
        """ "sha256:8b1f…04ce"."""
        return f"{self.digest[:11]}…{self.digest[-4:]}" if self.digest else "not told"


class Browse:
    """One page of what a registry has. ``engine``: the one to pull to, or None."""

    def __init__(
        self, user: access.Actor, engine: Engine | None, registry: Registry, repository: str, last: str
    ) -> None:
        self.user, self.engine, self.registry = user, engine, registry
        self.repository, self.last = repository, last

    @property
    def context(self) -> dict[str, Any]:
        """Of ``registries/browse.html``. Asks the registry."""
        registry, repository = self.registry, self.repository
        path = f"/v2/{repository}/tags/list" if repository else "/v2/_catalog"
        context: dict[str, Any] = {
            "registry": registry,
            "repository": repository,
            "last": self.last,
            "may_manage": access.can(self.user, "admin"),
            "default_command": curl(registry, path),
        }
        try:
            if repository:
                found = registry_tags.tags(registry, repository, self.last)
                following = self._url(repository, found.next) if found.next else ""
                context |= {"rows": self._rows(found.rows), "next": following}
            else:
                names = registry_tags.repositories(registry, self.last)
                repositories = [(name, self._url(name, "")) for name in names.names]
                context |= {"repositories": repositories, "next": self._url("", names.next)}
        except RegistryError as error:
            context |= {"problem": error.sentence, "said": error.said, "off": error.reason == "off"}
        return context

    def _url(self, repository: str, last: str) -> str:
        if not repository and not last:
            return ""
        query = {name: value for name, value in (("repository", repository), ("last", last)) if value}
        return f"{reverse('registry', args=[self.registry.pk])}?{urlencode(query)}"

    def _rows(self, tags: tuple[registry_tags.Tag, ...]) -> list[TagRow]:
        holders = engines_with(self.user, {tag.digest for tag in tags if tag.digest})
        by_digest: dict[str, list[str]] = defaultdict(list)
        for tag in tags:
            by_digest[tag.digest].append(tag.name)
        rows = []
        for tag in tags:
            reference = reference_of(self.registry, self.repository, tag.name)
            same = tuple(name for name in by_digest[tag.digest] if name != tag.name) if tag.digest else ()
            query = urlencode({"repository": self.repository, "tag": tag.name})
            rows.append(
                TagRow(
                    tag.name,
                    tag.digest,
                    reference,
                    same,
                    tuple(holders.get(tag.digest, ())),
                    self._on_engine("image-pull", "reference", reference),
                    self._on_engine("container-create", "image", reference),
                    f"{reverse('registry-tag-delete', args=[self.registry.pk])}?{query}",
                )
            )
        return rows

    def _on_engine(self, view: str, name: str, reference: str) -> str:
        if self.engine is None:
            return ""
        return f"{reverse(view, args=[self.engine.slug])}?{urlencode({name: reference})}"


def engines_with(user: access.Actor, digests: set[str]) -> dict[str, list[str]]:
    """Which engines have images of these digests: names by digest."""
    found: dict[str, list[str]] = defaultdict(list)
    for engine in access.engines_for(user):
        for held in access.images_for(user, engine).values_list("digests", flat=True).iterator(500):
            for one in held if isinstance(held, list) else ():
                digest = str(one).partition("@")[2]
                if digest in digests and str(engine) not in found[digest]:
                    found[digest].append(str(engine))
    return found


class DeleteDialog:
    """What deleting a tag takes. Asks the registry."""

    def __init__(self, user: access.Actor, registry: Registry, repository: str, tag: str) -> None:
        self.user, self.registry, self.repository, self.tag = user, registry, repository, tag

    @property
    def must(self) -> str:
        """What is typed to confirm."""
        return f"{self.repository}:{self.tag}"

    def context(self, error: str = "", typed: str = "") -> dict[str, Any]:
        """Of ``registries/_dialog_delete.html``."""
        context: dict[str, Any] = {
            "registry": self.registry,
            "repository": self.repository,
            "tag": self.tag,
            "must": self.must,
            "typed": typed,
            "error": error,
            "danger": True,
            "title": f"Delete {self.must}?",
            "action": reverse("registry-tag-delete", args=[self.registry.pk]),
        }
        try:
            found = registry_tags.deletion(self.registry, self.repository, self.tag)
        except RegistryError as problem:
            said = f"{problem.sentence} {problem.said}".strip()
            return context | {"problem": said, "command": curl(self.registry, f"/v2/{self.repository}/tags/list")}
        path = f"/v2/{self.repository}/manifests/{found.digest}"
        return context | {
            "digest": found.digest,
            "tags": [(name, "you chose it" if name == self.tag else "same digest, goes too") for name in found.tags],
            "whole": found.whole,
            "engines": engines_with(self.user, {found.digest}).get(found.digest, []),
            "command": curl(self.registry, path, "--request", "DELETE"),
        }
