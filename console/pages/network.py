"""One network: its members, its pools, what names and options mean."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.db.models import Q
from django.urls import reverse

from console import access, docker_networks, docker_words
from console.models import Endpoint, Engine
from console.pages import links
from console.pages.detail import Detail, Tab, Value
from console.pages.networks import pools, unnamed
from console.pages.users import dense

MOST_MEMBERS: Final = 500


@dataclass(frozen=True, slots=True)
class Member:
    """One container's place on the network. Without an address: it joins when it starts."""

    name: str
    key: str
    url: str
    status: docker_words.Dense
    endpoint_id: str
    mac: str
    ipv4: str
    ipv6: str
    names: tuple[str, ...]
    disconnect: str  # address of the dialog

    @property
    def gone(self) -> bool:
        """Whether it is not connected now."""
        return not self.endpoint_id


class NetworkDetail(Detail):
    """One network."""

    view = "network"
    kinds = frozenset({"network", "container", "engine"})
    seen = frozenset({"network"})

    def find(self) -> None:
        self.network = access.network_for(self.user, self.engine, self.reference)
        self.options: dict[str, Any] = self.network.options if isinstance(self.network.options, dict) else {}

    @property
    def key(self) -> str:
        return self.network.network_id

    @cached_property
    def members(self) -> list[Member]:
        """Who is on it, the connected ones first, at most ``MOST_MEMBERS``."""
        rows = (
            Endpoint.objects.filter(container__in=access.containers_for(self.user, self.engine))
            .filter(Q(network_id=self.network.network_id) | unnamed([self.network.name]))
            .select_related("container")
            .defer("container__env", "container__labels", "container__details", "container__ports")
            .order_by("container__name", "pk")
        )
        return sorted((self._member(row) for row in rows[:MOST_MEMBERS]), key=lambda member: member.gone)

    def _member(self, row: Endpoint) -> Member:
        container = row.container
        named = docker_networks.has_names(self.network.name, self.network.driver, self.network.scope)
        aliases = [str(alias) for alias in row.aliases] if isinstance(row.aliases, list) else []
        names = dict.fromkeys([container.name, *aliases, container.short_id]) if named else {}
        return Member(
            name=container.name or container.short_id,
            key=container.short_id,
            url=links.container_url(self.engine.slug, container.name, container.container_id),
            status=dense(container),
            endpoint_id=row.endpoint_id,
            mac=row.mac_address,
            ipv4=f"{row.ipv4_address}/{row.ipv4_prefix}" if row.ipv4_address else "",
            ipv6=f"{row.ipv6_address}/{row.ipv6_prefix}" if row.ipv6_address else "",
            names=tuple(names),
            disconnect=f"{self._action('disconnect')}?container={container.container_id}",
        )

    def _action(self, short: str) -> str:
        return reverse("network-action", args=[self.engine.slug, self.network.network_id, short])

    @property
    def map_url(self) -> str:
        """The map with the lanes of this network's name open."""
        return links.filtered("network-map", self.engine.slug, "network", self.network.name)

    @property
    def may_change(self) -> bool:
        """Whether the person may connect, disconnect and remove; not while another engine answers."""
        return access.can(self.user, "deploy") and self.engine.state != Engine.State.SWAPPED

    @property
    def takes_members(self) -> bool:
        """Whether a container that exists can be connected to it."""
        return self.network.driver not in {"host", "null"} and not self.network.ingress

    @property
    def connect_command(self) -> str:
        """``docker network connect`` without the container."""
        return f"docker network connect {shlex.quote(self.network.name)} CONTAINER"

    @property
    def remove_command(self) -> str:
        """``docker network rm``."""
        return f"docker network rm {shlex.quote(self.network.name)}"

    @property
    def connected(self) -> int:
        """How many members have an address now."""
        return sum(not member.gone for member in self.members)

    @property
    def means(self) -> str:
        """What its driver means."""
        return docker_networks.driver_words(self.network.driver)

    @property
    def names_words(self) -> str:
        """What names mean on it."""
        return docker_networks.names_words(self.network.name, self.network.driver, self.network.scope)

    @property
    def has_names(self) -> bool:
        """Whether members find each other by name."""
        return docker_networks.has_names(self.network.name, self.network.driver, self.network.scope)

    @property
    def reach(self) -> list[str]:
        """What it cuts off."""
        return docker_networks.reach(self.network.internal, self.options)

    @property
    def interface(self) -> str:
        """The bridge on the host."""
        return docker_networks.interface(self.network.network_id, self.network.driver, self.options)

    @property
    def subnets(self) -> str:
        """The subnets, joined."""
        return ", ".join(str(pool.get("subnet", "")) for pool in pools(self.network))

    @property
    def gateways(self) -> str:
        """The gateways, joined."""
        return ", ".join(str(pool["gateway"]) for pool in pools(self.network) if pool.get("gateway"))

    @property
    def facts(self) -> list[tuple[str, str, str]]:
        """What it is: (label, value, class)."""
        network = self.network
        rows = [
            ("Network ID", network.network_id, "mono"),
            ("Driver", network.driver, ""),
            ("Scope", network.scope, ""),
            ("Internal", "yes: no way out" if network.internal else "no", ""),
            ("Attachable", "yes" if network.attachable else "no", ""),
            ("IPv6", "yes" if network.ipv6 else "no", ""),
            ("Address driver", network.ipam_driver, ""),
            ("Created", docker_words.moment(network.created_at), ""),
        ]
        for pool in pools(network):
            rows.append(("Subnet", str(pool.get("subnet", "")), "mono"))
            rows += [
                (label, str(pool[name]), "mono")
                for name, label in (("gateway", "Gateway"), ("ip_range", "Range"))
                if pool.get(name)
            ]
            reserved = pool.get("aux_addresses")
            if isinstance(reserved, dict) and reserved:
                rows.append(("Reserved", ", ".join(f"{name} {ip}" for name, ip in reserved.items()), "mono"))
        return rows

    @property
    def option_rows(self) -> list[Value]:
        """Its options and what they mean."""
        return [
            Value(value.name, value.text, value.hidden, docker_networks.OPTIONS.get(value.name, ""))
            for value in self.values(self.options, lambda name: name in docker_networks.OPTIONS)
        ]

    @property
    def label_rows(self) -> list[Value]:
        """Its labels."""
        return self.labels(self.network.labels)

    @property
    def built_in(self) -> bool:
        """Whether the engine made it and keeps it."""
        return self.network.name in docker_networks.BUILT_IN

    def context(self, current: str) -> dict[str, Any]:
        """For ``networks/detail.html`` and its tabs."""
        slug, network = self.engine.slug, self.network
        rows = (("network", "Overview", None), ("network-inspect", "Inspect", None))
        return {
            "engine": self.engine,
            "detail": self,
            "network": network,
            "tabs": [
                Tab(label, links.network_url(slug, network.name, network.network_id, name), n, name == current)
                for name, label, n in rows
            ],
            "list_view": "networks",
            "list_title": "Networks",
            "heading": network.name or network.short_id,
            "default_command": self.command(current),
        }

    def command(self, current: str) -> str:
        return f"docker network inspect {shlex.quote(self.network.name or self.network.short_id)}"
