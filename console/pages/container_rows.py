"""One container as a row of a list: everything computed, so that the template only prints."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from django.urls import reverse

from console import docker_words, masks
from console.engine.types import ContainerState, Health, Port
from console.models import Container, Endpoint, Engine
from console.pages.container_actions import Actions

# The columns of a row. Environment, labels and details of a container can be large: a list never reads them.
COLUMNS: Final = (
    "engine_id",
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
    "entrypoint",
    "command",
    "ports",
    "network_mode",
    "auto_remove",
    "project",
    "service",
    "problem",
    "version",
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


@dataclass(frozen=True, slots=True)
class Row:
    """What ``containers/_row.html`` prints. ``busy``: the verb that is under way ("Stopping"), or ""."""

    container: Container
    id12: str
    url: str
    status: docker_words.Dense
    status_title: str
    image: str
    command: str
    ports: tuple[PortLink, ...]
    ports_left: int
    ports_title: str
    address: str
    address_title: str
    busy: str
    tag: str
    tag_title: str
    gone: bool
    acts: Actions


def clean_host(host: str) -> str:
    """A host name or address that a browser sent, or "" if it is none."""
    return host if re.fullmatch(r"[A-Za-z0-9._:-]{1,255}", host) else ""


def container_url(engine: Engine, container: Container, page: str = "container") -> str:
    """The address of a container's page: by name, so that a recreated one keeps it, or by id where no name fits."""
    fits = _NAME_IN_URL.fullmatch(container.name) and not re.fullmatch(r"[0-9a-f]{12,64}", container.name)
    reference = container.name if fits else container.container_id or "-"
    before, after = _address_of_page(engine.slug, page)
    return f"{before}{reference}{after}"


@lru_cache(maxsize=256)
def _address_of_page(slug: str, page: str) -> tuple[str, str]:
    """What stands before the reference and after it. As ``reverse``, fast enough for a list."""
    before, _, after = reverse(page, args=[slug, "0" * 64]).partition("0" * 64)
    return before, after


def make_row(
    engine: Engine,
    container: Container,
    endpoints: Sequence[Endpoint],
    host: str,
    now: datetime,
    *,
    acts: Actions,
    newer_image: bool = False,
    secrets: bool = False,
) -> Row:
    """A row. ``host``: where the reader's browser reaches the console; ``secrets``: whether they may see commands."""
    state, health = state_of(container)
    ports = ports_of(container)
    links = port_links(ports, link_host(engine, host), host)
    address, address_title = _address(container, state, endpoints)
    status = docker_words.dense(
        state, health, container.exit_code, container.created_at, container.started_at, container.finished_at
    )
    printed = docker_words.status(state, health, container.exit_code, container.started_at, container.finished_at, now)
    tag, tag_title = _tag(container, newer_image)
    return Row(
        container=container,
        id12=container.short_id,
        url=container_url(engine, container),
        status=status if not container.problem else _quarantined(),
        status_title=printed,
        image=docker_words.image_reference(container.image, container.image_id),
        command=docker_words.command(container.entrypoint, masks.masked_words(container.command), 40)
        if secrets
        else "",
        ports=links[:MOST_PORTS] if len(links) > MOST_PORTS + 1 else links,
        ports_left=len(links) - MOST_PORTS if len(links) > MOST_PORTS + 1 else 0,
        ports_title=docker_words.ports(ports),
        address=address,
        address_title=address_title,
        busy=acts.busy,
        tag=tag,
        tag_title=tag_title,
        gone=state not in docker_words.RUNNING,
        acts=acts,
    )


def state_of(container: Container) -> tuple[ContainerState, Health]:
    """State and health as enums; a value of a later version reads as unknown, none."""
    try:
        state = ContainerState(container.state)
    except ValueError:
        state = ContainerState.UNKNOWN
    try:
        return state, Health(container.health)
    except ValueError:
        return state, Health.NONE


def ports_of(container: Container) -> list[Port]:
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


def _address(container: Container, state: ContainerState, endpoints: Sequence[Endpoint]) -> tuple[str, str]:
    """The address on the first network, and all of them for the title."""
    if container.network_mode == "host":
        return ("host", "shares the network of the engine's host") if state in docker_words.RUNNING else ("", "")
    found = [(e.ipv4_address or e.ipv6_address, e.network_name) for e in endpoints]
    found = [(ip, network) for ip, network in found if ip]
    if not found:
        return "", ""
    return found[0][0], ", ".join(f"{ip} on {network}" for ip, network in found)


def _tag(container: Container, newer_image: bool) -> tuple[str, str]:
    if container.problem:
        return "unreadable", container.problem
    if newer_image:
        return "update", f"{container.image} is a newer image now: recreate the container to use it"
    return ("--rm", "removed by the engine when it exits") if container.auto_remove else ("", "")


def _quarantined() -> docker_words.Dense:
    return docker_words.Dense("Cannot be read", None, "ago", "", "warn", "warning", "unreadable")
