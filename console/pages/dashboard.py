"""The dashboard: is anything wrong, what runs, what changed. From the mirror, a constant number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from console import access, docker_words
from console.docker_words import size_words
from console.engine.types import ContainerState as S
from console.engine.types import Health
from console.models import Container, Engine, Event, Mount, Operation
from console.pages import event_rows, links
from console.pages.events import WITH_CONTAINER, made_by
from console.pages.images import Use, use_of
from console.pages.live import RESYNC
from console.pages.users import COLUMNS
from console.reads import host_disk

RECENT: Final = timedelta(hours=24)  # an end with an error is news for so long where no restart policy says more
KILLED_WITHIN: Final = timedelta(seconds=30)  # a signal so long before the end was the reason
MOST_ALARMS: Final = 12
FULL: Final = 0.9  # share of the disk of an engine's data
MOST_WATCHED: Final = 120  # of one socket (consumers.stats)
TOP: Final = 10
MOST_EVENTS: Final = 10
MOST_OPERATIONS: Final = 6
_ALIVE: Final = [state.value for state in docker_words.RUNNING]
_NO_RESTART: Final = ("", "no")

# Lamp, word, class of the bar's part, filter; in the order of the bar.
STATES: Final = (
    ("healthy", "Healthy", "f-ok", "health:healthy state:running"),
    ("running", "Running", "f-ok", "state:running -health:healthy -health:unhealthy"),
    ("unhealthy", "Unhealthy", "f-bad", "health:unhealthy state:running"),
    ("restarting", "Restarting", "f-busy", "state:restarting"),
    ("paused", "Paused", "f-warn", "state:paused"),
    ("failed", "Failed", "f-bad", "state:exited -exit:0"),
    ("dead", "Dead", "f-bad", "state:dead"),
    ("exited", "Completed", "f-idle", "state:exited exit:0"),
    ("created", "Created", "f-idle", "state:created"),
    ("unknown", "Other", "f-idle", "state:removing,unknown"),
)


@dataclass(frozen=True, slots=True)
class EngineRow:
    """One engine. ``problem``: what is wrong with it, in a sentence."""

    engine: Engine
    url: str
    running: int
    total: int
    problem: str


@dataclass(frozen=True, slots=True)
class State:
    """How many containers are in one state, and the list of them."""

    lamp: str
    word: str
    css: str
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that needs attention."""

    lamp: str
    title: str
    text: str
    url: str
    moment: datetime | None = None


def state_word(state: str, health: str, failed: bool) -> str:
    """Which of ``STATES`` a container counts under."""
    if state == S.RUNNING:
        return health if health in {Health.HEALTHY, Health.UNHEALTHY} else "running"
    if state == S.EXITED:
        return "failed" if failed else "exited"
    return state if state in {S.RESTARTING, S.PAUSED, S.CREATED, S.DEAD} else "unknown"


class Dashboard:
    """The dashboard of one person. Details are of ``engine``, the one looked at last, or the first."""

    kinds = frozenset({"engine", "beat", "container", "image", "volume", "network", "event", "operation"})

    def __init__(self, user: access.Actor, engine: Engine | None, params: QueryDict) -> None:
        access.require(user, "observe")
        self.user = user
        self.engines = list(access.engines_for(user))
        self.engine = engine or next(iter(self.engines), None)

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        """For the page's socket."""
        return RESYNC

    @property
    def never(self) -> bool:
        """Whether no engine has ever answered: the page is the diagnosis then."""
        return not any(engine.synced_at for engine in self.engines)

    # ── containers ──

    @cached_property
    def counts(self) -> Counter[tuple[int, str, str, bool]]:
        """How many containers by (engine, state, health, ended with an error): one query."""
        found: Counter[tuple[int, str, str, bool]] = Counter()
        rows = access.all_containers_for(self.user).order_by().values("engine_id", "state", "health", "exit_code")
        for row in rows.annotate(n=Count("pk")):
            found[row["engine_id"], row["state"], row["health"], bool(row["exit_code"])] += row["n"]
        return found

    @property
    def engine_rows(self) -> list[EngineRow]:
        """Every engine: how many of its containers run, or what is wrong."""
        rows = []
        for engine in self.engines:
            mine = [(state, n) for (pk, state, _, _), n in self.counts.items() if pk == engine.pk]
            rows.append(
                EngineRow(
                    engine,
                    reverse("engine", args=[engine.slug]),
                    sum(n for state, n in mine if state in _ALIVE),
                    sum(n for _, n in mine),
                    "" if engine.shown_state == Engine.State.LIVE else engine.why_stale or engine.get_state_display(),
                )
            )
        return rows

    @property
    def connected(self) -> int:
        """How many engines answer."""
        return sum(engine.shown_state == Engine.State.LIVE for engine in self.engines)

    @cached_property
    def states(self) -> list[State]:
        """The containers of the engine by state."""
        if self.engine is None:
            return []
        counted: Counter[str] = Counter()
        for (pk, state, health, failed), n in self.counts.items():
            if pk == self.engine.pk:
                counted[state_word(state, health, failed)] += n
        base = reverse("containers", args=[self.engine.slug])
        return [
            State(lamp, word, css, counted[lamp], f"{base}?{links.query(query)}")
            for lamp, word, css, query in STATES
            if counted[lamp]
        ]

    @property
    def total(self) -> int:
        """How many containers the engine has."""
        return sum(state.count for state in self.states)

    @cached_property
    def running(self) -> list[tuple[str, str, str, str]]:
        """Id, name, page, lamp of what runs on the engine, started last first, as many as can be watched: one query."""
        if self.engine is None:
            return []
        rows = access.containers_for(self.user, self.engine).filter(state__in=_ALIVE).order_by("-started_at", "pk")
        slug = self.engine.slug
        columns = rows.values_list("container_id", "name", "state", "health")[:MOST_WATCHED]
        return [
            (key, name or key[:12], links.container_url(slug, name, key), state_word(state, health, failed=False))
            for key, name, state, health in columns
        ]

    @property
    def not_watched(self) -> int:
        """How many of those that run are too many to be watched."""
        return max(0, sum(state.count for state in self.states if state.lamp in RUNNING_WORDS) - len(self.running))

    @property
    def top_places(self) -> range:
        """The places of the top consumers."""
        return range(min(TOP, len(self.running)))

    @property
    def parts(self) -> list[tuple[str, int, str]]:
        """The bar of states."""
        return [(state.css, state.count, f"{state.count} {state.word.lower()}") for state in self.states]

    # ── what is wrong ──

    def _asked_for(self) -> QuerySet[Event]:
        """Events that say that somebody stopped or killed the container: an end with an error then is none."""
        mine = access.events_for(self.user).filter(engine=OuterRef("engine"), actor_id=OuterRef("container_id"))
        stopped = Q(action="stop", time__gte=OuterRef("started_at"))
        killed = Q(action="kill", time__gte=OuterRef("finished_at") - KILLED_WITHIN)
        return mine.filter(stopped | killed, type="container")

    @cached_property
    def _alarmed(self) -> list[Container]:
        failed = Q(state=S.EXITED.value) & ~Q(exit_code=0)
        matters = ~Q(restart_policy__in=_NO_RESTART) | Q(finished_at__gte=timezone.now() - RECENT)
        matters &= ~Q(Exists(self._asked_for()))
        wanted = (
            Q(health=Health.UNHEALTHY.value, state=S.RUNNING.value)
            | Q(state__in=[S.RESTARTING.value, S.DEAD.value])
            | (failed & matters)
            | Q(
                oom_killed=True,
                state__in=[S.EXITED.value, S.RESTARTING.value],
                finished_at__gte=timezone.now() - RECENT,
            )
        )
        rows = access.all_containers_for(self.user).filter(wanted).select_related("engine")
        columns = [*COLUMNS, "oom_killed", "error", "restart_count", "restart_policy", "engine__slug", "engine__name"]
        return list(rows.only(*columns).order_by("-finished_at", "name")[: MOST_ALARMS * 4])

    @cached_property
    def alarms(self) -> list[Alarm]:
        """What needs attention, the worst first, at most ``MOST_ALARMS``: one query."""
        engines = [
            Alarm(
                "failed" if engine.state == Engine.State.UNREACHABLE else "warning",
                _stale_words(engine),
                engine.why_stale,
                reverse("engine", args=[engine.slug]),
                engine.shown_since,
            )
            for engine in self.engines
            if engine.stale
        ]
        engines += [alarm for engine in self.engines if (alarm := disk_alarm(engine))]
        found = sorted((alarm_of(container) for container in self._alarmed), key=lambda pair: pair[0])
        return (engines + [alarm for _, alarm in found])[:MOST_ALARMS]

    @property
    def more_alarms(self) -> int:
        """How many are left out, as far as they were read."""
        return max(0, len(self._alarmed) - MOST_ALARMS)

    # ── what there is ──

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """Images, containers, volumes, networks: how many, how many in use, size where the mirror knows it."""
        if self.engine is None:
            return []
        user, engine = self.user, self.engine
        by_use: dict[int, tuple[int, int]] = {
            row["use"]: (row["n"], row["size"] or 0)
            for row in access.images_for(user, engine)
            .filter(intermediate=False)
            .order_by()
            .annotate(use=use_of(access.containers_for(user, engine)))
            .values("use")
            .annotate(n=Count("pk"), size=Sum("size"))
        }
        used = {Use.RUNNING, Use.STOPPED}
        mounts = Mount.objects.filter(
            container__in=access.containers_for(user, engine), type="volume", volume_name=OuterRef("name")
        )
        volumes = access.volumes_for(user, engine).aggregate(n=Count("pk"), used=Count("pk", filter=Q(Exists(mounts))))
        running = sum(state.count for state in self.states if state.lamp in RUNNING_WORDS)
        not_used = sum(size for use, (_, size) in by_use.items() if use not in used)
        return [
            {
                "css": "f1",
                "name": "Images",
                "url": reverse("images", args=[engine.slug]),
                "total": sum(n for n, _ in by_use.values()),
                "used": sum(n for use, (n, _) in by_use.items() if use in used),
                "size": size_words(sum(size for _, size in by_use.values())),
                "unused": size_words(not_used) if not_used else "–",
            },
            {
                "css": "f2",
                "name": "Containers",
                "url": reverse("containers", args=[engine.slug]),
                "total": self.total,
                "used": running,
            },
            {
                "css": "f3",
                "name": "Volumes",
                "url": reverse("volumes", args=[engine.slug]),
                "total": volumes["n"],
                "used": volumes["used"],
            },
            {
                "css": "f4",
                "name": "Networks",
                "url": reverse("networks", args=[engine.slug]),
                "total": access.networks_for(user, engine).count(),
                "used": None,
            },
        ]

    @cached_property
    def image_parts(self) -> list[tuple[str, int, str]]:
        """The bar of images by use, from the numbers of ``objects``."""
        images = next((row for row in self.objects if row["name"] == "Images"), None)
        if images is None:
            return []
        return [
            ("f1", images["used"], f"{images['used']} in use"),
            ("f-idle", images["total"] - images["used"], "not used"),
        ]

    # ── what changed ──

    @cached_property
    def operations(self) -> list[Operation]:
        """The newest operations: one query."""
        return list(access.operations_for(self.user).order_by("-created_at")[:MOST_OPERATIONS])

    @cached_property
    def events(self) -> list[event_rows.Row]:
        """The newest events, repeats folded: one query."""
        rows = access.events_for(self.user).annotate(made_by=made_by(self.user)).select_related("engine", "operation")
        found = rows.filter(type__in=("container", "image", "volume", "network")).exclude(action__in=WITH_CONTAINER)
        found = found.order_by("-time_ns", "-pk")[:80]
        return event_rows.rows(list(found), MOST_EVENTS)[0]

    @property
    def context(self) -> dict[str, Any]:
        """For ``dashboard/page.html``."""
        context: dict[str, Any] = {"page": self, "default_command": "docker system info"}
        return context | ({"engine": self.engine} if self.engine else {})


RUNNING_WORDS: Final = frozenset({"healthy", "running", "unhealthy", "restarting", "paused"})


def _stale_words(engine: Engine) -> str:
    if engine.silent:
        return f"{engine} is not looked after"
    return f"{engine} {'is another engine now' if engine.state == Engine.State.SWAPPED else 'does not answer'}"


def disk_alarm(engine: Engine) -> Alarm | None:
    """That an engine's disk is nearly full, where this machine can tell."""
    disk = host_disk.of_engine(engine)
    if disk is None or disk.used < FULL:
        return None
    title = f"The disk of {engine} is {disk.used:.0%} full"
    text = f"{size_words(disk.free)} of {size_words(disk.size)} left at {disk.path}"
    return Alarm("warning", title, text, reverse("disk", args=[engine.slug]))


def alarm_of(container: Container) -> tuple[int, Alarm]:
    """Why a container needs attention, and how badly (0 is worst)."""
    url = links.container_url(container.engine.slug, container.name, container.container_id)
    name, code = container.name or container.short_id, container.exit_code
    finished = container.finished_at
    memory = "out of memory" if container.oom_killed else ""
    if container.state == S.RUNNING:
        return 0, Alarm("unhealthy", f"{name} is unhealthy", "its health check fails", url, container.started_at)
    if container.state == S.RESTARTING:
        text = ", ".join(part for part in (f"{container.restart_count} restarts", f"exit code {code}", memory) if part)
        return 1, Alarm("restarting", f"{name} keeps restarting", text, url, finished)
    if container.oom_killed:
        return 2, Alarm("failed", f"{name} was killed: out of memory", f"exit code {code}", url, finished)
    if container.state == S.DEAD:
        return 3, Alarm("failed", f"{name} is dead", container.error or "it can only be removed", url, finished)
    policy = "" if container.restart_policy in _NO_RESTART else f"restart policy {container.restart_policy}"
    text = ", ".join(part for part in (f"exit code {code}", policy, container.error) if part)
    return 4, Alarm("failed", f"{name} failed", text, url, finished)
