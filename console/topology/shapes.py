"""The parts of the picture: what the template prints, and what of a graph is to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from console.topology.graph import Net

LEFT: Final = 104  # x of the host's frame
COLUMNS: Final = 5


@dataclass(frozen=True, slots=True)
class Rail:
    """A network. ``begin``: x of its dot on the spine, None without; ``count``: containers of a folded lane."""

    net: str
    css: str
    hue: int
    begin: int | None
    path: str
    y: int
    name: str
    facts: tuple[str, ...]
    after: int  # x of the first fact
    count: int | None
    lit: bool


@dataclass(frozen=True, slots=True)
class Wire:
    """A container's place on a network, from the rail to the node. ``halo``: what it cuts out of rails it passes."""

    box: str
    net: str
    hue: int
    path: str
    halo: str
    dot: tuple[int, int]
    address: str
    label: str
    at: tuple[int, int]
    lit: bool
    hop: bool


@dataclass(frozen=True, slots=True)
class Node:
    """A container. ``title``: everything that is known of it, a line each; ``end``: "A" or "B" of a pair."""

    box: str
    nets: str  # the networks' keys, joined by blanks
    css: str
    at: str
    x: int
    y: int
    name: str
    lines: tuple[str, str]
    ports: str
    lamp: str
    word: str
    title: str
    lit: bool
    own: bool
    end: str


@dataclass(frozen=True, slots=True)
class Plug:
    """A published port at the host's wall."""

    net: str
    y: int
    text: str
    title: str
    loopback: bool
    lit: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line of published ports: from a node to its lane's trunk (``box``), or the trunk itself (``net``)."""

    path: str
    box: str = ""
    net: str = ""
    lit: bool = False


@dataclass(frozen=True, slots=True)
class More:
    """How many plugs of a lane are not drawn."""

    net: str
    y: int
    count: int
    title: str
    lit: bool


@dataclass(frozen=True, slots=True)
class Light:
    """What stands out while the rest is dimmed: a container with its networks, or a pair and what joins them."""

    own: frozenset[str] = frozenset()
    nets: frozenset[str] = frozenset()
    pair: tuple[str, str] | None = None
    through: str = ""  # network of a pair

    def rail(self, net: str) -> bool:
        """Whether a network stands out."""
        return net in self.nets

    def wire(self, box: str, net: str) -> bool:
        """Whether a wire stands out."""
        if self.pair:
            return box in self.own and (net == self.through or not self.through)
        return box in self.own or net in self.nets

    def node(self, box: str, nets: Sequence[str]) -> bool:
        """Whether a container stands out."""
        return box in self.own or (not self.pair and any(net in self.nets for net in nets))


@dataclass(frozen=True, slots=True)
class Sheet:
    """What of a graph is drawn. ``shown``: containers; ``opened``: lanes that never fold, None for all."""

    shown: frozenset[str]
    opened: frozenset[str] | None = frozenset()
    filtered: bool = False  # lanes without any of ``shown`` fold
    cols: int = COLUMNS
    light: Light = field(default_factory=Light)


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole picture."""

    width: int
    height: int
    spine: tuple[int, int]  # top, height
    rails: tuple[Rail, ...]
    wires: tuple[Wire, ...]
    nodes: tuple[Node, ...]
    plugs: tuple[Plug, ...]
    lines: tuple[Line, ...]
    more: tuple[More, ...]
    folded: tuple[tuple[Net, int], ...]
    mode: str  # "", "is-focus", "is-pair"

    @property
    def wall(self) -> int:
        """Width of the host's frame."""
        return self.width - LEFT - 4
