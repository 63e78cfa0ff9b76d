"""What a page of logs shows: of one container, a compose project, a selection, or everything that runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from django.http import Http404, QueryDict
from django.urls import reverse

from console import access
from console.engine.demux import Line
from console.engine.text import text
from console.filters import quoted
from console.models import Container, Engine
from console.pages.log_options import LogOptions

MOST_CONTAINERS: Final = 50  # as many as one socket takes
TAIL_OF_ONE: Final = 1000  # lines
TAIL_OF_MANY: Final = 200  # lines of each
PLAIN_LINES: Final = 500
LONGEST_PLAIN: Final = 8000  # characters of a line on a page without script
COLOURS: Final = 7
RANGES: Final = (("10m", "Last 10 min"), ("1h", "Last hour"), ("24h", "Last 24 h"), ("7d", "Last 7 days"))
TAILS: Final = (1000, 5000, 20_000)
# What a terminal would obey: CSI, then OSC, DCS, SOS, PM and APC with what they hold, then two-byte escapes.
_SEQUENCES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$|(?=\x1b))"
    r"|\x1b[ -/]*[0-~]"
)


@dataclass(frozen=True, slots=True)
class Who:
    """One container of a page. ``colour``: 1 to 7, in the order of creation. ``on``: shown from the start."""

    id: str
    name: str
    colour: int
    state: str


@dataclass(frozen=True, slots=True)
class PlainLine:
    """A line for a page without script. ``time``: UTC."""

    time: str
    stream: str
    text: str


def visible(data: bytes) -> str:
    """A line as text: what a progress bar showed last, without sequences for a terminal, the rest made visible."""
    line = data.decode("utf-8", "replace")
    if "\r" in line:
        line = next((part for part in reversed(line.split("\r")) if part), "")
    return text(_SEQUENCES.sub("", line), LONGEST_PLAIN, multiline=True)


def plain_line(line: Line) -> PlainLine:
    """A line as a page without script shows it."""
    time = f"{datetime.fromtimestamp(line.time_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S}" if line.time_ns else ""
    return PlainLine(time, line.stream, visible(line.data))


class LogPage:
    """The logs of some containers for one person.

    ``base``: the address without options; ``keep``: parameters that name the containers.
    """

    def __init__(
        self,
        engine: Engine,
        containers: Sequence[Container],
        params: QueryDict,
        base: str,
        keep: list[tuple[str, str]] | None = None,
    ) -> None:
        self.engine = engine
        self.total = len(containers)
        oldest = datetime.min.replace(tzinfo=UTC)
        ordered = sorted(containers, key=lambda c: (c.created_at or oldest, c.name))
        self.containers = ordered[:MOST_CONTAINERS]
        self.base, self.keep = base, keep or []
        self.options = LogOptions.from_query(params, tail=TAIL_OF_ONE if self.single else TAIL_OF_MANY)
        self.plain = params.get("plain") == "1"

    @property
    def single(self) -> bool:
        """Whether it is the log of one container."""
        return self.total == 1

    @cached_property
    def whos(self) -> list[Who]:
        """The containers, in the order of creation."""
        return [
            Who(c.container_id, c.name or c.short_id, number % COLOURS + 1, c.state)
            for number, c in enumerate(self.containers)
        ]

    @property
    def socket(self) -> str:
        """The address of the socket, with the range."""
        options = self.options
        pairs = [("c", who.id) for who in self.whos]
        if options.since_ns:
            pairs.append(("since", str(options.since_ns)))
        else:
            pairs.append(("tail", str(options.tail)))
        if options.until_ns:
            pairs.append(("until", str(options.until_ns)))
        return f"/ws/e/{self.engine.slug}/logs?{urlencode(pairs)}"

    @property
    def range_label(self) -> str:
        """What the range button says."""
        options = self.options
        if options.until:
            return f"{options.since or 'Beginning'} to {options.until}"
        if options.since:
            named = dict(RANGES)
            if options.since in named:
                return named[options.since]
            return "Since start" if options.since == self.started else f"Since {options.since}"
        return f"Last {options.tail:,} lines{'' if self.single else ' each'}"

    @cached_property
    def started(self) -> str:
        """When the container was started, as an option; "" for many."""
        at = self.containers[0].started_at if self.single and self.containers else None
        return at.isoformat().replace("+00:00", "Z") if at else ""

    @property
    def ranges(self) -> list[dict[str, str | bool]]:
        """The entries of the range menu."""
        link, plain = self.options.link, {"plain": "1"} if self.plain else {}
        found = [(f"Last {n:,} lines", link(self.keep, tail=str(n), **plain)) for n in TAILS]
        found += [(words, link(self.keep, since=length, until="", **plain)) for length, words in RANGES]
        if self.started:
            found.append(("Since start", link(self.keep, since=self.started, until="", **plain)))
        return [{"label": words, "href": href, "current": words == self.range_label} for words, href in found]

    @property
    def plain_url(self) -> str:
        """The same page for a browser without script."""
        return self.base + self.options.link(self.keep, plain="1")

    @property
    def live_url(self) -> str:
        """The same page with what a script adds."""
        return self.base + self.options.link(self.keep)

    @property
    def downloads(self) -> list[dict[str, str]]:
        """A download for each container: the range, or everything."""
        query = {"since": str(self.options.since), "until": self.options.until, "timestamps": "1"}
        query = {name: value for name, value in query.items() if value}
        return [
            {
                "label": c.name or c.short_id,
                "href": f"{self._download(c)}?{urlencode(query)}",
                "cmd": f"docker container logs --timestamps {c.name} > {c.name}.log 2>&1",
            }
            for c in self.containers
        ]

    def _download(self, container: Container) -> str:
        return reverse("container-logs-download", args=[self.engine.slug, container.container_id])

    @property
    def search_url(self) -> str:
        """A search through the past of the same containers, as far as a filter can name them."""
        projects = {c.project for c in self.containers}
        within = f"project:{quoted(projects.pop())}" if len(projects) == 1 and "" not in projects else ""
        if self.single:
            within = self.containers[0].short_id
        query = {"q": self.options.q, "in": within}
        return f"{reverse('containers-logs-search', args=[self.engine.slug])}?{urlencode(query)}"

    @property
    def command(self) -> str:
        """The command line that shows the same."""
        names = [who.name for who in self.whos]
        flags = f" {flags}" if (flags := self.options.flags()) else ""
        if self.single:
            return f"docker container logs --follow --timestamps{flags} {names[0]}"
        project = {c.project for c in self.containers}
        if len(project) == 1 and "" not in project:
            return f"docker compose --project-name {project.pop()} logs --follow --timestamps"
        return f"docker container logs --follow --timestamps{flags} {names[0] if names else 'NAME'}"

    @property
    def context(self) -> dict[str, Any]:
        """For the templates of logs."""
        return {"engine": self.engine, "log": self, "options": self.options, "default_command": self.command}


def chosen(user: access.Actor, engine: Engine, references: Sequence[str]) -> list[Container]:
    """The containers that are named, else all that run. Raises ``Http404`` for one that is not there."""
    if references:
        found = {c.pk: c for c in (access.container_for(user, engine, one) for one in references[:MOST_CONTAINERS])}
        return list(found.values())
    return list(access.containers_for(user, engine).filter(state__in=("running", "paused", "restarting")))


def of_project(user: access.Actor, engine: Engine, project: str) -> list[Container]:
    """The containers of a compose project. Raises ``Http404`` when there are none."""
    found = list(access.containers_for(user, engine).filter(project=project)) if project else []
    if not found:
        raise Http404("project")
    return found


def matching(lines: Sequence[Line], options: LogOptions) -> list[PlainLine]:
    """The lines of a page without script; with a search those that hold it."""
    found = [plain_line(line) for line in lines]
    if not options.q:
        return found
    if options.case:
        return [line for line in found if options.q in line.text]
    wanted = options.q.casefold()
    return [line for line in found if wanted in line.text.casefold()]
