"""The form for a new container: what stands in it, what is wrong with it, the command and Compose service it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from django.urls import reverse

from console import access, docker_words
from console.engine.command.compose import compose
from console.engine.command.form import NO_ENTRYPOINT, Filled, Key, Values, read, values_of
from console.engine.command.parse import Parsed, parse
from console.engine.command.render import render, render_lines
from console.engine.command.spec import PublishedPort, RunSpec
from console.engine.text import text
from console.models import Engine, Image
from console.pages import create_fields as fields
from console.pages.create_checks import Checks, Issue, Used, clash, free_port
from console.reads.command import MASK

LONGEST: Final = 128 * 1024  # characters of a command that are shown
LISTED: Final = 200  # images and volumes that are offered


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the list of things to mend."""

    issue: Issue

    @property
    def name(self) -> str:
        """The option; "" where it is about the whole."""
        return self.issue.key[0] if self.issue.key else ""

    @property
    def row(self) -> int:
        """The row of the form."""
        return self.issue.key[1] if self.issue.key else 0


class CreatePage:
    """The form as it stands for one person. ``values``: of its fields; ``start``: the container is to run at once."""

    def __init__(self, user: access.Actor, engine: Engine, values: Values, start: bool = True) -> None:
        self.user, self.engine, self.values, self.start = user, engine, values, start
        self.pasted, self.parsed = "", None
        self.offered = ""
        self.judged = True  # whether errors are shown

    pasted: str
    parsed: Parsed | None

    @classmethod
    def blank(cls, user: access.Actor, engine: Engine, image: str) -> CreatePage:
        """The form of somebody who begins; ``image``: the one that is to run, with its ports offered."""
        spec = RunSpec(image=image, detach=True)
        page = cls(user, engine, values_of(spec))
        page.judged = bool(image)
        if (found := page.image) is not None:
            used = Checks(user, engine, spec).used()
            ports = tuple(_offer(port, used) for port in list(found.details.get("exposed_ports", ()))[:20])
            page = cls(user, engine, values_of(replace(spec, publish=ports)))
            for path in list(found.details.get("volumes", ()))[:20]:
                for part, value in zip(fields.ROWS["mount"], ("volume", "", str(path), "", ""), strict=True):
                    page.values.setdefault(part, []).append(value)
        return page

    @classmethod
    def pasting(cls, user: access.Actor, engine: Engine, pasted: str) -> CreatePage:
        """The form that a pasted command fills."""
        parsed = parse(pasted)
        page = cls(user, engine, values_of(parsed.spec), parsed.spec.start)
        page.pasted, page.parsed = pasted, parsed
        return page

    # ── what it says ──

    @cached_property
    def filled(self) -> Filled:
        """The form, read."""
        return read(self.values, self.start)

    @property
    def spec(self) -> RunSpec:
        """What is wanted, as far as it can be read."""
        return self.filled.spec

    @cached_property
    def checks(self) -> Checks:
        """The checks of it."""
        return Checks(self.user, self.engine, self.spec)

    @cached_property
    def issues(self) -> list[Shown]:
        """What is to be mended, each with its field and row."""
        unread = [Issue(key, words, f"{key[0].replace('-', ' ')} cannot be read") for key, words in self._unread()]
        return [Shown(issue) for issue in unread + [self._placed(issue) for issue in self.checks.issues()]]

    def _unread(self) -> list[tuple[Key, str]]:
        return list(self.filled.errors.items())

    def _placed(self, issue: Issue) -> Issue:
        """The checks count the values of an option, the form its rows: empty ones lie between."""
        if issue.key is None:
            return issue
        name, number = issue.key
        rows = self.filled.rows.get(name, [])
        return replace(issue, key=(name, rows[number] if number < len(rows) else 0))

    @cached_property
    def errors(self) -> Mapping[Key, str]:
        """One sentence for each field that is wrong."""
        found: dict[Key, str] = {}
        for shown in self.issues if self.judged else ():
            if shown.issue.key:
                found.setdefault(shown.issue.key, shown.issue.text)
        return found

    @cached_property
    def image(self) -> Image | None:
        """The image, if the engine has it."""
        return self.checks.image()

    @property
    def image_words(self) -> str:
        """What is known of the image, or what becomes of it."""
        if not self.spec.image:
            return ""
        found = self.image
        if found is None:
            return (
                f"{self.spec.image} is not on {self.engine}: it is pulled first." if self.spec.pull != "never" else ""
            )
        layers = len(found.layers)
        words = [f"On {self.engine}, {docker_words.size(found.size)}, {layers} layer{'' if layers == 1 else 's'}."]
        for title, name in (("Exposes", "exposed_ports"), ("Volumes:", "volumes")):
            if listed := found.details.get(name):
                words.append(f"{title} {', '.join(map(str, listed[:10]))}.")
        names = [str(pair[0]) for pair in found.details.get("env", [])]
        return " ".join([*words, *([f"Sets {', '.join(names[:10])}."] if names else [])])

    @cached_property
    def image_env(self) -> list[str]:
        """The variables that the image sets, to be taken over or changed; secret ones without their value."""
        pairs = self.image.details.get("env", []) if self.image is not None else []
        return [f"{name}={MASK.value(name, value)}".removesuffix("=***") for name, value in pairs]

    # ── beside it ──

    @property
    def lines(self) -> str:
        """The command, one option a line, secrets masked."""
        return text(render_lines(self.spec, MASK), LONGEST, multiline=True)

    @property
    def command(self) -> str:
        """The command on one line, secrets masked."""
        return text(render(self.spec, MASK), LONGEST, multiline=True)

    @cached_property
    def compose(self) -> tuple[str, tuple[str, ...]]:
        """The Compose file, and which options it cannot say."""
        found, unsaid = compose(self.spec, MASK)
        return text(found, LONGEST, multiline=True), unsaid

    # ── the form ──

    def field(self, name: str) -> fields.Field:
        """One option."""
        choices: Sequence[tuple[str, str]] = ()
        if name == "network":
            choices = self.networks
        return fields.field_of(name, self.values, self.errors, choices)

    @cached_property
    def main(self) -> dict[str, fields.Field]:
        """The options with sections of their own, by their names with underscores."""
        return {name.replace("-", "_"): self.field(name) for name in fields.MAIN}

    @cached_property
    def networks(self) -> list[tuple[str, str]]:
        """The networks of the engine, as a choice."""
        rows = access.networks_for(self.user, self.engine).exclude(ingress=True).order_by("name")[:LISTED]
        found = [("", "bridge, the engine's default")]
        for row in rows:
            subnets = ", ".join(str(pool["subnet"]) for pool in row.ipam if pool.get("subnet"))
            found.append((row.name, ", ".join(filter(None, (row.name, row.driver, subnets)))))
        return found

    @property
    def images(self) -> list[str]:
        """The images of the engine, offered while the name is typed."""
        rows = access.images_for(self.user, self.engine).exclude(tags=None)
        return list(rows.order_by("tags__reference").values_list("tags__reference", flat=True)[:LISTED])

    @property
    def volumes(self) -> list[str]:
        """The volumes of the engine, offered likewise."""
        return list(access.volumes_for(self.user, self.engine).values_list("name", flat=True)[:LISTED])

    @property
    def groups(self) -> list[fields.Group]:
        """The folded groups."""
        return fields.groups(self.values, self.errors)

    @property
    def url(self) -> str:
        """Where the form is sent."""
        return reverse("container-create", args=[self.engine.slug])

    @property
    def context(self) -> dict[str, Any]:
        """For ``create/page.html`` and its parts."""
        return {
            "engine": self.engine,
            "page": self,
            "image_line": self._line("image"),
            "command_line": self._line("command"),
            "no_entrypoint": bool(self.values.get(NO_ENTRYPOINT)),
            "create_url": self.url,
            "default_command": self.command if self.spec.image else "docker container run",
        }

    def _line(self, name: str) -> fields.Line:
        return fields.Line(next(iter(self.values.get(name, [])), ""), self.errors.get((name, 0), ""))


def _offer(exposed: object, used: list[Used]) -> PublishedPort:
    """A port of the image at a free port of the host: 80 at 8080, 5432 at 5432 or the next free one."""
    inside, _, protocol = str(exposed).partition("/")
    number = int(inside) if inside.isdigit() else 0
    if not number:
        return PublishedPort(inside or "0")
    wanted = number if number >= 1024 else 8000 + number
    offered = PublishedPort(inside, str(wanted), "", protocol or "tcp")
    if any(clash(item, wanted, offered) for item in used):
        wanted = free_port(wanted, protocol or "tcp", used)
    return replace(offered, host_port=str(wanted or ""))
