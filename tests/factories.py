"""Rows for tests that need no engine: one engine and what it may hold. Ids are made from names, so that they repeat."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from console.models import (
    AuditEntry,
    Container,
    Endpoint,
    Engine,
    Event,
    Image,
    ImageTag,
    Mount,
    Network,
    Operation,
    User,
    Volume,
)

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


def hexid(name: str) -> str:
    """64 hex digits that stand for ``name``."""
    return hashlib.sha256(name.encode()).hexdigest()


def user(name: str = "mika", role: str = User.Role.ADMIN, **columns: Any) -> User:
    """A person with ``PASSWORD``."""
    made = User(username=name, role=role, **columns)
    made.set_password(PASSWORD)
    made.save()
    return made


def engine(slug: str = "local", **columns: Any) -> Engine:
    """A live engine that was seen just now."""
    now = datetime.now(UTC)
    defaults: dict[str, Any] = {
        "name": slug,
        "url": f"unix:///nowhere/{slug}.sock",
        "engine_id": f"id-{slug}",
        "server_version": "20.10.24",
        "api_version": "1.41",
        "state": Engine.State.LIVE,
        "seen_at": now,
        "synced_at": now,
        "version": 1,
    }
    return Engine.objects.create(slug=slug, **(defaults | columns))


def container(on: Engine, name: str = "nginx", **columns: Any) -> Container:
    """A running nginx with one published port."""
    defaults: dict[str, Any] = {
        "container_id": hexid(f"{on.slug}/{name}"),
        "image": "nginx:latest",
        "image_id": f"sha256:{hexid('nginx')}",
        "created_at": NOW - timedelta(days=3),
        "state": "running",
        "started_at": NOW - timedelta(days=3),
        "restart_policy": "no",
        "entrypoint": ["/docker-entrypoint.sh"],
        "command": ["nginx", "-g", "daemon off;"],
        "env": [["PATH", "/usr/sbin:/usr/bin"], ["DB_PASSWORD", "canary-secret"]],
        "ports": [{"container_port": 80, "protocol": "tcp", "host_ip": "0.0.0.0", "host_port": 8080}],
        "network_mode": "default",
        "digest": hexid(name),
        "version": 1,
    }
    return Container.objects.create(engine=on, name=name, **(defaults | columns))


def mount(of: Container, **columns: Any) -> Mount:
    """A named volume on /data."""
    defaults: dict[str, Any] = {"type": "volume", "destination": "/data", "volume_name": "data", "driver": "local"}
    return Mount.objects.create(container=of, **(defaults | columns))


def endpoint(of: Container, net: Network, **columns: Any) -> Endpoint:
    """A place on ``net``."""
    defaults: dict[str, Any] = {
        "network_id": net.network_id,
        "network_name": net.name,
        "ipv4_address": "172.17.0.2",
        "ipv4_prefix": 16,
        "ipv4_gateway": "172.17.0.1",
        "mac_address": "02:42:ac:11:00:02",
    }
    return Endpoint.objects.create(container=of, **(defaults | columns))


def image(on: Engine, reference: str = "nginx:latest", **columns: Any) -> Image:
    """An image with one tag; an empty ``reference`` makes a dangling one."""
    defaults: dict[str, Any] = {
        "image_id": f"sha256:{hexid(reference.partition(':')[0] or 'dangling')}",
        "created_at": NOW - timedelta(days=9),
        "size": 142_000_000,
        "os": "linux",
        "architecture": "amd64",
        "digest": hexid(reference),
        "details": {"env": [["PATH", "/usr/sbin:/usr/bin"], ["DB_PASSWORD", "canary-secret"]]},
        "version": 1,
    }
    made = Image.objects.create(engine=on, **(defaults | columns))
    if reference:
        repository, _, tag = reference.rpartition(":")
        ImageTag.objects.create(image=made, reference=reference, repository=repository, tag=tag)
    return made


def network(on: Engine, name: str = "bridge", **columns: Any) -> Network:
    """A bridge network."""
    defaults: dict[str, Any] = {
        "network_id": hexid(f"{on.slug}/net/{name}"),
        "driver": "bridge",
        "scope": "local",
        "created_at": NOW - timedelta(days=30),
        "ipam_driver": "default",
        "ipam": [{"subnet": "172.17.0.0/16", "gateway": "172.17.0.1", "ip_range": "", "aux_addresses": {}}],
        "digest": hexid(name),
        "version": 1,
    }
    return Network.objects.create(engine=on, name=name, **(defaults | columns))


def volume(on: Engine, name: str = "data", **columns: Any) -> Volume:
    """A local volume."""
    defaults: dict[str, Any] = {
        "driver": "local",
        "mountpoint": f"/var/lib/docker/volumes/{name}/_data",
        "scope": "local",
        "created_at": NOW - timedelta(days=30),
        "digest": hexid(name),
        "version": 1,
    }
    return Volume.objects.create(engine=on, name=name, **(defaults | columns))


def event(on: Engine, action: str = "start", name: str = "nginx", **columns: Any) -> Event:
    """A container event of a minute ago."""
    at = columns.pop("time", datetime.now(UTC) - timedelta(minutes=1))
    defaults: dict[str, Any] = {
        "time": at,
        "time_ns": int(at.timestamp() * 1_000_000_000),
        "type": "container",
        "actor_id": hexid(f"{on.slug}/{name}"),
        "actor_name": name,
    }
    return Event.objects.create(engine=on, action=action, **(defaults | columns))


def operation(on: Engine, by: User, verb: str = "container.stop", name: str = "nginx", **columns: Any) -> Operation:
    """A queued operation."""
    defaults: dict[str, Any] = {
        "user_name": by.username,
        "kind": verb.partition(".")[0],
        "object_id": hexid(f"{on.slug}/{name}"),
        "object_name": name,
        "command": f"docker {verb.replace('.', ' ')} {name}",
    }
    return Operation.objects.create(engine=on, user=by, verb=verb, **(defaults | columns))


def audit(by: User, action: str = "container.env.reveal", **columns: Any) -> AuditEntry:
    """Something that a person looked at."""
    return AuditEntry.objects.create(user=by, user_name=by.username, action=action, **columns)


def stamp(text: str) -> int:
    """Nanoseconds since 1970 of a time as the engine prints it."""
    second, _, fraction = text.rstrip("Z").partition(".")
    whole = int(datetime.fromisoformat(second).replace(tzinfo=UTC).timestamp())
    return whole * 1_000_000_000 + int(fraction.ljust(9, "0") or 0)
