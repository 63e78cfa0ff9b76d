"""One volume: what it is, who uses it and where."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from console import access, docker_words
from console.models import Volume
from console.operations.copy_params import BackupParams, CloneParams, RestoreParams, download_command
from console.operations.volume_params import shows_host
from console.pages import links
from console.pages.detail import Detail, Tab, Value
from console.pages.users import dense
from console.pages.volumes import mounts_for

MOST_USERS: Final = 500


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a container has it."""

    name: str
    url: str
    status: docker_words.Dense
    destination: str
    mode: str


def host_only(volume: Volume) -> bool:
    """Whether what is in it is of the engine's host: then it is for those who may reach hosts."""
    options = volume.options if isinstance(volume.options, dict) else {}
    return shows_host(volume.driver, {str(name): str(value) for name, value in options.items()})


class VolumeDetail(Detail):
    """One volume."""

    view = "volume"
    kinds = frozenset({"volume", "container", "engine"})
    seen = frozenset({"volume"})

    def find(self) -> None:
        self.volume = access.volume_for(self.user, self.engine, self.reference)

    @property
    def key(self) -> str:
        return self.volume.name

    @property
    def title(self) -> str:
        """Its name; an anonymous one is cut to twelve digits."""
        return f"{self.volume.name[:12]}…" if self.volume.anonymous else self.volume.name

    @cached_property
    def users(self) -> list[Use]:
        """Who uses it and where, at most ``MOST_USERS``."""
        rows = (
            mounts_for(self.user, self.engine)
            .filter(volume_name=self.volume.name)
            .select_related("container")
            .defer("container__env", "container__labels", "container__details", "container__ports")
            .order_by("container__name", "destination")
        )
        return [
            Use(
                row.container.name or row.container.short_id,
                links.container_url(self.engine.slug, row.container.name, row.container.container_id),
                dense(row.container),
                row.destination,
                "read only" if row.read_only else "read and write",
            )
            for row in rows[:MOST_USERS]
        ]

    @property
    def containers(self) -> int:
        """How many containers use it."""
        return len({use.url for use in self.users})

    @cached_property
    def running(self) -> list[str]:
        """The names of the containers that use it and run."""
        found = mounts_for(self.user, self.engine).filter(volume_name=self.volume.name)
        alive = [state.value for state in docker_words.RUNNING]
        names = found.filter(container__state__in=alive).values_list("container__name", flat=True)
        return sorted(set(names))[:MOST_USERS]

    @property
    def running_names(self) -> str:
        """Some of their names."""
        more = f" and {len(self.running) - 3} more" if len(self.running) > 3 else ""
        return ", ".join(self.running[:3]) + more

    @property
    def running_words(self) -> str:
        """What it means for a copy."""
        return f"In use by {self.running_names}: what is written meanwhile may be half in it."

    @property
    def stop_command(self) -> str:
        """A backup with its users stopped."""
        return BackupParams().command("", self.volume.name)

    @cached_property
    def may_copy(self) -> bool:
        """Whether the person may read all of it; what shows something of the host is for those who may reach hosts."""
        return access.can(self.user, "shell") and self.may_read

    @cached_property
    def may_fill(self) -> bool:
        """Whether the person may restore into it and clone it."""
        return self.may_copy and access.can(self.user, "deploy")

    @property
    def download_command(self) -> str:
        """A backup."""
        return download_command(self.volume.name)

    @property
    def clone_command(self) -> str:
        """A clone."""
        return CloneParams().command("", self.volume.name)

    @property
    def restore_command(self) -> str:
        """A restore."""
        return RestoreParams().command("", self.volume.name)

    @cached_property
    def may_remove(self) -> bool:
        """Whether the person may ask for its removal."""
        return access.can(self.user, "deploy")

    @cached_property
    def right(self) -> str:
        """What reading its files needs: ``host`` where it is a folder or device of the host, else ``shell``."""
        return "host" if host_only(self.volume) else "shell"

    @property
    def may_read(self) -> bool:
        """Whether the person may read its files."""
        return access.can(self.user, self.right)

    @property
    def remove_command(self) -> str:
        """What the button stands for."""
        return f"docker volume rm {shlex.quote(self.volume.name)}"

    @property
    def facts(self) -> list[tuple[str, str, str]]:
        """What it is: (label, value, class)."""
        volume = self.volume
        return [
            ("Name", volume.name, "mono"),
            ("Driver", volume.driver, ""),
            ("Mountpoint", volume.mountpoint, "mono"),
            ("Scope", volume.scope, ""),
            ("Anonymous", "yes: the engine named it" if volume.anonymous else "no", ""),
            ("Created", docker_words.moment(volume.created_at), ""),
        ]

    @property
    def option_rows(self) -> list[Value]:
        """The driver's options: those of a network share may hold a password."""
        return self.values(self.volume.options)

    @property
    def label_rows(self) -> list[Value]:
        """Its labels."""
        return self.labels(self.volume.labels)

    def context(self, current: str) -> dict[str, Any]:
        """For ``volumes/detail.html`` and its tabs."""
        rows = [("volume", "Overview", None), ("volume-inspect", "Inspect", None)]
        if self.may_read:
            rows.insert(0, ("volume-files", "Files", None))
        return {
            "engine": self.engine,
            "detail": self,
            "volume": self.volume,
            "tabs": [
                Tab(label, links.volume_url(self.engine.slug, self.volume.name, name), n, name == current)
                for name, label, n in rows
            ],
            "list_view": "volumes",
            "list_title": "Volumes",
            "heading": self.title,
            "default_command": self.command(current),
        }

    def command(self, current: str) -> str:
        return f"docker volume inspect {shlex.quote(self.volume.name)}"
