"""What the dialogs of images show: who uses one, which tags it has. Nothing here asks the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.urls import reverse

from console import access, docker_words
from console.models import Container, Engine, Image
from console.operations.build_params import BuildParams
from console.operations.image_params import PullParams, Reference, is_host
from console.operations.params import InvalidParams, Params
from console.operations.verbs import VERBS, Verb
from console.pages.container_actions import state_words

PLATFORMS: Final = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/ppc64le")
RUNNING: Final = frozenset(state.value for state in docker_words.RUNNING)
MOST_USERS: Final = 50


@dataclass(frozen=True, slots=True)
class Button:
    """A button of an image's head, as ``images/_head.html`` prints it."""

    url: str
    label: str
    icon: str
    command: str
    danger: bool
    rare: bool = False  # behind "More"


def buttons(user: access.Actor, engine: Engine, image: Image, tags: Sequence[str]) -> list[Button]:
    """Pull again, tag, push, remove: for those who may."""
    if not access.can(user, VERBS["image.pull"].right):
        return []
    name = tags[0] if tags else image.short_id
    found = []
    if tags:
        pull = f"{reverse('image-pull', args=[engine.slug])}?reference={tags[0]}"
        found.append(Button(pull, "Pull again…", "down", f"docker image pull {name}", False))
    for short in ("tag", "push", "remove"):
        verb = VERBS[f"image.{short}"]
        url = reverse(f"image-{short}", args=[engine.slug, image.image_id])
        found.append(Button(url, f"{verb.label}…", verb.icon, verb.command(name), verb.danger, short == "push"))
    return found


class PullDialog:
    """What the form of a pull shows. ``data``: what was typed, kept as it is."""

    template = "images/_dialog_pull.html"

    def __init__(self, engine: Engine, data: Mapping[str, Any], errors: Mapping[str, str]) -> None:
        self.engine, self.data, self.errors = engine, data, errors
        self.verb = VERBS["image.pull"]

    @property
    def context(self) -> dict[str, Any]:
        """Of its template."""
        typed = str(self.data.get("reference") or "").strip()
        platform = str(self.data.get("platform") or "").strip()
        try:
            origin = Reference.read(typed).origin if typed else ""
        except ValueError:
            origin = ""
        return _shown(self.verb, self.engine, reverse("image-pull", args=[self.engine.slug]), "Pull an image") | {
            "typed": {"reference": typed, "platform": platform},
            "platforms": PLATFORMS if not platform or platform in PLATFORMS else (platform, *PLATFORMS),
            "errors": self.errors,
            "origin": origin,
            "command": self.verb.command(typed or "IMAGE", _read(PullParams, self.data)),
        }


class BuildForm:
    """What the form of a build shows. ``data``: what was typed, kept as it is."""

    def __init__(self, engine: Engine, data: Mapping[str, Any], errors: Mapping[str, str]) -> None:
        self.engine, self.data, self.errors = engine, data, errors

    @property
    def context(self) -> dict[str, Any]:
        """Of ``images/build.html``."""
        verb = VERBS["image.build"]
        command = verb.command("NAME:TAG", _read(BuildParams, self.data))
        return {
            "engine": self.engine,
            "action": reverse("image-build", args=[self.engine.slug]),
            "typed": self.data,
            "errors": self.errors,
            "platforms": PLATFORMS,
            "command": command,
            "default_command": command,
        }


class ImageDialog:
    """The dialog of one verb for one image."""

    def __init__(
        self, user: access.Actor, engine: Engine, image: Image, verb: Verb, data: Mapping[str, Any] | None
    ) -> None:
        self.user, self.engine, self.image, self.verb, self.data = user, engine, image, verb, data
        self.template = f"images/_dialog_{verb.short}.html"

    @cached_property
    def tags(self) -> list[str]:
        """Its names."""
        return list(self.image.tags.values_list("reference", flat=True))

    @property
    def name(self) -> str:
        """The first of them, or the short id."""
        return self.tags[0] if self.tags else self.image.short_id

    @cached_property
    def users(self) -> list[Container]:
        """The containers made from it."""
        rows = access.containers_for(self.user, self.engine).filter(image_id=self.image.image_id)
        return list(rows.order_by("name", "container_id")[:MOST_USERS])

    @property
    def chosen(self) -> list[str]:
        """The tags that are ticked: all before anybody chose."""
        if self.data is None:
            return self.tags
        return list(self.data.getlist("references")) if hasattr(self.data, "getlist") else []

    def problems(self) -> dict[str, str]:
        """What is wrong with what was chosen, beyond its form: errors by field."""
        if self.verb.short == "push":
            return self._taken()
        if self.verb.short != "remove":
            return {}
        if strangers := [tag for tag in self.chosen if tag not in self.tags]:
            return {"references": f"{', '.join(strangers[:3])}: no tag of this image any more."}
        if self.tags and not self.chosen:
            return {"references": "Tick at least one tag. The image goes with the last one."}
        return {}

    def _taken(self) -> dict[str, str]:
        """Whether what it shall be pushed as is the name of another image."""
        reference = self.asked.get("reference", "")
        rows = access.images_for(self.user, self.engine).filter(tags__reference=reference).exclude(pk=self.image.pk)
        return {"reference": f"{reference} is another image here: it is not pushed in its place."} if rows else {}

    @cached_property
    def asked(self) -> Mapping[str, Any]:
        """What is asked for: what was typed; for a push also whether the image must be tagged first."""
        data = self.data if self.data is not None else {}
        if self.verb.short != "push":
            return data
        try:
            reference = str(Reference.read(str(data.get("reference") or "").strip()))
        except ValueError:
            return data
        return {"reference": reference, "tag": "" if reference in self.tags else "1"}

    @cached_property
    def suggested(self) -> str:
        """Where to push it: the first of its names that has a registry, else its name at the default registry."""
        if found := [tag for tag in self.tags if is_host(tag.partition("/")[0])]:
            return found[0]
        default = access.registries_for(self.user, self.verb.right).filter(default=True).first()
        name = self.tags[0] if self.tags else ""
        return f"{default.host}/{name}" if default is not None and name else name

    def context(self, errors: Mapping[str, str]) -> dict[str, Any]:
        """Of its template."""
        action = reverse(f"image-{self.verb.short}", args=[self.engine.slug, self.image.image_id])
        data = self.data if self.data is not None else {}
        params = _read(self.verb.params, self.asked) if self.data is not None else self._first()
        whole = not self.tags or set(self.tags) <= set(self.chosen)
        title = f"Remove {self.name}?" if self.verb.short == "remove" else f"{self.verb.label} {self.name}"
        return _shown(self.verb, self.engine, action, title) | {
            "image": self.image,
            "name": self.name,
            "tags": [(tag, tag in self.chosen) for tag in self.tags],
            "typed": data,
            "errors": errors,
            "whole": whole,
            "users": [(container, state_words(container), container.state in RUNNING) for container in self.users],
            "running": any(container.state in RUNNING for container in self.users),
            "children": access.images_for(self.user, self.engine).filter(parent_id=self.image.image_id).count(),
            "suggested": self.suggested if self.verb.short == "push" else "",
            "command": self.verb.command(self.name, params),
        }

    def _first(self) -> Params:
        """The parameters of a dialog that was just opened."""
        if self.verb.short == "push" and self.suggested:
            first = {"reference": self.suggested, "tag": "" if self.suggested in self.tags else "1"}
            return _read(self.verb.params, first)
        return self.verb.params.read({"references": self.tags}) if self.verb.short == "remove" else self.verb.params()


def _read(kind: type[Params], data: Mapping[str, Any]) -> Params:
    """The parameters as far as they can be read, for the command beside the form."""
    try:
        return kind.read(data)
    except InvalidParams:
        return kind()


def _shown(verb: Verb, engine: Engine, action: str, title: str) -> dict[str, Any]:
    return {"verb": verb, "engine": engine, "action": action, "title": title, "live_command": True,
            "danger": verb.danger}  # fmt: skip
