"""What stands beside the map: the legend, what one container reaches, or the answer to "can A reach B?"."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import ip_address
from urllib.parse import urlencode

from django.urls import reverse

from console import access
from console.models import Operation
from console.operations.kinds.reach import MOST as MOST_CHECKED
from console.operations.kinds.reach import ReachParams
from console.operations.verbs import VERBS
from console.pages import links
from console.pages.network_map import NetworkMap
from console.topology import change, reach, words
from console.topology.draw import hues
from console.topology.graph import Box, Graph
from console.topology.reach import Answer, Kind, Verdict, judge

MOST = 60  # entries of one list


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a list: a link with a lamp and a grey line."""

    text: str
    detail: str
    url: str = ""
    lamp: str = "running"


@dataclass(slots=True)
class Part:
    """A list under a heading; ``more`` entries are not in it."""

    title: str
    entries: list[Entry] = field(default_factory=list)
    more: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """A network of the legend."""

    hue: int
    words: str
    count: int
    url: str


class Legend:
    """What there is, what is published, what is folded, what deserves a look."""

    def __init__(self, map_: NetworkMap) -> None:
        self.map, self.graph, self.drawing = map_, map_.graph, map_.drawing

    @property
    def title(self) -> str:
        """How much of the engine is drawn."""
        nets, boxes = len(self.graph.nets), len(self.graph.boxes)
        drawn = len(self.drawing.rails) - len(self.drawing.folded)
        return f"{min(drawn, nets)} of {nets} networks, {len(self.drawing.nodes)} of {boxes} containers"

    @cached_property
    def networks(self) -> list[Known]:
        """The lanes in their order."""
        colour = hues(self.graph)
        slug = self.map.engine.slug
        found = []
        for net in self.graph.nets:
            count = sum(box.key in self.map.shown for box in self.graph.members[net.key])
            where = "internal" if net.internal else next(iter(net.subnets), "")
            text = f"{net.name}, {where}" if where else net.name
            found.append(Known(colour[net.key], text, count, links.network_url(slug, net.name, net.key)))
        return found

    @cached_property
    def published(self) -> list[Entry]:
        """What answers at the host, by container."""
        return [_plugged(self.map, box) for box in self._publishing[:MOST]]

    @property
    def more(self) -> int:
        """How many more containers publish ports."""
        return max(0, len(self._publishing) - MOST)

    @cached_property
    def _publishing(self) -> list[Box]:
        return [box for box in self.graph.boxes if box.key in self.map.shown and box.published]

    @property
    def folded(self) -> list[tuple[str, int, str]]:
        """Lanes that are folded: name, containers, how to open it."""
        return [(net.name, count, self.map.query(open=net.short)) for net, count in self.drawing.folded]

    @property
    def notes(self) -> list[str]:
        """What deserves a look."""
        found = []
        for net in self.graph.nets:
            members = [box for box in self.graph.members[net.key] if box.up]
            if not net.named and not net.host and not net.isolated and len(members) > 1:
                found.append(f"{_few(members)} share {net.name}, where containers have no DNS names.")
            if not net.icc and len(members) > 1:
                found.append(f"Members of {net.name} are cut off from each other (enable_icc is false).")
        lost = [box for box in self.graph.boxes if box.up and self.graph.owner(box) is None]
        if lost:
            found.append(f"{_few(lost)} live in the network of a container that is gone.")
        return found


class Focus:
    """One container: where it stands, whom it reaches and how."""

    def __init__(self, map_: NetworkMap, box: Box) -> None:
        self.map, self.graph, self.box = map_, map_.graph, box
        self.url = links.container_url(map_.engine.slug, box.name, box.key)
        self.ask_url = map_.query(pin="", a=box.short, b="")
        joins = access.can(map_.user, "deploy") and self.graph.owner(box) is box and not reach.on_host(self.graph, box)
        self.connect_url = _connect_url(map_, box.key) if joins else ""
        self.connect_command = f"docker network connect NETWORK {shlex.quote(box.name)}"

    @property
    def places(self) -> list[tuple[str, str]]:
        """(network, addresses)."""
        return [
            (
                self.graph.net[place.net].name,
                ", ".join(filter(None, (place.ipv4, place.ipv6))) or self._nothing(place.net),
            )
            for place in self.graph.places(self.box)
        ]

    def _nothing(self, key: str) -> str:
        net = self.graph.net[key]
        return "the host's addresses" if net.host else "loopback only" if net.isolated else "joins when it starts"

    @property
    def shares(self) -> str:
        """The container whose network it shares, or ""."""
        owner = self.graph.owner(self.box)
        return "" if owner is self.box else owner.name if owner is not None else "a container that is gone"

    @cached_property
    def parts(self) -> list[Part]:
        """Whom it reaches, by the way there."""
        named, plain, host = (
            Part("Reaches by name or IP"),
            Part("Reaches by IP only"),
            Part("Reaches by way of the host"),
        )
        for other in self.graph.boxes:
            if other is self.box:
                continue
            answer = judge(self.graph, self.box, other)
            if answer.best is None:
                continue
            by_host = answer.best.kind in {Kind.HOST, Kind.PUBLISHED}
            part = host if by_host else named if answer.names else plain
            part.entries.append(
                Entry(other.name, _where(self.graph, answer), self.map.query(pin=other.short), other.lamp)
            )
        out = self._out()
        if out:
            host.entries.append(Entry("Internet and LAN", out))
        for part in (named, plain, host):
            part.more = max(0, len(part.entries) - MOST)
            del part.entries[MOST:]
        return [part for part in (named, plain, host) if part.entries]

    def _out(self) -> str:
        if not self.box.up:
            return ""
        if reach.on_host(self.graph, self.box):
            return "as the host itself"
        for place in self.graph.places(self.box):
            net = self.graph.net[place.net]
            if net.routed and place.live:
                return f"NAT through {net.gateway}" if net.gateway else f"NAT, by way of {net.name}"
            if net.driver in {"macvlan", "ipvlan"} and place.live and not net.internal:
                return f"directly, on {net.parent or net.name}"
        return ""

    @property
    def cannot(self) -> str:
        """Whom it does not reach: networks with their numbers of containers."""
        counts = []
        own = {place.net for place in self.graph.places(self.box)}
        for net in self.graph.nets:
            others = [box for box in self.graph.members[net.key] if box is not self.box and box.up]
            closed = [box for box in others if judge(self.graph, self.box, box).best is None]
            if closed and (net.key not in own or len(closed) == len(others)):
                counts.append(f"{net.name} ({len(closed)})")
        return ", ".join(counts)


class Question:
    """Can A reach B? The form, and the answer when both are known."""

    def __init__(self, map_: NetworkMap) -> None:
        self.map, self.graph, self.answer = map_, map_.graph, map_.answer
        self.boxes = sorted(self.graph.boxes, key=lambda box: (not box.up, box.name))
        self.a, self.b = map_.ends

    @property
    def same(self) -> bool:
        """Whether A and B are one container."""
        return self.a is not None and self.a is self.b

    @property
    def lamp(self) -> str:
        """The lamp of the answer."""
        assert self.answer is not None
        return {Verdict.YES: "done", Verdict.NO: "failed", Verdict.WAITS: "paused"}[self.answer.verdict]

    @property
    def ports(self) -> list[tuple[str, str]]:
        """Where to knock: (address with port, words)."""
        assert self.answer is not None
        answer, found = self.answer, []
        direct = [way for way in answer.ways if way.open and not way.to_port]
        declared = [(number, protocol) for number, protocol in answer.ports if answer.port in {0, number}]
        for way in direct[:2]:
            for number, protocol in declared[:10]:
                found.append((f"{way.address}:{number}/{protocol}", "declared by its image or its owner"))
            if not declared:
                target = f"{way.address}:{answer.port}" if answer.port else f"{way.address}, any port"
                found.append((target, "if something listens there"))
        for way in answer.ways:
            if way.open and way.to_port:
                found.append((f"{way.target}/{way.protocol}", f"published, leads to its port {way.to_port}"))
        return list(dict.fromkeys(found))[:12]

    @property
    def back(self) -> str:
        """The way back, in a sentence."""
        assert self.answer is not None
        back = judge(self.graph, self.answer.b, self.answer.a)
        if back.best is None:
            return f"No: {back.text}"
        names = ", ".join(name.text for name in back.names[:2])
        return f"{back.title}: {', '.join(filter(None, (names, back.best.target)))}."

    @property
    def others(self) -> list[Entry]:
        """The ways that do not work, when another does."""
        assert self.answer is not None
        if self.answer.best is None:
            return []
        found = [Entry(_not_through(self.graph, way), way.why, lamp="exited") for way in self.answer.closed]
        return list(dict.fromkeys(found))[:8]

    @cached_property
    def changes(self) -> list[change.Change]:
        """What would make it work."""
        assert self.answer is not None
        return change.changes(self.graph, self.answer.a, self.answer.b, self.answer.port)

    @property
    def offers(self) -> list[tuple[change.Change, str]]:
        """The changes, each with the dialog that does it, or ""."""
        may = access.can(self.map.user, "deploy")
        return [
            (one, _connect_url(self.map, *one.connect) if may and one.connect is not None else "")
            for one in self.changes
        ]

    # ── the live check ──

    @property
    def may_check(self) -> bool:
        """Whether the person may run something in a container."""
        return access.can(self.map.user, "shell")

    @property
    def check_reason(self) -> str:
        """Why A cannot be asked to try it now, or ""."""
        assert self.answer is not None
        why = VERBS["reach.check"].refusal(self.answer.a.state.value)
        return f"{self.answer.a.name} is {why}" if why else ""

    @cached_property
    def check(self) -> ReachParams:
        """What is tried: names, and every address that the answer speaks of with the port asked for or B's own."""
        assert self.answer is not None
        answer = self.answer
        own = [answer.port] if answer.port else [number for number, protocol in answer.ports if protocol == "tcp"][:3]
        targets: list[str] = []
        for way in answer.ways:
            if way.protocol == "tcp" and _is_address(way.address):
                for port in [way.port] if way.to_port else own:
                    targets.append(replace(way, port=port).target)
        names = [name.text for name in answer.names] or [answer.b.name]
        return ReachParams(answer.b.key, tuple(names[:MOST_CHECKED]), tuple(dict.fromkeys(targets))[:MOST_CHECKED])

    @property
    def check_command(self) -> str:
        """The docker commands that it stands for."""
        assert self.answer is not None
        verb = VERBS["reach.check"]
        return verb.command(self.answer.a.name, self.check)

    @property
    def check_url(self) -> str:
        """Where it is asked for."""
        return f"{reverse('network-reach-check', args=[self.map.engine.slug])}{self.map.query(pin='')}"

    @property
    def command(self) -> str:
        """What is next: the first change, or the check."""
        return self.changes[0].commands[0] if self.changes else self.check_command

    @cached_property
    def checked(self) -> Operation | None:
        """The newest check of this pair."""
        assert self.answer is not None
        found = access.operations_for(self.map.user).filter(
            engine=self.map.engine, verb="reach.check", object_id=self.answer.a.key, params__to=self.answer.b.key
        )
        return found.order_by("-created_at").first()

    @property
    def between(self) -> str:
        """Containers that could pass something on."""
        assert self.answer is not None
        if self.answer.best is not None:
            return ""
        return _few(change.between(self.graph, self.answer.a, self.answer.b))


def side_of(map_: NetworkMap) -> dict[str, object]:
    """The panel that fits: a question, a container, or the legend."""
    if map_.asking:
        question = Question(map_)
        command = {"default_command": question.command} if question.answer is not None else {}
        return {"side": "networks/_map_ask.html", "question": question} | command
    if map_.pinned is not None:
        return {"side": "networks/_map_focus.html", "focus": Focus(map_, map_.pinned)}
    return {"side": "networks/_map_legend.html", "legend": Legend(map_)}


def _connect_url(map_: NetworkMap, container: str, net: str = "") -> str:
    """The dialog that connects a container, with the network chosen."""
    url = reverse("container-connect", args=[map_.engine.slug, container])
    return f"{url}?{urlencode({'network': net})}" if net else url


def _plugged(map_: NetworkMap, box: Box) -> Entry:
    ports = words.once(box.published)
    numbers = list(dict.fromkeys(f":{port.host_port}" for port in ports))
    inner = list(dict.fromkeys(str(port.container_port) for port in ports))
    addresses = {
        "all addresses" if port.host_ip in reach.UNSPECIFIED or not port.host_ip else port.host_ip for port in ports
    }
    detail = f"{box.name}, port {' and '.join(inner)}, {', '.join(sorted(addresses))}"
    return Entry(" and ".join(numbers[:4]) + (f" and {len(numbers) - 4} more" if len(numbers) > 4 else ""), detail,
                 map_.query(pin=box.short), box.lamp)  # fmt: skip


def _where(graph: Graph, answer: Answer) -> str:
    opened = [way for way in answer.ways if way.open]
    if answer.best is not None and answer.best.kind is Kind.SAME:
        return "127.0.0.1, the same namespace"
    targets = list(dict.fromkeys(way.target for way in opened))
    nets = list(dict.fromkeys(graph.net[way.net].name for way in opened if way.net))
    return f"{', '.join(targets[:3])}{f', {nets[0]}' if len(nets) == 1 else ''}"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _not_through(graph: Graph, way: reach.Way) -> str:
    if way.kind is Kind.PUBLISHED:
        return f"Not through the host’s port {way.port}"
    return f"Not through {graph.net[way.net].name}" if way.net else "Not through the host"


def _few(boxes: Sequence[Box]) -> str:
    names = [box.name for box in boxes]
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} others"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
