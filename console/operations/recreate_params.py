"""What recreating a container is told: the new command, and which parts of the old one stand behind its masks."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from console.engine.command.network import ConnectNetwork
from console.engine.command.network import render as render_connect
from console.engine.command.parse import MAX_LENGTH, parse
from console.engine.command.reach import host_options
from console.engine.command.render import render
from console.engine.command.spec import RunSpec
from console.operations.params import InvalidParams, Params
from console.reads.command import MASK


@dataclass(frozen=True, slots=True)
class RecreateParams(Params):
    """``line``: the command of the new one, with masks for the secrets that stay, and new ones as they were typed.

    ``old``: the first digits of the container's id; ``runs``: it is running, so the new one is to run; ``earlier``: the
    operation that replaced the container which is to come back, or ""; ``renew``: begin with empty volumes where they
    have no name.
    """

    line: str = ""
    old: str = ""
    runs: bool = True
    earlier: str = ""
    renew: bool = False

    FIELDS: ClassVar[tuple[str, ...]] = ("line", "old", "runs", "earlier", "renew")

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        line = str(data.get("line") or "")
        if len(line) > MAX_LENGTH or not parse(line).spec.image:
            raise InvalidParams({"line": "A command that names an image."})
        return cls(
            line,
            str(data.get("old") or "")[:12],
            data.get("runs") in (True, "1"),
            str(data.get("earlier") or "")[:40],
            data.get("renew") in (True, "1"),
        )

    @property
    def typed(self) -> RunSpec:
        """What is wanted, as it was typed."""
        return parse(self.line).spec

    def needs(self) -> str:
        return "host" if host_options(self.typed) else ""

    def public(self) -> Self:
        return replace(self, line=render(self.typed, MASK)) if self.line else self

    def command(self, base: str, name: str) -> str:
        return " && ".join(steps(self.public().typed, name, self.old, self.runs)) if self.line else base


def before_name(name: str, container_id: str) -> str:
    """What the old container is called while the new one proves itself."""
    return f"{name}-before-{container_id[:12]}"


def steps(spec: RunSpec, name: str, old: str, runs: bool) -> list[str]:
    """The docker commands that recreating a container of that ``name`` and id stands for; nothing is masked here."""
    before, new = shlex.quote(before_name(name, old)), spec.name or name
    found = [f"docker image pull {shlex.quote(spec.image)}"] if spec.pull == "always" else []
    found.append(f"docker container rename {shlex.quote(name)} {before}")
    single = replace(spec, name=new, start=False, detach=False, pull="missing", networks=spec.networks[:1])
    found.append(render(single))
    found += [
        render_connect(ConnectNetwork(n.name, new, n.aliases, n.ip, n.ip6, (), n.link_local_ips, n.driver_opts))
        for n in spec.networks[1:]
    ]
    if runs:
        found += [f"docker container stop {before}", f"docker container start {shlex.quote(new)}"]
    return [*found, f"docker container rm {before}"]
