"""The page of one engine: what it says of itself, how exact its mirror is, what it can do, who answers there now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version as installed
from typing import Any, Final

from django.db.models import Count, Q
from django.http import Http404, QueryDict

from console import VERSION, access, docker_words
from console.docker_words import size_words
from console.models import Engine, Operation
from console.pages.live import RESYNC

KINDS: Final = (
    ("container", "Containers, every field of inspect"),
    ("image", "Images"),
    ("network", "Networks"),
    ("volume", "Volumes"),
)


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that this engine can do or not, and why."""

    name: str
    on: bool
    why: str


class EnginePage:
    """One engine for one person."""

    kinds = frozenset({"engine", "beat", "container", "image", "network", "volume", "operation"})

    def __init__(self, user: access.Actor, engine: Engine | None, params: QueryDict) -> None:
        if engine is None:
            raise Http404("engine")
        self.user, self.engine = user, engine
        self.info: dict[str, Any] = engine.info if isinstance(engine.info, dict) else {}
        self.found: dict[str, Any] = engine.found if isinstance(engine.found, dict) else {}

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        """For the page's socket."""
        return RESYNC

    def text(self, name: str) -> str:
        """One fact of the engine, "" if it did not say."""
        value = self.info.get(name)
        return str(value) if isinstance(value, (str, int, float)) and value != "" else ""

    def words(self, name: str) -> list[str]:
        """A list among the facts."""
        value = self.info.get(name)
        return [str(word) for word in value] if isinstance(value, list) else []

    @property
    def swapped(self) -> bool:
        """Whether another engine answers at the address."""
        return self.engine.state == Engine.State.SWAPPED

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many there are of everything: four queries."""
        user, engine = self.user, self.engine
        running = Q(state__in=[state.value for state in docker_words.RUNNING])
        containers = access.containers_for(user, engine).aggregate(all=Count("pk"), running=Count("pk", filter=running))
        return {
            "container": containers["all"],
            "running": containers["running"],
            "image": access.images_for(user, engine).count(),
            "network": access.networks_for(user, engine).count(),
            "volume": access.volumes_for(user, engine).count(),
        }

    @property
    def client(self) -> list[tuple[str, str]]:
        """The client half of ``docker version``: this console."""
        return [
            ("Console", f"Quarterdeck {VERSION}"),
            ("Library", f"docker SDK for Python {installed('docker')}"),
            ("API in use", self.text("negotiated_api_version") or self.engine.api_version),
        ]

    @property
    def server(self) -> list[tuple[str, str, str]]:
        """The server half, and ``docker info``: (label, value, class)."""
        text, info = self.text, self.info
        parts = info.get("components")
        pairs = [pair for pair in parts if isinstance(pair, list) and len(pair) == 2] if isinstance(parts, list) else []
        memory = info.get("memory")
        return [
            ("Version", " ".join(part for part in (text("product"), self.engine.server_version) if part), ""),
            ("Components", ", ".join(f"{name} {version}" for name, version in pairs), ""),
            ("API", f"offers {text('min_api_version') or '?'} to {text('api_version') or '?'}", ""),
            (
                "System",
                ", ".join(part for part in (text("os"), text("kernel") and f"kernel {text('kernel')}") if part),
                "",
            ),
            ("OS/arch", "/".join(part for part in (text("os_type"), text("architecture")) if part), ""),
            ("Hardware", f"{text('cpus') or '?'} CPUs, {size_words(memory) if memory else '?'} memory", ""),
            ("Storage driver", text("storage_driver"), ""),
            ("Cgroup", f"version {text('cgroup_version') or '?'}, driver {text('cgroup_driver') or '?'}", ""),
            ("Logging driver", text("logging_driver"), ""),
            ("Runtimes", ", ".join(self.words("runtimes")), ""),
            ("Security", ", ".join(self.words("security_options")) or "none named", ""),
            ("Rootless", "yes" if info.get("rootless") else "no", ""),
            ("Swarm", text("swarm_state") or "inactive", ""),
            ("Registry mirrors", ", ".join(self.words("registry_mirrors")) or "none", ""),
            ("Insecure registries", ", ".join(self.words("insecure_registries")) or "none", ""),
            ("Data root", text("root_dir"), "mono"),
            ("Engine ID", self.engine.engine_id, "mono"),
        ]

    @property
    def warnings(self) -> list[str]:
        """What the engine warns of."""
        return [" ".join(warning.split()).removeprefix("WARNING: ") for warning in self.words("warnings")]

    # ── the mirror ──

    @cached_property
    def verification(self) -> Operation | None:
        """The last verification that was asked for, running or ended."""
        rows = access.operations_for(self.user).filter(engine=self.engine, verb="engine.verify")
        return rows.order_by("-created_at").first()

    @property
    def verifying(self) -> bool:
        """Whether one is under way."""
        return self.verification is not None and self.verification.state in Operation.OPEN

    @property
    def result(self) -> dict[str, Any]:
        """What the last one found: see ``operations.verification``; empty while there is none."""
        last = self.verification
        done = last is not None and last.state == Operation.State.SUCCEEDED
        return dict(last.result) if last is not None and done and isinstance(last.result, dict) else {}

    @property
    def failed(self) -> str:
        """Why the last one could not be done, or ""."""
        last = self.verification
        if last is None or last.state in {*Operation.OPEN, Operation.State.SUCCEEDED}:
            return ""
        result = last.result if isinstance(last.result, dict) else {}
        return str(result.get("reason") or last.get_state_display())

    @property
    def kind_rows(self) -> list[tuple[str, Any, Any, Any]]:
        """Per kind: words, rows of the mirror, objects of the engine and differing ones (None: not verified)."""
        kinds = self.result.get("kinds")
        found = kinds if isinstance(kinds, dict) else {}
        rows = []
        for kind, words in KINDS:
            numbers = found.get(kind)
            said = numbers if isinstance(numbers, list) and len(numbers) == 3 else [self.counts[kind], None, None]
            rows.append((words, said[0], said[1], said[2]))
        return rows

    # ── what it can do ──

    @cached_property
    def capabilities(self) -> list[Capability]:
        """What this engine can do, from what it says of itself."""
        plugins = self.info.get("plugins") if isinstance(self.info.get("plugins"), dict) else {}
        networks = {str(name) for name in (plugins or {}).get("Network", [])}
        logs = {str(name) for name in (plugins or {}).get("Log", [])}
        api, swarm = self._api(), self.text("swarm_state")
        named = {driver: f"the engine has no network driver {driver}" for driver in ("bridge", "macvlan", "ipvlan")}
        readable = self.text("logging_driver") in {"json-file", "journald", "local"}
        found = [
            Capability("Bridge networks, ports", "bridge" in networks, "" if "bridge" in networks else named["bridge"]),
            Capability("macvlan", "macvlan" in networks, "" if "macvlan" in networks else named["macvlan"]),
            Capability("ipvlan", "ipvlan" in networks, "" if "ipvlan" in networks else named["ipvlan"]),
            Capability(
                "Overlay networks",
                "overlay" in networks and swarm == "active",
                "" if swarm == "active" else f"{self.engine} is not in a swarm",
            ),
            Capability(
                "Reading logs",
                readable or api >= (1, 40),
                f"driver {self.text('logging_driver')}" + ("" if readable else ", from the engine's own cache"),
            ),
            Capability("Log drivers", bool(logs), ", ".join(sorted(logs))),
            Capability(
                "Limits for memory and CPU",
                not any("No memory limit" in warning or "No cpu" in warning for warning in self.warnings),
                f"cgroup version {self.text('cgroup_version') or '?'}",
            ),
            Capability("BuildKit", api >= (1, 39), "API 1.39 or newer"),
            Capability("One-shot stats", api >= (1, 41), "API 1.41 or newer"),
            Capability("Health check start interval", api >= (1, 44), "API 1.44 or newer"),
            Capability("Volume sub-paths", api >= (1, 45), "API 1.45 or newer"),
            Capability(
                "GPU by the NVIDIA runtime",
                "nvidia" in self.words("runtimes"),
                "" if "nvidia" in self.words("runtimes") else "no nvidia runtime",
            ),
        ]
        return found if self.info else []

    def _api(self) -> tuple[int, ...]:
        spoken = self.text("negotiated_api_version")
        parts = spoken.split(".")
        return tuple(int(part) for part in parts) if spoken and all(part.isdigit() for part in parts) else (0, 0)

    @property
    def halves(self) -> list[list[Capability]]:
        """The capabilities in two columns."""
        middle = (len(self.capabilities) + 1) // 2
        return [self.capabilities[:middle], self.capabilities[middle:]]

    @property
    def can(self) -> int:
        """How many of them it has."""
        return sum(capability.on for capability in self.capabilities)

    # ── another engine at the address ──

    @property
    def comparison(self) -> list[tuple[str, str, str, bool]]:
        """Then and now: (what, then, now, differs)."""
        found = self.found

        def row(label: str, before: Any, now: Any) -> tuple[str, str, str, bool]:
            return label, str(before or "–"), str(now or "–"), before != now

        return [
            row("Engine ID", self.engine.engine_id, found.get("identity") or found.get("id")),
            row("Host name", self.info.get("name"), found.get("name")),
            row("Version", self.engine.server_version, found.get("server_version")),
            row("API", self.info.get("api_version"), found.get("api_version")),
            row("System", self.info.get("os"), found.get("os")),
            row("Data root", self.info.get("root_dir"), found.get("root_dir")),
        ]

    @property
    def found_id(self) -> str:
        """The newcomer's identity: what a decision is about."""
        return str(self.found.get("identity") or "")

    @property
    def may_decide(self) -> bool:
        """Whether the person may say which engine is meant."""
        return access.can(self.user, "admin")

    @property
    def may_operate(self) -> bool:
        """Whether the person may refresh and verify: not while another engine answers."""
        return access.can(self.user, "operate") and not self.swapped

    @property
    def context(self) -> dict[str, Any]:
        """For ``engines/detail.html``."""
        return {"engine": self.engine, "page": self, "default_command": "docker version && docker system info"}
