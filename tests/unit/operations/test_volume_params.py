"""What ``docker volume create`` is told: refusals at their field, what reaches the host, and secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from console.engine.command.volume import CreateVolume, parse, render
from console.operations.pairs import lines, over, wrong_pairs
from console.operations.params import InvalidParams
from console.operations.volume_params import CreateVolumeParams, check, shows_host

CIFS = (("type", "cifs"), ("o", "addr=nas,username=bob,password=s3,,cret,vers=3.0"), ("device", "//nas/media"))


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "x"}),
        ("name", {"name": "-xy"}),
        ("name", {"name": "a b"}),
        ("name", {"name": "a" * 256}),
        ("driver", {"driver": "a b"}),
        ("options", {"opt": (("color", "red"),)}),
        ("options", {"opt": (("type", "nfs"),)}),
        ("options", {"opt": (("o", "bind"), ("device", "/x"))}),
        ("options", {"opt": (("size", "1g"), ("size", "2g"))}),
        ("options", {"opt": (("a b", "c"),), "driver": "x"}),
        ("labels", {"label": (("a", "b\x07"),)}),
        ("labels", {"label": tuple((str(n), "") for n in range(65))}),
    ],
)
def test_refused_at_its_field(field: str, given: dict[str, Any]) -> None:
    assert set(check(CreateVolume(**({"name": "vm1"} | given)))) == {field}


def test_a_right_one_survives_the_row() -> None:
    for spec in (
        CreateVolume("vm1"),
        CreateVolume("nas", opt=CIFS, label=(("a", ""), ("b", "c"))),
        CreateVolume("x1", "d/x:1"),
    ):
        kept = json.loads(json.dumps(CreateVolumeParams(spec).to_json()))
        assert CreateVolumeParams.read(kept) == CreateVolumeParams(spec)
        assert parse(render(spec)).command == spec
    with pytest.raises(InvalidParams):
        CreateVolumeParams.read({"name": "vm1", "opt": [["device", "/"]]})


@pytest.mark.parametrize(
    ("opt", "driver", "right"),
    [
        ((), "local", ""),
        ((("size", "1g"),), "local", ""),
        ((("type", "none"), ("o", "bind"), ("device", "/")), "local", "host"),
        ((("type", "tmpfs"), ("o", "bind"), ("device", "/etc")), "local", "host"),
        ((("type", "tmpfs"), ("device", "tmpfs")), "local", "host"),
        ((("type", "ext4"), ("device", "/dev/sda1")), "local", "host"),
        (CIFS, "local", "host"),
        ((), "vieux/sshfs", "host"),
    ],
)
def test_what_reaches_the_host_needs_its_right(opt: Any, driver: str, right: str) -> None:
    assert CreateVolumeParams(CreateVolume("vm1", driver, opt)).needs() == right


@pytest.mark.parametrize(
    ("opt", "driver", "host"),
    [
        ((), "local", False),
        ((("type", "none"), ("o", "bind"), ("device", "/srv")), "local", True),
        ((("type", "none"), ("o", "rw,bind"), ("device", "etc")), "local", True),
        ((("type", "nfs"), ("o", "bind"), ("device", ":/etc")), "local", True),
        ((("type", "ext4"), ("device", "/dev/sda1")), "local", True),
        ((("type", "nfs"), ("o", "addr=nas"), ("device", ":/srv")), "local", False),
        ((("type", "tmpfs"), ("device", "tmpfs")), "local", False),
        (CIFS, "local", False),
        ((("device", "/"),), "vieux/sshfs", False),
    ],
)
def test_what_is_in_it_is_of_the_host(opt: Any, driver: str, host: bool) -> None:
    assert shows_host(driver, dict(opt)) is host


def test_secrets_are_in_no_row_and_no_command() -> None:
    params = CreateVolumeParams(CreateVolume("nas", opt=CIFS, label=(("api-token", "t0ken"), ("tier", "data"))))
    for text in (json.dumps(params.public().to_json()), params.command("docker volume create", "nas")):
        assert "s3" not in text
        assert "cret" not in text
        assert "t0ken" not in text
        assert "addr=nas,username=bob,password=***,vers=3.0" in text
        assert "tier" in text
    plain = CreateVolumeParams(CreateVolume("vm1", label=(("tier", "data"),)))
    assert plain.public() == plain


def test_lines_drop_nothing() -> None:
    assert lines("a=1\n\n b = 2 \na=3\nc") == (("a", "1"), ("b", "2"), ("a", "3"), ("c", ""))
    assert wrong_pairs(lines("a=1\na=2")) == "“a” stands there twice."
    assert over([("a", "1"), ("b", "2")], (("b", "3"), ("b", "4"))) == (("a", "1"), ("b", "3"), ("b", "4"))
