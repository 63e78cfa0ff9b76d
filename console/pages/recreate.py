"""Recreating a container: the form filled from its command; the preview of what changes, is lost and depends on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from django.urls import reverse

from console import access
from console.engine.command import again
from console.engine.command.again import Source
from console.engine.command.form import Key, Values, values_of
from console.engine.command.render import render, render_lines
from console.engine.command.restore import restore, shown
from console.engine.command.spec import RunSpec
from console.engine.errors import EngineError
from console.engine.text import text
from console.masks import PLAIN_MASK
from console.models import Container, Engine, Image
from console.operations.recreate_params import RecreateParams, before_name, steps
from console.operations.verbs import VERBS
from console.pages.container_actions import ALIVE, MOST_LISTED
from console.pages.create import LONGEST, CreatePage
from console.pages.create_checks import Checks, Issue
from console.pages.recreate_diff import Row, differences
from console.reads import activity
from console.reads.command import MASK

VERB: Final = VERBS["container.recreate"]
FILES: Final = 3  # changed files that are named
HIDDEN: Final = f"“{PLAIN_MASK}” stands for a value that is hidden: write the value, or put the line back as it was."
NO_IMAGE: Final = (
    "Its image is gone from the engine, so what came from it (variables, command, labels) cannot be told from what was "
    "given: the new container gets all of it, whatever its image says."
)
BY_RM: Final = "started with --rm: the engine removes it when it stops, so nothing could go back. Run it anew instead"


class RecreateChecks(Checks):
    """The checks of a container that takes the place of another one."""

    def __init__(self, user: access.Actor, engine: Engine, spec: RunSpec, container: Container) -> None:
        super().__init__(user, engine, spec)
        self.containers = self.containers.exclude(pk=container.pk)

    def whole(self, version: str) -> list[str]:
        return again.check(self.spec, version)

    def hidden(self) -> Iterator[Issue]:
        """Nothing here: masks stand for what the old one has (``restore``)."""
        yield from ()


class RecreatePage(CreatePage):
    """The form as it stands. ``earlier``: the operation that replaced the container which is to come back, or ""."""

    def __init__(
        self,
        user: access.Actor,
        engine: Engine,
        container: Container,
        values: Values,
        start: bool = True,
        earlier: str = "",
    ) -> None:
        super().__init__(user, engine, values, start)
        self.container, self.earlier = container, earlier
        self.left: Sequence[Key] = ()

    @classmethod
    def of(
        cls, user: access.Actor, engine: Engine, container: Container, spec: RunSpec, earlier: str = ""
    ) -> RecreatePage:
        """The form of a command, masked or to be masked."""
        told = shown(spec, MASK)
        return cls(user, engine, container, values_of(told), told.start, earlier)

    @cached_property
    def checks(self) -> Checks:
        return RecreateChecks(self.user, self.engine, self.spec, self.container)

    def _unread(self) -> list[tuple[Key, str]]:
        hidden = [((name, self._row(name, number)), HIDDEN) for name, number in self.left]
        return [*super()._unread(), *hidden]

    def _row(self, name: str, number: int) -> int:
        rows = self.filled.rows.get(name, [])
        return rows[number] if number < len(rows) else 0

    @property
    def url(self) -> str:
        return reverse("container-recreate", args=[self.engine.slug, self.container.container_id])

    @property
    def context(self) -> dict[str, Any]:
        return super().context | {"container": self.container, "compose": compose_words(self.container)}


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that is lost, or kept though one might think not. ``href``: where it is seen."""

    title: str
    text: str
    lost: bool
    href: str = ""


class Preview:
    """What recreating comes to. ``typed``: the new command with masks; ``sources``: what they stand for."""

    def __init__(
        self,
        user: access.Actor,
        engine: Engine,
        container: Container,
        typed: RunSpec,
        current: Source,
        earlier: tuple[str, Source] | None = None,
        renew: bool = False,
    ) -> None:
        self.user, self.engine, self.container, self.typed = user, engine, container, typed
        self.current, self.earlier, self.renew = current, earlier[0] if earlier else "", renew
        sources = [earlier[1], current] if earlier else [current]
        self.restored = restore(typed, [source.spec for source in sources], MASK, PLAIN_MASK)

    @property
    def spec(self) -> RunSpec:
        """The new command with its secrets."""
        return self.restored.spec

    @property
    def runs(self) -> bool:
        """Whether the container runs, so that the new one is to run as well."""
        return self.container.state in ALIVE

    @property
    def params(self) -> RecreateParams:
        """What is asked for."""
        return RecreateParams(render(self.typed), self.container.short_id, self.runs, self.earlier, self.renew)

    @property
    def seen(self) -> str:
        """A sign of all that the preview rests on: another one means that something has changed since."""
        parts = (render(self.current.spec), self.container.image_id, self.new_image_id, str(self.runs))
        return sha256("\0".join(parts).encode()).hexdigest()[:32]

    # ── what changes ──

    @cached_property
    def _differences(self) -> tuple[list[Row], list[Row]]:
        return differences(self.current.spec, self.spec)

    @property
    def changed(self) -> list[Row]:
        """What the person changes."""
        return self._differences[0]

    @property
    def same(self) -> list[Row]:
        """What is given and stays."""
        return self._differences[1]

    @cached_property
    def new_image(self) -> Image | None:
        """The image that the reference stands for now."""
        return RecreateChecks(self.user, self.engine, self.spec, self.container).image()

    @property
    def new_image_id(self) -> str:
        """Its id, "" while it has to be pulled."""
        return self.new_image.image_id if self.new_image is not None else ""

    @property
    def by_engine(self) -> list[Row]:
        """What changes though nobody said so."""
        found = []
        now, after = _digits(self.container.image_id), _digits(self.new_image_id)
        if self.spec.pull == "always":
            found.append(Row("Image", self.spec.image, now, "what the registry has then", "pulled first"))
        elif not after:
            found.append(Row("Image", self.spec.image, now, "pulled first", "not on this engine"))
        elif now != after:
            note = "a newer image of the same name" if self.spec.image == self.current.spec.image else ""
            found.append(Row("Image", self.spec.image, now, after, note))
        pinned = {network.name: network for network in self.spec.networks}
        default = pinned.get("default")
        for endpoint in self.container.endpoints.all():
            own = pinned.get(endpoint.network_name) or (default if endpoint.network_name == "bridge" else None)
            if endpoint.ipv4_address and not (own and own.ip):
                found.append(
                    Row("Address", endpoint.network_name, endpoint.ipv4_address, "given by the engine", "not pinned")
                )
        found.append(Row("ID", "", self.container.short_id, "a new one"))
        return found

    # ── what is lost ──

    @cached_property
    def losses(self) -> list[Loss]:
        """What does not come along, and what does."""
        found = [self._layer()]
        found.append(Loss("Its log", "is removed with it.", True, self._url("container-logs")))
        if shells := access.open_shells(self.user, self.container):
            words = "1 open shell" if shells == 1 else f"{shells} open shells"
            found.append(Loss(words, "end when it stops.", True))
        carried = again.carried(self.spec, self.current, tuple(self._image_volumes()))
        for path, name in again.anonymous(self.current).items():
            kept = path in carried and not self.renew
            what = f"the volume {name[:12]} that nobody named "
            what += "is mounted again." if kept else "is not mounted again; it stays on the engine, unused."
            found.append(Loss(f"Kept: {path}" if kept else path, what, not kept, self._volume(name)))
        for mount in self.container.mounts.all():
            if mount.type == "volume" and not again.ANONYMOUS.fullmatch(mount.volume_name):
                again_there = any(
                    target == mount.destination and source == mount.volume_name for source, target in self._named()
                )
                what = f"the volume {mount.volume_name} " + ("is mounted again." if again_there else "stays, unused.")
                title = f"Kept: {mount.destination}" if again_there else mount.destination
                found.append(Loss(title, what, False, self._volume(mount.volume_name)))
        return found

    def _named(self) -> list[tuple[str, str]]:
        found = [(volume.source, volume.target) for volume in self.spec.volume]
        return found + [(mount.source, mount.target) for mount in self.spec.mount]

    def _image_volumes(self) -> list[str]:
        return list(map(str, self.new_image.details.get("volumes", ()))) if self.new_image is not None else []

    def _layer(self) -> Loss:
        url = self._url("container-changes")
        try:
            mounted = {mount.destination for mount in self.container.mounts.all()}  # their places are no files
            changes = [c for c in activity.changes(self.engine, self.container) if c.path not in mounted]
        except EngineError as error:
            return Loss("What it wrote outside of volumes", f"It was not counted: {error.message}", True, url)
        if not changes:
            return Loss("Nothing in the container's layer", "it wrote nothing outside of volumes.", False)
        named = ", ".join(f"{text(change.path, 200)} {change.kind}" for change in changes[:FILES])
        more = f" and {len(changes) - FILES} more" if len(changes) > FILES else ""
        count = "1 file" if len(changes) == 1 else f"{len(changes)} files"
        return Loss(f"{count} in the container's layer", f"{named}{more}.", True, url)

    def _url(self, name: str) -> str:
        return reverse(name, args=[self.engine.slug, self.container.name or self.container.short_id])

    def _volume(self, name: str) -> str:
        return reverse("volume", args=[self.engine.slug, name])

    @property
    def anonymous(self) -> bool:
        """Whether it has volumes that nobody named."""
        return bool(again.anonymous(self.current))

    @cached_property
    def dependants(self) -> list[tuple[str, str]]:
        """Containers that stand on this one, with how."""
        return dependants(self.user, self.engine, self.container)

    @property
    def notes(self) -> tuple[str, ...]:
        """What its command says only nearly, and what cannot be told at all."""
        notes = tuple(f"{note} The new container has it as the old one." for note in self.current.derived.notes)
        return notes if self.current.image else (*notes, NO_IMAGE)

    # ── what is done ──

    @property
    def commands(self) -> list[str]:
        """The commands that it stands for, secrets masked."""
        return steps(shown(self.spec, MASK), self.container.name, self.container.short_id, self.runs)

    @property
    def context(self) -> dict[str, Any]:
        """For ``containers/recreate_preview.html``."""
        return {
            "engine": self.engine,
            "container": self.container,
            "preview": self,
            "compose": compose_words(self.container),
            "line": render(self.typed),
            "lines": text(render_lines(self.spec, MASK), LONGEST, multiline=True),
            "before": before_name(self.container.name, self.container.short_id),
            "action": reverse("container-recreate", args=[self.engine.slug, self.container.container_id]),
            "default_command": self.params.command(VERB.base, self.container.name),
        }


def compose_words(container: Container) -> str:
    """Who else says what this container is, or ""."""
    if not container.project:
        return ""
    return (
        f"Compose owns it: it is {container.service or 'a service'} of the project {container.project}. Its labels "
        "stay, so Compose goes on taking it as its own, and the next docker compose up with a changed file replaces "
        "it by what the file says. A change that is to last belongs into the file."
    )


def dependants(user: access.Actor, engine: Engine, container: Container) -> list[tuple[str, str]]:
    """Containers that share a namespace with this one, or take its volumes: by name, with what becomes of them."""
    references = {container.container_id, container.short_id, container.name}
    found = []
    rows = access.containers_for(user, engine).exclude(pk=container.pk)
    for other in rows.only("name", "network_mode", "details").iterator(200):
        modes = [("network", other.network_mode)]
        modes += [("processes", other.details.get("pid_mode", "")), ("memory", other.details.get("ipc_mode", ""))]
        shared = [word for word, mode in modes if _shares(str(mode), references)]
        uses = []
        if shared:
            uses.append(f"shares its {' and '.join(shared)}: it cannot start again until it is recreated too")
        if {str(source).partition(":")[0] for source in other.details.get("volumes_from", ())} & references:
            uses.append("takes its volumes from it, and keeps those that it has until it is recreated")
        if uses:
            found.append((other.name, "; ".join(uses)))
            if len(found) == MOST_LISTED:
                break
    return found


def earlier_image(user: access.Actor, engine: Engine, container: Container, before: Source, typed: RunSpec) -> str:
    """The image of a container that is to come back: by its id, if its name stands for another one now."""
    own_id = str(before.container.get("Image", ""))
    now = RecreateChecks(user, engine, typed, container).image()
    if (now is not None and now.image_id == own_id) or not access.images_for(user, engine).filter(image_id=own_id):
        return typed.image
    return own_id


def _shares(mode: str, references: set[str]) -> bool:
    kind, _, name = mode.partition(":")
    return kind == "container" and name in references


def _digits(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]


def blocked(container: Container) -> str:
    """Why it cannot be recreated now, or ""."""
    if "com.docker.swarm.task.id" in container.labels:
        return "a task of a swarm's service: the swarm makes its containers, by what the service says"
    return VERB.possible(container) or (BY_RM if container.auto_remove else "")
