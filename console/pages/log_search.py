"""A search through the past of many logs: what the address asks for, for the page and for its socket."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from django.http import QueryDict

from console import access, filters
from console.filters import FilterError
from console.models import Container, Engine
from console.pages import container_keys
from console.pages.log_options import LogOptions
from console.pages.logs import RANGES, Who

MOST_CONTAINERS: Final = 200
LONGEST_SEARCH: Final = 1000  # characters


class LogSearch:
    """One search: ``in`` filters containers as their list does; ``q``, ``regex``, ``case``, ``since``, ``until``.

    Without ``since`` the whole of every log is read.
    """

    def __init__(self, user: access.Actor, engine: Engine, params: QueryDict) -> None:
        self.user, self.engine = user, engine
        self.within = " ".join(part.strip() for part in params.getlist("in") if part.strip())[:1000]
        self.options = LogOptions.from_query(params, tail=0)
        self.asked = bool(self.options.q)
        self.errors = dict(self.options.errors or {})
        self._params = params

    @cached_property
    def containers(self) -> list[Container]:
        """The containers that fit, newest first."""
        rows = access.containers_for(self.user, self.engine)
        try:
            terms = filters.parse(self.within)
            condition = filters.build(terms, container_keys.keys_for(self.user), container_keys.word)
        except FilterError as error:
            self.errors["in"] = error.message
            return []
        return list(rows.filter(condition).order_by("-created_at", "name")[: MOST_CONTAINERS + 1])

    @property
    def whos(self) -> list[Who]:
        """The containers of the page."""
        return [Who(c.container_id, c.name or c.short_id, 1, c.state) for c in self.containers[:MOST_CONTAINERS]]

    @property
    def more(self) -> bool:
        """Whether some were left out."""
        return len(self.containers) > MOST_CONTAINERS

    @property
    def socket(self) -> str:
        """The address of the socket: the page's own query."""
        return f"/ws/e/{self.engine.slug}/logs/search?{self._params.urlencode()}"

    @property
    def command(self) -> str:
        """The command line that does the same for one container."""
        name = self.containers[0].name if self.containers else "NAME"
        since = f" --since {self.options.since}" if self.options.since else ""
        flags = ("" if self.options.case else "i") + ("E" if self.options.regex else "F")
        quoted = "'" + self.options.q.replace("'", "'\\''") + "'"
        return f"docker container logs --timestamps{since} {name} 2>&1 | grep -{flags} {quoted}"

    @property
    def context(self) -> dict[str, Any]:
        """For the template."""
        whos = self.whos  # before the errors: it finds those of the filter
        return {
            "engine": self.engine,
            "search": self,
            "options": self.options,
            "whos": whos,
            "ranges": [("", "All of it"), *RANGES],
            "errors": self.errors,
            "default_command": self.command if self.asked else "docker container logs --timestamps NAME",
        }
