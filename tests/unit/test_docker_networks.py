"""What drivers, names and options mean."""

from __future__ import annotations

import pytest

from console import docker_networks as words


@pytest.mark.parametrize(
    ("name", "driver", "scope", "has"),
    [
        ("bridge", "bridge", "local", False),
        ("front", "bridge", "local", True),
        ("host", "host", "local", False),
        ("none", "null", "local", False),
        ("ingress", "overlay", "swarm", True),
        ("lan", "macvlan", "local", True),
    ],
)
def test_names(name: str, driver: str, scope: str, has: bool) -> None:
    assert words.has_names(name, driver, scope) == has
    assert words.names_words(name, driver, scope).startswith("Members reach") == has


def test_drivers() -> None:
    assert all(words.driver_words(driver) for driver in ("bridge", "host", "null", "overlay", "macvlan", "ipvlan"))
    assert "weave" in words.driver_words("weave")


def test_interfaces() -> None:
    assert words.interface("a" * 64, "bridge", {}) == f"br-{'a' * 12}"
    assert words.interface("a" * 64, "bridge", {words.BRIDGE_NAME: "docker0"}) == "docker0"
    assert words.interface("a" * 64, "macvlan", {}) == ""


def test_what_is_cut_off() -> None:
    assert words.reach(False, {words.ICC: "true"}) == []
    assert len(words.reach(True, {words.ICC: "false", words.MASQUERADE: "false"})) == 3
