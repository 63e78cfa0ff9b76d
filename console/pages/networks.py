"""The list of networks. A constant number of queries for any length."""

from __future__ import annotations

import ipaddress
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import OrderBy
from django.db.models.functions import Lower

from console import access, docker_networks, filters
from console.filters import FilterError, Key
from console.models import Endpoint, Network
from console.pages import links
from console.pages.container_keys import public_label
from console.pages.listing import Listing, counted, numbers_of

_DOCKER_FILTERS: Final = ("name", "id", "driver", "scope", "label")


@dataclass(frozen=True, slots=True)
class Row:
    """What ``networks/_row.html`` prints. ``connected``: with an address on it now; ``waiting``: when they start."""

    network: Network
    key: str
    url: str
    subnets: str
    gateways: str
    connected: int
    waiting: int
    containers_url: str
    means: str
    names: str
    built_in: bool


def pools(network: Network) -> list[dict[str, Any]]:
    """The address pools, as the mirror keeps them."""
    return [pool for pool in network.ipam if isinstance(pool, dict)] if isinstance(network.ipam, list) else []


def unnamed(names: Sequence[str]) -> Q:
    """Places of containers that never ran: until then the engine gives the network's name only."""
    return Q(network_id="", network_name__in=names)


class NetworkList(Listing):
    """The networks of an engine."""

    view = "networks"
    what = "networks"
    title = "Networks"
    template = "networks/_region.html"
    switch = "networks/_ways.html"
    actions = "networks/_tools.html"
    region = "network-table"
    placeholder = "Filter: name, driver:bridge, subnet:172.18.0.0/16, internal:yes, used:no"
    kinds = frozenset({"network", "container", "engine"})
    shows = {"all": "All", "own": "Made by people", "unused": "Without containers"}
    sorts: ClassVar[Mapping[str, tuple[OrderBy, ...]]] = {
        "name": (F("rank").asc(), Lower("name").asc()),
        "driver": (Lower("driver").asc(), Lower("name").asc()),
        "created": (F("created_at").desc(nulls_last=True),),
        "containers": (F("connected").desc(), Lower("name").asc()),
    }
    titles = (
        ("name", "Name", ""),
        ("", "ID", ""),
        ("driver", "Driver", ""),
        ("", "Scope", ""),
        ("", "Subnet", ""),
        ("", "Gateway", ""),
        ("", "Internal", ""),
        ("", "Names", ""),
        ("created", "Created", ""),
        ("containers", "Containers", "num"),
    )

    def keys(self) -> Mapping[str, Key]:
        member = self._endpoints().filter(network_id=OuterRef("network_id"))
        used = Q(Exists(member.exclude(endpoint_id="")))
        internal, ipv6 = Q(internal=True), Q(ipv6=True)
        return {
            "name": filters.contains("name", example="name:shop"),
            "id": filters.starts("network_id", example="id:300b094e6d5d"),
            "driver": filters.like("driver", "driver:bridge"),
            "scope": filters.choice("scope", ("local", "swarm", "global"), "scope:local"),
            "subnet": Key(subnet, "subnet:172.18.0.0/16"),
            "internal": filters.flag({"yes": internal, "no": ~internal}, "internal:yes"),
            "ipv6": filters.flag({"yes": ipv6, "no": ~ipv6}, "ipv6:yes"),
            "used": filters.flag({"yes": used, "no": ~used}, "used:no"),
            "container": Key(
                lambda operator, value: Q(Exists(member.filter(container__name__icontains=value))), "container:web"
            ),
            "label": filters.label("labels", "label:tier=web", lambda n: self.secrets or public_label(n)),
            "created": filters.age("created_at", "created<2h"),
        }

    def word(self, value: str) -> Q:
        return Q(name__icontains=value) | Q(network_id__istartswith=value)

    @cached_property
    def secrets(self) -> bool:
        """Whether the person may see values of labels."""
        return access.can(self.user, "shell")

    def _endpoints(self) -> QuerySet[Endpoint]:
        assert self.engine is not None
        return Endpoint.objects.filter(container__in=access.containers_for(self.user, self.engine))

    def visible(self) -> QuerySet[Network]:
        assert self.engine is not None
        rank = [When(name=name, then=Value(at)) for at, name in enumerate(docker_networks.BUILT_IN)]
        connected = counted(self._endpoints().filter(network_id=OuterRef("network_id")).exclude(endpoint_id=""))
        return access.networks_for(self.user, self.engine).annotate(
            rank=Case(*rank, default=Value(9), output_field=IntegerField()), connected=connected
        )

    def shown(self, show: str) -> Q:
        used = Q(Exists(self._endpoints().filter(network_id=OuterRef("network_id")).exclude(endpoint_id="")))
        return {"own": ~Q(name__in=docker_networks.BUILT_IN), "unused": ~used}.get(show, Q())

    @cached_property
    def numbers(self) -> dict[str, int]:
        rows = access.networks_for(self.user, self.engine) if self.engine else Network.objects.none()
        ways = {show: self.shown(show) for show in self.shows}
        return numbers_of(rows, ways, self.condition & self.shown(self.show))

    def rows_of(self, found: Sequence[Any]) -> list[Row]:
        """Networks as rows, with the containers that join them when they start: one query."""
        waiting: Counter[str] = Counter()
        ids, names = [network.network_id for network in found], [network.name for network in found]
        absent = self._endpoints().filter(endpoint_id="").filter(Q(network_id__in=ids) | unnamed(names))
        for network_id, name, n in absent.values_list("network_id", "network_name").annotate(n=Count("pk")):
            waiting[network_id or f"name {name}"] += n
        return [self._row(network, waiting[network.network_id] + waiting[f"name {network.name}"]) for network in found]

    def _row(self, network: Any, waiting: int) -> Row:
        assert self.engine is not None
        slug = self.engine.slug
        named = docker_networks.has_names(network.name, network.driver, network.scope)
        return Row(
            network=network,
            key=network.short_id,
            url=links.network_url(slug, network.name, network.network_id),
            subnets=", ".join(pool.get("subnet", "") for pool in pools(network)),
            gateways=", ".join(pool["gateway"] for pool in pools(network) if pool.get("gateway")),
            connected=network.connected,
            waiting=waiting,
            containers_url=links.filtered("containers", slug, "network", network.name),
            means=docker_networks.driver_words(network.driver),
            names="yes" if named else "no",
            built_in=network.name in docker_networks.BUILT_IN,
        )

    @property
    def may_create(self) -> bool:
        """Whether the person may make networks."""
        return access.can(self.user, "deploy")

    @property
    def drivers(self) -> list[tuple[str, str]]:
        """The drivers on this page and what they mean."""
        found = sorted({row.network.driver for row in self.rows if row.network.driver})
        return [(driver, docker_networks.driver_words(driver)) for driver in found]

    @property
    def command(self) -> str:
        parts = ["docker", "network", "ls"]
        for term in self.terms:
            if term.operator == ":" and not term.negated and (term.key or "name") in _DOCKER_FILTERS:
                parts += ["--filter", f"{term.key or 'name'}={term.value}"]
        return shlex.join(parts)


def subnet(operator: str, value: str) -> Q:
    """A subnet as it is written, or an address: the first figures of the subnet."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        if not value.strip("0123456789abcdefABCDEF.:/") == "":
            raise FilterError(f"“{value}” is not a subnet, such as 172.18.0.0/16.") from error
    return filters.in_json("ipam", f'"subnet": "{value.lower()}')
