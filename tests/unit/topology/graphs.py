"""Random graphs and a fixed one, for tests of the map."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from console.engine.types import ContainerState, Port
from console.topology.graph import Box, Graph, Net, Place


def net(number: int, name: str = "", **columns: object) -> Net:
    """A bridge 10.<number>.0.0/16."""
    usual: dict[str, object] = {
        "key": f"{number:012x}".ljust(64, "0"),
        "name": name or f"net{number}",
        "driver": "bridge",
        "subnets": (f"10.{number}.0.0/16",),
        "gateways": (f"10.{number}.0.1",),
        "interface": f"br-{number}",
    }
    return Net(**(usual | columns))  # type: ignore[arg-type]


def place(on: Net, last: int, **columns: object) -> Place:
    """The address that ends in ``last``."""
    prefix = on.subnets[0].split(".")[1] if on.subnets else ""
    ipv4 = f"10.{prefix}.{last // 256}.{last % 256}" if prefix else ""
    return Place(**({"net": on.key, "ipv4": ipv4, "mac": f"02:42:{last:02x}"} | columns))  # type: ignore[arg-type]


def box(number: int, *places: Place, **columns: object) -> Box:
    """A running container."""
    usual: dict[str, object] = {
        "key": f"{number + 4096:012x}".ljust(64, "0"),
        "name": f"box{number}",
        "order": float(number),
    }
    return Box(places=places, **(usual | columns))  # type: ignore[arg-type]


HOST = Net("h" * 64, "host", "host", named=False)
NONE = Net("e" * 64, "none", "null", named=False)


def random_graph(seed: int, most: int = 60) -> Graph:
    """Up to nine networks and ``most`` containers on one to four of them, some stopped, shared, on host and none."""
    chance = random.Random(seed)
    bridges = [net(number + 1, internal=chance.random() < 0.2) for number in range(chance.randint(1, 9))]
    boxes: list[Box] = []
    taken = dict.fromkeys(bridges, 2)
    for number in range(chance.randint(1, most)):
        way = chance.random()
        ports = (Port(80, "tcp", "0.0.0.0", 8000 + number),) if chance.random() < 0.3 else ()
        if way < 0.05:
            boxes.append(box(number, Place(chance.choice((HOST, NONE)).key)))
        elif way < 0.1 and boxes:
            boxes.append(box(number, mode=f"container:{chance.choice(boxes).key}"))
        elif way < 0.13:
            boxes.append(box(number))
        else:
            places = []
            for on in chance.sample(bridges, min(len(bridges), chance.choice([1, 1, 1, 1, 2, 2, 3, 4]))):
                places.append(place(on, taken[on]))
                taken[on] += chance.choice([1, 1, 1, 2, 9])
            stopped = chance.random() < 0.1
            state = ContainerState.EXITED if stopped else ContainerState.RUNNING
            boxes.append(box(number, *places, ports=ports, state=state))
    return Graph((*bridges, HOST, NONE), tuple(boxes))


graphs = st.integers(0, 2**32).map(random_graph)
