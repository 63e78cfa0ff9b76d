"""The map of an engine's networks: what is asked for in its address, the picture, and the table of the same facts."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse

from console import access, docker_words, filters
from console.filters import FilterError, Key, Term
from console.models import Endpoint, Engine, Network
from console.pages import container_keys, links
from console.pages.live import RESYNC
from console.pages.network_graph import graph_of
from console.pages.networks import subnet
from console.topology import words
from console.topology.draw import draw, hues
from console.topology.graph import NOWHERE, Box, Graph, Net, Place
from console.topology.reach import Answer, judge
from console.topology.shapes import Drawing, Light, Sheet

WAYS: Final = ("", "map", "table")
MOST_ROWS: Final = 200  # of one network in the table; the filter finds the others
_KEYS: Final = ("name", "id", "image", "state", "health", "project", "service", "network", "port", "label")


@dataclass(frozen=True, slots=True)
class Row:
    """One place of a container in the table: as much as the picture tells of it."""

    key: str
    name: str
    url: str
    lamp: str
    word: str
    up: bool
    ipv4: str
    ipv6: str
    mac: str
    published: tuple[str, ...]
    plugs: tuple[str, ...]
    exposed: str
    more: str  # what else it is on, or how many it reaches there
    waits: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A network in the table."""

    net: Net
    hue: int
    url: str
    facts: str
    rows: tuple[Row, ...]
    count: int

    @property
    def more(self) -> int:
        """How many containers of it are not in the table."""
        return self.count - len(self.rows)


class NetworkMap:
    """The map for one person. What is wrong in its address becomes an error at its field.

    Parameters: ``q`` filter, ``stopped``, ``as`` of ``WAYS``, ``open`` (lanes that never fold, or "all"), ``pin`` a
    container, ``a``, ``b`` and ``port`` of a question.
    """

    view = "network-map"
    kinds = frozenset({"container", "network", "engine", "operation"})

    def __init__(self, user: access.Actor, engine: Engine | None, params: QueryDict) -> None:
        access.require(user, "observe")
        assert engine is not None
        self.user, self.engine = user, engine
        self.text = " ".join(part.strip() for part in params.getlist("q") if part.strip())
        self.stopped = params.get("stopped") == "1"
        way = params.get("as", "")
        self.way = way if way in WAYS else ""
        self.opened = [value[:64] for value in params.getlist("open")[:50] if value.isalnum()]
        self.pin = params.get("pin", "")[:300]
        self.ask = (params.get("a", "")[:300], params.get("b", "")[:300])
        self.port_text = params.get("port", "").strip()[:40]
        self.error = ""
        self.terms: tuple[Term, ...] = ()
        self.condition = Q()
        try:
            self.terms = filters.parse(self.text)
            self.condition = filters.build(self.terms, _keys(user), container_keys.word)
        except FilterError as error:
            self.error = error.message

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        """For the page's socket: the picture is made anew; what stays keeps its place."""
        if kind == "operation" and ids is not None:
            checks = access.operations_for(self.user).filter(pk__in=list(ids), verb="reach.check")
            return RESYNC if checks.exists() else ""
        return RESYNC

    # ── what there is ──

    @cached_property
    def graph(self) -> Graph:
        """Everything, without the filter."""
        return graph_of(self.user, self.engine)

    @cached_property
    def shown(self) -> frozenset[str]:
        """The containers that the filter and the choice of stopped ones leave."""
        if self.error:
            return frozenset()
        boxes = [box for box in self.graph.boxes if box.up or self.stopped or _named_state(self.terms)]
        if not self.terms:
            return frozenset(box.key for box in boxes)
        rows = access.containers_for(self.user, self.engine).filter(self.condition)
        fit = set(rows.values_list("container_id", flat=True))
        return frozenset(box.key for box in boxes if box.key in fit)

    def find(self, reference: str) -> Box | None:
        """A container by name, id or the first twelve digits of it."""
        if not reference:
            return None
        by_name = next((box for box in self.graph.boxes if box.name == reference), None)
        if by_name is not None or len(reference) < 12:
            return by_name
        return next((box for box in self.graph.boxes if box.key.startswith(reference)), None)

    @cached_property
    def pinned(self) -> Box | None:
        """The container that stands out."""
        return None if self.asking else self.find(self.pin)

    # ── the question ──

    @property
    def asking(self) -> bool:
        """Whether the page asks "can A reach B?"."""
        return any(self.ask)

    @cached_property
    def ends(self) -> tuple[Box | None, Box | None]:
        """A and B, as far as they are known."""
        return self.find(self.ask[0]), self.find(self.ask[1])

    @property
    def end_errors(self) -> tuple[str, str]:
        """What is wrong with A and with B."""
        a, b = (
            f"There is no container “{asked[:80]}”." if asked and end is None else ""
            for asked, end in zip(self.ask, self.ends, strict=True)
        )
        return a, b

    @property
    def port_error(self) -> str:
        """What is wrong with the port."""
        text = self.port_text
        if not text or (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
            return ""
        return "A number from 1 to 65535, or nothing for any port."

    @property
    def port(self) -> int:
        """The port that is asked for; 0 for any."""
        return 0 if self.port_error or not self.port_text else int(self.port_text[:6])

    @cached_property
    def answer(self) -> Answer | None:
        """The answer, when A and B are two known containers."""
        a, b = self.ends
        return None if a is None or b is None or a is b or self.port_error else judge(self.graph, a, b, self.port)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return 422 if self.error or self.port_error or any(self.end_errors) else 200

    # ── the picture ──

    @cached_property
    def light(self) -> Light:
        """What stands out."""
        if self.answer is not None:
            a, b = self.answer.a, self.answer.b
            of_both = [place.net for box in (a, b) for place in self.graph.places(box)]
            nets = [self.answer.through] if self.answer.best is not None else of_both
            own = frozenset({a.key, b.key})
            return Light(own, frozenset(nets), (a.key, b.key), self.answer.through)
        if self.pinned is not None:
            return Light(frozenset({self.pinned.key}), frozenset(_nets(self.graph, self.pinned)))
        return Light()

    @cached_property
    def drawing(self) -> Drawing:
        """The picture."""
        return draw(self.graph, Sheet(self.shown | self.light.own, self._open, bool(self.terms), light=self.light))

    @property
    def _open(self) -> frozenset[str] | None:
        if "all" in self.opened:
            return None
        nets = {net.key for net in self.graph.nets if any(net.key.startswith(part) for part in self.opened if part)}
        return frozenset(nets | self.light.nets)

    @cached_property
    def groups(self) -> list[Group]:
        """The table: every network with its containers, folded or not."""
        colour = hues(self.graph)
        nets = [*self.graph.nets, Net(NOWHERE, "no network", "null", named=False)]
        found = []
        for net in nets:
            boxes = [box for box in self.graph.members[net.key] if box.key in self.shown]
            if boxes or not (self.terms or net.key == NOWHERE):
                order = sorted(boxes, key=lambda box: _by_address(self.graph, net, box))
                rows = [self._row(net, box, len(boxes)) for box in order[:MOST_ROWS]]
                url = links.network_url(self.engine.slug, net.name, net.key) if net.key != NOWHERE else ""
                facts = ", ".join(words.facts(net)) if net.key != NOWHERE else "connected to nothing"
                found.append(Group(net, colour[net.key], url, facts, tuple(rows), len(boxes)))
        return found

    def _row(self, net: Net, box: Box, members: int) -> Row:
        places = self.graph.places(box)
        place = next((place for place in places if place.net == net.key), Place(net.key))
        return Row(
            key=f"{box.short}-{net.short}",
            name=box.name,
            url=links.container_url(self.engine.slug, box.name, box.key),
            lamp=box.lamp,
            word=box.word,
            up=box.up,
            ipv4=place.ipv4,
            ipv6=place.ipv6,
            mac=place.mac,
            published=tuple(docker_words.ports([port]) for port in box.published),
            plugs=tuple(dict.fromkeys(f":{port.host_port}" for port in box.published)),
            exposed=", ".join(f"{number}/{protocol}" for number, protocol in box.exposed),
            more=_more(self.graph, net, box, members),
            waits=not place.live,
        )

    # ── addresses ──

    def query(self, **changes: str) -> str:
        """The query string of this page with changes; an empty value takes a parameter out."""
        found = QueryDict(mutable=True)
        a, b = self.ask
        kept = {"q": self.text, "stopped": "1" if self.stopped else "", "as": self.way, "pin": self.pin}
        for name, value in (kept | {"a": a, "b": b, "port": self.port_text} | changes).items():
            if value and name != "open":
                found[name] = value
        opened = (
            [*self.opened, changes["open"]] if changes.get("open") else self.opened if "open" not in changes else []
        )
        if opened:
            found.setlist("open", list(dict.fromkeys(opened)))
        return f"?{found.urlencode()}"

    @cached_property
    def before_pin(self) -> str:
        """The address that pins a container, up to its id."""
        return f"{self.query(pin='', a='', b='', port='')}&pin=".replace("?&", "?")

    @cached_property
    def before_open(self) -> str:
        """The address that opens a folded lane, up to its id."""
        return f"{self.query()}&open=".replace("?&", "?")

    @property
    def keep(self) -> list[tuple[str, str]]:
        """What the filter's form keeps."""
        a, b = self.ask
        pairs = [("stopped", "1" if self.stopped else ""), ("as", self.way), ("pin", self.pin), ("a", a), ("b", b)]
        opened = [("open", value) for value in self.opened]
        return [pair for pair in (*pairs, ("port", self.port_text), *opened) if pair[1]]

    @property
    def keep_asking(self) -> list[tuple[str, str]]:
        """What the form of the question keeps."""
        return [("q", self.text), *(pair for pair in self.keep if pair[0] in {"stopped", "as", "open"})]

    @cached_property
    def chips(self) -> tuple[list[str], str]:
        """The filter's terms with a key, and its words."""
        return ([], self.text) if self.error else filters.chips(self.terms)

    @property
    def urls(self) -> dict[str, str]:
        """Where the toolbar leads."""
        pinned = self.pinned.short if self.pinned else ""
        first = pinned or next((box.short for box in self.graph.boxes if box.up), "")
        return {
            "list": reverse("networks", args=[self.engine.slug]),
            "map": self.query(**{"as": "map"}),
            "table": self.query(**{"as": "table"}),
            "stopped": self.query(stopped="" if self.stopped else "1"),
            "ask": self.query(pin="", a="" if self.asking else first, b="", port=""),
            "unpin": self.query(pin="", a="", b="", port=""),
            "unfold": self.query(open="all"),
            "fold": self.query(open=""),
            "svg": f"{reverse('network-map-svg', args=[self.engine.slug])}{self.query()}",
            "swap": self.query(a=self.ask[1], b=self.ask[0]),
        }

    @property
    def command(self) -> str:
        """What tells the same on the command line."""
        if self.pinned is not None:
            name = shlex.quote(self.pinned.name)
            return f"docker container inspect --format '{{{{json .NetworkSettings.Networks}}}}' {name}"
        return "docker network inspect $(docker network ls -q)"

    @property
    def context(self) -> dict[str, Any]:
        """For the map's templates."""
        return {"map": self, "engine": self.engine, "default_command": self.command, "url": self.urls}


def _keys(user: access.Actor) -> Mapping[str, Key]:
    keys = container_keys.keys_for(user)
    place = Endpoint.objects.filter
    return {name: keys[name] for name in _KEYS} | {
        "ip": Key(
            lambda operator, value: (
                Q(pk__in=place(ipv4_address__startswith=value).values("container"))
                | Q(pk__in=place(ipv6_address__istartswith=value).values("container"))
            ),
            "ip:172.18.0.2",
        ),
        "subnet": Key(
            lambda operator, value: Q(
                pk__in=place(
                    network_id__in=Network.objects.filter(subnet(operator, value)).values("network_id")
                ).values("container")
            ),
            "subnet:172.18.0.0/16",
        ),
    }


def _named_state(terms: Sequence[Term]) -> bool:
    """Whether the filter itself speaks of states, so that stopped ones are meant too."""
    return any(term.key == "state" for term in terms)


def _nets(graph: Graph, box: Box) -> list[str]:
    return [place.net for place in graph.places(box) if not graph.net[place.net].isolated]


def _more(graph: Graph, net: Net, box: Box, members: int) -> str:
    owner = graph.owner(box)
    if owner is None:
        return "its network is gone"
    if owner is not box:
        return f"shares the network of {owner.name}"
    others = [graph.net[place.net].name for place in graph.places(box) if place.net != net.key]
    if others:
        return f"also on {', '.join(others)}"
    if net.isolated:
        return "reaches nothing"
    return "the host itself" if net.host else f"reaches {members - 1}" if net.icc and box.up else "reaches none"


def _by_address(graph: Graph, net: Net, box: Box) -> tuple[bool, tuple[int, ...], str]:
    ipv4 = next((place.ipv4 for place in graph.places(box) if place.net == net.key), "")
    return not ipv4, tuple(int(part) for part in ipv4.split(".") if part.isdigit()), box.name
