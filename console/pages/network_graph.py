"""The mirror's networks and containers as a graph, in the order of the map's lanes: three queries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Prefetch

from console import access, docker_networks, docker_words
from console.models import Container, Endpoint, Engine, Network
from console.pages.container_rows import ports_of, state_of
from console.pages.networks import pools
from console.pages.users import COLUMNS, dense
from console.topology.graph import Box, Graph, Net, Place

_CONTAINER: Final = (*COLUMNS, "network_mode", "ports", "project", "service")
_LAST: Final = {"host": 1, "null": 2}  # drivers that come after all others


def graph_of(user: access.Actor, engine: Engine) -> Graph:
    """All that the person may see: the default bridge, networks as they were made, host, none."""
    rows = access.networks_for(user, engine).defer("labels")
    nets = [_net(row) for row in sorted(rows, key=_rank)]
    ids = {net.key for net in nets}
    by_name = {net.name: net.key for net in nets}
    endpoints = Prefetch("endpoints", Endpoint.objects.order_by("pk"))
    containers = access.containers_for(user, engine).only(*_CONTAINER).prefetch_related(endpoints).order_by("pk")
    return Graph(tuple(nets), tuple(_box(row, ids, by_name) for row in containers))


def _rank(row: Network) -> tuple[Any, ...]:
    built_in = row.name == "bridge" and row.driver == "bridge"
    made = row.created_at.timestamp() if row.created_at else 0.0
    return (_LAST.get(row.driver, 0), not built_in, made, row.name, row.network_id)


def _net(row: Network) -> Net:
    options = row.options if isinstance(row.options, dict) else {}
    found = pools(row)
    return Net(
        key=row.network_id,
        name=row.name or row.short_id,
        driver=row.driver,
        internal=row.internal,
        icc=str(options.get(docker_networks.ICC, "true")).lower() != "false",
        named=docker_networks.has_names(row.name, row.driver, row.scope),
        subnets=_words(pool.get("subnet") for pool in found),
        gateways=_words(pool.get("gateway") for pool in found),
        ranges=_words(pool.get("ip_range") for pool in found),
        reserved=_words(address for pool in found for address in _reserved(pool)),
        interface=docker_networks.interface(row.network_id, row.driver, options),
        parent=str(options.get("parent", "")),
        mode=str(options.get("macvlan_mode") or options.get("ipvlan_mode") or ""),
    )


def _reserved(pool: dict[str, Any]) -> Sequence[Any]:
    found = pool.get("aux_addresses")
    return list(found.values()) if isinstance(found, dict) else []


def _words(values: Any) -> tuple[str, ...]:
    return tuple(str(value) for value in values if value)


def _box(row: Container, ids: set[str], by_name: dict[str, str]) -> Box:
    status = dense(row)
    return Box(
        key=row.container_id,
        name=row.name or row.short_id,
        state=state_of(row)[0],
        mode=row.network_mode,
        places=tuple(place for endpoint in row.endpoints.all() if (place := _place(endpoint, ids, by_name))),
        ports=tuple(ports_of(row)),
        image=docker_words.image_reference(row.image, row.image_id),
        project=row.project,
        service=row.service,
        lamp=status.lamp,
        word=status.word,
        order=_seconds(row.created_at),
    )


def _place(row: Endpoint, ids: set[str], by_name: dict[str, str]) -> Place | None:
    """None for a network that is gone; a container that never ran knows its networks by name only."""
    key = row.network_id if row.network_id in ids else by_name.get(row.network_name, "")
    if not key:
        return None
    aliases = _words(row.aliases) if isinstance(row.aliases, list) else ()
    return Place(key, row.ipv4_address, row.ipv6_address, row.mac_address, aliases, bool(row.endpoint_id))


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
