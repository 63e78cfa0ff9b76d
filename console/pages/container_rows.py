"""One container as a row of a list: what the template prints, and all that it depends on."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from django.db.models import TextField
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import timezone

from console import docker_words, masks
from console.engine.types import ContainerState, Health, Port
from console.models import Container, Engine
from console.pages.container_actions import Actions, Shape
from console.templatetags.qd import span

# The columns of a row, in the order of ``Listed``. Environment, labels, details can be large: no list reads them.
COLUMNS: Final = (
    "pk",
    "container_id",
    "name",
    "image",
    "image_id",
    "created_at",
    "state",
    "health",
    "exit_code",
    "started_at",
    "finished_at",
    Cast("entrypoint", TextField()),
    Cast("command", TextField()),
    Cast("ports", TextField()),
    "network_mode",
    "auto_remove",
    "project",
    "problem",
)
MOST_PORTS: Final = 3  # as links in one row; the rest is counted
_NAME_IN_URL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_HTTPS: Final = frozenset({443, 6443, 8443, 9443})


@dataclass(frozen=True, slots=True)
class PortLink:
    """One published port as text, and where it opens: "" when it is not for a browser or out of its reach."""

    text: str
    href: str
    title: str


class Listed(NamedTuple):
    """The columns of a container that a row shows. JSON stays text: equal tuples, equal rows."""

    pk: int
    container_id: str
    name: str
    image: str
    image_id: str
    created_at: datetime | None
    state: str
    health: str
    exit_code: int
    started_at: datetime | None
    finished_at: datetime | None
    entrypoint_json: str
    command_json: str
    ports_json: str
    network_mode: str
    auto_remove: bool
    project: str
    problem: str

    @property
    def short_id(self) -> str:
        """As ``Container.short_id``."""
        return self.container_id[:12]

    @property
    def entrypoint(self) -> list[str]:
        """As the column."""
        return _json_list(self.entrypoint_json)

    @property
    def command(self) -> list[str]:
        """As the column."""
        return _json_list(self.command_json)

    @property
    def ports(self) -> list[Any]:
        """As the column."""
        return _json_list(self.ports_json)


class Address(NamedTuple):
    """A container's place on a network, as far as a row shows it."""

    network_name: str
    ipv4_address: str
    ipv6_address: str


@dataclass(frozen=True, slots=True)
class Row:
    """What ``containers/_row.html`` prints. Its fields are all that the row depends on besides the clock.

    So a row that equals one drawn before looks the same, as long as its ``words`` do (``templatetags.containers``).
    What is printed is worked out only when a row is drawn. ``published_at``: where the engine's published ports are;
    ``host``: where the reader's browser reaches the console; ``secrets``: whether they may see commands.
    """

    container: Listed
    addresses: tuple[Address, ...]
    shape: Shape
    published_at: str
    host: str
    newer_image: bool
    secrets: bool

    @property
    def words(self) -> tuple[str, str, str]:
        """What the clock changes: the status as docker prints it, its age, the container's age."""
        container, now = self.container, timezone.now()
        state, health = state_of(container)
        printed = docker_words.status(
            state, health, container.exit_code, container.started_at, container.finished_at, now
        )
        moments = self.status.moment, container.created_at
        ages = [span((now - moment).total_seconds()) if moment else "" for moment in moments]
        return printed, ages[0], ages[1]

    @property
    def id12(self) -> str:
        """For the ids of elements."""
        return self.container.short_id

    @property
    def url(self) -> str:
        """The container's page."""
        return container_url(self.shape.slug, self.container)

    @property
    def acts(self) -> Actions:
        """Its buttons."""
        return self.shape.actions(self.container.container_id, self.container.name)

    @property
    def busy(self) -> str:
        """The verb that is under way ("Stopping"), or ""."""
        return self.acts.busy

    @property
    def gone(self) -> bool:
        """Whether it does not run."""
        return state_of(self.container)[0] not in docker_words.RUNNING

    @property
    def status(self) -> docker_words.Dense:
        """The status in the console's words."""
        container = self.container
        if container.problem:
            return _quarantined()
        state, health = state_of(container)
        return docker_words.dense(
            state, health, container.exit_code, container.created_at, container.started_at, container.finished_at
        )

    @property
    def image(self) -> str:
        """The image's reference."""
        return docker_words.image_reference(self.container.image, self.container.image_id)

    @property
    def command(self) -> str:
        """The first words of its command, masked."""
        container = self.container
        if not self.secrets:
            return ""
        return docker_words.command(container.entrypoint, masks.masked_words(container.command), 40)

    @property
    def links(self) -> Links:
        """Its published ports."""
        ports = ports_of(self.container)
        found = port_links(ports, self.published_at, self.host)
        many = len(found) > MOST_PORTS + 1
        return Links(
            found[:MOST_PORTS] if many else found, len(found) - MOST_PORTS if many else 0, docker_words.ports(ports)
        )

    @property
    def address(self) -> tuple[str, str]:
        """The address on the first network, and all of them for the title."""
        return _address(self.container, state_of(self.container)[0], self.addresses)

    @property
    def tag(self) -> tuple[str, str]:
        """A word beside the name with its reason, or two empty strings."""
        return _tag(self.container, self.newer_image)


@dataclass(frozen=True, slots=True)
class Links:
    """Ports of a row: those that are shown, how many are not, and all of them in docker's words."""

    shown: tuple[PortLink, ...]
    left: int
    title: str


def clean_host(host: str) -> str:
    """A host name or address that a browser sent, or "" if it is none."""
    return host if re.fullmatch(r"[A-Za-z0-9._:-]{1,255}", host) else ""


def container_url(slug: str, container: Container | Listed, page: str = "container") -> str:
    """The address of a container's page: by name, so that a recreated one keeps it, or by id where no name fits."""
    fits = _NAME_IN_URL.fullmatch(container.name) and not re.fullmatch(r"[0-9a-f]{12,64}", container.name)
    reference = container.name if fits else container.container_id or "-"
    before, after = _address_of_page(slug, page)
    return f"{before}{reference}{after}"


@lru_cache(maxsize=256)
def _address_of_page(slug: str, page: str) -> tuple[str, str]:
    """What stands before the reference and after it. As ``reverse``, fast enough for a list."""
    before, _, after = reverse(page, args=[slug, "0" * 64]).partition("0" * 64)
    return before, after


def state_of(container: Container | Listed) -> tuple[ContainerState, Health]:
    """State and health as enums; a value of a later version reads as unknown, none."""
    try:
        state = ContainerState(container.state)
    except ValueError:
        state = ContainerState.UNKNOWN
    try:
        return state, Health(container.health)
    except ValueError:
        return state, Health.NONE


def ports_of(container: Container | Listed) -> list[Port]:
    """The ports that ``docker container ls`` shows: published ones, and exposed ones where they mean something."""
    exposed = docker_words.has_ports(state_of(container)[0], container.network_mode)
    found: list[Port] = []
    for item in container.ports:
        port = _port(item)
        if port and (exposed or port.host_port is not None):
            found.append(port)
    return found


def link_host(engine: Engine, host: str) -> str:
    """The host at which an engine's published ports are reached: its own, or the console's when it is local."""
    try:
        remote = engine.address.host
    except ValueError:
        return ""
    return host if not remote or _loopback(remote) else remote


def port_links(ports: Sequence[Port], published_at: str, host: str) -> tuple[PortLink, ...]:
    """The published ports, IPv4 and IPv6 of one mapping folded, as links that open the service.

    A port that is bound to the engine's loopback is a link only where the browser runs on that machine too.
    """
    found: dict[tuple[str, int, int, str], list[str]] = {}
    for port in ports:
        if port.host_port is not None and port.protocol != "more":
            kind = "loopback" if _loopback(port.host_ip) else "any" if _any(port.host_ip) else port.host_ip
            found.setdefault((kind, port.host_port, port.container_port, port.protocol), []).append(port.host_ip)
    links: list[PortLink] = []
    for (kind, public, private, protocol), ips in found.items():
        suffix = "" if protocol == "tcp" else f"/{protocol}"
        prefix = "" if kind == "any" else docker_words.address(ips[0], "")
        title = ", ".join(f"{docker_words.address(ip, public)}->{private}/{protocol}" for ip in ips)
        at = kind if kind not in {"any", "loopback"} else published_at
        if kind == "loopback" and not (_loopback(host) and published_at == host):
            at, title = "", f"{title}: only from the engine's own machine"
        scheme = "https" if public in _HTTPS or private in _HTTPS else "http"
        href = f"{scheme}://{docker_words.address(at, public)}" if at and protocol == "tcp" else ""
        links.append(PortLink(f"{prefix}{public}→{private}{suffix}", href, title))
    return tuple(links)


def _json_list(text: str) -> list[Any]:
    found = json.loads(text)
    return found if isinstance(found, list) else []


def _port(item: Any) -> Port | None:
    try:
        return Port(**item)
    except TypeError:
        return None


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _any(ip: str) -> bool:
    return ip in {"", "0.0.0.0", "::"}  # noqa: S104 (compared, not bound)


def _address(container: Listed, state: ContainerState, addresses: Sequence[Address]) -> tuple[str, str]:
    if container.network_mode == "host":
        return ("host", "shares the network of the engine's host") if state in docker_words.RUNNING else ("", "")
    found = [(e.ipv4_address or e.ipv6_address, e.network_name) for e in addresses]
    found = [(ip, network) for ip, network in found if ip]
    if not found:
        return "", ""
    return found[0][0], ", ".join(f"{ip} on {network}" for ip, network in found)


def _tag(container: Listed, newer_image: bool) -> tuple[str, str]:
    if container.problem:
        return "unreadable", container.problem
    if newer_image:
        return "update", f"{container.image} is a newer image now: recreate the container to use it"
    return ("--rm", "removed by the engine when it exits") if container.auto_remove else ("", "")


def _quarantined() -> docker_words.Dense:
    return docker_words.Dense("Cannot be read", None, "ago", "", "warn", "warning", "unreadable")
