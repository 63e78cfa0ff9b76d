"""What the dialogs of networks and of the swarm show. Nothing here asks an engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Q
from django.urls import reverse

from console import access, docker_networks
from console.models import Container, Endpoint, Engine, Network, Operation
from console.operations.network_params import DisconnectParams
from console.operations.params import InvalidParams, Params
from console.operations.verbs import VERBS, Verb
from console.pages.refusals import NO_IPVLAN, Refusal, field_of

MOST_LISTED: Final = 500
FULL_ID: Final = re.compile(r"[0-9a-z]{25,64}")  # of the engine; a swarm's are shorter
SHORTS: Final = ("connect", "disconnect", "remove")
# What engines say of a connection (20.10 to 28), the field that it is about, and what to do.
_REFUSALS: Final[tuple[Refusal, ...]] = (
    (r"ipvlan", "network", NO_IPVLAN),
    (r"address already in use", "ip", "Leave it empty, and the engine gives a free one."),
    (r"does not belong to any of this network's subnets", "ip", "Take one of its subnet, or leave it empty."),
    (r"subnet", "ip", "An address can be chosen only on networks whose subnet was given at their creation."),
    (r"user defined networks only", "ip", "Leave address and aliases empty here."),
    (r"network-scoped alias", "alias", "Leave it empty here."),
    (r"alias", "alias", ""),
    (r"not manually attachable", "network", "The network was made without --attachable."),
    (r"already exists in network", "container", "It is connected already."),
    (r"\(none\) mode", "container", "Disconnect it from none first."),
    (r"host network", "container", "It lives in the host's network: recreate it with a network of its own."),
)


def action_url(slug: str, network_id: str, short: str) -> str:
    """Where the verb ``short`` (remove) is asked of a network."""
    return reverse("network-action", args=[slug, network_id, short])


def refused_field(said: str, only_ip6: bool = False) -> tuple[str, str]:
    """The field that a refusal of ``connect`` is about, and the sentence for it.

    ``only_ip6``: the one address that was asked for is of IPv6.
    """
    where, do = field_of(_REFUSALS, said, "container")
    return ("ip6" if where == "ip" and only_ip6 else where), f"{said} {do}".strip()


@dataclass(slots=True)
class Asked:
    """One verb asked of one network for one person, as its dialog shows it."""

    user: access.Actor
    engine: Engine
    network: Network | None  # None: still to be chosen, from a container's page
    verb: Verb
    data: Mapping[str, Any]
    container: Container | None = None  # given by the page that the dialog was opened from
    errors: dict[str, str] = field(default_factory=dict)
    params: Params | None = None

    def read(self) -> None:
        """Read the form into ``params`` or ``errors``."""
        given = dict(self.data.items())
        if self.container is not None:
            given |= {"container": self.container.container_id}
        chosen = self.chosen(str(given.get("container", "")))
        if chosen is not None:
            given["name"] = chosen.name
        elif given.get("container"):
            self.errors["container"] = "This container does not exist any more."
        try:
            self.params = self.verb.params.read(given)
        except InvalidParams as error:
            self.errors |= error.errors
        if self.network is None:
            self.errors["network"] = "Choose a network."
        if self.errors:
            self.params = None

    def chosen(self, container_id: str) -> Container | None:
        """The container of the form."""
        if not FULL_ID.fullmatch(container_id):
            return None
        return access.containers_for(self.user, self.engine).filter(container_id=container_id).first()

    @property
    def members(self) -> list[Endpoint]:
        """Who is on the network now."""
        if self.network is None:
            return []
        rows = Endpoint.objects.filter(
            container__in=access.containers_for(self.user, self.engine), network_id=self.network.network_id
        ).exclude(endpoint_id="")
        return list(rows.select_related("container").order_by("container__name")[:MOST_LISTED])

    @property
    def resting(self) -> list[str]:
        """Names of the stopped containers that were made for the network."""
        if self.network is None:
            return []
        never_started = Q(network_id="", network_name=self.network.name)
        rows = Endpoint.objects.filter(
            Q(network_id=self.network.network_id) | never_started,
            container__in=access.containers_for(self.user, self.engine),
            endpoint_id="",
        )
        return list(rows.order_by("container__name").values_list("container__name", flat=True)[:MOST_LISTED])

    @property
    def resting_words(self) -> str:
        """What becomes of those."""
        names = self.resting
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        what = "It does" if len(names) == 1 else "They do"
        return f"Stopped and made for it: {', '.join(names[:5])}{more}. {what} not start any more."

    @property
    def outside(self) -> list[Container]:
        """Containers that are not on the network, and can have one of their own."""
        rows = access.containers_for(self.user, self.engine).exclude(network_mode__startswith="container:")
        rows = rows.exclude(network_mode="host")
        if self.network is not None:
            rows = rows.exclude(endpoints__network_id=self.network.network_id)
            rows = rows.exclude(endpoints__network_name=self.network.name)
        return list(rows.only("name", "container_id", "state").order_by("name")[:MOST_LISTED])

    @property
    def networks(self) -> list[Network]:
        """Networks that the container is not on."""
        if self.container is None:
            return []
        here = self.container.endpoints.values_list("network_name", flat=True)
        rows = access.networks_for(self.user, self.engine).exclude(name__in=["host", "none", *here])
        return list(rows.exclude(ingress=True).order_by("name")[:MOST_LISTED])

    @property
    def last(self) -> bool:
        """Whether a disconnection leaves the container on no network."""
        name = str(self.data.get("container", "")) or (self.container.container_id if self.container else "")
        found = self.container or self.chosen(name)
        return found is not None and found.endpoints.exclude(endpoint_id="").count() <= 1

    @property
    def command(self) -> str:
        """The docker command as the fields stand."""
        name = self.network.name if self.network else "NETWORK"
        if self.params is None and self.verb.short == "disconnect" and self.container is not None:
            return self.verb.command(name, DisconnectParams(self.container.container_id, self.container.name))
        if self.params is not None:
            return self.verb.command(name, self.params)
        return self.verb.command(name) if self.verb.short == "remove" else f"{self.verb.base} {name} CONTAINER"

    @property
    def title(self) -> str:
        """The dialog's heading."""
        name = self.network.name if self.network else "a network"
        who = self.container.name if self.container else "a container"
        return {
            "connect": f"Connect {who} to {name}",
            "disconnect": f"Disconnect {who} from {name}?",
            "remove": f"Remove {name}?",
        }[self.verb.short]

    def context(self, action: str) -> dict[str, Any]:
        """For ``networks/_dialog_<verb>.html``."""
        network = self.network
        built_in = network is not None and network.name in docker_networks.BUILT_IN
        return {
            "engine": self.engine,
            "asked": self,
            "network": network,
            "member": self.container,
            "verb": self.verb,
            "action": action,
            "danger": self.verb.danger,
            "title": self.title,
            "typed": self.data,
            "errors": self.errors,
            "command": self.command,
            "built_in": built_in,
            "own_addresses": network is None or not built_in,
        }


def refill(operation: Operation) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields of a connection that the engine refused, and its words at their field."""
    params = operation.params
    data = {name: params.get(name, "") for name in ("container", "ip", "ip6")}
    data["alias"] = ", ".join(params.get("alias", ()))
    said = operation.error or str(operation.result.get("reason", ""))
    where, text = refused_field(said, bool(params.get("ip6") and not params.get("ip")))
    return data, {where: text}


def verb_for(short: str) -> Verb | None:
    """The verb of an address's last part."""
    return VERBS.get(f"network.{short}") if short in SHORTS else None
