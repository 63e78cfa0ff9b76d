"""The words of docker: tables from real outputs of docker 20.10 to 27."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console import docker_words as words
from console.engine.types import ContainerState, Health, Port

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "printed"),
    [
        (-5, "Less than a second"),
        (0.4, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (46 * 60 - 1, "45 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (5399, "About an hour"),
        (5400, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (13 * 86400, "13 days"),
        (14 * 86400, "2 weeks"),
        (59 * 86400, "8 weeks"),
        (60 * 86400, "2 months"),
        (729 * 86400, "24 months"),
        (730 * 86400, "2 years"),
        (1200 * 86400, "3 years"),
    ],
)
def test_duration(seconds: float, printed: str) -> None:
    assert words.duration(timedelta(seconds=seconds)) == printed


@pytest.mark.parametrize(
    ("amount", "printed"),
    [
        *((0, "0B"), (999, "999B"), (1000, "1kB"), (1234, "1.23kB"), (5_600_000, "5.6MB"), (133_000_000, "133MB")),
        *((1_420_000_000, "1.42GB"), (12_345_678_901_234, "12.3TB")),
    ],
)
def test_size(amount: int, printed: str) -> None:
    assert words.size(amount) == printed


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("state", "health", "code", "started", "finished", "printed", "dense"),
    [
        ("created", "none", 0, None, None, "Created", "Created @"),
        ("running", "none", 0, 5, None, "Up 5 seconds", "Up @"),
        ("running", "healthy", 0, 7200, None, "Up 2 hours (healthy)", "Up @, healthy"),
        ("running", "starting", 0, 3, None, "Up 3 seconds (health: starting)", "Up @, starting"),
        ("running", "unhealthy", 0, 60, 90, "Up About a minute (unhealthy)", "Up @, unhealthy"),
        ("paused", "none", 0, 180, None, "Up 3 minutes (Paused)", "Up @, paused"),
        ("paused", "healthy", 0, 180, None, "Up 3 minutes (Paused)", "Up @, paused"),
        ("restarting", "none", 1, 15, 14, "Restarting (1) 14 seconds ago", "Restarting (1) @ ago"),
        ("exited", "none", 0, 60, 6, "Exited (0) 6 seconds ago", "Exited (0) @ ago"),
        ("exited", "none", 137, 9999, 7200, "Exited (137) 2 hours ago", "Exited (137) @ ago"),
        ("dead", "none", 0, 60, 6, "Dead", "Dead"),
        ("removing", "none", 0, 60, 6, "Removal In Progress", "Removal in progress"),
        ("unknown", "none", 0, None, None, "Unknown", "Unknown"),
    ],
)
def test_status(
    state: str, health: str, code: int, started: float | None, finished: float | None, printed: str, dense: str
) -> None:
    times = (ago(started) if started else None, ago(finished) if finished else None)
    facts = (ContainerState(state), Health(health), code)
    assert words.status(*facts, *times, NOW) == printed
    shown = words.dense(*facts, NOW, *times)
    age = ("@ ago" if shown.kind == "ago" and state != "created" else "@") if shown.moment else ""
    assert f"{shown.before}{age}{shown.after}" == dense


def both(number: int, host: int, protocol: str = "tcp") -> list[Port]:
    return [Port(number, protocol, "0.0.0.0", host), Port(number, protocol, "::", host)]


@pytest.mark.parametrize(
    ("ports", "printed"),
    [
        ([], ""),
        ([Port(80, "tcp")], "80/tcp"),
        ([Port(443, "tcp"), Port(80, "tcp")], "80/tcp, 443/tcp"),
        (both(80, 8080), "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"),
        (both(80, 80), "0.0.0.0:80->80/tcp, [::]:80->80/tcp"),
        ([Port(8000 + n, "tcp") for n in range(3)], "8000-8002/tcp"),
        (
            [port for n in range(3) for port in both(9000 + n, 9000 + n)],
            "0.0.0.0:9000-9002->9000-9002/tcp, [::]:9000-9002->9000-9002/tcp",
        ),
        ([Port(53, "udp", "127.0.0.1", 5353), Port(53, "tcp")], "53/tcp, 127.0.0.1:5353->53/udp"),
        ([Port(1, "tcp"), Port(3, "tcp"), Port(4, "tcp")], "1/tcp, 3-4/tcp"),
        ([Port(80, "tcp"), Port(12, "more")], "80/tcp, and 12 more"),
    ],
)
def test_ports(ports: list[Port], printed: str) -> None:
    assert words.ports(ports) == printed


@pytest.mark.parametrize(
    ("entrypoint", "command", "printed"),
    [
        ([], ["sleep", "300"], '"sleep 300"'),
        (["/docker-entrypoint.sh"], ["nginx", "-g", "daemon off;"], "\"/docker-entrypoint.sh nginx -g 'daemon off;'\""),
        ([], ["sh", "-c", 'echo "hi"\\n'], '"sh -c \'echo \\"hi\\"\\\\n\'"'),
        ([], ["sh", "-c", "a␊␉b"], '"sh -c a\\n\\tb"'),
        ([], ["␛[31m"], '"\\x1b[31m"'),
        ([], [], '""'),
    ],
)
def test_command(entrypoint: list[str], command: list[str], printed: str) -> None:
    assert words.command(entrypoint, command) == printed


def test_command_is_cut_as_docker_cuts_it() -> None:
    assert words.command(["/docker-entrypoint.sh"], ["nginx"], 20) == '"/docker-entrypoint.…"'


def test_references() -> None:
    digits = "5d2f0e9c71ab" + "0" * 52
    assert words.image_reference("nginx", "sha256:" + digits) == "nginx"
    assert words.image_reference("sha256:" + digits, "") == "5d2f0e9c71ab"
    assert words.image_reference("", "sha256:" + digits) == "5d2f0e9c71ab"
    assert words.normal_reference("nginx") == "nginx:latest"
    assert words.normal_reference("host:5000/shop/api") == "host:5000/shop/api:latest"
    assert words.normal_reference("nginx:1.27") == "nginx:1.27"
    assert words.normal_reference("nginx@sha256:aa") == "nginx@sha256:aa"
    assert words.short_id("sha256:" + digits) == "5d2f0e9c71ab"
    assert words.moment(datetime(2025, 1, 28, 1, 4, 26, tzinfo=UTC)) == "28 January 2025, 01:04:26 UTC"
