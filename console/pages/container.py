"""One container: what its overview shows, what of it is hidden from whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.http import Http404, QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from console import access, docker_words, masks
from console.engine.types import ContainerState, Health, HealthProbe
from console.filters import quoted
from console.models import Container, Endpoint, Engine, Image, Mount
from console.operations.status import busy_verbs, objects_of
from console.pages import container_facts
from console.pages.container_actions import Actions, actions_of
from console.pages.container_facts import HIDDEN, Pair
from console.pages.container_keys import public_label
from console.pages.container_rows import (
    PortLink,
    clean_host,
    container_url,
    link_host,
    port_links,
    ports_of,
    state_of,
)
from console.reads import command
from console.reads.command import RunCommand

TABS: Final = frozenset({"overview", "logs", "terminal", "stats", "processes", "files", "inspect", "changes"})
TONES: Final = {"running": "ok", "healthy": "ok", "paused": "warn", "restarting": "busy", "removing": "busy"} | {
    "unhealthy": "bad",
    "dead": "bad",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment. ``shown``: its value as far as the reader sees it without asking."""

    name: str
    shown: str
    masked: bool  # there is more to reveal
    revealed: str  # the whole value, where it was asked for
    from_image: bool


@dataclass(frozen=True, slots=True)
class MountLine:
    """One mount. ``volume``: the name of the volume, where there is one."""

    type: str
    source: str
    volume: str
    url: str
    destination: str
    mode: str


@dataclass(frozen=True, slots=True)
class Probe:
    """One run of the health check. ``took``: seconds."""

    start: datetime | None
    took: float | None
    exit_code: int
    output: str


class ContainerPage:
    """One container for one person. The address names it (``reference``: name or id).

    For the page's socket (``LiveView``) the parameters are ``ref``, ``id`` and ``host``: the name first, so that a
    recreated container is followed; then the id, so that a renamed one is. Raises ``Http404``, ``PermissionDenied``.
    """

    kinds = frozenset({"container", "operation", "image"})

    def __init__(
        self, user: access.Actor, engine: Engine | None, params: QueryDict, reference: str = "", host: str = ""
    ) -> None:
        if engine is None:
            raise Http404("engine")
        self.user, self.engine = user, engine
        self.host = host or clean_host(params.get("host", ""))
        self.tab = tab if (tab := params.get("tab", "")) in TABS else "overview"
        self.container = self._find(reference or params.get("ref", ""), params.get("id", ""))
        self.secrets = access.can(user, "shell")
        self.may_connect = self.may_change = access.can(user, "deploy")
        self.revealed: dict[str, str] = {}
        self.derived: RunCommand | None = None

    def _find(self, reference: str, container_id: str) -> Container:
        try:
            return access.container_for(self.user, self.engine, reference)
        except Http404:
            if not container_id:
                raise
            return access.container_for(self.user, self.engine, container_id)

    # ── head ──

    @cached_property
    def url(self) -> str:
        """The address of the overview."""
        return container_url(self.engine.slug, self.container)

    @cached_property
    def inspect_url(self) -> str:
        """The address of the inspect."""
        return container_url(self.engine.slug, self.container, "container-inspect")

    @cached_property
    def logs_url(self) -> str:
        """The address of the log."""
        return container_url(self.engine.slug, self.container, "container-logs")

    @cached_property
    def terminal_url(self) -> str:
        """The address of the terminal."""
        return container_url(self.engine.slug, self.container, "container-terminal")

    @property
    def reveal_url(self) -> str:
        """Where a value of the environment is asked for: by id, so that it is never another container's."""
        return reverse("container-reveal", args=[self.engine.slug, self.container.container_id])

    @property
    def health_url(self) -> str:
        """Where the log of the health check is read."""
        return reverse("container-health", args=[self.engine.slug, self.container.container_id])

    @cached_property
    def status(self) -> docker_words.Dense:
        """The state in the console's words."""
        c, (state, health) = self.container, self._state
        return docker_words.dense(state, health, c.exit_code, c.created_at, c.started_at, c.finished_at)

    @cached_property
    def status_text(self) -> str:
        """The state as ``docker container ls`` prints it."""
        c, (state, health) = self.container, self._state
        return docker_words.status(state, health, c.exit_code, c.started_at, c.finished_at, timezone.now())

    @cached_property
    def _state(self) -> tuple[ContainerState, Health]:
        return state_of(self.container)

    @property
    def tone(self) -> str:
        """The kind of the tag that says the state."""
        return "warn" if self.container.problem else TONES.get(self.status.word, "")

    @property
    def running(self) -> bool:
        """Whether it has a process."""
        return self._state[0] in docker_words.RUNNING

    @property
    def pid(self) -> int:
        """The process on the engine's host, 0 for none."""
        return int(self._details("pid", 0) or 0) if self.running else 0

    @property
    def image_name(self) -> str:
        """The reference it was made from."""
        return docker_words.image_reference(self.container.image, self.container.image_id)

    @cached_property
    def image(self) -> Image | None:
        """Its image, if the mirror has it."""
        return access.images_for(self.user, self.engine).filter(image_id=self.container.image_id).first()

    @cached_property
    def newer_image(self) -> bool:
        """Whether its reference stands for another image now."""
        now = access.images_for(self.user, self.engine).filter(
            tags__reference=docker_words.normal_reference(self.container.image)
        )
        found = now.values_list("image_id", flat=True).first()
        return bool(found and self.container.image_id and found != self.container.image_id)

    @property
    def project_query(self) -> str:
        """The list of its compose project's containers."""
        query = QueryDict(mutable=True)
        query["q"] = f"project:{quoted(self.container.project)}"
        return f"{reverse('containers', args=[self.engine.slug])}?{query.urlencode()}"

    @cached_property
    def endpoints(self) -> list[Endpoint]:
        """Its places on networks."""
        return list(self.container.endpoints.all())

    @cached_property
    def ports(self) -> tuple[PortLink, ...]:
        """Its published ports as links."""
        return port_links(ports_of(self.container), link_host(self.engine, self.host), self.host)

    @property
    def ports_text(self) -> str:
        """The PORTS column of ``docker container ls``."""
        return docker_words.ports(ports_of(self.container))

    @cached_property
    def acts(self) -> Actions:
        """What can be asked of it."""
        busy = busy_verbs(self.user, self.engine, [self.container.container_id])
        return actions_of(self.container, self.user, self.engine, busy.get(self.container.container_id, ""))

    @property
    def busy(self) -> str:
        """The verb that is under way ("Stopping"), or ""."""
        return self.acts.busy

    @property
    def command(self) -> str:
        """The command line that shows the same."""
        name = self.container.name or self.container.short_id
        if self.tab == "logs":
            return f"docker container logs --follow --timestamps {name}"
        return f"docker container inspect {name}"

    @property
    def run_command(self) -> RunCommand | None:
        """The ``docker container run`` that makes it again, once it was asked for; for those who may see secrets."""
        return self.derived or (command.known(self.engine, self.container) if self.secrets else None)

    @property
    def run_command_url(self) -> str:
        """Where that command is asked of the engine; "" for those who do not get it."""
        if not self.secrets or self.tab == "logs":
            return ""
        return reverse("container-command", args=[self.engine.slug, self.container.container_id])

    @property
    def tabs(self) -> list[dict[str, Any]]:
        """The tabs that there are."""
        shown: list[tuple[str, str, str, bool]] = [
            ("overview", "Overview", "container", True),
            ("logs", "Logs", "container-logs", access.can(self.user, "logs")),
            ("terminal", "Terminal", "container-terminal", self.secrets),
            ("stats", "Stats", "container-stats", True),
            ("processes", "Processes", "container-processes", self.secrets),
            ("files", "Files", "container-files", self.secrets),
            ("inspect", "Inspect", "container-inspect", True),
            ("changes", "Changes", "container-changes", self.secrets),
        ]
        return [
            {"label": label, "href": container_url(self.engine.slug, self.container, page), "current": self.tab == tab}
            for tab, label, page, allowed in shown
            if allowed
        ]

    @property
    def stale(self) -> bool:
        """Whether its engine does not answer."""
        return self.engine.stale

    @property
    def socket(self) -> str:
        """The address of the page's socket."""
        query = QueryDict(mutable=True)
        query["view"], query["tab"] = "container", self.tab
        query["ref"], query["id"] = self.container.name, self.container.container_id
        query["host"], query["v"] = self.host, str(self.engine.version)
        return f"/ws/e/{self.engine.slug}?{query.urlencode()}"

    # ── panels ──

    def _details(self, name: str, default: Any = "") -> Any:
        return self.container.details.get(name, default)

    @cached_property
    def process(self) -> list[Pair]:
        """What runs: pairs for the panel."""
        return container_facts.process(self.container, self.running, self.secrets)

    @cached_property
    def policy(self) -> list[Pair]:
        """Limits and policy: pairs for the panel."""
        return container_facts.policy(self.container, self.engine, self.secrets)

    @cached_property
    def mounts(self) -> list[MountLine]:
        """Its mounts; where a directory of the host is mounted from is shown to those who may see secrets."""
        return [self._mount(mount) for mount in self.container.mounts.all()]

    def _mount(self, mount: Mount) -> MountLine:
        url = ""
        if mount.volume_name and "/" not in mount.volume_name:
            url = reverse("volume", args=[self.engine.slug, mount.volume_name])
        source = mount.source if self.secrets else HIDDEN
        return MountLine(
            type=mount.type,
            source="" if mount.volume_name or mount.type == "tmpfs" else source,
            volume=mount.volume_name,
            url=url,
            destination=mount.destination,
            mode="read only" if mount.read_only else "read and write",
        )

    @cached_property
    def environment(self) -> list[Variable]:
        """Its environment: names for everybody, values for those who may see secrets, secret ones masked."""
        image = {tuple(pair) for pair in (self.image.details.get("env", []) if self.image else [])}
        found = []
        for name, value in self.container.env:
            shown = masks.masked(name, value) if self.secrets else HIDDEN
            masked = self.secrets and shown != value
            found.append(Variable(name, shown, masked, self.revealed.get(name, ""), (name, value) in image))
        return found

    @property
    def environment_note(self) -> str:
        """ "6, all from the image"."""
        total, own = len(self.environment), sum(not variable.from_image for variable in self.environment)
        if not total or self.image is None:
            return str(total)
        return f"{total}, all from the image" if not own else f"{total}, {total - own} from the image"

    def value_of(self, key: str) -> str:
        """The value of a variable. Raises ``Http404`` if there is none of that name."""
        for name, value in reversed(self.container.env):
            if name == key:
                return str(value)
        raise Http404("variable")

    @cached_property
    def labels(self) -> list[tuple[str, str, bool]]:
        """Name, value as far as it is shown, and whether it is hidden."""
        found = []
        for name, value in sorted(self.container.labels.items()):
            if public_label(name):
                found.append((name, value, False))
            else:
                found.append((name, masks.masked(name, value) if self.secrets else HIDDEN, not self.secrets))
        return found

    def variables(self, fields: str = "") -> list[Variable]:
        """The environment, or what of it holds ``fields``."""
        wanted = fields.lower()
        return [v for v in self.environment if wanted in f"environment {v.name} {v.shown}".lower()]

    def groups(self, fields: str = "") -> list[tuple[str, list[Pair]]]:
        """Everything as groups of pairs for the inspect, or what of it holds ``fields``."""
        found: list[tuple[str, list[Pair]]] = [
            ("State", container_facts.state(self.container, self.status_text, self.image_name)),
            ("Process", self.process),
            ("Limits and policy", self.policy),
            ("Networks", container_facts.networks(self.container, self.endpoints, self.ports_text)),
            ("Mounts", [(m.destination, f"{m.type} {m.volume or m.source}, {m.mode}", "mono") for m in self.mounts]),
            ("Labels", [(name, value, "mono") for name, value, _ in self.labels]),
        ]
        wanted = fields.lower()
        kept = [
            (title, [p for p in pairs if wanted in f"{title} {p[0]} {p[1]}".lower()] if wanted else list(pairs))
            for title, pairs in found
        ]
        return [(title, pairs) for title, pairs in kept if pairs]

    def probes(self, found: Sequence[HealthProbe]) -> list[Probe]:
        """The probes of the health check; what they printed is for those who may see secrets."""
        return [
            Probe(
                start=probe.start,
                took=(probe.end - probe.start).total_seconds() if probe.start and probe.end else None,
                exit_code=probe.exit_code,
                output=masks.masked_text(probe.output, masks.PLAIN_MASK).strip() if self.secrets else HIDDEN,
            )
            for probe in found
        ]

    @property
    def has_health(self) -> bool:
        """Whether a health check runs."""
        return self._state[1] is not Health.NONE

    @property
    def seen(self) -> datetime | None:
        """When the mirror was exact."""
        return self.engine.seen_at

    # ── template and socket ──

    @property
    def context(self) -> dict[str, Any]:
        """For the templates of one container."""
        return {
            "engine": self.engine,
            "page": self,
            "container": self.container,
            "acts": self.acts,
            "default_command": self.command,
        }

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        """The region again, if it is about this container (``LiveView``)."""
        if kind == "container" and ids is not None and self.container.container_id not in ids:
            return ""
        if kind == "image" and ids is not None and self.container.image_id not in ids and not self._named(ids):
            return ""
        if (
            kind == "operation"
            and ids is not None
            and self.container.container_id not in objects_of(self.user, self.engine, ids)
        ):
            return ""
        return self.region()

    def region(self) -> str:
        """The part of the page that is kept live, to be swapped in place."""
        name = "overview" if self.tab == "overview" else "object"
        return render_to_string(f"containers/_{name}.html", self.context | {"user": self.user, "oob": True})

    def _named(self, ids: Sequence[str]) -> bool:
        names = access.images_for(self.user, self.engine).filter(
            image_id__in=ids, tags__reference=docker_words.normal_reference(self.container.image)
        )
        return names.exists()
