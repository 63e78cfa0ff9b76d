"""The engine of the design's drawings as rows, and a container in one line: for tests and pictures of pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from console.docker_words import normal_reference
from console.models import Container, Endpoint, Engine, Mount
from tests import factories


def box(
    engine: Engine,
    name: str,
    *,
    state: str = "running",
    up: float = 1560,
    networks: Mapping[str, str] | None = None,
    volumes: Mapping[str, str] | None = None,
    ports: Sequence[tuple[int, int] | int] = (),
    **fields: Any,
) -> Container:
    """A container. ``up``: seconds since it started (or ended); ``networks``: name → address; ``volumes``: name → path;
    ``ports``: exposed ones, or (public, private) published on every address."""
    now = timezone.now()
    alive = state in {"running", "paused", "restarting"}
    published = [
        {"container_port": pair[1], "protocol": "tcp", "host_ip": ip, "host_port": pair[0]}
        for pair in ports
        if isinstance(pair, tuple)
        for ip in ("0.0.0.0", "::")
    ]
    exposed = [
        {"container_port": port, "protocol": "tcp", "host_ip": "", "host_port": None}
        for port in ports
        if isinstance(port, int)
    ]
    usual: dict[str, Any] = {
        "image": "nginx:1.27.3",
        "image_id": f"sha256:{factories.hexid(normal_reference(fields.get('image', 'nginx:1.27.3')))}",
        "entrypoint": [],
        "created_at": now - timedelta(seconds=up + 60),
        "started_at": None if state == "created" else now - timedelta(seconds=up if alive else up + 30),
        "finished_at": None if state in {"created", "running", "paused"} else now - timedelta(seconds=up),
        "restart_policy": "no",
        "command": ["nginx", "-g", "daemon off;"],
        "env": [["PATH", "/usr/bin:/bin"]],
        "network_mode": next(iter(networks)) if networks else "bridge",
        "ports": exposed + published,
        "details": {},
    }
    row = factories.container(engine, name, state=state, **usual | fields)
    for network, address in (networks or {}).items():
        Endpoint.objects.create(
            container=row,
            network_name=network,
            network_id=factories.hexid(f"{engine.slug}/net/{network}"),
            ipv4_address=address,
            ipv4_prefix=16,
            ipv4_gateway=f"{address.rpartition('.')[0]}.1" if address else "",
            mac_address="02:42:ac:11:00:02",
        )
    for volume, path in (volumes or {}).items():
        Mount.objects.create(container=row, type="volume", destination=path, volume_name=volume, driver="local")
    return row


def rocky(slug: str = "rocky") -> Engine:
    """The engine of the design's drawings: 30 containers in four compose projects and without one."""
    engine = factories.engine(slug, server_version="27.5.1", api_version="1.47")
    minute, hour, day = 60, 3600, 86400
    shop, monitoring, gitea, docs = ("shop", "monitoring", "gitea", "docs")
    api = "registry.rocky.lan:5000/shop/api:2.8.1"
    rows: list[tuple[str, str, str, float, dict[str, Any]]] = [
        (shop, "shop-web-1", "nginx:1.27.3", 3 * day, {"ports": [(443, 443), (80, 80)], "a": "172.19.0.2"}),
        (shop, "shop-api-1", api, 3 * day, {"health": "healthy", "a": "172.19.0.3"}),
        (shop, "shop-api-2", api, 3 * day, {"health": "healthy", "a": "172.19.0.4"}),
        (shop, "shop-worker-1", "registry.rocky.lan:5000/shop/worker:2.8.1", 14,
         {"state": "restarting", "exit_code": 1}),
        (shop, "shop-postgres-1", "postgres:16.6", 12 * day,
         {"health": "healthy", "a": "172.20.0.3", "volumes": {"shop_pg": "/var/lib/postgresql/data"}}),
        (shop, "shop-redis-1", "redis:7.4-alpine", 12 * day, {"a": "172.20.0.4"}),
        (shop, "shop-mailpit-1", "axllent/mailpit:v1.21", 12 * day, {"ports": [(8025, 8025)], "a": "172.19.0.6"}),
        (shop, "shop-migrate-1", api, 3 * day, {"state": "exited"}),
        (monitoring, "prometheus", "prom/prometheus:v3.1.0", 12 * day, {"ports": [(9090, 9090)], "a": "172.21.0.2"}),
        (monitoring, "grafana", "grafana/grafana:11.4.0", 12 * day, {"ports": [(3001, 3000)], "a": "172.21.0.3"}),
        (monitoring, "loki", "grafana/loki:3.3.2", 12 * day, {"a": "172.21.0.4"}),
        (monitoring, "alertmanager", "prom/alertmanager:v0.28.0", 12 * day, {"a": "172.21.0.5"}),
        (monitoring, "blackbox", "prom/blackbox-exporter:v0.25.0", 6 * hour,
         {"health": "unhealthy", "a": "172.21.0.6"}),
        (monitoring, "node-exporter", "prom/node-exporter:v1.8.2", 12 * day, {"network_mode": "host"}),
        (gitea, "gitea", "gitea/gitea:1.22.6", 5 * day, {"ports": [(3000, 3000), (2222, 22)], "a": "172.22.0.2"}),
        (gitea, "gitea-db", "postgres:16.6", 5 * day, {"health": "healthy", "a": "172.22.0.3"}),
        (gitea, "gitea-runner-1", "gitea/act_runner:0.2.11", 5 * day, {"a": "172.22.0.4"}),
        (gitea, "gitea-runner-2", "gitea/act_runner:0.2.11", 2 * hour, {"state": "exited", "exit_code": 137}),
        (docs, "docs-web", "nginx:1.27.3", 9 * hour, {"ports": [(8081, 80)], "a": "172.23.0.2"}),
        (docs, "docs-search", "getmeili/meilisearch:v1.12", 9 * hour,
         {"state": "paused", "ports": [(7700, 7700)], "a": "172.23.0.3"}),
        ("", "nginx", "nginx", 26 * minute, {"ports": [(8080, 80)], "a": "172.17.0.2"}),
        *[("", f"alpine-linux{n}", "alpine", 4 * minute, {"a": f"172.18.0.{n + 2}", "command": ["sleep", "300"]})
          for n in range(1, 6)],
        ("", "registry", "registry:2", 12 * day, {"ports": [(5000, 5000)], "a": "172.17.0.9"}),
        ("", "runner-rm", "alpine", 40, {"auto_remove": True, "a": "172.17.0.10", "command": ["sleep", "60"]}),
        ("", "backup-nightly", "alpine", 9 * hour, {"state": "exited", "command": ["sh", "-c", "tar cf /b.tar /d"]}),
        ("", "nginx-old", "nginx", 40 * minute, {"state": "created"}),
    ]  # fmt: skip
    for project, name, image, up, extra in rows:
        fields = dict(extra)
        address = fields.pop("a", "")
        labels = {"com.docker.compose.project": project} if project else {}
        if project:
            labels |= {
                "com.docker.compose.project.config_files": f"/srv/{project}/compose.yaml",
                "com.docker.compose.service": name,
            }
        networks = {f"{project}_front" if project else "bridge": address} if address else None
        box(engine, name, up=up, image=image, project=project, labels=labels, networks=networks, **fields)
    for reference in {row[2] for row in rows}:
        full = normal_reference(reference)
        factories.image(engine, full, image_id=f"sha256:{factories.hexid(full)}")
    return engine


def detailed(engine: Engine, name: str = "shop-api-1") -> Container:
    """Give one container of ``rocky`` everything that an overview can show."""
    row = Container.objects.get(engine=engine, name=name)
    row.entrypoint, row.command = ["/app/entrypoint.sh"], ["gunicorn", "shop.wsgi", "--bind", "0.0.0.0:8000"]
    row.env = [
        ["APP_ENV", "production"],
        ["DATABASE_URL", "postgres://shop:kX2-r9vA@shop-postgres-1:5432/shop"],
        ["REDIS_URL", "redis://shop-redis-1:6379/0"],
        ["SECRET_KEY", "canary-secret-key"],
        ["SMTP_PASSWORD", "kX2-r9vA-mailpit"],
        ["TZ", "Asia/Tokyo"],
    ]
    row.labels |= {"tier": "api", "com.example.token": "canary-label-token"}
    row.restart_policy = "unless-stopped"
    row.tty = row.open_stdin = False
    row.details = {
        "pid": 4471,
        "working_dir": "/app",
        "user": "app",
        "hostname": "eccbc87e4b5c",
        "stop_signal": "SIGQUIT",
        "stop_timeout": 20,
        "memory_limit": 536_870_912,
        "pids_limit": 200,
        "nano_cpus": 1_500_000_000,
        "log_driver": "json-file",
        "cap_add": ["NET_BIND_SERVICE"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "healthcheck": ["CMD-SHELL", "curl -f localhost:8000/health"],
        "read_only": True,
    }
    row.save()
    back = factories.network(engine, "shop_back")
    factories.endpoint(row, back, ipv4_address="172.20.0.5", aliases=["api", name])
    factories.mount(row, type="bind", source="/srv/shop/uploads", destination="/app/uploads", volume_name="")
    factories.mount(row, type="volume", volume_name="shop_media", destination="/app/media", read_only=True)
    factories.mount(row, type="tmpfs", destination="/tmp", volume_name="")
    return row
