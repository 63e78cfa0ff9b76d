"""What is wrong with a container before the engine is asked: names and ports that are taken, things that are missing.

The mirror may be a second old; in the end the engine decides, and says so in its own words.
"""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from django.urls import reverse

from console import access, docker_words
from console.engine.command.check import contradictions, too_many_ports, unsupported, user_defined
from console.engine.command.form import Key
from console.engine.command.parts import ports
from console.engine.command.reach import host_options
from console.engine.command.render import render
from console.engine.command.restore import hidden_in
from console.engine.command.spec import PublishedPort, RunSpec
from console.engine.command.values import SECOND, write_cpus, write_size
from console.engine.command.words import MAX_LENGTH
from console.masks import NOT_COPIED, PLAIN_MASK
from console.models import Engine, Image
from console.operations.image_params import Reference
from console.operations.params import LONGEST_NAME, NAME
from console.reads.command import MASK

LEAST_MEMORY: Final = 6 * 1024 * 1024  # bytes; engines since 20.10
HIGHEST_PORT: Final = 65_535
USING: Final = ("running", "paused", "restarting")


@dataclass(frozen=True, slots=True)
class Issue:
    """Something to mend. ``key``: the field and its row, none for the whole; ``brief``: a few words for the list."""

    key: Key | None
    text: str
    brief: str
    href: str = ""

    @property
    def target(self) -> str:
        """The element that it is about."""
        return f"#f-{self.key[0]}" if self.key else ""


@dataclass(frozen=True, slots=True)
class Used:
    """A port of the host that a container publishes."""

    port: int
    protocol: str
    host_ip: str
    by: str


class Checks:
    """All checks of one spec. ``engine``: for which it is meant."""

    def __init__(self, user: access.Actor, engine: Engine, spec: RunSpec) -> None:
        self.user, self.engine, self.spec = user, engine, spec
        self.containers = access.containers_for(user, engine)

    def issues(self) -> list[Issue]:
        """Everything that keeps the container from being made as it is said."""
        version = str(self.engine.info.get("negotiated_api_version") or self.engine.api_version or "1.41")
        found = [Issue(("image", 0), "The image is missing.", "image is missing")] if not self.spec.image else []
        found += [Issue(None, text, text) for text in self.whole(version) if text != "The image is missing."]
        for check in (self._name, self._ports, self._image, self._networks, self._paths, self._limits, self._right):
            found += check()
        found += [*self.hidden(), *self._length()]
        return found

    def whole(self, version: str) -> list[str]:
        """What cannot stand together, and what the engine does not know: a sentence each."""
        return [*contradictions(self.spec), *unsupported(self.spec, version)]

    def _name(self) -> Iterator[Issue]:
        name = self.spec.name
        if not name:
            return
        if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            text = f"At most {LONGEST_NAME} characters."
            if not NAME.fullmatch(name):
                text = "Two characters or more: a letter or digit first, then letters, digits, “_”, “.” and “-”."
            yield Issue(("name", 0), text, "name is not one")
            return
        taken = self.containers.filter(name=name).first()
        if taken is not None:
            free = self._free_name(name)
            text = f"The name {name} is used by container {taken.short_id}. Choose another: {free} is free."
            href = reverse("container", args=[self.engine.slug, name])
            yield Issue(("name", 0), text, "name is taken", href)

    def _free_name(self, name: str) -> str:
        taken = set(self.containers.filter(name__startswith=name).values_list("name", flat=True))
        return next(other for number in itertools.count(2) if (other := f"{name}-{number}") not in taken)

    def used(self) -> list[Used]:
        """The published ports of containers that have a process."""
        rows = self.containers.filter(state__in=USING).values_list("name", "ports")
        return [
            Used(int(port["host_port"]), str(port["protocol"]), str(port.get("host_ip") or ""), name)
            for name, known in rows
            for port in known
            if port.get("host_port")
        ]

    def _ports(self) -> Iterator[Issue]:
        if too_many_ports(self.spec):
            return
        used = self.used()
        mine: set[tuple[int, str, str]] = set()
        for row, port in enumerate(self.spec.publish):
            if not port.host_port or (port.host_port != port.container_port and "-" in port.host_port):
                continue
            first, last = ports(port.host_port)
            for number in range(first, last + 1):
                taken = next((u for u in used if clash(u, number, port)), None)
                if taken is not None:
                    where = port.host_ip or "0.0.0.0"  # noqa: S104  what docker says
                    free = free_port(number, port.protocol, used)
                    text = f"Port {number} on {where} is published by {taken.by}. Next free port: {free}."
                    yield Issue(("publish", row), text, f"port {number} is taken")
                    break
                key = (number, port.protocol, port.host_ip)
                if key in mine:
                    yield Issue(("publish", row), f"Port {number} is published twice.", f"port {number} twice")
                    break
                mine.add(key)

    def image(self) -> Image | None:
        """The image, if the engine has it."""
        reference = self.spec.image
        rows = access.images_for(self.user, self.engine)
        found = rows.filter(tags__reference=docker_words.normal_reference(reference)).first() if reference else None
        digits = reference.removeprefix("sha256:")
        if found is None and len(digits) >= 12 and set(digits) <= set("0123456789abcdef"):
            found = rows.filter(image_id__startswith=f"sha256:{digits}").first()
        if found is None and "@" in reference:
            found = next((row for row in rows.only("digests", "image_id") if reference in row.digests), None)
        return found

    def _image(self) -> Iterator[Issue]:
        reference = self.spec.image
        if reference != reference.strip() or any(not c.isprintable() or c.isspace() for c in reference):
            yield Issue(("image", 0), "An image's name has no blanks.", "image is not one")
        elif reference and self.spec.pull == "never" and self.image() is None:
            text = f"{reference} is not on this engine, and it is not to be pulled."
            yield Issue(("image", 0), text, "image is missing")
        elif reference and self.image() is None:
            try:
                Reference.read(reference)
            except ValueError as error:
                yield Issue(("image", 0), str(error), "image is not one")

    def hidden(self) -> Iterator[Issue]:
        """Secrets of a command that was copied from where they are masked."""
        for key in hidden_in(self.spec, MASK, PLAIN_MASK):
            yield Issue(key, NOT_COPIED, "a secret is hidden")

    def _length(self) -> Iterator[Issue]:
        if len(render(self.spec)) > MAX_LENGTH:
            text = f"The command is longer than {MAX_LENGTH:,} characters; the console takes no longer ones."
            yield Issue(None, text, "command is too long")

    def _networks(self) -> Iterator[Issue]:
        names = {network.name for network in self.spec.networks if user_defined(network.name)}
        if names:
            rows = access.networks_for(self.user, self.engine)
            known = set(rows.filter(name__in=names).values_list("name", flat=True))
            known |= {name for name in names if len(name) >= 12 and rows.filter(network_id__startswith=name).exists()}
            for row, network in enumerate(self.spec.networks):
                if network.name in names - known:
                    text = f"There is no network {network.name} on {self.engine}."
                    yield Issue(("network", row), text, f"network {network.name} is missing")
        wanted = [(("volumes-from", row), name.partition(":")[0]) for row, name in enumerate(self.spec.volumes_from)]
        wanted += [((option, 0), value.partition(":")[2]) for option, value in self._shared()]
        for key, name in wanted:
            there = Q(name=name) | Q(container_id__startswith=name)
            if name and not self.containers.filter(there).exists():
                yield Issue(key, f"There is no container {name} on {self.engine}.", f"container {name} is missing")

    def _shared(self) -> list[tuple[str, str]]:
        found = [("pid", self.spec.pid), ("ipc", self.spec.ipc)]
        found += [("network", network.name) for network in self.spec.networks[:1]]
        return [(option, value) for option, value in found if value.startswith("container:")]

    def _paths(self) -> Iterator[Issue]:
        if self.engine.info.get("os_type") == "windows":
            return
        targets = [(("volume", row), volume.target) for row, volume in enumerate(self.spec.volume)]
        targets += [(("mount", row), mount.target) for row, mount in enumerate(self.spec.mount)]
        targets += [(("tmpfs", row), item.target) for row, item in enumerate(self.spec.tmpfs)]
        for key, target in targets:
            if not target:
                yield Issue(key, "The path in the container is missing.", "target path is missing")
            elif not target.startswith("/"):
                better = posixpath.normpath(f"/{target}")
                yield Issue(key, f"Target must be an absolute path: {better}", "target path is relative")
            elif posixpath.normpath(target) in {"/", "//"}:
                yield Issue(key, "A mount cannot take the place of “/”.", "target path is /")
        if self.spec.workdir and not self.spec.workdir.startswith("/"):
            yield Issue(("workdir", 0), f"It must be an absolute path: /{self.spec.workdir}", "folder is relative")
        for row, mount in enumerate(self.spec.mount):
            if mount.type == "bind" and not mount.source.startswith("/"):
                yield Issue(("mount", row), "A bind needs a path of the engine's host.", "source path is relative")

    def _limits(self) -> Iterator[Issue]:
        if 0 < self.spec.memory < LEAST_MEMORY:
            text = f"The least that an engine allows is {write_size(LEAST_MEMORY)}."
            yield Issue(("memory", 0), text, "memory is too little")
        cpus = int(self.engine.info.get("cpus") or 0)
        if cpus and not 0 <= self.spec.cpus <= cpus * SECOND:
            text = f"From 0.01 to {cpus} CPUs: {write_cpus(self.spec.cpus)} are not there."
            yield Issue(("cpus", 0), text, "too many CPUs")

    def _right(self) -> Iterator[Issue]:
        host = host_options(self.spec)
        if host and not access.can(self.user, "host"):
            text = (
                f"Only people with the right “host” may give a container what belongs to the host: {', '.join(host)}."
            )
            yield Issue(None, text, "needs the right “host”")


def clash(used: Used, number: int, port: PublishedPort) -> bool:
    """Whether a port of the host is already published where ``port`` wants it."""
    anywhere = {"", "0.0.0.0", "::"}  # noqa: S104  what docker says
    same = used.host_ip in anywhere or port.host_ip in anywhere or used.host_ip == port.host_ip
    return used.port == number and used.protocol == port.protocol and same


def free_port(number: int, protocol: str, used: list[Used]) -> int:
    """The next port after ``number`` that no container publishes; 0 for none."""
    taken = {item.port for item in used if item.protocol == protocol}
    return next((port for port in range(number + 1, HIGHEST_PORT + 1) if port not in taken), 0)
